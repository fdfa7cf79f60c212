"""Formulas that are set while the site is built."""

import subprocess

import pytest
from sphinx.errors import ExtensionError

import book_math


def test_formulas_are_set_with_what_they_need():
    done = book_math.set_formulas(
        {"a.html": [(r"\vx", False), (r"\frac{1}{2}", True)]}, {"macros": {"vx": r"\mathbf{x}"}}
    )
    inline, display = done["a.html"]["set"]
    assert '<mi mathvariant="bold">x</mi>' in inline
    assert 'display="true"' in display
    assert "mjx-c31" in done["a.html"]["css"]
    assert "mjx-c33" not in done["a.html"]["css"], "a letter that the page does not show"


@pytest.mark.fault(
    "A formula that TeX does not understand",
    "a formula names a macro that nobody defined",
    "the build fails and names the page, the macro and the formula",
)
def test_unknown_macro_fails_the_build():
    with pytest.raises(ExtensionError, match=r"a\.html: .*\\nosuch.* in 1 \+ \\nosuch"):
        book_math.set_formulas({"a.html": [(r"1 + \nosuch", False)]}, {})


def test_formulas_come_back_on_a_machine_of_another_code_page(monkeypatch):
    """On Windows Python takes a program's words for the code page's, unless it is told."""
    monkeypatch.setattr(subprocess, "_text_encoding", lambda: "cp1252")
    done = book_math.set_formulas({"a.html": [(r"x \le \alpha", False)]}, {})
    (formula,) = done["a.html"]["set"]
    assert "≤" in formula
    assert "α" in formula


def test_only_formulas_of_sphinx_are_touched():
    code = r"<pre>\(x\)</pre>"
    page = rf'<head></head>{code}<span class="math notranslate nohighlight">\(x &lt; 1\)</span>'
    (match,) = book_math._FORMULA.finditer(page)
    assert book_math._formula(match) == ("x < 1", False)
    filled = book_math._filled("book/a.html", page, ["<b>set</b>"], "src: FONTS/a.woff")
    assert code in filled
    assert "<b>set</b></span>" in filled
    assert "src: ../_static/mathjax/a.woff" in filled
