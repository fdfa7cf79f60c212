"""Cells as readers want them: evidence in sight, its code folded, nothing that does nothing.

A cell that checks sentences, imports names or feeds a slider is folded to one line on the pages,
unless it is tagged ``show-input``; in print the code of checks is absent. The sentences that a
cell checks stand in a list of their own. What moves with a kernel alone, ``widgets.live``, becomes
a link to where there is one, and is absent where this book names no such place, and in print.
"""

from __future__ import annotations

import ast
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

import book_launch

FOLDS = {"check": "Show the check", "imports": "Show the imports", "frames": "Show the code"}
MARKS = ("✓", "✗")


def kind(source: str) -> str | None:
    """What a cell is for: "check", "imports", "frames" or "live"; None for any other."""
    tree = ast.parse(source)
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }
    if "live" in called:
        return "live"
    if "frames" in called:
        return "frames"
    if "claim" in called or any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return "check"
    if tree.body and all(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        return "imports"
    return None


def fold(app: Sphinx, doctree: nodes.document) -> None:
    """Fold what is to be folded; lead to where live cells run, or leave them out."""
    for cell in list(doctree.findall(nodes.container)):
        code = next(cell.findall(nodes.literal_block), None)
        if cell.get("nb_element") != "cell_code" or code is None or not _is_input(code):
            continue
        what = kind(_plain(code.astext()))
        if what == "live":
            _lead_to_kernel(app, cell)
        elif what and "tag_show-input" not in cell["classes"] and not cell.get("hide_mode"):
            if what == "check" and any(cell.findall(nodes.image)):
                continue  # its code draws, too
            cell["hide_mode"] = "input"
            cell["prompt_show"] = FOLDS[what]
            cell["prompt_hide"] = FOLDS[what].replace("Show", "Hide")
            if what == "check":
                cell["classes"].append("tag_hide-input")  # for print


def _is_input(code: nodes.literal_block) -> bool:
    return isinstance(code.parent, nodes.container) and "cell_input" in code.parent["classes"]


def _plain(source: str) -> str:
    """A cell's Python without IPython's own lines."""
    return "\n".join(
        line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))
    )


def _lead_to_kernel(app: Sphinx, cell: nodes.container) -> None:
    """Put links in the place of a live cell, after the sentence that leads to it by a colon."""
    parent, places = cell.parent, book_launch.places(app, app.env.docname)
    before = cell.previous_sibling()
    line = before if isinstance(before, nodes.paragraph) else nodes.paragraph()
    led = line.astext().rstrip().endswith(":")
    if led and not places:
        parent.remove(line)
    elif places and "kernel" not in line["classes"]:  # else another live cell was just before
        if not led:
            line = nodes.paragraph("", "", nodes.Text("With a kernel this moves freely:"))
            parent.insert(parent.index(cell), line)
        line += [nodes.Text(" open this page on "), *_links(places), nodes.Text(".")]
        line["classes"].append("kernel")
    parent.remove(cell)


def _links(places: dict[str, str]) -> list[nodes.Node]:
    links: list[nodes.Node] = []
    for name, url in places.items():
        links += [nodes.Text(" or "), nodes.reference("", name, refuri=url, internal=False)]
    return links[1:]


class CheckedSentences(SphinxPostTransform):
    """On the pages, the sentences that a cell checks become a list."""

    default_priority = 200
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Part each block of output into what was printed and what was checked."""
        for block in list(self.document.findall(nodes.literal_block)):
            lines = block.astext().splitlines()
            if "stream" in block["classes"] and any(line.startswith(MARKS) for line in lines):
                parent, place = block.parent, block.parent.index(block)
                parent[place : place + 1] = _parted(block, lines)  # without the block's classes


def _parted(block: nodes.literal_block, lines: list[str]) -> list[nodes.Node]:
    parts: list[nodes.Node] = []
    for line in lines:
        last = parts[-1] if parts else None
        if line.startswith(MARKS):
            if not isinstance(last, nodes.bullet_list):
                last = nodes.bullet_list(classes=["checked"])
                parts.append(last)
            last += nodes.list_item("", nodes.paragraph("", line))
        elif line.strip() or isinstance(last, nodes.literal_block):
            if not isinstance(last, nodes.literal_block):
                last = nodes.literal_block("", "", **block.attributes)
                parts.append(last)
            text = f"{last.astext()}\n{line}" if last.astext() else line
            last.children = []
            last += nodes.Text(text)
            last.rawsource = text  # Sphinx colours a block whose text is its source
    return parts


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("doctree-read", fold, priority=400)
    app.add_post_transform(CheckedSentences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
