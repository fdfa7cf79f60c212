"""The pages on the screen: what their heads say, and mends of what the theme makes of them."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

import book_launch

LENGTH = 160  # characters; what search results show
CARD = "book/_static/views.png"
CARD_ALT = "Fourteen views of one cyan triangle under each of three sets of augmentations"

# The theme preloads fonts, which browsers refuse to do from the disk; docutils gives a listed work
# a role that list items no longer have; and people who speak to their browser call a button by the
# words that they see on it, so that its name must hold these.
MENDED = {
    '<summary aria-label="Toggle hidden content">': "<summary>",  # it has words of its own
    r'<link rel="preload" as="font"[^>]*>\n?': "",
    'role="doc-biblioentry"': 'role="listitem"',
    r'(<button class="btn search-button-field[^>]*) aria-label="Search"': r"\1",
}


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


def add_card(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add what a link to the page shows where people share it.

    A picture needs a full address, so it takes a repository that others can reach; the student
    edition has no picture.
    """
    if doctree is None or (title := doctree.next_node(nodes.title)) is None:
        return
    card = {"og:type": "article", "og:title": _text(title), "og:site_name": app.config.html_title}
    if text := description(doctree):
        card["og:description"] = text
    if (book_launch.ROOT / CARD).exists() and (home := book_launch.repository()):
        card |= {"og:image": home.raw(CARD), "og:image:alt": CARD_ALT}
    tags = (f'<meta property="{key}" content="{html.escape(card[key])}" />' for key in card)
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def name_first_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Call the first page by the book's title once, not twice."""
    if page == app.config.root_doc:
        context["docstitle"] = ""


class HeldPunctuation(SphinxPostTransform):
    """Punctuation stays with the formula it belongs to; a browser would break the line between."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Put both into one span, which book.css keeps on a line."""
        for formula in list(self.document.findall(nodes.math)):
            parent, at = formula.parent, formula.parent.index(formula)
            held: list[nodes.Node] = [formula]
            before = parent[at - 1] if at > 0 else None
            after = parent[at + 1] if at + 1 < len(parent) else None
            if isinstance(before, nodes.Text) and (marks := re.search(r"[(\[]+$", before)):
                parent[at - 1] = nodes.Text(before[: marks.start()])
                held.insert(0, nodes.Text(marks[0]))
            if isinstance(after, nodes.Text) and (marks := re.match(r"[,.;:?!)\]]+", after)):
                parent[at + 1] = nodes.Text(after[marks.end() :])
                held.append(nodes.Text(marks[0]))
            if len(held) > 1:
                parent[at] = nodes.inline("", "", *held, classes=["held"])


def mend(app: Sphinx, exception: Exception | None) -> None:
    """Mend in the finished pages what no setting reaches."""
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = mended = path.read_text(encoding="utf-8")
            for wrong, right in MENDED.items():
                mended = re.sub(wrong, right, mended)
            if mended != text:
                path.write_text(mended, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_post_transform(HeldPunctuation)
    app.connect("html-page-context", add_description)
    app.connect("html-page-context", add_card)
    app.connect("html-page-context", name_first_page)
    app.connect("build-finished", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
