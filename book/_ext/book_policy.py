"""What a page may load and run: what comes from its own site, and nothing else.

The policy stands in the page itself, which is read from the disk and from servers that send none.
It is the tightest under which a browser shows the site as it is meant: the theme has scripts and
styles within its pages, and its style sheets hold small pictures; Jupyter's widgets, on the pages
that have them, compile code and show pictures that they made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

import book_offline

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-inline'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",  # the search reads the pages that it found
    "base-uri": "'none'",
    "form-action": "'self'",
}
WIDGETS = {"script-src": " 'unsafe-eval'", "img-src": " blob:"}


def policy(widgets: bool) -> str:
    """The policy of a page, with or without widgets, as a tag of its head."""
    lines = (f"{what} {whence}{WIDGETS.get(what, '') * widgets}" for what, whence in POLICY.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(lines)}" />'


def add_policy(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the policy before all that it is to bind."""
    if book_offline.wanted():
        tag = policy(book_offline.has_widgets(context))
        context["metatags"] = tag + context.get("metatags", "")


def add_to_redirect(app: Sphinx, exception: Exception | None) -> None:
    """Put it before the line that leads from the site's root to its first page, too."""
    path = Path(app.outdir) / "index.html"
    if exception is None and app.builder.format == "html" and book_offline.wanted():
        text = path.read_text(encoding="utf-8")
        if "Content-Security-Policy" not in text:
            path.write_text(f"{policy(False)}\n{text}", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, after all that adds to a head or writes a page."""
    app.connect("html-page-context", add_policy, priority=950)
    app.connect("build-finished", add_to_redirect, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
