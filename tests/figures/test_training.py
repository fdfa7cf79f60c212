"""The loss curve shows every step, its running mean, and the guides."""

import pytest
import torch

from replearn import figures
from replearn.figures.training import running_mean
from replearn.networks import Encoder
from replearn.training import Run


def run_of(**history):
    return Run(Encoder(1), None, history, "tiny", 1.0, {})


def test_running_mean_against_a_loop():
    losses = torch.rand(17, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([losses[k : k + 5].mean() for k in range(13)])
    torch.testing.assert_close(running_mean(losses, 5), expected)


def test_loss_curve_draws_losses_and_guides_and_says_where_it_ends():
    run = run_of(loss=torch.linspace(5, 1, 100))
    (ax,) = figures.loss_curve({"B": run}, {"constant encoder": 5.545}).axes
    steps, smooth, guide = ax.lines
    assert list(steps.get_ydata()) == pytest.approx(run.losses.tolist())
    assert len(smooth.get_xdata()) == 99
    assert smooth.get_xdata()[0] == pytest.approx(1.5), "a mean of two steps stands between them"
    assert guide.get_ydata()[0] == 5.545
    assert [text.get_text() for text in ax.texts] == [f"constant encoder: {5.545:.2f}"]
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["B (at the end 1.02)"]
    assert ax.get_yscale() == "linear"
    assert figures.loss_curve({"B": run}, log=True).axes[0].get_yscale() == "log"


def test_alignment_and_uniformity_have_a_panel_each_and_a_curve_a_run():
    ends = {"loss": (5, 1), "alignment": (2, 1), "uniformity": (0, -3)}
    runs = {
        name: run_of(**{what: torch.linspace(*of, steps) for what, of in ends.items()})
        for name, steps in {"A": 30, "B": 100}.items()
    }
    alignment, uniformity = figures.alignment_and_uniformity(runs).axes
    assert [ax.get_title() for ax in (alignment, uniformity)] == ["alignment", "uniformity"]
    assert [line.get_label() for line in alignment.lines] == ["A", "B"]
    assert alignment.lines[0].get_ydata()[0] == pytest.approx(2)
    smooth = running_mean(runs["B"].history["uniformity"], 2).tolist()
    assert list(uniformity.lines[1].get_ydata()) == pytest.approx(smooth)
    assert all(line.get_xdata()[-1] == 100 for line in alignment.lines)


@pytest.mark.parametrize("draw", [figures.loss_curve, figures.alignment_and_uniformity])
@pytest.mark.parametrize("n", [0, 7])
def test_no_more_runs_than_can_be_told_apart(draw, n):
    measures = {name: torch.ones(3) for name in ("loss", "alignment", "uniformity")}
    with pytest.raises(ValueError, match=rf"len\(runs\) must lie in \[1, 6\], got {n}"):
        draw({str(k): run_of(**measures) for k in range(n)})
