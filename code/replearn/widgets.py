"""Pictures that move without a kernel: a slider linked, in the page itself, to stored frames."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import ipywidgets
from matplotlib.figure import Figure
from pypdf import PdfReader, PdfWriter

from replearn import checks

_DPI = 160  # sharp in print and on fine screens


class Frames(ipywidgets.VBox):
    """A slider above the frame that it picks; in print, the first, middle and last frame."""

    @checks.arguments
    def __init__(self, figures: Sequence[Figure], values: Sequence[object], label: str) -> None:
        """Draw every figure once; see :func:`frames`."""
        if len(figures) < 2 or len(figures) != len(values):
            raise ValueError(
                "figures must be two or more and values one for each, "
                f"got {len(figures)} and {len(values)}"
            )
        # Half as large as PNG, pixel for pixel the same.
        pictures = [_drawn(figure, "webp", pil_kwargs={"lossless": True}) for figure in figures]
        shown = [
            ipywidgets.Image(
                value=picture,
                format="webp",
                layout={
                    "width": f"{100 * figure.get_figwidth():.0f}px",
                    "max_width": "100%",
                    "margin": "0",  # or a narrow page would cut off as much on the right
                },
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
        self._still = _sheet([_in_print(figures[k], f"{label}: {values[k]}") for k in picked])

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The widget for a page, and a still drawing for print."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "application/pdf": base64.b64encode(self._still).decode()}


@checks.arguments
def frames(figures: Sequence[Figure], values: Sequence[object], label: str) -> Frames:
    """A slider that shows ``figures[k]`` when it stands at ``values[k]``.

    Args:
        figures: one for each position of the slider, equally large.
        values: what the slider reads at each position, shown as ``str(value)``.
        label: what the slider changes.

    Raises:
        ValueError: for fewer than two figures, or not one value for each.
    """
    return Frames(figures, values, label)


def _drawn(figure: Figure, form: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=_DPI, **how)
    return buffer.getvalue()


def _in_print(figure: Figure, reading: str) -> bytes:
    """The figure as a PDF under the ``reading`` of the slider that paper does not have."""
    title = figure.get_suptitle()
    figure.suptitle("\n".join(filter(None, (title, reading))), fontsize=10)
    drawing = _drawn(figure, "pdf")
    figure.suptitle(title)
    return drawing


def _sheet(drawings: Sequence[bytes]) -> bytes:
    """One page that shows the drawings, PDFs of one size: below each other if they are wide.

    Their dates and versions stay behind: the same drawings are the same file at every build.
    """
    pages = [PdfReader(io.BytesIO(drawing)).pages[0] for drawing in drawings]
    width, height = pages[0].mediabox.width, pages[0].mediabox.height
    n, wide = len(pages), width > 1.5 * height
    writer = PdfWriter()
    sheet = writer.add_blank_page(*((width, n * height) if wide else (n * width, height)))
    for k, page in enumerate(pages):
        sheet.merge_translated_page(page, *((0, (n - 1 - k) * height) if wide else (k * width, 0)))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
