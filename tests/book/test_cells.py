"""The claims in the chapters' cells: on what each rests, and that a false one stops the build."""

import ast
import re
from pathlib import Path

import pytest

from book_chapters import Chapter
from books import PAGES
from replearn.course.claims import ClaimFailed
from replearn.figures import widgets

PART_ONE = [page for page in PAGES if page.startswith("book/similarity/")]
assert len(PART_ONE) == 7


@pytest.fixture(scope="module")
def cells(root):
    """The code of every page."""
    return {page: [cell.body for cell in Chapter.read(root / f"{page}.md").cells] for page in PAGES}


def claims(cell):
    """The calls of `claim` in a cell, as they stand in it."""
    calls = [node for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Call)]
    return sorted(
        (call for call in calls if ast.unparse(call.func) == "claim"), key=lambda call: call.lineno
    )


def rests_on(claim):
    return next((keyword.value for keyword in claim.keywords if keyword.arg == "on"), None)


def groundless(cells):
    """The claims of a page that name a run which no cell up to theirs trains or loads."""
    trained = set()

    def known(value):
        inside = [ast.unparse(node) for node in ast.walk(value)]
        return bool(trained & set(inside)) or any(".train_" in part for part in inside)

    found = []
    for cell in cells:
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.Assign) and known(node.value):
                trained |= {ast.unparse(target).split("[")[0] for target in node.targets}
        for claim in claims(cell):
            on = rests_on(claim)
            runs = on.elts if isinstance(on, ast.List) else [on]
            if on is not None and not all(map(known, runs)):
                found.append(ast.unparse(claim))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_what_a_claim_rests_on_was_trained(cells, page):
    assert groundless(cells[page]) == []


def test_a_claim_that_rests_on_nothing_is_found():
    train = "run = training.train_autoencoder()\nruns = {'a': run}"
    claim = "claim('It holds.', False, on={})".format
    good = [train, claim("run"), claim("runs.values()"), claim("[run, runs['a']]")]
    assert groundless(good) == []
    assert groundless(good[::-1]) == good[:0:-1]  # trained too late
    for on in ("val", "[run, val]", "[val.run]"):
        assert len(groundless([train, "val = shapes.ShapesDataset('val')", claim(on)])) == 1


def planted(cells):
    """The cells up to the first claim that rests on no network, its condition negated; it."""
    k, claim = next(
        (k, claim)
        for k, cell in enumerate(cells)
        for claim in claims(cell)
        if rests_on(claim) is None
    )
    sentence, holds = claim.args
    text = str(ast.get_source_segment(cells[k], claim))
    condition = str(ast.get_source_segment(cells[k], holds))
    before, after = text.rsplit(condition, 1)
    false = cells[k].replace(text, f"{before}not ({condition}){after}")
    return [*cells[:k], false], ast.literal_eval(sentence)


@pytest.mark.fault(
    "A false sentence of mathematics in a chapter",
    "in each chapter of Part I, the condition of the first claim that rests on no network is "
    "negated, and the chapter runs by the recipe `smoke`, which forgives what it hardly trained",
    "its cell fails with that sentence, and so would the build",
)
@pytest.mark.parametrize("page", PART_ONE)
def test_a_planted_falsehood_stops_the_chapter(cells, page, monkeypatch):
    for show in ("frames", "live"):  # takes long, and states nothing
        monkeypatch.setattr(widgets, show, lambda *_, **__: None)
    monkeypatch.chdir(Path(__file__).resolve().parents[2] / Path(page).parent)
    (*before, false), sentence = planted(cells[page])
    names = {}
    for cell in before:
        exec(cell, names)
    with pytest.raises(ClaimFailed, match=f"^{re.escape(sentence)}$"):
        exec(false, names)
