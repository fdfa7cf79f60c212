"""Ratios of times: how many times as long others take for the same work."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from replearn.engine import validation
from replearn.figures import style


@validation.arguments
def time_ratios(ratios: Mapping[str, tuple[float, float, float]]) -> Figure:
    """Show a line for each case, its dot at the median, on a logarithmic axis.

    Args:
        ratios: by case, the (least, median, most) of what another took, divided by what we took.

    Raises:
        ValueError: if there is no case, or if the three of a case are not positive and in order.
    """
    validation.at_least("len(ratios)", len(ratios), 1)
    for case, (least, median, most) in ratios.items():
        if not 0 < least <= median <= most:
            raise ValueError(
                f"ratios[{case!r}] must be positive and in order, got {(least, median, most)}"
            )
    fig, ax = style.subplots(figsize=(7.2, 0.26 * len(ratios) + 0.8))
    ax.axvline(1, color=style.GREY, lw=1, ls=":")
    for y, (least, median, most) in enumerate(ratios.values()):
        ax.plot([least, most], [y, y], color=style.SKY, lw=4, solid_capstyle="round")
        ax.plot(median, y, "o", color=style.BLUE, ms=5)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks(range(len(ratios)), list(ratios))
    ax.invert_yaxis()
    ax.set_xlabel("times as long as ours")
    return fig
