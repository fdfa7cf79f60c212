"""The directive ``faults-table``: what can go wrong, beside what the test that provokes it saw.

A test that `make test` leaves to `make soak` is marked so in the table.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book_claims import long_table


class Fault(NamedTuple):
    """A fault that a test provokes: what, how, what then happens, the test, whether it soaks."""

    what: str
    how: str
    then: str
    test: str
    file: Path
    soak: bool


def faults(folder: Path) -> list[Fault]:
    """Return what the marker ``fault`` says of each test below ``folder`` that carries it.

    Raises:
        ValueError: for a marker of anything but three texts.
    """
    found = []
    for file in sorted(folder.rglob("test_*.py")):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for test in (node for node in body if isinstance(node, ast.FunctionDef)):
            for mark in test.decorator_list:
                if not ast.unparse(mark).startswith("pytest.mark.fault"):
                    continue
                texts = [ast.literal_eval(text) for text in getattr(mark, "args", ())]
                if [type(text) for text in texts] != [str] * 3 or not all(texts):
                    raise ValueError(f"{file.name}: {test.name} must have a fault of three texts")
                what, how, then = texts
                soak = "pytest.mark.soak" in map(ast.unparse, test.decorator_list)
                found.append(Fault(what, how, then, test.name, file, soak))
    return found


class FaultsTable(SphinxDirective):
    """A table of all faults; the argument is the folder of the tests, relative to the page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table."""
        folder = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        rows = []
        for fault in faults(folder.resolve()):
            self.env.note_dependency(str(fault.file))
            words = fault.test.removeprefix("test_").replace("_", " ")
            tested = f"`{fault.file.name}`: {words}" + " (`make soak`)" * fault.soak
            cells = (fault.what, fault.how, fault.then, tested)
            rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
        header = "fault | how the test provokes it | what happens | test"
        return long_table(self, header, "20 26 30 24", rows)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("faults-table", FaultsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
