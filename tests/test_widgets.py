import base64
import io

import pytest
from PIL import Image

from replearn import widgets
from replearn.figures import style


def figures(count):
    drawn = []
    for k in range(count):
        fig, ax = style.subplots(figsize=(2, 1))
        ax.plot([0, k])
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
    assert pictures == [widgets._png(figure) for figure in figures(3)]


def test_print_gets_the_first_middle_and_last_frame_side_by_side():
    shown = widgets.frames(figures(5), range(5), "k")
    bundle = shown._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    parts = [
        Image.open(io.BytesIO(shown.stack.children[k].value)).convert("RGB") for k in (0, 2, 4)
    ]
    assert still.size == (sum(part.width for part in parts), parts[0].height)
    third = still.crop((parts[0].width + parts[1].width, 0, still.width, still.height))
    assert third.tobytes() == parts[2].tobytes()


def test_the_same_figures_give_the_same_still():
    first, second = (widgets.frames(figures(2), "ab", "x")._repr_mimebundle_() for _ in range(2))
    assert first["image/png"] == second["image/png"]


@pytest.mark.parametrize(("count", "values"), [(1, "a"), (3, "ab"), (0, "")])
def test_frames_wants_a_value_for_each_of_at_least_two_figures(count, values):
    with pytest.raises(ValueError, match=r"figures are \d and values \d; allowed"):
        widgets.frames(figures(count), values, "x")
