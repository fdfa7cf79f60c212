"""What stands in a page's head: a description, and nothing that fails without a network."""

from __future__ import annotations

import html
import re
from pathlib import Path
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


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out the scripts of Thebe, which no page uses and which name a remote address."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "sphinx-thebe" not in str(script.filename)
        and "const THEBE_JS_URL" not in script.attributes.get("body", "")
    ]


def drop_preloads(app: Sphinx, exception: Exception | None) -> None:
    """Leave fonts to the style sheets: from the disk, a browser refuses to load them ahead."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            slim = re.sub(r'<link rel="preload" as="font"[^>]*>\n?', "", text)
            if slim != text:
                path.write_text(slim, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("html-page-context", add_description)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", drop_preloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
