"""Pictures of what came of experiments: every seed is there, and where it belongs."""

import pytest

from replearn import figures

TRACE = [
    {"step": 0, "color": 0.0, "location": 0.1, "shape": 0.0, "size": 0.0, "rotation": 0.0},
    {"step": 50, "color": 0.8, "location": 0.2, "shape": 0.1, "size": 0.5, "rotation": 0.0},
]
OTHER = [TRACE[0], {**TRACE[1], "color": 0.4}]


def test_every_seed_is_a_dot_and_their_mean_a_line():
    panels = {"probe": {"B": [0.2, 0.4], "C": [1.0]}, "neighbours": {"B": [0.0, 0.1], "C": [0.5]}}
    fig = figures.seed_dots(panels, {"chance": 0.0})
    probe, near = fig.axes
    assert [label.get_text() for label in probe.get_yticklabels()] == ["B", "C"]
    dots, mean, other, _ = probe.lines[:4]
    assert dots.get_xydata().tolist() == [[0.2, 0], [0.4, 0]]
    assert list(mean.get_xdata()) == pytest.approx([0.3, 0.3])
    assert other.get_xydata().tolist() == [[1, 1]]
    assert [text.get_text() for text in near.texts] == ["chance"]
    assert near.get_title() == "neighbours"


def test_a_curve_is_the_mean_over_seeds_and_its_band_spans_them():
    fig = figures.traces({"A": [TRACE], "B": [TRACE, OTHER]}, ("color", "shape"))
    a, b = fig.axes
    assert a.get_title() == "A"
    curve = b.lines[0]
    assert curve.get_label() == "colour"
    assert list(curve.get_xdata()) == [0, 50]
    assert list(curve.get_ydata()) == pytest.approx([0, 0.6])
    spanned = b.collections[0].get_paths()[0].vertices
    assert sorted(set(spanned[spanned[:, 0] == 50][:, 1].round(6))) == [0.4, 0.8]
    assert len({line.get_linestyle() for line in b.lines[:2]}) == 2, "not by colour alone"


def test_pictures_of_nothing_are_refused():
    with pytest.raises(ValueError, match="panels must name"):
        figures.seed_dots({"probe": {"B": [0.1]}, "neighbours": {"C": [0.1]}})
    with pytest.raises(ValueError, match="must be at least 1"):
        figures.seed_dots({"probe": {"B": []}})
    with pytest.raises(ValueError, match="at the same steps"):
        figures.traces({"B": [TRACE, TRACE[:1]]})
    with pytest.raises(ValueError, match="factors must be one of"):
        figures.traces({"B": [TRACE]}, ("colour",))
