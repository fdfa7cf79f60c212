import math

import pytest
import torch

from replearn import losses
from replearn.figures import losses as pictures


def test_floor_curves_draw_log_n_and_one_floor_for_each_temperature_and_size():
    fig = pictures.floor_curves(taus=(1.0, 0.1), ns=(2, 16, 64))
    left, right = fig.axes
    guessing, warm, cold = left.lines
    sizes = guessing.get_xdata()
    assert (sizes[0], sizes[-1]) == (2, 1024)
    assert guessing.get_ydata()[-1] == pytest.approx(math.log(1024))
    assert warm.get_ydata()[-1] == pytest.approx(losses.contrastive_floor(1024, 1.0))
    assert cold.get_ydata()[-1] == pytest.approx(losses.contrastive_floor(1024, 0.1))
    assert len(right.lines) == 3
    assert all(0 <= y <= 1 for line in right.lines for y in line.get_ydata())


def test_optima_stand_on_their_floor():
    fig = pictures.optima_against_floor({(2, 2): 0.5, (8, 3): 1.25})
    guesses, floors, reached = (c.get_offsets()[:, 1].tolist() for c in fig.axes[0].collections)
    assert guesses == pytest.approx([math.log(2), math.log(8)])
    assert floors == pytest.approx([losses.contrastive_floor(2), losses.contrastive_floor(8)])
    assert reached == [0.5, 1.25]
    with pytest.raises(ValueError, match="optima must hold one"):
        pictures.optima_against_floor({})


def test_the_ruler_orders_its_marks():
    fig = pictures.loss_ruler({"guessing": 5.5, "floor": 1e-4, "ours": 2.0}, measured="ours")
    labels = [text.get_text() for text in fig.axes[0].get_yticklabels()]
    assert labels == ["floor", "ours", "guessing"]
    assert [text.get_text() for text in fig.axes[0].texts] == ["0.0001", "2.00", "5.50"]
    with pytest.raises(ValueError, match=r"measured must be one of .* got 'theirs'"):
        pictures.loss_ruler({"ours": 1.0}, measured="theirs")


def test_loss_against_scale_draws_each_curve_and_its_floor():
    scales = torch.tensor([0.5, 1.0, 2.0])
    fig = pictures.loss_against_scale(
        scales, {"a": torch.tensor([3.0, 2.0, 1.0]), "b": torch.ones(3)}, floors={"a": 4}
    )
    a, floor, b = fig.axes[0].lines
    assert a.get_ydata().tolist() == [3, 2, 1]
    assert b.get_ydata().tolist() == [1, 1, 1]
    assert floor.get_ydata()[2] == pytest.approx(losses.contrastive_floor(4, 1 / 4))
    with pytest.raises(ValueError, match="for each of 3 scales, got 2"):
        pictures.loss_against_scale(torch.ones(3), {"a": torch.ones(2)}, {})


def test_confidence_shows_the_softmax_at_its_scale_and_where_the_loss_stands():
    dots = torch.tensor([[1.0, 0.2], [-0.5, 0.9]])
    fig = pictures.confidence(dots, scale=2.0)
    matrix, curve = fig.axes[:2]
    shown = torch.from_numpy(matrix.images[0].get_array().data)
    assert torch.allclose(shown, (4 * dots).softmax(dim=1))
    (x,), (y,) = curve.lines[-1].get_data()
    assert (x, y) == (2.0, pytest.approx(-shown.diagonal().log().mean().item(), rel=1e-5))


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("second", [75.0, -30.0])  # all answers right; one wrong
def test_confidence_keeps_its_mark_inside_the_axes(second, scale):
    u, v = torch.tensor([[0.0, 90.0], [0.0, second]]).deg2rad()
    curve = pictures.confidence((u[:, None] - v).cos(), scale).axes[1]
    (x,), (y,) = curve.lines[-1].get_data()
    (left, right), (bottom, top) = curve.get_xlim(), curve.get_ylim()
    assert left < x < right
    assert bottom < y < top


def test_confidence_wants_cosines_and_a_scale_in_range():
    with pytest.raises(ValueError, match=r"dots must lie in \[-1\.001, 1\.001\], got .* 1\.1"):
        pictures.confidence(1.1 * torch.ones(2, 2), 1.0)
    for scale in (0.0, 11.0):
        with pytest.raises(ValueError, match="scale must lie"):
            pictures.confidence(torch.ones(2, 2), scale)


def test_approach_to_limit_draws_values_and_limit():
    fig = pictures.approach_to_limit([1, 3, 7], [2.0, 1.0, 0.5], limit=0.4)
    limit, curve = fig.axes[0].lines
    assert set(limit.get_ydata()) == {0.4}
    assert list(curve.get_ydata()) == [2.0, 1.0, 0.5]
    with pytest.raises(ValueError, match="for each of 1 negatives, got 2"):
        pictures.approach_to_limit([1], [1.0, 2.0], limit=0.0)


def test_loss_curves_keep_every_curve_visible():
    same = torch.tensor([2.0, 1.0])
    fig = pictures.loss_curves({"first": same, "second": same}, guess=2.08)
    _, first, second = fig.axes[0].lines
    assert first.get_linewidth() > second.get_linewidth()
    assert first.get_linestyle() != second.get_linestyle()


@pytest.mark.parametrize("n", [0, 7])
def test_no_more_curves_than_can_be_told_apart(n):
    curves = {str(k): torch.tensor([2.0, 1.0]) for k in range(n)}
    message = rf"must lie in \[1, 6\], got {n}"
    with pytest.raises(ValueError, match=message):
        pictures.loss_curves(curves, guess=2.08)
    with pytest.raises(ValueError, match=message):
        pictures.loss_against_scale(torch.tensor([1.0, 2.0]), curves, {})
    with pytest.raises(ValueError, match=message):
        pictures.floor_curves([0.1 * (k + 1) for k in range(n)], [2])
    with pytest.raises(ValueError, match=message):
        pictures.floor_curves([0.1], range(2, 2 + n))
