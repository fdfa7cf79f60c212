"""What a student has yet to write: empty answers, and cells that wait for her losses.

In the student edition two functions of code/replearn/losses.py raise NotImplementedError. A cell
tagged ``needs-7b`` or ``needs-8a`` needs the one that this question asks for. Until she has written
it, the cell is shown and not run, and a frame that says so stands in for the cell's figure.
Numbers, captions and references are those of the finished book from the start.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from book_chapters import ROOT, Chapter, Directive

EMPTY = "*your answer*"  # what stands where a student is to write

# The function of losses.py that a question asks for.
ASKED = {"7b": "reconstruction_loss", "8a": "info_nce"}


def unwritten(losses: Path) -> dict[str, str]:
    """Return the names of the functions of a file that are not written yet, by question."""
    if not losses.exists():  # a book of another library
        return {}
    functions = {
        node.name: node
        for node in ast.parse(losses.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    return {
        question: name
        for question, name in ASKED.items()
        if name in functions and "NotImplementedError" in ast.unparse(functions[name].body[-1])
    }


def waits_for(cell: Directive, missing: dict[str, str]) -> str | None:
    """Return the question that a cell waits for, if any."""
    tags = cell.options.get("tags", [])
    return next((question for question in missing if f"needs-{question}" in tags), None)


def waiting(chapter: Chapter, missing: dict[str, str]) -> set[str]:
    """Return the labels on a page that stand for nothing until the missing losses are written."""
    return {
        found.label
        for found in chapter.directives
        if found.label
        if waits_for(found, missing) or found.options.get("pyobject") in missing.values()
    }


def held(page: str, missing: dict[str, str]) -> str:
    """Return the page with the cells that wait shown but not run."""
    chapter, told = Chapter(page), set[str]()

    def hold(cell: Directive, question: str) -> Iterator[str]:
        if question not in told:
            told.add(question)
            yield (
                ":::{admonition} Not run yet\n:class: attention\n"
                f"What follows needs `{missing[question]}` of `code/replearn/losses.py`, Question "
                f"{question}. Write it, and the next build runs it.\n:::\n"
            )
        yield f"```python\n{cell.body}\n```\n"
        if cell.figure:
            head = "".join(chapter.lines[cell.start : cell.inside])
            plain = f"The plot appears here once Question {question} is written."
            yield (
                head.replace(f"needs-{question}", "remove-input")
                + f"from replearn import figures\n\nfigures.placeholder({plain!r})\n```\n"
            )

    return chapter.replaced(
        (cell, "\n".join(hold(cell, question)))
        for cell in chapter.cells
        if (question := waits_for(cell, missing))
    )


def hold_cells(app: Sphinx, docname: str, source: list[str]) -> None:
    """Hold the cells of a page that is being read."""
    if missing := unwritten(ROOT / "code" / "replearn" / "losses.py"):
        source[0] = held(source[0], missing)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", hold_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
