"""What a page loads before its first letter."""

import io
import shutil
from pathlib import Path

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from sphinx.errors import ExtensionError

import book_assets


def test_only_rules_that_can_apply_are_kept():
    css = """/* a comment } */
    p, .here > a, .gone { color: red }
    .here:not(.gone) { content: "}"; background: url("data:image/svg+xml,<a b='(1)'>;{") }
    @media (min-width: 9px) { .gone { top: 0 } .here { top: 1px } }
    @media print { .gone { top: 0 } }
    @keyframes turn { to { top: 0 } }
    @font-face { src: url(a.woff) }
    #gone { top: 0 }"""
    assert book_assets.used(css, {"here"}) == (
        "p,.here > a{color: red}"
        """.here:not(.gone){content: "}"; background: url("data:image/svg+xml,<a b='(1)'>;{")}"""
        "@media (min-width: 9px){.here{top: 1px}}"
        "@keyframes turn{to { top: 0 }}"
        "@font-face{src: url(a.woff)}"
    )


@pytest.mark.parametrize("css", ["a ", "a { top: 0 }}"])
def test_broken_sheet_is_refused(css):
    with pytest.raises(ExtensionError, match="style sheet, line 1: "):
        book_assets.used(css, set())


def test_font_has_the_icons_that_are_named_and_no_others(tmp_path):
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    (font,) = theme.glob(book_assets.ICONS)
    place = tmp_path / "_static" / font.relative_to(theme)
    place.parent.mkdir(parents=True)
    shutil.copy(font, place)
    css = book_assets.used(
        r'.a::before { content: "\f0c9" } .b::before { content: "\f0e7" }', {"a"}
    )
    small = TTFont(io.BytesIO(book_assets.icons(tmp_path, css)))
    assert [hex(code) for code in small.getBestCmap()] == ["0xf0c9"]


def test_page_shows_itself_by_one_request():
    page = (
        '<html><head><link rel="stylesheet" href="../_static/a.css?v=1" />'
        '<script>early()</script><script src="../_static/b.js"></script>'
        '<script src="../_static/vendor/fontawesome/js/all.min.js"></script></head>'
        '<body><span class="k">def</span> <span class="n">f</span></body></html>'
    )
    css = ".highlight .k{color:red;mask:url('data:,x')}@font-face{src:url(icons.woff)}"
    assert book_assets.light_page(page, "../_static", css) == (
        "<html><head><style>.highlight .k{color:red;mask:url('data:,x')}"
        "@font-face{src:url(../_static/icons.woff)}</style>\n"
        '<script>early()</script><script defer="defer" src="../_static/b.js"></script></head>'
        '<body><span class="k">def</span> f</body></html>'
    )
