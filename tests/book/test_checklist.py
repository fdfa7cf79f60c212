"""The checklist: the points of every answer, and what is attached."""

from pathlib import Path

import pytest

import book_checklist
from book_chapters import Chapter
from books import build, tiny_tree


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("½", 0.5), ("1", 1), ("12½", 12.5)])
def test_points_are_read_and_spelt(text, number):
    assert book_checklist.points(text) == number
    assert book_checklist.spelt(number) == text


def boxed(title, inside, below=""):
    """The answer of a box on a page of its own, as the checklist reads it."""
    box = f"(answer-q1)=\n:::{{admonition}} {title}\n:class: answer\n{inside}\n:::\n"
    page = Chapter(box + below, Path("page.md"))
    return book_checklist.answer(page, *page.answers)


def test_answer_tells_its_points():
    found = boxed("Answer — Question 4a (1½ points)", "(a, 1 point) Yes. *(½ point)* No.")
    assert (found.question, found.points, found.shares) == ("4a", 1.5, [1, 0.5])


@pytest.mark.parametrize(
    ("title", "inside", "named"),
    [
        ("Answer — Question 4a (2 points)", "(a, 1 point) (½ point)", r"divides .* 1 \+ ½"),
        ("Answer — Question 4a", "Yes.", "no question and points"),
    ],
)
def test_answer_that_does_not_add_up_is_named(title, inside, named):
    with pytest.raises(ValueError, match=named):
        boxed(title, inside)


@pytest.fixture
def given():
    """Part I with one answer of one point, beside a figure; and a part without answers."""
    figure = "\n```{figure} one.svg\n:name: fig-one\n```\n"
    return {"I": [boxed("Answer — Question 1 (1 point)", "Yes.", figure)], "Appendix": []}


def test_checklist_has_every_answer(given):
    asked = {"I": {"points": 1, "attached": {"1": ["fig-one"]}}}
    assert book_checklist.rows(asked, given, []) == [
        "| **I** | **1** | — |",
        "| {ref}`Question 1 <answer-q1>` | 1 | {numref}`fig-one` |",
        "| **Together** | **1** | — |",
    ]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"I": {"points": 2, "attached": {}}}, r"'I' has 1 points, not 2 \(1: 1\)"),
        ({"I": {"points": 1, "attached": {"1": ["fig-on"]}}}, "1 lacks fig-on on page.md"),
        ({"I": {"points": 1, "attached": {"2": []}}}, "lacks an answer to question 2"),
        ({"I": {"points": 1, "attached": {}}, "II": {}}, "no part 'II'; the parts are I, Appendix"),
        ({}, "'I' has answers and is not asked for"),
    ],
)
def test_checklist_names_what_is_missing(given, asked, named):
    with pytest.raises(ValueError, match=named):
        book_checklist.rows(asked, given, [])


def test_incomplete_checklist_fails_the_build(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page="# Title\n\n```{checklist} .\nI: {points: 1}\n```\n")
    result = build(tree)
    assert result.code != 0
    assert "checklist: no part 'I'" in result.output
