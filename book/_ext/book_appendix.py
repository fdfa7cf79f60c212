"""What the appendix lists by itself: the claims beside what their tests check, and the library.

The directives are ``claims-table`` and ``package-listing``.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
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
    head = [f"| {header} |", f"|{'---|' * len(widths.split())}"]
    lines = ["::::{table}", ":class: longtable", f":widths: {widths}", *head, *rows, "::::"]
    holder, text = nodes.Element(), StringList(lines, directive.env.docname)
    directive.state.nested_parse(text, directive.content_offset, holder)
    return holder.children


class PackageListing(SphinxDirective):
    """One section a file, in the order of their paths.

    The argument is the package's folder, relative to the page; ``root`` is the folder from which
    the files' names are told, relative to the page too. ``print`` names the files, relative to the
    package, that the PDF shows, in small print; the pages show all. Without it the PDF does too.
    """

    required_arguments = 1
    option_spec = {  # noqa: RUF012 (docutils' own type)
        "root": directives.unchanged_required,
        "print": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """The sections; a file to be printed that is not there fails the build."""
        here = Path(self.env.doc2path(self.env.docname)).parent
        package = (here / self.arguments[0]).resolve()
        root = (here / self.options["root"]).resolve()
        files = sorted(package.rglob("*.py"))
        if not files:
            raise self.error(f"package-listing: no Python file in {package}")
        printed = [package / name for name in self.options.get("print", "").split()] or files
        if missing := set(printed) - set(files):
            raise self.error(f"package-listing: no {', '.join(sorted(map(str, missing)))}")
        small = nodes.raw("", r"\fvset{fontsize=\scriptsize, baselinestretch=0.85}", format="latex")
        sections = [self._section(file, file.relative_to(root).as_posix()) for file in files]
        return [small] + [
            section if file in printed else addnodes.only("", section, expr="not latex")
            for file, section in zip(files, sections, strict=True)
        ]

    def _section(self, file: Path, name: str) -> nodes.section:
        self.env.note_dependency(str(file))
        section = nodes.section(names=[nodes.fully_normalize_name(name)])
        section += nodes.title("", "", nodes.literal("", name))
        self.state.document.note_implicit_target(section, section)
        source = file.read_text(encoding="utf-8")
        section += nodes.literal_block(source, source, language="python", linenos=True)
        return section


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("claims-table", ClaimsTable)
    app.add_directive("package-listing", PackageListing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
