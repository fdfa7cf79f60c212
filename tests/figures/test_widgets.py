import base64
import io
import json
import re

import ipywidgets
import pytest
from pypdf import PdfReader, Transformation

from replearn.figures import style, widgets


def figure(title, size=(2, 1)):
    fig, ax = style.subplots(figsize=size)
    ax.plot([0, 1])
    ax.set_title(title)
    return fig


def numbered(k):
    return figure(f"frame {k}")


def lettered(letter, k):
    return figure(f"frame {letter}{k}")


def still(shown):
    """The one page that print gets."""
    drawing = base64.b64decode(shown._repr_mimebundle_()["application/pdf"])
    (page,) = PdfReader(io.BytesIO(drawing)).pages
    return page


def drawn(frame):
    """The drawing that a frame has for a page."""
    return base64.b64decode(frame["wide"].split(",")[1]).decode()


# ---- Frames


def test_numbers_are_the_stops_of_a_slider():
    (choice,) = widgets.frames(numbered, k=[1, 2, 4, 8]).choices
    assert (choice.label, choice.values, choice.words) == ("k", ("1", "2", "4", "8"), False)


def test_words_are_buttons_under_the_name_of_the_choice():
    (choice,) = widgets.frames(lambda of_which: figure(of_which), of_which=("this", "that")).choices
    assert (choice.label, choice.values, choice.words) == ("of which", ("this", "that"), True)


def test_a_choice_has_the_label_that_it_is_given():
    shown = widgets.frames(lettered, labels={"k": "width, %"}, letter="ab", k=(1, 2))
    assert [choice.label for choice in shown.choices] == ["letter", "width, %"]
    with pytest.raises(ValueError, match="labels must be of k, got j"):
        widgets.frames(numbered, labels={"j": "width"}, k=(1, 2))


def test_there_is_a_frame_for_each_combination_the_last_choice_changing_first():
    def draw(letter, k):
        shown = lettered(letter, k)
        shown.set_label(f"{letter}{k}")
        return shown

    shown = widgets.frames(draw, letter=("a", "b"), k=range(3))
    assert [frame["says"] for frame in shown.frames] == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert drawn(shown.frames[4]) == style.svg(draw("b", 1))


def test_choices_start_at_the_defaults_of_what_draws():
    def draw(letter="b", k=9):
        return lettered(letter, k)

    shown = widgets.frames(draw, letter=("a", "b"), k=range(3))
    assert [choice.start for choice in shown.choices] == [1, 0]
    assert shown.start == 3


def test_page_gets_controls_frames_and_the_first_picture():
    def draw(k=2):
        shown = numbered(k)
        shown.set_label(f"<{k}>")
        return shown

    html = widgets.frames(draw, k=range(3))._repr_mimebundle_()["text/html"]
    data = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])
    assert data["choices"] == [
        {"label": "k", "values": ["0", "1", "2"], "start": 2, "words": False}
    ]
    assert f'<div class="frames-now"><picture><img src="{data["frames"][2]["wide"]}"' in html
    assert "&lt;2&gt;</p>" in html
    assert html.count("<figcaption>") == 3


def test_wide_frames_have_a_second_drawing_for_a_phone():
    @style.drawing
    def draw(k):
        fig, _ = style.subplots(1, 2, figsize=(6, 2))
        return fig

    wide = widgets.frames(lambda k: draw(k), k=(1, 2))
    assert all(frame["narrow"] for frame in wide.frames)
    assert "<source media" in wide._repr_html_()
    slim = widgets.frames(numbered, k=(1, 2))
    assert [frame["narrow"] for frame in slim.frames] == [None, None]


def titles(page):
    """The frames that a page shows, by where their titles are: {frame: (x, y)}."""
    found = {}

    def visit(text, outer, inner, *_):
        if text.strip().startswith("frame"):
            found[int(text.split()[1])] = Transformation(outer).apply_on((inner[4], inner[5]))

    page.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize(("size", "across", "down"), [((3, 2), 3, 1), ((2, 1), 1, 3)])
def test_print_gets_the_first_middle_and_last_frame_as_one_drawing(size, across, down):
    shown = widgets.frames(lambda k: figure(f"frame {k}", size), k=range(5))
    assert "text/html" in shown._repr_mimebundle_()
    page = still(shown)
    width, height = 72 * size[0], 72 * size[1]
    assert (page.mediabox.width, page.mediabox.height) == (across * width, down * height)
    assert not page.images  # drawn, not made of pixels
    places = titles(page)
    assert set(places) == {0, 2, 4}
    for k, frame in enumerate((0, 2, 4)):
        x, y = places[frame]
        assert x // width == (k if across > 1 else 0)
        assert y // height == (0 if across > 1 else 2 - k)


def test_print_gets_the_first_middle_and_last_of_two_choices():
    text = still(widgets.frames(lettered, letter="abc", k=range(5))).extract_text()
    drawn = [line for line in text.splitlines() if line.startswith("frame")]
    assert sorted(drawn) == ["frame a0", "frame b2", "frame c4"]
    assert "letter: b, k: 2" in text


def test_print_says_what_the_slider_would_read():
    drawn = {width: figure("frame") for width in (10, 20, 30)}
    drawn[20].suptitle("its title")
    text = still(widgets.frames(lambda width: drawn[width], width=(10, 20, 30))).extract_text()
    for reading in ("width: 10", "its title\nwidth: 20", "width: 30"):
        assert reading in text
    assert [fig.get_suptitle() for fig in drawn.values()] == ["", "its title", ""]


def test_the_same_figures_give_the_same_still():
    first, second = (widgets.frames(numbered, k=(1, 2))._repr_mimebundle_() for _ in range(2))
    assert first["application/pdf"] == second["application/pdf"]
    assert b"Date" not in base64.b64decode(first["application/pdf"])


def test_frames_want_a_choice_of_two_or_more():
    with pytest.raises(ValueError, match=r"len\(choices\) must be at least 1, got 0"):
        widgets.frames(numbered)
    with pytest.raises(ValueError, match=r"len\(k\) must be at least 2, got 1"):
        widgets.frames(lettered, letter="ab", k=[1])


@pytest.fixture
def displayed(monkeypatch):
    """What controls display: a list."""
    found = []
    monkeypatch.setattr(widgets, "display", lambda *shown: found.extend(shown))
    return found


def test_a_control_draws_anew_when_it_is_moved(displayed):
    def draw(letter="b", k=1, share=0.5):
        return figure(f"{letter}{k} {share:g}")

    shown = widgets.live(draw, letter=("a", "b"), k=(0, 9, 1), share=(0.0, 2.0, 0.25))
    buttons, whole, real = shown.children[:3]
    assert isinstance(buttons, ipywidgets.ToggleButtons)
    assert isinstance(whole, ipywidgets.IntSlider)
    assert isinstance(real, ipywidgets.FloatSlider)
    assert (real.min, real.max, real.step) == (0, 2, 0.25)
    buttons.value = "a"
    whole.value = 7
    real.value = 1.25
    titles = [fig.axes[0].get_title() for fig in displayed]
    assert titles == ["b1 0.5", "a1 0.5", "a7 0.5", "a7 1.25"]


def test_several_figures_are_displayed_in_order(displayed):
    pair = [figure("one"), figure("two")]
    widgets.live(lambda k=1: pair, k=(0, 2, 1))
    assert displayed == pair


def test_what_takes_long_waits_for_its_button(displayed):
    shown = widgets.live(lambda k=1: numbered(k), button="Train", k=(0, 2, 1))
    slider, button, _ = shown.children
    slider.value = 2
    assert displayed == []
    assert button.description == "Train"
    button.click()
    assert [fig.axes[0].get_title() for fig in displayed] == ["frame 2"]


@pytest.mark.parametrize("button", [None, "Train"])
def test_a_page_draws_once_and_gets_no_widget(monkeypatch, displayed, button):
    monkeypatch.setattr(widgets, "HAS_KERNEL", False)
    monkeypatch.setattr(ipywidgets, "IntSlider", None)  # its state would be in the page
    drawn = []

    def draw(k=1):
        drawn.append(k)
        return numbered(k)

    assert widgets.live(draw, button, k=(0, 2, 1)) is None
    assert (drawn, displayed) == ([1], [])


def test_what_cannot_draw_stops_the_build(monkeypatch):
    def draw(k=0):
        return 1 / k

    monkeypatch.setattr(widgets, "HAS_KERNEL", False)
    with pytest.raises(ZeroDivisionError):
        widgets.live(draw, k=(0, 2, 1))


@pytest.mark.parametrize(
    ("draw", "controls", "message"),
    [
        (lambda k=1: k, {}, r"controls must be .* got none for draw\(k=1\)"),
        (lambda k=1: k, {"j": (0, 2, 1)}, "controls must be .* got j for"),
        (lambda k: k, {"k": (0, 2, 1)}, "controls must be .* a default"),
        (lambda k=3: k, {"k": (0, 2, 1)}, r"k must lie in \[0, 2\], got 3"),
        (lambda k="c": k, {"k": "ab"}, "k must be one of 'a', 'b', got 'c'"),
        (lambda k=1: k, {"k": (0, 2)}, r"k must be words, or .* the step, got \(0, 2\)"),
    ],
)
def test_controls_are_parameters_with_a_start_within_reach(draw, controls, message):
    with pytest.raises(ValueError, match=message):
        widgets.live(draw, **controls)
