"""What a page loads before its first letter: one short style sheet, and no script.

The theme and the extensions bring fourteen style sheets, of which the book uses a fifth, fonts of
icons, of which it shows two dozen, and a script of one and a half megabytes that draws them again.
When all pages are written, the rules that can apply to something on them stand in the head of each,
so that one request shows it; the icons become a small font of their own; scripts wait until the
page is there; and code has no tags for words that have no colour of their own.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import tinycss2
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# Scripts that no page needs: icons are a font here, no admonition is folded, no tab shown.
UNUSED = ("fontawesome", "togglebutton", "toggleHint", "toggleOpen", "design-tabs", "thebe")
# What else can put elements on a page: their words count as used.
SPEAKING = ("scripts/*.js", "*.js")
ICONS = "vendor/fontawesome/*/webfonts/fa-solid-900.ttf"

_SHEET = re.compile(r'\s*<link\b(?=[^>]*rel="stylesheet")[^>]*href="([^"?]*)[^"]*"[^>]*>')
_FILE = r"url\((['\"]?)(?!['\"]?(?:data:|#))"
_WORD = re.compile(r'<span class="(\w{1,3})">([^<]*)</span>')
_SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script>", re.S)
_NESTING = ("media", "supports", "layer", "container")  # rules within rules
_NAME = re.compile(r"[.#](-?[A-Za-z_](?:[\w-]|\\.)*)")
_ARGUMENT = re.compile(r":(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)")


def used(css: str, words: set[str]) -> str:
    """The rules whose classes and identifiers are all among ``words``.

    Raises:
        ExtensionError: for a sheet that is no CSS.
    """
    return _used(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), words)


def _used(rules: list[Any], words: set[str]) -> str:
    kept = []
    for rule in rules:
        if rule.type == "error":
            raise ExtensionError(f"a style sheet, line {rule.source_line}: {rule.message}")
        head = tinycss2.serialize(rule.prelude).rstrip()
        body = _squeezed(tinycss2.serialize(rule.content or []))
        if rule.type == "qualified-rule":
            selectors = [one for one in _parts(head) if _names(one) <= words]
            if selectors:
                kept.append(f"{','.join(selectors)}{{{body}}}")
        elif rule.lower_at_keyword in _NESTING and rule.content is not None:
            inside = tinycss2.parse_rule_list(
                rule.content, skip_comments=True, skip_whitespace=True
            )
            if some := _used(inside, words):
                kept.append(f"@{rule.at_keyword}{head}{{{some}}}")
        else:
            block = ";" if rule.content is None else f"{{{body}}}"
            kept.append(f"@{rule.at_keyword}{head}{block}")
    return "".join(kept)


def _parts(selectors: str) -> list[str]:
    """Selectors, cut at the commas outside of brackets."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", selectors)]


def _names(selector: str) -> set[str]:
    """The classes and identifiers that something must have for the selector to apply."""
    plain = _ARGUMENT.sub("", _ARGUMENT.sub("", selector))
    return {name.replace("\\", "") for name in _NAME.findall(plain)}


def _squeezed(block: str) -> str:
    return re.sub(r"\s+", " ", block).strip()


def pages(out: Path) -> list[Path]:
    """The pages of a site; among its static files are templates, which are none."""
    return [path for path in sorted(out.rglob("*.html")) if "_static" not in path.parts]


def words(out: Path) -> set[str]:
    """All words by which a rule could find an element: of the pages' tags and of the scripts."""
    found: set[str] = set()
    for page in pages(out):
        for tag in re.findall(r"<[A-Za-z][^>]*", page.read_text(encoding="utf-8")):
            for value in re.findall(r'\b(?:class|id)="([^"]*)"', tag):
                found.update(value.split())
    for pattern in SPEAKING:
        for script in (out / "_static").glob(pattern):
            found.update(re.findall(r"[\w-]+", script.read_text(encoding="utf-8")))
    return found


def one_sheet(out: Path, sheets: list[str]) -> str:
    """What is used of style sheets, whose names are relative to ``_static``."""
    known = words(out)
    parts = []
    for name in sheets:
        text = (out / "_static" / name).read_text(encoding="utf-8")
        text = re.sub(r"@charset [^;]*;", "", text)
        home = Path(name).parent.as_posix()
        text = re.sub(
            r"url\((['\"]?)(?!data:|#|https?:)([^)'\"]+)\1\)", rf"url({home}/\2)", text
        ).replace("url(./", "url(")
        parts.append(used(text, known))
    css = "".join(parts)
    # Of each family of icons the rules and the faces that the pages need: one, of solid icons.
    faces = re.compile(r"@font-face\{[^}]*?\}")
    css = faces.sub(lambda face: "" if "fontawesome" in face[0] else face[0], css)
    return (
        '@font-face{font-family:"Font Awesome 6 Free";font-weight:400 900;font-display:block;'
        f"src:url(icons.woff) format('woff')}}{css}"
    )


def icons(out: Path, css: str) -> bytes:
    """The font of the icons that a style sheet names.

    Raises:
        ExtensionError: if the theme has no font of icons where it used to be.
    """
    fonts = sorted((out / "_static").glob(ICONS))
    if not fonts:
        raise ExtensionError(f"the theme has no {ICONS}")
    named = {ord(letter) for letter in re.findall("[\uf000-\uf8ff]", css)}
    font = TTFont(fonts[-1], recalcTimestamp=False)  # two builds write the same file
    chosen = subset.Subsetter()
    chosen.populate(unicodes=named)
    chosen.subset(font)
    font.flavor = "woff"
    buffer = io.BytesIO()
    font.save(buffer)
    return buffer.getvalue()


def light_page(text: str, static: str, css: str) -> str:
    """A page with its style sheet inside and scripts that wait; ``static`` leads to its files."""
    head, body = text.split("</head>", 1)
    head = re.sub(r'\s*<link rel="preload" as="script"[^>]*>', "", _SHEET.sub("", head))
    sheet = "<style>" + re.sub(_FILE, rf"url(\1{static}/", css) + "</style>\n"
    coloured = set(re.findall(r"\.highlight \.(\w+)", css))
    body = _WORD.sub(lambda word: word[0] if word[1] in coloured else word[2], body)
    # Before the first script, which chooses light or dark.
    head = head.replace("<script", f"{sheet}<script", 1)
    return _SCRIPT.sub(_waiting, f"{head}</head>{body}")


def _waiting(match: re.Match[str]) -> str:
    attributes, body = match.groups()
    if any(word in attributes or word in body for word in UNUSED):
        return ""
    if "DOCUMENTATION_OPTIONS.pagename" in body:  # of the theme's, where versions are chosen
        return ""
    if "src=" in attributes and "defer" not in attributes:
        return f'<script defer="defer"{attributes}></script>'
    return match[0]


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Give the finished pages their one style sheet."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    heavy: dict[Path, str] = {}  # the pages that this build wrote, and how each leads to its files
    sheets: dict[str, None] = {}
    for path in pages(out):
        head = path.read_text(encoding="utf-8").split("</head>", 1)[0]
        for home, name in (href.rsplit("_static/", 1) for href in _SHEET.findall(head)):
            heavy[path] = f"{home}_static"
            sheets[name] = None
    if heavy:
        css = one_sheet(out, list(sheets))
        (out / "_static" / "icons.woff").write_bytes(icons(out, css))
        for path, static in heavy.items():
            text = light_page(path.read_text(encoding="utf-8"), static, css)
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; after all that writes or mends a page."""
    app.connect("build-finished", lighten, priority=990)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
