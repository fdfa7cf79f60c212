"""The plot of ratios says what was measured."""

import pytest

from replearn import figures

RATIOS = {"views of A: kornia": (3.0, 4.0, 8.0), "loss: lightly": (0.5, 0.9, 1.5)}


def test_each_case_has_its_dot_at_the_median_and_its_line_from_least_to_most():
    (ax,) = figures.time_ratios(RATIOS).axes
    one, *drawn = ax.lines
    assert list(one.get_xdata()) == [1, 1]
    for (least, median, most), line, dot in zip(
        RATIOS.values(), drawn[::2], drawn[1::2], strict=True
    ):
        assert list(line.get_xdata()) == [least, most]
        assert list(dot.get_xdata()) == [median]
        assert list(line.get_ydata()) == list(dot.get_ydata()) * 2
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(RATIOS)
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("wrong", [(0.0, 1.0, 2.0), (2.0, 1.0, 3.0), (1.0, 3.0, 2.0)])
def test_ratios_must_be_positive_and_in_order(wrong):
    with pytest.raises(ValueError, match=r"ratios\['a'\] must be positive and in order"):
        figures.time_ratios({"a": wrong})
