"""Which boxes of a page are covered until the reader has decided."""

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document

import book_answers
import book_blanks


def box(*classes, says="Because."):
    parts = nodes.title("", "Its title"), nodes.paragraph("", says), nodes.paragraph("", "More.")
    return nodes.admonition("", *parts, classes=list(classes))


def covered(one):
    document = new_document("page", get_default_settings(Parser))
    document += one
    book_answers.CoveredAnswers(document).run()
    return one


@pytest.mark.parametrize(
    ("kind", "button"),
    [
        ("answer", "I have decided: show the answer"),
        ("dropdown", "I have tried: show the solution"),
    ],
)
def test_answers_and_solutions_are_covered_but_for_their_titles(kind, button):
    title, cover = covered(box(kind)).children
    assert title.astext() == "Its title"
    assert isinstance(cover, book_answers.covered)
    assert cover["summary"] == button
    assert cover.astext() == "Because.\n\nMore."


def test_other_boxes_and_what_is_still_to_be_written_stand_open():
    for one in (box("note"), box("answer", says=f"{book_blanks.EMPTY.strip('*')} here")):
        assert len(covered(one).children) == 3
