"""The chapters as notebooks for Colab: ``make notebooks`` writes notebooks/*.ipynb.

Colab shows plain Markdown with formulas. What only Sphinx understands is written out here:
directives, roles, labels, macros. Numbers are counted as Sphinx counts them, one series for each
kind through the whole book. Code stays as it is. What has no reading here is an error.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from posixpath import join, normpath
from typing import NamedTuple

import nbformat
from markdown_it.token import Token
from nbformat import NotebookNode, v4
from pybtex.database import parse_file
from pybtex.style.formatting.alpha import Style
from sphinx.errors import ExtensionError
from sphinx.pycode import ModuleAnalyzer
from sphinx_external_toc.parsing import parse_toc_yaml

import book_launch
import book_macros
from book_chapters import ROOT, Chapter, Directive, directive, parse

METADATA = {
    "accelerator": "GPU",  # for Colab: the kind of machine to run on
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

INSTALL = """\
# Install the book's library where it is missing; the torch, torchvision and numpy found here stay.
import importlib.util
from importlib.metadata import distributions

if importlib.util.find_spec("replearn") is None:
    kept = " ".join(
        f"{found.name}=={found.version}"
        for found in distributions()
        if found.name in ("torch", "torchvision", "numpy")
    )
    %pip install --quiet {kept} git+"""

NO_REPOSITORY = """\
# This notebook does not know where the book is published, and cannot fetch the library from there.
# In the book's folder, `make notebooks REPO_URL=https://...` tells every notebook.
import importlib.util

if importlib.util.find_spec("replearn") is None:
    raise ModuleNotFoundError(
        "The book's library is missing. Install it from the book's folder, the one that holds "
        "pyproject.toml: %pip install /path/to/that/folder"
    )"""

_BLOCKS = ("fence", "colon_fence", "math_block", "math_block_label", "myst_target")
_SPAN = re.compile(
    r"\{(?P<role>[\w:+-]+)\}(?P<tick>`+)(?P<content>.+?)(?P=tick)"
    r"|(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?<!\\)\$(?P<formula>[^$]+)\$",
    re.S,
)


def expand(tex: str, macros: dict[str, book_macros.Macro]) -> str:
    """A formula with the book's macros written out: a cell may be shown by itself."""
    name = re.compile(rf"(?<!\\)(?:\\\\)*\\({'|'.join(macros)})(?![A-Za-z])")
    while match := name.search(tex):
        macro = macros[match[1]]
        text, count = (macro, 0) if isinstance(macro, str) else macro
        start, end = match.start(1) - 1, match.end()
        for k in range(1, count + 1):
            argument, end = _argument(tex, end)
            text = text.replace(f"#{k}", argument)
        # \bar\vu takes \vu whole; of what stands for it, \bar would take the first piece. An
        # operator is nobody's argument, and in braces would lose its limits.
        if re.search(r"(\\[A-Za-z]+|[_^])$", tex[:start]) and not text.startswith(r"\operator"):
            text = f"{{{text}}}"
        tex = tex[:start] + text + tex[end:]
    return tex


def _argument(tex: str, start: int) -> tuple[str, int]:
    """A macro's argument from ``start`` on, without its braces, and where it ends."""
    depth = 0
    for token in re.compile(r"\\[A-Za-z]+|\\?\S").finditer(tex, start):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0:
            text = tex[start : token.end()].strip()
            return (text[1:-1] if token[0] == "}" else text), token.end()
    raise ValueError(f"a macro lacks an argument: {tex!r}")


class Label(NamedTuple):
    """What a reference to a label reads, and the page that it leads to."""

    text: str
    page: str


class Book:
    """The pages in their order, and all that one of them may refer to."""

    def __init__(self, root: Path) -> None:
        """Read every page below ``root``."""
        self.root = root
        self.macros = book_macros.read(root / "book" / "macros.yml")
        pages = parse_toc_yaml(root / "_toc.yml")
        self.pages = {page: Chapter.read(root / f"{page}.md") for page in pages}
        bibliography = parse_file(root / "book" / "references.bib")
        self.authors = {key: entry.persons["author"] for key, entry in bibliography.entries.items()}
        # A work's label depends on what else is listed, so on all that the book cites.
        cited = {key for page in self.pages.values() for key in page.citations}
        works = [key for key in self.authors if key in cited]
        self.works = list(Style().format_bibliography(bibliography, works))
        self.labels = dict(self._labels())

    @property
    def chapters(self) -> dict[str, str]:
        """The pages that become notebooks, those that run and are not the appendix: their files."""
        return {
            page: f"{page.rsplit('/', 1)[-1]}.ipynb"
            for page, chapter in self.pages.items()
            if not page.startswith("book/appendix/") and chapter.cells
        }

    def _labels(self) -> Iterator[tuple[str, Label]]:
        count: Counter[str] = Counter()
        for page, chapter in self.pages.items():
            for part in chapter.parts:
                kind, label = _definition(part)
                count[kind] += 1
                text = {"Equation": f"({count[kind]})"}.get(kind, f"{kind} {count[kind]}")
                if label:
                    yield label, Label(text, page)


def _definition(part: Token | Directive) -> tuple[str, str | None]:
    """Kind and label of what a part of a page defines; of other parts, nothing that counts."""
    match part:
        case Token(type="math_block_label"):
            return "Equation", part.info
        case Token(type="myst_target"):
            return "Place", part.content
        case Directive() if part.name.startswith("prf:") and part.kind != "proof":
            return part.kind.title(), part.options.get("label")
        case Directive() if part.figure:
            return "Fig.", part.label
    return "", None


class Page:
    """One page, on its way to be a notebook."""

    def __init__(self, book: Book, page: str) -> None:
        """The chapter of ``book`` that ``page`` holds."""
        self.book = book
        self.page = page
        self._cited: set[str] = set()

    def notebook(self, url: str | None) -> NotebookNode:
        """The notebook, whose first cell installs the library from the repository at ``url``."""
        cells = [v4.new_code_cell(NO_REPOSITORY if url is None else INSTALL + url), *self._cells()]
        if self._cited:
            works = [work for work in self.book.works if work.key in self._cited]
            said = [(work.label, " ".join(work.text.render_as("text").split())) for work in works]
            lines = [f"* [{label}] {text}" for label, text in said]
            cells.append(v4.new_markdown_cell("\n".join(["## References", "", *lines])))
        for k, cell in enumerate(cells):
            cell.id = f"cell-{k}"  # the same at every writing
        return v4.new_notebook(cells=cells, metadata=METADATA)

    def _cells(self) -> Iterator[NotebookNode]:
        """Code, captions, and text by sections: notebooks fold at headings that begin a cell."""
        for block in self.book.pages[self.page].blocks:
            if isinstance(block, Directive):
                yield v4.new_code_cell(block.body)
                if block.figure:
                    number, caption = self._label(block.label).text, block.figure["caption"].strip()
                    yield v4.new_markdown_cell(f"**{number}.** {self.markdown(caption)}")
            elif text := self.markdown(block).strip():
                yield v4.new_markdown_cell(text)

    def markdown(self, text: str) -> str:
        """MyST as plain Markdown."""
        lines = text.splitlines()
        parts, done = [], 0
        for token in parse(text):
            if token.map is None or token.type not in _BLOCKS:
                continue
            start, end = token.map
            if start > done:
                parts.append(self._spans("\n".join(lines[done:start])))
            if token.type in ("fence", "colon_fence"):
                found = directive(token)
                parts.append(self._directive(found) if found else "\n".join(lines[start:end]))
            elif token.type != "myst_target":
                parts.append(self._display(token))
            done = end
        if done < len(lines):
            parts.append(self._spans("\n".join(lines[done:])))
        return "\n".join(parts)

    def _display(self, token: Token) -> str:
        tag = ""
        if token.type == "math_block_label":
            tag = rf"\tag{{{self._label(token.info).text.strip('()')}}}" + "\n"
        return f"$$\n{expand(token.content.strip(), self.book.macros)}\n{tag}$$"

    def _directive(self, found: Directive) -> str:
        match found.name:
            case "admonition":
                return _boxed(f"**{self._spans(found.title)}**\n\n{self.markdown(found.body)}")
            case "only" if found.title == "html":
                return ""
            case "prf:proof":
                proof = self.markdown(found.body).strip()
                return f"*Proof.* {proof}" + ("\n\n∎" if proof.endswith("$$") else " ∎")
            case name if name.startswith("prf:"):
                number = self._label(found.options.get("label")).text
                title = f" ({self._spans(found.title)})" if found.title else ""
                return _boxed(f"**{number}**{title}\n\n{self.markdown(found.body).strip()}")
            case "code-block":
                return f"```{found.title}\n{found.body}\n```"
            case "literalinclude" if "pyobject" in found.options:
                file = (self.book.root / self.page).parent / found.title
                code = ModuleAnalyzer.for_file(str(file), "")
                _, first, last = code.find_tags()[found.options["pyobject"]]
                source = "\n".join(code.code.splitlines()[first - 1 : last])
                return f"```python\n{source}\n```"
        raise self._error(f"directive {found.name!r}")

    def _spans(self, text: str) -> str:
        return _SPAN.sub(self._span, text)

    def _span(self, span: re.Match[str]) -> str:
        if span["role"]:
            return self._role(span["role"], " ".join(span["content"].split()))
        if span["formula"]:
            return f"${expand(' '.join(span['formula'].split()), self.book.macros)}$"
        return span[0]

    def _role(self, name: str, content: str) -> str:
        titled = re.fullmatch(r"(?P<title>.+?)\s*<(?P<target>[^<>]+)>", content)
        match name:
            case "doc":
                page = normpath(join(self.page, "..", titled["target"] if titled else content))
                if page not in self.book.pages:
                    raise self._error(f"page {page!r}, which the table of contents lacks,")
                title = titled["title"] if titled else self.book.pages[page].title
                return self._link(self._spans(title), page)
            case "eq" | "numref" | "prf:ref" if not titled:
                return self._link(*self._label(content))
            case "ref" if titled:
                return self._link(titled["title"], self._label(titled["target"]).page)
            case "cite:p" | "cite:t":
                return self._citation(name, {key.strip() for key in content.split(",")})
        raise self._error(f"role {name!r} with {content!r}")

    def _citation(self, role: str, keys: set[str]) -> str:
        works = [work for work in self.book.works if work.key in keys]
        if len(works) < len(keys):
            raise self._error(f"citation of {', '.join(sorted(keys))}, not all in references.bib,")
        self._cited |= keys
        labels = f"[{', '.join(work.label for work in works)}]"
        return labels if role == "cite:p" else f"{self._names(works[0].key)} {labels}"

    def _names(self, key: str) -> str:
        authors = self.book.authors[key]
        first, *others = (" ".join(map(str, person.rich_last_names)) for person in authors)
        return f"{first} *et al.*" if others[1:] else " and ".join([first, *others])

    def _label(self, name: str | None) -> Label:
        if name not in self.book.labels:
            raise self._error(f"label {name or ''!r}, which no page defines,")
        return self.book.labels[name]

    def _link(self, text: str, page: str) -> str:
        """The text; what is in another notebook leads there."""
        file = self.book.chapters.get(page)
        return text if page == self.page or file is None else f"[{text}]({file})"

    def _error(self, what: str) -> ValueError:
        return ValueError(f"{self.page}: {what} has no reading in a notebook")


def _boxed(text: str) -> str:
    """Text as a quotation; a formula in it takes one line, as its lines cannot be quoted."""
    text = re.sub(r"\$\$.+?\$\$", lambda found: " ".join(found[0].split()), text, flags=re.S)
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def notebooks(root: Path, url: str | None) -> dict[str, str]:
    """The text of every notebook by its file's name.

    Args:
        root: the folder of the book's configuration.
        url: the repository that the library is installed from; None if nobody knows.

    Raises:
        ValueError: if a page holds what has no reading in a notebook, or refers to nothing.
    """
    book = Book(root)
    return {
        file: nbformat.writes(Page(book, page).notebook(url)) + "\n"
        for page, file in book.chapters.items()
    }


def write(root: Path, url: str | None) -> None:
    """Write them into the folder of notebooks, and remove those whose chapter is gone."""
    written, folder = notebooks(root, url), root / "notebooks"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.ipynb"):
        old.unlink()
    for file, text in written.items():
        (folder / file).write_text(text, encoding="utf-8")


def main() -> None:
    """Write the notebooks of this copy."""
    try:
        home = book_launch.repository()
        write(ROOT, home.url if home else None)
    except (ExtensionError, ValueError) as error:
        sys.exit(f"{error}")
    print(f"notebooks: the library comes from {home.url if home else 'nowhere yet'}")


if __name__ == "__main__":
    main()
