import matplotlib.figure
import pytest
from matplotlib.text import Text

from calls import CALLS, call
from replearn import figures
from replearn.figures import style

DRAWS = [
    f"{getattr(figures, name).__module__.removeprefix('replearn.')}.{name}"
    for name in dir(figures)
    if getattr(getattr(figures, name), "__annotations__", {}).get("return") == "Figure"
]


def smallest(figure):
    """The least size of its text that says something, in points."""
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
    return min(sizes, default=style.SMALL)


@pytest.mark.parametrize("name", DRAWS)
def test_figures_fit_a_page_and_a_phone_with_letters_to_be_read(name):
    figure = call(*CALLS[name])
    assert figure.get_figwidth() <= style.PAGE
    narrow = style.narrow(figure) or figure
    assert narrow.get_figwidth() <= style.PHONE + 1e-6 or name.endswith(".placeholder")
    for one in (figure, narrow):
        one.canvas.draw()  # ticks have their labels then
        assert smallest(one) >= style.SMALL


def test_all_figures_are_tried():
    assert len(DRAWS) > 25


def test_panels_stand_below_each_other_on_narrow_paper():
    with style.narrow_paper():
        fig, axes = style.subplots(2, 3, figsize=(7, 4))
        assert (axes.shape, fig.get_figwidth()) == ((2, 3), style.PHONE)
        assert [ax.get_subplotspec().colspan.start for ax in axes.flat] == [0] * 6
        _, axes = style.subplots(1, 3, beside=2, figsize=(7, 4))
        assert [ax.get_subplotspec().colspan.start for ax in axes] == [0, 1, 0]
        fig, _ = style.subplots(1, 2, figsize=(3, 2))
        assert tuple(fig.get_size_inches()) == (3, 2), "it fits as it is"
    assert not style.is_narrow()


def test_only_pages_get_the_drawing_for_a_phone(monkeypatch):
    @style.drawing
    def draw(width):
        fig, _ = style.subplots(figsize=(width, 2))
        return fig

    assert draw(7)._repr_html_() is None
    monkeypatch.setattr(style, "DRAWS_TWICE", True)
    assert draw(7)._repr_html_().startswith('<img class="narrow" src="data:image/svg+xml;base64,')
    assert draw(3)._repr_html_() is None
    assert isinstance(style.narrow(draw(7)), matplotlib.figure.Figure)
