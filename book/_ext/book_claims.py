"""The directive ``claims-table``: every result and boxed answer, beside what its test checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

RESULTS = ("theorem", "lemma", "proposition", "corollary")

_RESULT = re.compile(
    rf"^[:`]{{3,}}\{{prf:({'|'.join(RESULTS)})\}}[ ]*(?P<title>.*)\n(?P<options>(?::.*\n)*)", re.M
)
_ANSWER = re.compile(
    r"^(?:\((?P<label>answer-\S+)\)=\n)?[:`]{3,}\{admonition\}[ ]*(?P<title>.*)\n:class: answer$",
    re.M,
)


class Claim(NamedTuple):
    """Something the book says that a test of the same name checks."""

    page: Path
    kind: str
    title: str
    label: str | None
    at: int  # where the page defines it, in characters


def claims(book: Path) -> list[Claim]:
    """Return every theorem, lemma, proposition, corollary and boxed answer below ``book``."""
    found = []
    for page in sorted(book.rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for match in _RESULT.finditer(text):
            label = re.search(r"^:label:\s*(\S+)", match["options"], re.M)
            found.append(Claim(page, match[1], match["title"], label and label[1], match.start()))
        for match in _ANSWER.finditer(text):
            found.append(Claim(page, "answer", match["title"], match["label"], match.start()))
    return found


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
        book, folder = here / self.options["book"], here / self.arguments[0]
        checked = tests(folder)
        toc = list(self.env.external_site_map)  # type: ignore[attr-defined]  # of external_toc

        def place(claim: Claim) -> tuple[int, int]:
            page = claim.page.relative_to(self.env.srcdir).with_suffix("").as_posix()
            return toc.index(page), claim.at

        rows = []
        for claim in sorted(claims(book.resolve()), key=place):
            name = test_name(claim.label or "")
            if name not in checked:
                raise self.error(f"claims-table: {claim} has no test called {name}")
            path, says = checked[name]
            for source in (claim.page, path):
                self.env.note_dependency(str(source))
            link = (
                f"{{ref}}`{claim.title} <{claim.label}>`"
                if claim.kind == "answer"
                else f"{{prf:ref}}`{claim.label}`. {claim.title}"
            )
            first = " ".join(says.split("\n\n")[0].replace("``", "`").split())
            rows.append(f"| {link} | {first.replace('|', chr(92) + '|')} |")
        return long_table(self, "the book says | its test checks", "45 55", rows)


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
