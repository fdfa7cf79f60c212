import base64
import io

import pytest
from PIL import Image
from pypdf import PdfReader, Transformation

from replearn import widgets
from replearn.figures import style


def figures(count, size=(2, 1)):
    drawn = []
    for k in range(count):
        fig, ax = style.subplots(figsize=size)
        ax.plot([0, k])
        ax.set_title(f"frame {k}")
        drawn.append(fig)
    return drawn


def test_slider_picks_the_frame_in_the_browser_alone():
    shown = widgets.frames(figures(4), [1, 2, 4, 8], "width")
    assert [value for value, _ in shown.slider.options] == ["1", "2", "4", "8"]
    assert shown.slider.description == "width"
    assert len(shown.stack.children) == 4
    source, target = shown.link.source, shown.link.target
    assert source == (shown.slider, "index")
    assert target == (shown.stack, "selected_index")


def test_the_first_frame_shows_at_first():
    shown = widgets.frames(figures(3), "abc", "letter")
    assert shown.slider.index == shown.stack.selected_index == 0


def test_frames_are_the_figures_in_order():
    shown = widgets.frames(figures(3), "abc", "letter")
    pictures = [bytes(child.value) for child in shown.stack.children]
    assert len(set(pictures)) == 3
    for picture, figure in zip(pictures, figures(3), strict=True):
        seen = Image.open(io.BytesIO(picture)).convert("RGB")
        drawn = Image.open(io.BytesIO(widgets._drawn(figure, "png"))).convert("RGB")
        assert seen.tobytes() == drawn.tobytes()  # nothing is lost by the smaller format


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
    shown = widgets.frames(figures(5, size), range(5), "k")
    bundle = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    (page,) = PdfReader(io.BytesIO(base64.b64decode(bundle["application/pdf"]))).pages
    width, height = 72 * size[0], 72 * size[1]
    assert (page.mediabox.width, page.mediabox.height) == (across * width, down * height)
    assert not page.images  # drawn, not made of pixels
    places = titles(page)
    assert set(places) == {0, 2, 4}
    for k, frame in enumerate((0, 2, 4)):
        x, y = places[frame]
        assert x // width == (k if across > 1 else 0)
        assert y // height == (0 if across > 1 else 2 - k)


def test_print_says_what_the_slider_would_read():
    some = figures(3)
    some[1].suptitle("its title")
    shown = widgets.frames(some, [10, 20, 30], "width")
    drawing = base64.b64decode(shown._repr_mimebundle_()["application/pdf"])
    text = PdfReader(io.BytesIO(drawing)).pages[0].extract_text()
    for reading in ("width: 10", "its title\nwidth: 20", "width: 30"):
        assert reading in text
    assert [figure.get_suptitle() for figure in some] == ["", "its title", ""]


def test_the_same_figures_give_the_same_still():
    first, second = (widgets.frames(figures(2), "ab", "x")._repr_mimebundle_() for _ in range(2))
    assert first["application/pdf"] == second["application/pdf"]
    assert b"Date" not in base64.b64decode(first["application/pdf"])


@pytest.mark.parametrize(("count", "values"), [(1, "a"), (3, "ab"), (0, "")])
def test_frames_wants_a_value_for_each_of_at_least_two_figures(count, values):
    with pytest.raises(ValueError, match=r"figures must be two or more .* got \d and \d"):
        widgets.frames(figures(count), values, "x")
