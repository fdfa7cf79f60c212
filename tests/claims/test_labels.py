"""Every labelled result and every boxed answer of the book has a test of its name."""

import ast
import re
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"
RESULTS = "theorem|lemma|proposition|corollary"
PREFIXES = {"theorem": "thm", "lemma": "lem", "proposition": "prop", "corollary": "cor"}


def results() -> list[tuple[str, str, str | None]]:
    """(page, kind, label) of each theorem, lemma, proposition and corollary of the book."""
    found = []
    for page in sorted(BOOK.rglob("*.md")):
        block = rf"^[:`]{{3,}}\{{prf:({RESULTS})\}}.*\n((?::.*\n)*)"
        for kind, options in re.findall(block, page.read_text(encoding="utf-8"), re.MULTILINE):
            label = re.search(r"^:label:\s*(\S+)", options, re.MULTILINE)
            found.append((page.name, kind, label and label[1]))
    return found


def answers() -> list[tuple[str, str | None]]:
    """(page, label) of each boxed answer of the book."""
    found = []
    for page in sorted(BOOK.rglob("*.md")):
        lines = page.read_text(encoding="utf-8").splitlines()
        for before, box, options in zip(lines, lines[1:], lines[2:], strict=False):
            if re.match(r"[:`]{3,}\{admonition\}", box) and options.strip() == ":class: answer":
                label = re.fullmatch(r"\((answer-\S+)\)=", before.strip())
                found.append((page.name, label and label[1]))
    return found


def claims() -> dict[str, str]:
    """Name and docstring of each test in this folder, but for those of this file."""
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        if path != Path(__file__):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    assert node.name not in found, f"two tests are called {node.name}"
                    found[node.name] = ast.get_docstring(node) or ""
    return found


def test_every_result_carries_a_label_of_its_kind():
    wrong = [r for r in results() if not (r[2] or "").startswith(PREFIXES[r[1]] + "-")]
    assert results()
    assert not wrong, f"results without a label such as thm-…, lem-…, prop-…, cor-…: {wrong}"


def test_every_boxed_answer_carries_a_label():
    assert answers()
    unlabelled = [page for page, label in answers() if label is None]
    assert not unlabelled, f"boxes of class answer without (answer-…)= before them: {unlabelled}"


def test_labels_and_tests_name_each_other():
    labels = [label for *_, label in results()] + [label for _, label in answers()]
    assert len(labels) == len(set(labels)), "a label is used twice"
    wanted = {"test_" + label.replace("-", "_") for label in labels if label}
    present = set(claims())
    assert not wanted - present, f"labels of the book without a test: {sorted(wanted - present)}"
    assert not present - wanted, f"tests without a label in the book: {sorted(present - wanted)}"


def test_every_claim_says_what_it_checks():
    silent = [name for name, docstring in claims().items() if not docstring]
    assert not silent
