"""Pages: a description in the head, nothing that needs a network, commas that stay by formulas."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

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


class HeldPunctuation(SphinxPostTransform):
    """A formula and the punctuation after it: to a browser, two things that a line may part."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Put each such pair into one span, which book.css keeps on a line."""
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(descend=False, siblings=True)
            if isinstance(after, nodes.Text) and (marks := re.match(r"[,.;:?!)]+", after)):
                parent, rest = formula.parent, nodes.Text(after[marks.end() :])
                at = parent.index(formula)
                held = nodes.inline("", "", formula, nodes.Text(marks[0]), classes=["held"])
                parent[at : at + 2] = [held, rest]


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
    app.add_post_transform(HeldPunctuation)
    app.connect("html-page-context", add_description)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", drop_preloads)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
