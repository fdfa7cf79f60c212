"""What a search engine and a shared link say about a page: the first sentences of its text."""

from __future__ import annotations

import html
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LENGTH = 160  # characters; what search results show


def description(doctree: nodes.document) -> str:
    """The page's first paragraph outside boxes and cells, cut at a word to at most LENGTH."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            text = " ".join(_text(paragraph).split())
            if len(text) > LENGTH:
                text = text[: LENGTH - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
            if text:
                return text
    return ""


def _text(node: nodes.Node) -> str:
    if isinstance(node, nodes.Text):
        return node.astext()
    return "".join(_text(child) for child in node.children)


def add_description(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the description to the page's head, unless its author wrote one."""
    if doctree is None or 'name="description"' in context.get("metatags", ""):
        return
    if text := description(doctree):
        tag = f'<meta name="description" content="{html.escape(text)}" />'
        context["metatags"] = context.get("metatags", "") + tag


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", add_description)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
