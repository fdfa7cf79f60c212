"""Figures on the pages: a second drawing for a phone, room that is kept for both, a large one.

The library gives a page a figure as SVG and, where it would be too small on a phone, as a second
SVG for narrow paper; and stored frames, with all their drawings inside (``figures.style`` and
``figures.widgets``). Here each drawing becomes a file, so that a browser fetches what it shows and
no more, and the pictures of a figure a link to the large one.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri
from sphinx.writers.html5 import HTML5Translator

PHONE = "(max-width: 600px)"  # as the library's widgets.py has it
LARGE = 'class="large" title="Open this figure large"'

_DATA = re.compile(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)")
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"')
_UNSEEN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|\n *", re.S)
_LONG = re.compile(r"-?\d+\.\d{3,}(?!\d*[A-Za-z+/])")
_NARROW = '<img class="narrow"'


def slim(svg: str) -> str:
    """A drawing without what nobody sees: digits, comments, line breaks."""
    return _LONG.sub(_shortened, _UNSEEN.sub(" ", svg)).strip()


def _shortened(match: re.Match[str]) -> str:
    number = float(match[0])
    return f"{number:.2f}".rstrip("0").rstrip(".") if abs(number) >= 1 else f"{number:.4g}"


def pixels(svg: str) -> str:
    """The size of a drawing as attributes of a tag, so that its room is kept before it is there."""
    size = _SIZE.search(svg)
    if size is None:
        return ""
    width, height = (round(float(points) * 4 / 3) for points in size.groups())
    return f'width="{width}" height="{height}"'


def stored(builder: StandaloneHTMLBuilder, svg: str) -> str:
    """Write a drawing into the site, and return its file's name."""
    svg = slim(svg)
    folder = Path(builder.outdir) / builder.imagedir
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{hashlib.sha256(svg.encode()).hexdigest()[:16]}.svg"
    (folder / name).write_text(svg, encoding="utf-8")
    return name


def pair(app: Sphinx, doctree: nodes.document) -> None:
    """Hand a figure its narrow drawing, which stands beside it in what a cell put out."""
    for raw in list(doctree.findall(nodes.raw)):
        if raw.astext().startswith(_NARROW):
            holder = raw.parent
            while "mime_type" not in holder:
                holder = holder.parent
            bundle = holder.parent
            for image in bundle.findall(nodes.image):
                if str(image["uri"]).endswith(".svg"):
                    image["narrow"] = _decoded(_DATA.search(raw.astext()))
            bundle.remove(holder)


def _decoded(match: re.Match[str] | None) -> str:
    assert match is not None
    return base64.b64decode(match[1]).decode()


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    """A drawing with its size, within a link to itself, perhaps beside one for a phone."""
    source = Path(self.builder.srcdir) / node["uri"]
    type(self).visit_image(self, node)
    if not str(node["uri"]).endswith(".svg") or not source.exists():
        return
    svg = source.read_text(encoding="utf-8")
    address = f"{self.builder.imgpath}/{stored(self.builder, svg)}"
    image = self.body.pop().rstrip().removesuffix(">").rstrip(" /")
    image = image.replace(f'src="{node["uri"]}"', f'src="{address}"')
    thin = ""
    if narrow := node.get("narrow"):
        file = f"{self.builder.imgpath}/{stored(self.builder, narrow)}"
        thin = f'<source media="{PHONE}" srcset="{file}" {pixels(narrow)}>'
    self.body.append(
        f'<a {LARGE} href="{address}"><picture>{thin}{image} {pixels(svg)} loading="lazy" />'
        "</picture></a>"
    )


class FramesInFiles(SphinxPostTransform):
    """The drawings of stored frames become files, described as the cell says."""

    default_priority = 400
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Take each out of the HTML that holds it."""
        builder = self.app.builder
        assert isinstance(builder, StandaloneHTMLBuilder)
        images = relative_uri(builder.get_target_uri(self.env.docname), builder.imagedir)
        for raw in self.document.findall(nodes.raw):
            text = raw.astext()
            if '<div class="frames">' in text:
                text = _DATA.sub(lambda match: f"{images}/{stored(builder, _decoded(match))}", text)
                text = text.replace('alt=""', f'alt="{html.escape(_told(raw))}"')
                text = re.sub(
                    r'(<picture>.*?<img src="([^"]*)".*?</picture>)',
                    rf'<a {LARGE} href="\2">\1</a>',
                    text,
                )
                raw.replace_self(nodes.raw("", text, format="html", classes=raw["classes"]))


def _told(node: nodes.Node) -> str:
    """The description of a cell's picture; its caption, if it has none."""
    cell, caption = node.parent, ""
    while cell.get("nb_element") != "cell_code":
        if isinstance(cell, nodes.figure):
            caption = next((part.astext() for part in cell.findall(nodes.caption)), "")
        cell = cell.parent
    alt = cell["cell_metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
    return " ".join((alt or caption).split())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; figures are paired before Sphinx collects them."""
    app.connect("doctree-read", pair, priority=400)
    app.add_post_transform(FramesInFiles)
    app.add_node(nodes.image, override=True, html=(visit_image, lambda self, node: None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
