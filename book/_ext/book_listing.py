"""The directive ``package-listing``: every file of a package, with name and line numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


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
    app.add_directive("package-listing", PackageListing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
