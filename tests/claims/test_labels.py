"""Every labelled result and every boxed answer of the book has a test of its name."""

from pathlib import Path

import book_appendix
from book_chapters import chapters

BOOK = Path(__file__).parents[2] / "book"
PREFIXES = {"theorem": "thm", "lemma": "lem", "proposition": "prop", "corollary": "cor"}
PREFIXES["answer"] = "answer"
CLAIMS = [claim for page in chapters(BOOK) for claim in page.claims]


def docstrings():
    """The docstring of each test in this folder, by name, but for those of this file."""
    found = book_appendix.tests(Path(__file__).parent)
    return {name: says for name, (path, says) in found.items() if path != Path(__file__)}


def test_every_kind_of_claim_is_found():
    text = "".join(page.read_text(encoding="utf-8") for page in BOOK.rglob("*.md"))
    for kind in PREFIXES:
        opening = ":class: answer\n" if kind == "answer" else f":{{prf:{kind}}}"
        assert sum(claim.kind == kind for claim in CLAIMS) == text.count(opening) > 0


def test_every_claim_carries_a_label_of_its_kind():
    wrong = [c for c in CLAIMS if not (c.label or "").startswith(PREFIXES[c.kind] + "-")]
    assert not wrong, f"without a label such as thm-…, lem-…, prop-…, cor-…, answer-…: {wrong}"


def test_labels_and_tests_name_each_other():
    labels = [claim.label for claim in CLAIMS if claim.label]
    assert len(labels) == len(set(labels)), "a label is used twice"
    wanted, present = {book_appendix.test_name(label) for label in labels}, set(docstrings())
    assert not wanted - present, f"labels of the book without a test: {sorted(wanted - present)}"
    assert not present - wanted, f"tests without a label in the book: {sorted(present - wanted)}"


def test_every_test_says_what_it_checks():
    assert all(docstrings().values())
