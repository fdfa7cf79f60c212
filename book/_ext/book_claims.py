"""The directive ``claims-table``: every result and boxed answer, beside what its test checks."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from book_chapters import Chapter, Directive, chapters


def tests(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return file and docstring of each test of ``folder``, by name.

    Raises:
        ValueError: if two tests share a name.
    """
    found: dict[str, tuple[Path, str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                if node.name in found:
                    raise ValueError(f"two tests are called {node.name}")
                found[node.name] = path, ast.get_docstring(node) or ""
    return found


def test_name(label: str) -> str:
    """Return the name of the test of what carries ``label``."""
    return "test_" + label.replace("-", "_")


class ClaimsTable(SphinxDirective):
    """A table of all claims, in the order in which the book makes them.

    The argument is the folder of the tests, relative to the page; ``book`` is that of the pages.
    """

    required_arguments = 1
    option_spec = {"book": directives.unchanged_required}  # noqa: RUF012 (docutils' own type)

    def run(self) -> list[nodes.Node]:
        """The table; a claim without a test fails the build."""
        here = Path(self.env.doc2path(self.env.docname)).parent
        checked = tests(here / self.arguments[0])
        toc = list(self.env.external_site_map)  # type: ignore[attr-defined]  # of external_toc
        pages = [page for page in chapters((here / self.options["book"]).resolve()) if page.claims]
        pages.sort(key=lambda page: toc.index(self.env.path2doc(page.path)))
        rows = [self._row(page, claim, checked) for page in pages for claim in page.claims]
        return long_table(self, "the book says | its test checks", "45 55", rows)

    def _row(self, page: Chapter, claim: Directive, checked: dict[str, tuple[Path, str]]) -> str:
        name = test_name(claim.label or "")
        if name not in checked:
            where = f"{claim.title!r} of {page.path.name}"
            raise self.error(f"claims-table: {where} has no test called {name}")
        path, says = checked[name]
        for source in (page.path, path):
            self.env.note_dependency(str(source))
        link = (
            f"{{ref}}`{claim.title} <{claim.label}>`"
            if claim.kind == "answer"
            else f"{{prf:ref}}`{claim.label}`. {claim.title}"
        )
        first = " ".join(says.split("\n\n")[0].replace("``", "`").split())
        return f"| {link} | {first.replace('|', chr(92) + '|')} |"


def long_table(
    directive: SphinxDirective, header: str, widths: str, rows: list[str]
) -> list[nodes.Node]:
    """A table in Markdown that may go over pages; ``widths`` are the shares of its columns."""
    lines = [
        "::::{table}",
        ":class: longtable",
        f":widths: {widths}",
        f"| {header} |",
        f"|{'---|' * len(widths.split())}",
        *rows,
        "::::",
    ]
    holder = nodes.Element()
    directive.state.nested_parse(
        StringList(lines, directive.env.docname), directive.content_offset, holder
    )
    return holder.children


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
