"""What a page loads before its first letter."""

import pytest

import book_assets


def test_only_rules_that_can_apply_are_kept():
    css = """/* a comment } */
    p, .here > a, .gone { color: red }
    .here:not(.gone) { content: "}"; background: url("data:image/svg+xml,<a b='(1)'>;{") }
    @media (min-width: 9px) { .gone { top: 0 } .here { top: 1px } }
    @media print { .gone { top: 0 } }
    @keyframes turn { to { top: 0 } }
    #gone { top: 0 }"""
    assert book_assets.used(css, {"here"}) == (
        "p,.here > a{color: red}"
        """.here:not(.gone){content: "}"; background: url("data:image/svg+xml,<a b='(1)'>;{")}"""
        "@media (min-width: 9px){.here{top: 1px}}"
        "@keyframes turn{to { top: 0 }}"
    )


@pytest.mark.parametrize("css", ["a { top: 0", "a { top: 0 }}"])
def test_broken_sheet_is_refused(css):
    with pytest.raises(ValueError, match="a block is"):
        list(book_assets.blocks(css))


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
