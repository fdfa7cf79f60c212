"""The macros: one source for MathJax and for LaTeX."""

import pytest
from sphinx.errors import ExtensionError

import book_macros


def test_macros_reach_latex_with_their_arguments():
    latex = book_macros.as_latex({"R": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1]})
    assert r"\DeclareRobustCommand{\R}{\mathbb{R}}" in latex
    assert r"\DeclareRobustCommand{\norm}[1]{\lVert #1 \rVert}" in latex


@pytest.mark.parametrize("line", ["x1: a", "bad: [a]", "bad: [1, a]", "bad: 3"])
def test_malformed_macro_is_named(tmp_path, line):
    file = tmp_path / "macros.yml"
    file.write_text(line + "\n")
    with pytest.raises(ExtensionError, match=line.split(":")[0]):
        book_macros.read(file)


def test_bold_greek_is_bold_in_print(tiny_latex):
    assert r"\renewcommand{\boldsymbol}[1]{\symbf{#1}}" in tiny_latex
