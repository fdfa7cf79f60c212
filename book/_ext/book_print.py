r"""Theorems, proofs and answers as boxes of their own in the PDF, and fonts that know our symbols.

sphinx-proof prints every block as the same grey note, takes its number from the wrong page when a
title holds a formula, and gives a proof an empty title; Sphinx prints an answer as any other note.
Here each becomes a LaTeX environment that book/_latex/bookstyle.sty draws. The first page has bold
lines for headings in Jupyter Book's print; they become sections like all others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.latex import LaTeXTranslator
from sphinx_jupyterbook_latex.nodes import RootHeader
from sphinx_proof.nodes import NODE_TYPES, proof_node, unenumerable_node


class answer_node(nodes.General, nodes.Element):
    """A boxed answer, its title first."""


class AnswerBoxes(SphinxPostTransform):
    """Admonitions of class ``answer`` become answer nodes."""

    default_priority = 300
    builders = ("latex",)

    def run(self, **kwargs: Any) -> None:
        """Replace each of them; its label moves into the box, so that both are on one page."""
        for admonition in list(self.document.findall(nodes.admonition)):
            if "answer" in admonition["classes"]:
                before = admonition.previous_sibling()
                if isinstance(before, nodes.target) and before.get("refid") in admonition["ids"]:
                    before.parent.remove(before)
                box = answer_node("", *admonition.children, ids=admonition["ids"])
                admonition.replace_self(box)


class ProofHeads(SphinxPostTransform):
    """sphinx-proof writes "Proof. " as plain text into a nested box; here it is emphasised."""

    default_priority = 300

    def run(self, **kwargs: Any) -> None:
        """Emphasise the word; for LaTeX, take the content out of its box."""
        for proof in list(self.document.findall(proof_node)):
            box = proof.next_node(nodes.admonition)
            assert box is not None
            box["ids"] = []  # sphinx-proof gives every proof the same one
            box["classes"].append("proof-text")  # its own classes are those of a theorem, less one
            text = box.next_node(nodes.Text)
            if text is not None and text.startswith("Proof. "):
                rest = nodes.Text(text.removeprefix("Proof."))
                text.parent.replace(text, [nodes.emphasis("", "Proof."), rest])
            if self.app.builder.format == "latex":
                box.replace_self(box.children)


def _title(self: LaTeXTranslator, node: nodes.Element) -> str:
    """Take the node's title off and return it in LaTeX."""
    title = node.next_node(nodes.title)
    assert title is not None
    node.remove(title)
    start = len(self.body)
    for child in title.children:
        child.walkabout(self)
    text = "".join(self.body[start:])
    del self.body[start:]
    return text


def writes(text: str) -> Callable[[LaTeXTranslator, nodes.Element], None]:
    """What opens or closes a node by the same text each time."""
    return lambda translator, node: translator.body.append(text)


def visit_theorem(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open the box: kind, number if it has one, and title."""
    docname = self.curfilestack[-1]  # the page, in the one tree that LaTeX is written from
    kind, name = node["realtype"], node["realtype"].title()
    if not isinstance(node, unenumerable_node):
        figures = self.builder.env.toc_fignumbers.get(docname, {})
        numbers = figures.get(node["countertype"], {}).get(node["ids"][0], ())
        name += f"~{'.'.join(map(str, numbers))}"
    self.body.append(
        f"\n\\begin{{booktheorem}}{{{kind}}}{{{name}}}{{{_title(self, node)}}}"
        f"{{{docname}:{node['label']}}}%\n"
    )


def visit_answer(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open an answer's box.

    A table cannot break. Where the first thing in a box is one that begins a new page, tcolorbox
    discards what is left of the box on the old page: its title, label and bookmark.
    """
    title, label = _title(self, node), self.hypertarget_to(node, anchor=True)
    if isinstance(node.children[0], nodes.table):
        self.body.append("\n\\needspace{0.6\\textheight}")
    self.body.append(f"\n\\begin{{bookanswer}}{{{title}}}{label}\n")


def add_code_font(app: Sphinx, config: Config) -> None:
    """Let LaTeX set code in matplotlib's own copy of DejaVu Sans Mono.

    It is installed wherever the book builds, and has the superscripts and ticks that code prints.
    """
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    config.latex_additional_files += [str(file) for file in fonts.glob("DejaVuSansMono*.ttf")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    theorem = visit_theorem, writes("\n\\end{booktheorem}\n")
    proof = writes("\n\\begin{bookproof}\n"), writes("\n\\end{bookproof}\n")
    for node_type in (*NODE_TYPES.values(), unenumerable_node):
        app.add_node(node_type, override=True, latex=theorem)
    app.add_node(proof_node, override=True, latex=proof)
    app.add_node(answer_node, latex=(visit_answer, writes("\n\\end{bookanswer}\n")))
    app.setup_extension("sphinx_jupyterbook_latex")  # first, or its own drawing would be the last
    app.add_node(RootHeader, override=True, latex=(writes("\n\\section{"), writes("}\n")))
    app.add_post_transform(AnswerBoxes)
    app.add_post_transform(ProofHeads)
    app.connect("config-inited", add_code_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
