"""Pictures that move: stored frames, which a page picks by itself, and controls with a kernel."""

from __future__ import annotations

import base64
import html
import inspect
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure
from pypdf import PdfReader, PdfWriter

from replearn.engine import validation
from replearn.figures import style

HAS_KERNEL = True
"""Whether a kernel will be there when a control is moved; for a page of the book it will not."""

Values = Sequence[str] | Sequence[float]
Labels = Mapping[str, str]

_BESIDE = Path(__file__).parent  # the script that moves frames, and their looks
_PHONE = "(max-width: 600px)"  # pages on which narrow drawings are shown


@dataclass(frozen=True)
class _Choice:
    """What one control chooses from, and where it starts."""

    label: str
    values: tuple[str, ...]
    start: int
    words: bool


class Frames:
    """Controls above the frame that they pick; in print, the first, middle and last of each.

    Attributes:
        choices: one for each control.
        frames: for each combination of their values, those of the last choice changing fastest,
            the drawing ``wide`` (SVG in a data address), the one for a phone (``narrow``, or None),
            and what the drawing ``says``: the figure's label.
    """

    @validation.arguments
    def __init__(
        self, draw: Callable[..., Figure], labels: Labels | None = None, **choices: Values
    ) -> None:
        """Draw every frame once; see :func:`frames`."""
        validation.at_least("len(choices)", len(choices), 1)
        for name, values in choices.items():
            validation.at_least(f"len({name})", len(values), 2)
        _known("labels", labels, choices)
        self.choices = tuple(
            _Choice(
                _label(name, labels),
                tuple(map(str, values)),
                _start(draw, name, values),
                _are_words(values),
            )
            for name, values in choices.items()
        )
        ends = [(values[0], values[len(values) // 2], values[-1]) for values in choices.values()]
        printed = set(zip(*ends, strict=True))
        self.frames: list[dict[str, str | None]] = []
        self._size = 0.0, 0.0  # of a frame, in inches
        self._printed: list[tuple[int, str]] = []  # the frames that print shows, and their readings
        stills = []
        for combination in itertools.product(*choices.values()):
            figure = draw(**dict(zip(choices, combination, strict=True)))
            self.frames.append(_frame(figure))
            if combination in printed:
                reading = self._reading(combination)
                self._printed.append((len(self.frames) - 1, reading))
                stills.append(_in_print(figure, reading))
            self._size = figure.get_figwidth(), figure.get_figheight()
        self._still = _sheet(stills)

    def _reading(self, combination: Sequence[Any]) -> str:
        return ", ".join(
            f"{choice.label}: {value}"
            for choice, value in zip(self.choices, combination, strict=True)
        )

    @property
    def start(self) -> int:
        """The frame that is shown at first."""
        place = 0
        for choice in self.choices:
            place = place * len(choice.values) + choice.start
        return place

    def _repr_html_(self) -> str:
        data = {"choices": [vars(choice) for choice in self.choices], "frames": self.frames}
        now = self.frames[self.start]
        stills = "".join(
            f"<figure>{self._picture(k)}<figcaption>{html.escape(reading)}</figcaption></figure>"
            for k, reading in self._printed
        )
        return (
            f'<div class="frames"><style>{(_BESIDE / "frames.css").read_text("utf-8")}</style>'
            f'<script type="application/json">{json.dumps(data, ensure_ascii=False)}</script>'
            '<div class="frames-controls"></div>'
            f'<p class="frames-says" role="status">{html.escape(now["says"] or "")}</p>'
            f'<div class="frames-now">{self._picture(self.start)}</div>'
            f'<div class="frames-stills">{stills}</div>'
            f"<script>{(_BESIDE / 'frames.js').read_text('utf-8')}</script></div>"
        )

    def _picture(self, k: int) -> str:
        frame = self.frames[k]
        width, height = (round(96 * inches) for inches in self._size)
        thin = f'<source media="{_PHONE}" srcset="{frame["narrow"]}">' if frame["narrow"] else ""
        image = (
            f'<img src="{frame["wide"]}" alt="" width="{width}" height="{height}" loading="lazy">'
        )
        return f"<picture>{thin}{image}</picture>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """For a page the controls and all frames, for print a still drawing."""
        still = base64.b64encode(self._still).decode()
        return {"text/html": self._repr_html_(), "application/pdf": still}


def _frame(figure: Figure) -> dict[str, str | None]:
    thin = style.narrow(figure)
    return {
        "wide": style.data_uri(style.svg(figure)),
        "narrow": None if thin is None else style.data_uri(style.svg(thin)),
        "says": str(figure.get_label()),
    }


@validation.arguments
def frames(draw: Callable[..., Figure], labels: Labels | None = None, **choices: Values) -> Frames:
    """Show what ``draw`` draws for each value of a choice, or each combination of several.

    All frames are drawn now, so that a page needs no kernel to show them. A choice starts at the
    default of the parameter of ``draw``, if that is one of its values, else at the first.

    Args:
        draw: takes a value of each choice by name; all its figures are equally large. A figure's
            label, if it has one, is a sentence that says what it shows; it stands above the frame.
        labels: for some of the choices, the words beside its control; by default the name of the
            choice, with spaces for underscores.
        choices: two or more values each. Words are buttons, numbers the stops of a slider.

    Raises:
        ValueError: without a choice, for one of fewer than two values, or a label of none.
    """
    return Frames(draw, labels, **choices)


@validation.arguments
def live(
    draw: Callable[..., Figure | Sequence[Figure]],
    button: str | None = None,
    labels: Labels | None = None,
    **controls: Values,
) -> ipywidgets.interactive | None:
    """Show what ``draw`` draws, and draw anew whenever a control is moved; this needs a kernel.

    Controls start at the defaults of the parameters of ``draw``. Without a kernel
    (:data:`HAS_KERNEL`), ``draw`` is called once, so that an error in it stops the build of a page,
    and nothing is shown.

    Args:
        draw: takes a value of each control by name, and returns a figure or several.
        button: its name, where ``draw`` takes long and is to wait until a button is pressed.
        labels: the words beside the controls, as those of :func:`frames`.
        controls: words to choose from, or the least and greatest number of a slider and its step.

    Raises:
        ValueError: for controls that are not the parameters of ``draw``, each with a default among
            the control's values, for numbers that make no slider, or a label of no control.
    """
    _known("labels", labels, controls)
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
    made = {
        name: _control(_label(name, labels), values, starts[name])
        for name, values in controls.items()
    }
    return ipywidgets.interactive(show, how, **made)


def _are_words(values: Values) -> TypeGuard[Sequence[str]]:
    return len(values) > 0 and all(isinstance(value, str) for value in values)


def _known(name: str, labels: Labels | None, controls: Mapping[str, Values]) -> None:
    if strange := sorted(set(labels or {}) - set(controls)):
        raise ValueError(f"{name} must be of {', '.join(controls)}, got {', '.join(strange)}")


def _label(name: str, labels: Labels | None) -> str:
    return (labels or {}).get(name, name.replace("_", " "))


def _start(draw: Callable[..., Figure], name: str, values: Values) -> int:
    parameter = inspect.signature(draw).parameters.get(name)
    default = parameter.default if parameter else None
    return list(values).index(default) if default in list(values) else 0


def _look(label: str) -> dict[str, Any]:
    """What all controls have in common: a label as long as it needs, a width that fits a phone."""
    return {
        "description": label,
        "style": {"description_width": "initial"},
        "layout": {"width": "100%", "max_width": "30em"},
    }


def _control(label: str, values: Values, start: Any) -> ipywidgets.ValueWidget:
    if _are_words(values):
        return ipywidgets.ToggleButtons(options=list(values), value=start, **_look(label))
    low, high, step = values
    whole = all(isinstance(value, int) for value in values)
    slider = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
    # Not while the slider moves: a figure takes longer than the way to the next value.
    return slider(
        value=start, min=low, max=high, step=step, continuous_update=False, **_look(label)
    )


def _in_print(figure: Figure, reading: str) -> bytes:
    """Return the figure as a PDF, under the ``reading`` of the controls, which print lacks."""
    title = figure.get_suptitle()
    figure.suptitle("\n".join(filter(None, (title, reading))), fontsize=10)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", dpi=style.DPI)
    figure.suptitle(title)
    return buffer.getvalue()


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
