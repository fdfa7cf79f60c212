import base64
import io

import ipywidgets
import pytest
from PIL import Image
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


def ends(link):
    """What a link of the browser's joins."""
    assert isinstance(link, ipywidgets.widgets.widget_link.Link)
    return link.source, link.target


def test_slider_picks_the_frame_in_the_browser_alone():
    shown = widgets.frames(numbered, k=[1, 2, 4, 8])
    (slider,) = shown.controls
    assert isinstance(slider, ipywidgets.SelectionSlider)
    assert [value for value, _ in slider.options] == ["1", "2", "4", "8"]
    assert len(shown.stack.children) == 4
    assert [ends(link) for link in shown.links] == [
        ((slider, "index"), (shown.stack, "selected_index"))
    ]
    assert shown.children == (slider, shown.stack)


def test_words_are_buttons_under_the_name_of_the_choice():
    shown = widgets.frames(lambda of_which: figure(of_which), of_which=("this", "that"))
    (buttons,) = shown.controls
    assert isinstance(buttons, ipywidgets.ToggleButtons)
    assert buttons.options == ("this", "that")
    assert buttons.description == "of which"


def test_two_choices_pick_from_a_stack_of_stacks():
    shown = widgets.frames(lettered, letter=("a", "b"), k=range(3))
    buttons, slider = shown.controls
    assert [len(inner.children) for inner in shown.stack.children] == [3, 3]
    assert {ends(link) for link in shown.links} == {
        ((buttons, "index"), (shown.stack, "selected_index")),
        *(((slider, "index"), (inner, "selected_index")) for inner in shown.stack.children),
    }


def test_the_first_frame_shows_at_first():
    shown = widgets.frames(lettered, letter=("a", "b"), k=range(3))
    stacks = (shown.stack, *shown.stack.children)
    assert {part.selected_index for part in stacks} == {0}
    assert {control.index for control in shown.controls} == {0}


def test_each_place_holds_the_frame_of_its_values():
    shown = widgets.frames(lettered, letter=("a", "b"), k=range(3))
    for letter, inner in zip("ab", shown.stack.children, strict=True):
        for k, child in enumerate(inner.children):
            seen = Image.open(io.BytesIO(child.value)).convert("RGB")
            drawn = Image.open(io.BytesIO(widgets._drawn(lettered(letter, k), "png")))
            assert seen.tobytes() == drawn.convert("RGB").tobytes()  # nothing is lost by the format


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
    assert "application/vnd.jupyter.widget-view+json" in shown._repr_mimebundle_()
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
