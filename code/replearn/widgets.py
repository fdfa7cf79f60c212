"""Pictures that move without a kernel: a slider linked, in the page itself, to stored frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import ipywidgets
from matplotlib.figure import Figure
from PIL import Image

_DPI = 160  # sharp in print and on fine screens


class Frames(ipywidgets.VBox):
    """A slider above the frame that it picks; in print, the first, middle and last frame."""

    def __init__(self, figures: Sequence[Figure], values: Sequence[object], label: str) -> None:
        """Draw every figure once; see :func:`frames`."""
        pictures = [_png(figure) for figure in figures]
        shown = [
            ipywidgets.Image(
                value=picture,
                layout={"width": f"{100 * figure.get_figwidth():.0f}px", "max_width": "100%"},
            )
            for figure, picture in zip(figures, pictures, strict=True)
        ]
        slider = ipywidgets.SelectionSlider(
            options=[(str(value), k) for k, value in enumerate(values)],
            description=label,
            style={"description_width": "initial"},
            layout={"width": "100%", "max_width": "30em"},
        )
        stack = ipywidgets.Stack(shown, selected_index=0)
        # The browser follows this link by itself: it works in a page that no kernel serves.
        link = ipywidgets.jslink((slider, "index"), (stack, "selected_index"))
        super().__init__([slider, stack])
        self.slider, self.stack, self.link = slider, stack, link
        picked = sorted({0, len(figures) // 2, len(figures) - 1})
        self._still = _side_by_side([pictures[k] for k in picked])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget for a page, and a still picture for what shows no widgets."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "image/png": base64.b64encode(self._still).decode()}


def frames(figures: Sequence[Figure], values: Sequence[object], label: str) -> Frames:
    """A slider that shows ``figures[k]`` when it stands at ``values[k]``.

    Args:
        figures: one for each position of the slider, equally large.
        values: what the slider reads at each position, shown as ``str(value)``.
        label: what the slider changes.

    Raises:
        ValueError: for fewer than two figures, or not one value for each.
    """
    if len(figures) < 2 or len(figures) != len(values):
        raise ValueError(
            f"figures are {len(figures)} and values {len(values)}; "
            "allowed are at least two figures, and one value for each"
        )
    return Frames(figures, values, label)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without a version in it, the same frame is the same file at every build.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()


def _side_by_side(pictures: Sequence[bytes]) -> bytes:
    parts = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    height = max(part.height for part in parts)
    row = Image.new("RGB", (sum(part.width for part in parts), height), "white")
    left = 0
    for part in parts:
        row.paste(part, (left, 0))
        left += part.width
    buffer = io.BytesIO()
    row.save(buffer, format="png")
    return buffer.getvalue()
