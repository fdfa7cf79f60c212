"""Pictures that move: stored frames, which a page picks by itself, and controls with a kernel."""

from __future__ import annotations

import base64
import inspect
import io
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure
from pypdf import PdfReader, PdfWriter

from replearn.engine import validation

_DPI = 160  # sharp in print and on fine screens

HAS_KERNEL = True
"""Whether a kernel will be there when a control is moved; for a page of the book it will not."""

Values = Sequence[str] | Sequence[float]


class Frames(ipywidgets.VBox):
    """Controls above the frame that they pick; print shows the first, middle and last frame."""

    @validation.arguments
    def __init__(self, draw: Callable[..., Figure], **choices: Values) -> None:
        """Draw every frame once; see :func:`frames`."""
        validation.at_least("len(choices)", len(choices), 1)
        for name, values in choices.items():
            validation.at_least(f"len({name})", len(values), 2)
        self.controls = tuple(_choice(name, values) for name, values in choices.items())
        ends = [(values[0], values[len(values) // 2], values[-1]) for values in choices.values()]
        printed = set(zip(*ends, strict=True))
        shown: list[ipywidgets.DOMWidget] = []
        stills = []
        for combination in itertools.product(*choices.values()):
            chosen = dict(zip(choices, combination, strict=True))
            figure = draw(**chosen)
            shown.append(_image(figure))
            if combination in printed:
                reading = ", ".join(f"{_label(name)}: {value}" for name, value in chosen.items())
                stills.append(_in_print(figure, reading))
        # A stack shows one of its children. The innermost stacks hold the frames for the values of
        # the last choice; stacks of these serve the choice before, and so on.
        self.links = []
        for control in reversed(self.controls):
            n = len(control.options)
            shown = [
                ipywidgets.Stack(shown[k : k + n], selected_index=0)
                for k in range(0, len(shown), n)
            ]
            # The browser itself follows these links, so they work on a page without a kernel.
            self.links += [
                ipywidgets.jslink((control, "index"), (stack, "selected_index")) for stack in shown
            ]
        (self.stack,) = shown
        super().__init__([*self.controls, self.stack])
        self._still = _sheet(stills)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Return the widget for a page, and a still drawing for print."""
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "application/pdf": base64.b64encode(self._still).decode()}


@validation.arguments
def frames(draw: Callable[..., Figure], **choices: Values) -> Frames:
    """Show what ``draw`` draws for each value of a choice, or each combination of several.

    All frames are drawn now, so that a page needs no kernel to show them.

    Args:
        draw: takes a value of each choice by name; all its figures are equally large.
        choices: two or more values each. Words are buttons, numbers the stops of a slider; its
            label is the name of the choice, with spaces for underscores.

    Raises:
        ValueError: without a choice, or for one of fewer than two values.
    """
    return Frames(draw, **choices)


@validation.arguments
def live(
    draw: Callable[..., Figure | Sequence[Figure]], button: str | None = None, **controls: Values
) -> ipywidgets.interactive | None:
    """Show what ``draw`` draws, and draw anew whenever a control is moved; this needs a kernel.

    Controls start at the defaults of the parameters of ``draw``. Without a kernel
    (:data:`HAS_KERNEL`), ``draw`` is called once, so that an error in it stops the build of a page,
    and nothing is shown.

    Args:
        draw: takes a value of each control by name, and returns a figure or several.
        button: the name of a button to press before ``draw`` is called, if ``draw`` takes long.
        controls: words to choose from, or the least and greatest number of a slider and its step;
            labels are as those of :func:`frames`.

    Raises:
        ValueError: for controls that are not the parameters of ``draw``, each with a default among
            the control's values, or for numbers that make no slider.
    """
    starts = {name: p.default for name, p in inspect.signature(draw).parameters.items()}
    if controls.keys() != starts.keys() or inspect.Parameter.empty in starts.values():
        raise ValueError(
            "controls must be the parameters of draw, all of which have a default, "
            f"got {', '.join(controls) or 'none'} for draw{inspect.signature(draw)}"
        )
    for name, values in controls.items():
        if _are_words(values):
            validation.one_of(name, starts[name], values)
        elif len(values) == 3:
            validation.between(name, starts[name], *values[:2])
        else:
            raise ValueError(
                f"{name} must be words, or the least and greatest number and the step, got {values}"
            )
    if not HAS_KERNEL:
        draw()
        return None

    def show(**chosen: Any) -> None:
        drawn = draw(**chosen)
        display(*([drawn] if isinstance(drawn, Figure) else drawn))

    how = {"manual": button is not None, "manual_name": button}
    made = {name: _control(name, values, starts[name]) for name, values in controls.items()}
    return ipywidgets.interactive(show, how, **made)


def _are_words(values: Values) -> TypeGuard[Sequence[str]]:
    return len(values) > 0 and all(isinstance(value, str) for value in values)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _look(name: str) -> dict[str, Any]:
    """Return what all controls share: room for the label, and a width that fits a phone."""
    return {
        "description": _label(name),
        "style": {"description_width": "initial"},
        "layout": {"width": "100%", "max_width": "30em"},
    }


def _buttons(name: str, words: Sequence[str], start: str) -> ipywidgets.ToggleButtons:
    return ipywidgets.ToggleButtons(options=list(words), value=start, **_look(name))


def _choice(name: str, values: Values) -> ipywidgets.ToggleButtons | ipywidgets.SelectionSlider:
    if _are_words(values):
        return _buttons(name, values, values[0])
    stops = [(str(value), k) for k, value in enumerate(values)]
    return ipywidgets.SelectionSlider(options=stops, **_look(name))


def _control(name: str, values: Values, start: Any) -> ipywidgets.ValueWidget:
    if _are_words(values):
        return _buttons(name, values, start)
    low, high, step = values
    whole = all(isinstance(value, int) for value in values)
    slider = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    # Draw once the slider rests: a figure takes longer than a move to the next value.
    return slider(value=start, min=low, max=high, step=step, continuous_update=False, **_look(name))


def _image(figure: Figure) -> ipywidgets.Image:
    return ipywidgets.Image(
        # Lossless, and half as large as PNG.
        value=_drawn(figure, "webp", pil_kwargs={"lossless": True}),
        format="webp",
        layout={
            "width": f"{100 * figure.get_figwidth():.0f}px",
            "max_width": "100%",
            "margin": "0",  # a margin would be cut off a narrow page, on the right
        },
    )


def _drawn(figure: Figure, form: str, **how: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=_DPI, **how)
    return buffer.getvalue()


def _in_print(figure: Figure, reading: str) -> bytes:
    """Return the figure as a PDF, under the ``reading`` of the controls, which print lacks."""
    title = figure.get_suptitle()
    figure.suptitle("\n".join(filter(None, (title, reading))), fontsize=10)
    drawing = _drawn(figure, "pdf")
    figure.suptitle(title)
    return drawing


def _sheet(drawings: Sequence[bytes]) -> bytes:
    """Return one page with the drawings, PDFs of one size; wide ones stand below each other.

    It leaves out their dates and versions, so every build writes the same file.
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
