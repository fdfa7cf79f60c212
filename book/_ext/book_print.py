r"""Print: theorems, proofs and answers as boxes of their own in the PDF.

sphinx-proof prints every block as the same grey note, takes its number from the wrong page when a
title holds a formula, and gives a proof an empty title; Sphinx prints an answer as any other note.
Here each becomes a LaTeX environment that book/_latex/book.sty draws.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.addnodes import start_of_file
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.writers.latex import LaTeXTranslator
from sphinx_proof.nodes import NODE_TYPES, proof_node, unenumerable_node


class answer_node(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """A boxed answer, its title first."""


class AnswerBoxes(SphinxPostTransform):
    """Admonitions of class ``answer`` become answer nodes."""

    default_priority = 300
    builders = ("latex",)

    def run(self, **kwargs: Any) -> None:
        """Replace each of them; the labels stay."""
        for admonition in list(self.document.findall(nodes.admonition)):
            if "answer" in admonition["classes"]:
                box = answer_node("", *admonition.children, ids=admonition["ids"])
                admonition.replace_self(box)


def _docname(node: nodes.Element) -> str:
    """The page a node comes from, in the one tree that LaTeX is written from."""
    parent: nodes.Element | None = node
    # A part's pseudo-page carries its caption for a name; the innermost is the real page.
    while not isinstance(parent, start_of_file | nodes.document):
        assert parent is not None
        parent = parent.parent
    return parent["docname"]


def _title(self: LaTeXTranslator, node: nodes.Element) -> str:
    """Take the node's title off and return it in LaTeX."""
    title = node.next_node(nodes.title)
    assert title is not None and title.parent is node
    node.remove(title)
    start = len(self.body)
    for child in title.children:
        child.walkabout(self)
    text = "".join(self.body[start:])
    del self.body[start:]
    return text


def visit_theorem(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open the box: kind, number and title."""
    docname = _docname(node)
    figures = self.builder.env.toc_fignumbers.get(docname, {})
    number = ".".join(map(str, figures.get(node["countertype"], {}).get(node["ids"][0], ())))
    kind = node["realtype"]
    self.body.append(
        f"\n\\begin{{booktheorem}}{{{kind}}}{{{kind.title()}~{number}}}{{{_title(self, node)}}}"
        f"\\label{{{docname}:{node['label']}}}%\n"
    )


def depart_theorem(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Close the box."""
    self.body.append("\n\\end{booktheorem}\n")


def visit_unnumbered(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open the box of a block without a number."""
    kind = node["realtype"]
    self.body.append(
        f"\n\\begin{{booktheorem}}{{{kind}}}{{{kind.title()}}}{{{_title(self, node)}}}"
        f"\\label{{{_docname(node)}:{node['label']}}}%\n"
    )


def visit_proof(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open a proof; sphinx-proof has put its content in a nested box and "Proof. " before it."""
    box = node.children[0]
    assert isinstance(box, nodes.Element)
    first = box.next_node(nodes.Text)
    if first is not None and first.startswith("Proof. "):
        first.parent.replace(first, nodes.Text(first.removeprefix("Proof. ")))
    node.children = box.children
    for child in node.children:
        child.parent = node
    self.body.append("\n\\begin{bookproof}\n")


def depart_proof(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Close the proof with its mark."""
    self.body.append("\n\\end{bookproof}\n")


def visit_answer(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Open an answer's box."""
    anchors = "".join(self.hypertarget(id, anchor=False) for id in node["ids"])
    self.body.append(f"\n\\begin{{bookanswer}}{{{_title(self, node)}}}{anchors}\n")


def depart_answer(self: LaTeXTranslator, node: nodes.Element) -> None:
    """Close the box."""
    self.body.append("\n\\end{bookanswer}\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    for node_type in NODE_TYPES.values():
        app.add_node(node_type, override=True, latex=(visit_theorem, depart_theorem))
    app.add_node(unenumerable_node, override=True, latex=(visit_unnumbered, depart_theorem))
    app.add_node(proof_node, override=True, latex=(visit_proof, depart_proof))
    app.add_node(answer_node, latex=(visit_answer, depart_answer))
    app.add_post_transform(AnswerBoxes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
