"""The directive ``checklist``: every sub-question, its points, and what must be attached to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator
from sphinx.writers.latex import LaTeXTranslator

import book_blanks
from book_appendix import long_table
from book_chapters import Chapter, Directive, chapters

logger = logging.getLogger(__name__)

_TITLE = re.compile(r"Question (\w+) \(([\d½]+) points?\)$")
_SHARE = re.compile(r"\((?:\w+, )?([\d½]+) points?\)")


class Answer(NamedTuple):
    """A boxed answer: its question and points, how the box divides them, and if it is empty."""

    chapter: Chapter
    label: str | None
    question: str
    points: float
    shares: list[float]
    empty: bool


def points(text: str) -> float:
    """Return the number that ``text``, such as ``"1½"``, is."""
    return int(text.removesuffix("½") or 0) + text.endswith("½") / 2


def spelt(number: float) -> str:
    """Return a multiple of one half as the chapters write it."""
    return f"{int(number) or ''}{'½' if number % 1 else ''}" or "0"


def answer(chapter: Chapter, box: Directive) -> Answer:
    """Read the question and the points off an answer's box.

    Raises:
        ValueError: if its title does not name them, or the shares inside do not add up to them.
    """
    title = _TITLE.search(box.title)
    if title is None:
        raise ValueError(f"{box.title!r} ends in no question and points: Question 4a (2 points)")
    shares = [points(share) for share in _SHARE.findall(box.body)]
    if shares and sum(shares) != points(title[2]):
        raise ValueError(f"{box.title!r} divides its points into {_sum(shares)}")
    empty = book_blanks.EMPTY in box.body
    return Answer(chapter, box.label, title[1], points(title[2]), shares, empty)


def _sum(shares: list[float]) -> str:
    return " + ".join(map(spelt, shares))


def empty(
    asked: dict[str, Any], given: dict[str, list[Answer]], missing: dict[str, str]
) -> list[str]:
    """Return the questions that are not answered yet, or whose attachments wait for a loss.

    Args:
        asked, given: see :func:`rows`.
        missing: the losses that are not written, see :func:`book_blanks.unwritten`.
    """
    return [
        found.question
        for part, wants in asked.items()
        for found in given.get(part, [])
        if found.empty
        or book_blanks.waiting(found.chapter, missing).intersection(
            wants["attached"].get(found.question, [])
        )
    ]


def rows(asked: dict[str, Any], given: dict[str, list[Answer]], unanswered: list[str]) -> list[str]:
    """Return the rows of the table.

    Args:
        asked: for each part its ``points``, and ``attached``: labels by question.
        given: for each part the answers in it.
        unanswered: the questions that are marked as such.

    Raises:
        ValueError: names the part or the question that lacks something, or has too much.
    """
    lines = []
    for part, answers in given.items():
        if answers and part not in asked:
            raise ValueError(f"{part!r} has answers and is not asked for")
    for part, wants in asked.items():
        if part not in given:
            raise ValueError(f"no part {part!r}; the parts are {', '.join(given)}")
        total = sum(found.points for found in given[part])
        if total != wants["points"]:
            each = ", ".join(f"{found.question}: {spelt(found.points)}" for found in given[part])
            raise ValueError(f"{part!r} has {spelt(total)} points, not {wants['points']} ({each})")
        attached = dict(wants["attached"])
        lines.append(f"| **{part}** | **{spelt(total)}** | — |")
        lines += [
            _row(found, attached.pop(found.question, []), found.question in unanswered)
            for found in given[part]
        ]
        if attached:
            raise ValueError(f"{part!r} lacks an answer to question {next(iter(attached))}")
    together = sum(wants["points"] for wants in asked.values())
    return [*lines, f"| **Together** | **{spelt(together)}** | — |"]


def _row(found: Answer, labels: list[str], unanswered: bool) -> str:
    for label in labels:
        if label not in found.chapter.labels:
            page = found.chapter.path.name
            raise ValueError(f"question {found.question} lacks {label} on {page}")
    link = f"{{ref}}`Question {found.question} <{found.label}>`"
    if unanswered:
        link += " **(empty)**"
    shares = f" = {_sum(found.shares)}" if found.shares else ""
    things = ", ".join(f"{{numref}}`{label}`" for label in labels)
    return f"| {link} | {spelt(found.points)}{shares} | {things or '—'} |"


class page_number(nodes.Inline, nodes.Element):
    """The page of the label ``label``, in print."""


class Checklist(SphinxDirective):
    """A table of all answers, by part, with their points and their attachments.

    The argument is the folder of the chapters, relative to the page. The content, in YAML, is what
    is asked for: for each part, by its caption, its ``points``, and the labels of what each
    question wants ``attached``.
    """

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """The table; what is missing, or does not add up, fails the build."""
        losses = Path(self.env.srcdir) / "code" / "replearn" / "losses.py"
        try:
            asked, given = yaml.safe_load("\n".join(self.content)), self._given()
            missing = book_blanks.unwritten(losses)
            unanswered = empty(asked, given, missing)
            lines = rows(asked, given, unanswered)
        except ValueError as error:
            raise self.error(f"checklist: {error}") from error
        self.env.book_unanswered = unanswered  # type: ignore[attr-defined]  # ours
        table = long_table(self, "question | points | attached", "30 30 40", lines)
        for node in table:
            for link in list(node.findall(addnodes.pending_xref)):
                number = page_number(label=link["reftarget"])
                link.parent.insert(link.parent.index(link) + 1, number)
        return table

    def _given(self) -> dict[str, list[Answer]]:
        here = Path(self.env.doc2path(self.env.docname)).parent
        by_page: dict[str | None, list[Answer]] = {}
        for chapter in chapters((here / self.arguments[0]).resolve()):
            for box in chapter.answers:
                self.env.note_dependency(str(chapter.path))
                page = self.env.path2doc(chapter.path)
                by_page.setdefault(page, []).append(answer(chapter, box))
        parts = self.env.external_site_map.root.subtrees  # type: ignore[attr-defined]
        return {
            part.caption: [found for page in part.files() for found in by_page.get(page, [])]
            for part in parts
        }


def visit_page_in_latex(self: LaTeXTranslator, node: page_number) -> None:
    """Print the number of the page."""
    page, target = self.builder.env.domaindata["std"]["anonlabels"][node["label"]]
    self.body.append(rf" (p.~\pageref{{{self.idescape(f'{page}:{target}')}}})")
    raise nodes.SkipNode


def visit_page_in_html(self: HTML5Translator, node: page_number) -> None:
    """Print nothing: a site has no pages with numbers."""
    raise nodes.SkipNode


def say_what_is_empty(app: Sphinx, exception: Exception | None) -> None:
    """List at the end of a build the questions without an answer."""
    unanswered = getattr(app.env, "book_unanswered", [])
    if unanswered and exception is None:
        logger.info("Still empty: the answers to %s.", ", ".join(unanswered))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("checklist", Checklist)
    app.connect("build-finished", say_what_is_empty)
    app.add_node(page_number, latex=(visit_page_in_latex, None), html=(visit_page_in_html, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
