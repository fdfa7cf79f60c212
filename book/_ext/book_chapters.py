"""A chapter, read once for all who ask: its title, cells, boxes, results, labels and citations.

What makes pages of it, MyST-Parser, takes it apart here too; whoever rewrites it does so by lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from docutils.parsers.rst import Directive as DocutilsDirective
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser

from book_editions import edition

ROOT = Path(__file__).resolve().parent.parent.parent

RESULTS = ("theorem", "lemma", "proposition", "corollary")


@dataclass(frozen=True)
class Directive:
    """What a fence holds, and the lines of its page that it takes, counted from 0."""

    name: str
    title: str
    options: dict[str, Any]
    body: str
    target: str | None  # the label on the line before it
    start: int  # its first line, which is its target's if it has one
    inside: int  # the first line of its body
    end: int  # the line after its last

    @property
    def kind(self) -> str:
        """What it is to a reader: "theorem", say, or "answer" for a boxed one."""
        boxed = self.name == "admonition" and self.options.get("class") == "answer"
        return "answer" if boxed else self.name.removeprefix("prf:")

    @property
    def figure(self) -> dict[str, str]:
        """Name and caption of the figure that a cell shows; empty if it shows none."""
        return self.options.get("mystnb", {}).get("figure", {})

    @property
    def label(self) -> str | None:
        """The label by which others refer to it, if any."""
        names = (self.options.get("label"), self.options.get("name"), self.figure.get("name"))
        return next(filter(None, names), self.target)


class Chapter:
    """A page's text and all that is in it, in its order."""

    def __init__(self, text: str, path: Path = Path()) -> None:
        """The page of ``path`` that says ``text``."""
        self.path = path
        self.lines = text.splitlines(keepends=True)
        self.tokens = parse(text)

    @classmethod
    def read(cls, path: Path) -> Chapter:
        """The instructor's edition of the page that a file holds."""
        return cls(edition(path.read_text(encoding="utf-8"), "instructor"), path)

    @cached_property
    def parts(self) -> list[Token | Directive]:
        """The tokens and directives of all depths."""
        return list(_parts(self.tokens))

    @property
    def directives(self) -> list[Directive]:
        """All directives, those within others after them."""
        return [part for part in self.parts if isinstance(part, Directive)]

    @property
    def cells(self) -> list[Directive]:
        """The cells of code."""
        return [found for found in self.directives if found.name == "code-cell"]

    @property
    def claims(self) -> list[Directive]:
        """The theorems, lemmas, propositions, corollaries and boxed answers."""
        return [found for found in self.directives if found.kind in (*RESULTS, "answer")]

    @property
    def answers(self) -> list[Directive]:
        """The boxed answers."""
        return [found for found in self.claims if found.kind == "answer"]

    @property
    def labels(self) -> set[str]:
        """The labels of all directives."""
        return {found.label for found in self.directives if found.label}

    @property
    def citations(self) -> set[str]:
        """The keys of the works that it cites."""
        return {
            key.strip()
            for part in self.parts
            if isinstance(part, Token) and part.type == "myst_role"
            if part.meta["name"].startswith("cite:")
            for key in part.content.split(",")
        }

    @property
    def title(self) -> str:
        """Its first heading, in Markdown; empty if there is none."""
        return self._heading.content

    @property
    def plain_title(self) -> str:
        """Its first heading without markup; empty if there is none."""
        return "".join(part.content for part in self._heading.children or ())

    @property
    def _heading(self) -> Token:
        headings = (inside for mark, inside in pairwise(self.tokens) if mark.type == "heading_open")
        return next(headings, Token("inline", "", 0))

    @property
    def blocks(self) -> Iterator[str | Directive]:
        """Its cells of code, and the text between them, cut before headings and at breaks."""
        cells, done = {cell.end: cell for cell in self.cells}, 0
        for token in self.tokens:
            start, end = token.map or (0, 0)
            cell = cells.get(end) if token.type == "fence" else None
            if cell or token.type in ("front_matter", "heading_open", "myst_block_break"):
                yield from _unless_empty(self.lines[done:start])
                done = start if token.type == "heading_open" else end
            if cell:
                yield cell
        yield from _unless_empty(self.lines[done:])

    def replaced(self, changes: Iterable[tuple[Directive, str]]) -> str:
        """The text with other lines in the place of some directives, which come in their order."""
        text, done = "", 0
        for found, new in changes:
            text += "".join(self.lines[done : found.start]) + new
            done = found.end
        return text + "".join(self.lines[done:])


def chapters(folder: Path) -> list[Chapter]:
    """Every page below a folder, in the instructor's edition."""
    return [Chapter.read(path) for path in sorted(folder.rglob("*.md"))]


def _unless_empty(lines: list[str]) -> Iterator[str]:
    if text := "".join(lines).strip():
        yield text


@cache
def _parser() -> MarkdownIt:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    extensions = set(settings["parse"]["myst_enable_extensions"])
    return create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)


def parse(text: str) -> list[Token]:
    """The tokens of a text in MyST; of a directive, what it holds is not taken apart."""
    return _parser().parse(text)


class _AnyDirective(DocutilsDirective):
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec = {"any": str}  # noqa: RUF012 (docutils' own type)
    has_content = True


def directive(token: Token, before: Token | None = None, first: int = 0) -> Directive | None:
    """The directive that a token is, if it is one.

    The token ``before`` it may be its target; their text begins at line ``first`` of the page.
    """
    if token.type not in ("fence", "colon_fence") or not token.info.startswith("{"):
        return None
    name, _, title = token.info.removeprefix("{").partition("}")
    title, (start, end) = title.strip(), token.map or (0, 0)
    held = parse_directive_text(_AnyDirective, title, token.content, validate_options=False)
    target = before if before and before.map and before.type == "myst_target" else None
    return Directive(
        name,
        title,
        held.options,
        "\n".join(held.body),
        target.content if target else None,
        first + (target.map[0] if target and target.map else start),
        first + start + 1 + held.body_offset,
        first + end,
    )


def _parts(tokens: list[Token], first: int = 0) -> Iterator[Token | Directive]:
    for before, token in pairwise([None, *tokens]):
        assert token is not None
        yield token
        yield from token.children or ()
        if found := directive(token, before, first):
            yield found
            yield from _parts(parse(found.title))
            if found.name == "code-cell":
                yield from _parts(parse(found.figure.get("caption", "")))
            else:
                yield from _parts(parse(found.body), found.inside)
