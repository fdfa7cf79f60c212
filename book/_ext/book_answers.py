"""Answers that wait: on the pages a box opens when the reader says "I have decided".

So do the solutions of exercises, boxes of the class ``dropdown``, when the reader has tried. What
covers a box is HTML's own and needs no script; ``book.js`` adds the switch that opens all of them,
opens the one that a link leads to, and all before a page is printed. A box that a student has yet
to fill in stands open.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.html5 import HTML5Translator

import book_blanks

SUMMARIES = {
    "answer": "I have decided: show the answer",
    "dropdown": "I have tried: show the solution",
}
"""By a box's class, what opens it."""


class covered(nodes.General, nodes.Element):
    """What a box holds below its title."""


class CoveredAnswers(SphinxPostTransform):
    """What an answer or a solution says is covered at first."""

    default_priority = 300
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Cover all of each box but its title."""
        for box in self.document.findall(nodes.admonition):
            kind = next((name for name in SUMMARIES if name in box["classes"]), None)
            if kind and book_blanks.EMPTY.strip("*") not in box.astext():
                title, *said = box.children
                box.children = []
                box += [title, covered("", *said, summary=SUMMARIES[kind])]


def visit(self: HTML5Translator, node: covered) -> None:
    """Open the cover."""
    self.body.append(f'<details class="covered"><summary>{node["summary"]}</summary>\n')


def depart(self: HTML5Translator, node: covered) -> None:
    """Close it."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(covered, html=(visit, depart))
    app.add_post_transform(CoveredAnswers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
