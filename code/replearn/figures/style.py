"""One look for every figure: colours that colour-blind readers tell apart, legible on any page."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from replearn.engine import validation

# Okabe & Ito (2008): eight colours that stay distinct under the common colour blindnesses.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6B6B6B"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)  # as many curves can be told apart
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 4)))
MARKERS = ("o", "s", "^", "D", "v", "P")  # groups differ by marker too, never by colour alone

_RC: Any = {
    # An opaque white ground: figures read the same on a light page, a dark page and paper.
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "figure.dpi": 100,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
}


@validation.arguments
def subplots(rows: int = 1, cols: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    """``plt.subplots`` in the book's style, constrained layout; returns (figure, axes).

    The figure is detached from pyplot, so that a notebook shows it once: as the cell's value.
    """
    validation.at_least("rows", rows, 1)
    validation.at_least("cols", cols, 1)
    with plt.rc_context(_RC):
        fig, axes = plt.subplots(rows, cols, layout="constrained", **kwargs)
    plt.close(fig)
    return fig, axes


@validation.arguments
def placeholder(sentence: str) -> Figure:
    """Return an empty frame that says what will stand in its place."""
    fig, ax = subplots(figsize=(7.2, 1.6))
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, linestyle="--", color=GREY)
    ax.text(0.5, 0.5, sentence, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return fig


@validation.arguments
def legend_above(fig: Figure) -> None:
    """Name the curves of the first panel, which the others share, in one row above them all."""
    handles, names = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False)
