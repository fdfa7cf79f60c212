"""The pages' live widgets, moved after the whole page has run, as they are after Run All."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from matplotlib.figure import Figure

from book_chapters import Chapter
from books import PAGES
from replearn.course import claims
from replearn.figures import widgets

ROOT = Path(__file__).resolve().parents[2]
CELLS = {page: [cell.body for cell in Chapter.read(ROOT / f"{page}.md").cells] for page in PAGES}
LIVE = [page for page in PAGES if any("widgets.live(" in cell for cell in CELLS[page])]


class Bench:
    """Takes the place of ``widgets.live``: keeps widgets, first pictures, and errors."""

    def __init__(self) -> None:
        self.shown: list[ipywidgets.interactive] = []
        self.first: list[list[bytes]] = []
        self.drawn: list[bytes] = []
        self.wrong: list[str] = []

    def live(self, draw: Callable[..., Any], button: str | None = None, **controls: Any) -> None:
        @functools.wraps(draw)
        def kept(**chosen: Any) -> Any:
            try:
                figures = draw(**chosen)
            except Exception as error:  # ipywidgets would log it and go on
                self.wrong.append(f"{draw.__name__}({chosen}): {type(error).__name__}: {error}")
                return []
            self.drawn = list(pixels(figures))
            return figures

        self.drawn = []
        shown = live(kept, button, **controls)
        assert shown is not None
        self.shown.append(shown)
        self.first.append(self.drawn)

    def move(self) -> None:
        """Each control to both ends and a middle; back at its start, the picture is the first."""
        for shown, first in zip(self.shown, self.first, strict=True):
            button = next((c for c in shown.children if isinstance(c, ipywidgets.Button)), None)
            for control in filter(stops, shown.children):
                for value in (*stops(control), control.value):
                    control.value = value
                    if button is not None:
                        button.click()
                if button is None and self.drawn != first and not self.wrong:
                    self.wrong.append(f"{control.description}: it draws something else by now")


def pixels(figures: Figure | list[Figure]) -> Iterator[bytes]:
    """What is seen of each figure."""
    for figure in [figures] if isinstance(figures, Figure) else figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="raw", dpi=30)
        yield buffer.getvalue()


live = widgets.live


def stops(control: ipywidgets.Widget) -> list[Any]:
    """Both ends and a middle of a slider or of a row of buttons; nothing of what is neither."""
    if isinstance(control, ipywidgets.ToggleButtons):
        words = control.options
        return [words[0], words[len(words) // 2], words[-1]]
    if isinstance(control, (ipywidgets.IntSlider, ipywidgets.FloatSlider)):
        middle = control.min + control.step * round((control.max - control.min) / control.step / 2)
        return [control.min, middle, control.max]
    return []


def run(cells: list[str], bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell of a page, in one namespace."""
    monkeypatch.setattr(widgets, "live", bench.live)
    monkeypatch.setattr(widgets, "frames", lambda *_, **__: None)  # takes long, and is not live
    monkeypatch.setattr(claims, "claim", lambda *_, **__: None)  # the networks have learnt nothing
    names: dict[str, object] = {}
    for cell in cells:
        exec(cell, names)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("page", LIVE)
def test_live_widgets_work_after_their_page_has_run(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir((ROOT / page).parent)
    bench = Bench()
    run(CELLS[page], bench, monkeypatch)
    assert bench.shown
    bench.move()
    assert bench.wrong == []


@pytest.mark.parametrize(
    ("later", "said"),
    [
        ("kept = 1", None),
        ("def points(k):\n    return k", "draw({'k': 0}): TypeError"),
        ("points = {0: 3, 1: 7, 2: 5}", "k: it draws something else by now"),
    ],
)
def test_a_name_that_a_later_cell_takes_is_found(
    later: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [
        "from replearn.figures import style, widgets\n"
        "points = {0: 3, 1: 4, 2: 5}\ndef draw(k=1):\n    fig, ax = style.subplots()\n"
        "    ax.set_title(f'{points[k]}')\n    return fig",
        "widgets.live(draw, k=(0, 2, 1))",
    ]
    bench = Bench()
    run([*cells, later], bench, monkeypatch)
    bench.move()
    assert (bench.wrong != []) is (said is not None)
    assert said is None or bench.wrong[0].startswith(said)
