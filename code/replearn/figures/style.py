"""One look for every figure: colours that colour-blind readers tell apart, legible on any page.

A page shows a figure at most :data:`PAGE` inches wide, a phone at most :data:`PHONE`. Within these
widths text of :data:`SMALL` points and more can be read; a figure that is wider than a phone is
drawn twice, the second time by the same function on narrow paper.
"""

from __future__ import annotations

import base64
import functools
import io
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from replearn.engine import validation

# Okabe & Ito (2008): eight colours that stay distinct under the common colour blindnesses.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#6B6B6B"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)  # as many curves can be told apart
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 4)))
MARKERS = ("o", "s", "^", "D", "v", "P")  # groups differ by marker too, never by colour alone

PAGE, PHONE = 8.0, 4.0  # inches: 733 and 324 pixels in a browser
SMALL = 9  # points, the least size of text: 11 pixels on a page, 10 on a phone

DRAWS_TWICE = False
"""Whether a cell's figure comes with its drawing for a phone; on a page of the book it does."""

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

_narrow: ContextVar[bool] = ContextVar("narrow", default=False)

Given = ParamSpec("Given")


class _Drawing(Figure):
    """A figure that knows how to be drawn on narrow paper."""

    again: Callable[[], Figure] | None = None  # what drew it, and from what

    def _repr_html_(self) -> str | None:
        """On the book's pages, which no kernel serves, the drawing for a phone, if there is one."""
        thin = narrow(self) if DRAWS_TWICE else None
        if thin is None:
            return None
        return f'<img class="narrow" src="{data_uri(svg(thin, tight=True))}">'


@validation.arguments
def narrow(figure: Figure) -> Figure | None:
    """The same figure on narrow paper; None if it fits a phone as it is, or cannot be redrawn."""
    again = getattr(figure, "again", None)
    if again is None or figure.get_figwidth() <= PHONE:
        return None
    with narrow_paper():
        return again()


@validation.arguments
def drawing(function: Callable[Given, Figure]) -> Callable[Given, Figure]:
    """Let what ``function`` draws be drawn again on narrow paper."""

    @functools.wraps(function)
    def draw(*args: Given.args, **kwargs: Given.kwargs) -> Figure:
        figure = function(*args, **kwargs)
        if isinstance(figure, _Drawing):
            figure.again = functools.partial(function, *args, **kwargs)
        return figure

    return draw


@contextmanager
def narrow_paper() -> Iterator[None]:
    """Within it, figures are drawn for a phone."""
    token = _narrow.set(True)
    try:
        yield
    finally:
        _narrow.reset(token)


def is_narrow() -> bool:
    """Whether figures are being drawn for a phone."""
    return _narrow.get()


def room() -> float:
    """How wide a figure may be, in inches."""
    return PHONE if is_narrow() else PAGE


@validation.arguments
def subplots(rows: int = 1, cols: int = 1, *, beside: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    """``plt.subplots`` in the book's style, constrained layout; returns (figure, axes).

    The figure is detached from pyplot, so that a notebook shows it once: as the cell's value. On
    narrow paper at most ``beside`` panels stand beside each other, the rest below.
    """
    for name, number in (("rows", rows), ("cols", cols), ("beside", beside)):
        validation.at_least(name, number, 1)
    width, height = kwargs.pop("figsize", (6.4, 4.8))
    down, across, n = rows, cols, rows * cols
    if is_narrow() and width > PHONE:
        across = min(cols, beside)
        down = math.ceil(n / across)
        # A panel that gets narrower gets less high, but not as flat as a ribbon.
        share = min(1, max(0.8, PHONE / width * cols / across))
        width, height = PHONE, height / rows * down * share
        if across != cols:
            kwargs = {k: v for k, v in kwargs.items() if k not in ("gridspec_kw", "width_ratios")}
    squeeze = kwargs.pop("squeeze", True)
    with plt.rc_context(_RC):
        fig, panels = plt.subplots(
            down,
            across,
            layout="constrained",
            FigureClass=_Drawing,
            figsize=(width, height),
            squeeze=False,
            **kwargs,
        )
    plt.close(fig)
    for spare in panels.flat[n:]:
        spare.remove()
    axes: Any = np.array(panels.flat[:n], dtype=object).reshape(rows, cols)
    if squeeze:
        axes = axes.item() if n == 1 else axes.squeeze()
    assert isinstance(fig, _Drawing)
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
    """Name the curves of the first panel, which the others share, above them all.

    They stand in one row, on narrow paper in as many as their names need.
    """
    handles, names = fig.axes[0].get_legend_handles_labels()
    letters = (
        0.08 * max(map(len, names), default=0) + 0.6
    )  # inches that the longest name takes, with its line
    columns = max(1, min(len(names), int(fig.get_figwidth() / letters)))
    fig.legend(
        handles,
        names,
        loc="outside upper center",
        ncols=columns if is_narrow() else max(1, len(names)),
        frameon=False,
    )


DPI = 160  # of what is made of pixels: sharp on fine screens


@validation.arguments
def svg(figure: Figure, tight: bool = False) -> str:
    """The figure as SVG; ``tight`` cuts off empty margins."""
    buffer = io.StringIO()
    box: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.02} if tight else {}
    # The same figure is the same text at every build.
    with plt.rc_context({"svg.hashsalt": "replearn"}):
        figure.savefig(buffer, format="svg", dpi=DPI, metadata={"Date": None}, **box)
    return buffer.getvalue()


@validation.arguments
def data_uri(picture: str) -> str:
    """An SVG as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(picture.encode()).decode()}"
