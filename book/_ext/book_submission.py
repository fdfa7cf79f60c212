r"""Who hands the book in: its title page, the PDF's metadata, and the paper.

``submission.yml`` at the root says so, or the environment, which wins: ``make pdf AUTHOR="..."``.
Without an author the title page names the book's own. book/_latex/bookstyle.sty draws the page.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import matplotlib
import yaml
from matplotlib.ft2font import FT2Font
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import texescape

FILE = "submission.yml"
PAPERS = {"a4": "a4paper", "letter": "letterpaper"}

# The font of the names: it knows more scripts than TeX's own, and comes with matplotlib, so that a
# name is checked before anything is trained and wherever TeX is not.
FONT = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@dataclass(frozen=True)
class Submission:
    """Who hands in, with whose help, and on which paper (``"a4"`` or ``"letter"``)."""

    author: str | None = None
    collaborators: tuple[str, ...] = ()
    paper: str = "a4"


def read(file: Path, environment: Mapping[str, str]) -> Submission:
    """Return what ``file`` says, if it is there, overruled by ``environment``.

    ``AUTHOR``, ``COLLABORATORS`` (separated by commas) and ``PAPER`` count unless empty.

    Raises:
        ExtensionError: names the key, its value and what is allowed.
    """
    keys = [field.name for field in fields(Submission)]
    given = _load(file) if file.exists() else {}
    if unknown := [key for key in given if key not in keys]:
        raise ExtensionError(f"{FILE}: key {unknown[0]!r}; the keys are {', '.join(keys)}")
    wins: dict[str, Any] = {key: said for key in keys if (said := environment.get(key.upper()))}
    if "collaborators" in wins:
        wins["collaborators"] = [each for each in wins["collaborators"].split(",") if each.strip()]
    given |= wins

    collaborators = given.get("collaborators", [])
    if not isinstance(collaborators, list):
        raise ExtensionError(f"submission: collaborators is {collaborators!r}; a list is allowed")
    if collaborators and "author" not in given:
        raise ExtensionError(f"submission: collaborators is {collaborators!r}, without an author")
    paper = given.get("paper", "a4")
    if not isinstance(paper, str) or paper not in PAPERS:
        raise ExtensionError(f"submission: paper is {paper!r}; allowed are {', '.join(PAPERS)}")
    return Submission(
        name("author", given["author"]) if "author" in given else None,
        tuple(name("collaborators", each) for each in collaborators),
        paper,
    )


def _load(file: Path) -> dict[Any, Any]:
    try:
        given = yaml.safe_load(file.read_bytes())
    except yaml.YAMLError as error:
        raise ExtensionError(f"{FILE} is not YAML: {error}") from error
    if not isinstance(given, dict):
        raise ExtensionError(f"{FILE} holds {given!r}; lines such as 'author: ...' are allowed")
    return given


def name(key: str, value: object) -> str:
    """Return a name on one line, its accents composed; ExtensionError if it cannot be printed."""
    if not isinstance(value, str) or not value.strip():
        raise ExtensionError(f"submission: {key} has {value!r}; a name is allowed, as text")
    text = unicodedata.normalize("NFC", " ".join(value.split()))
    glyphs = FT2Font(str(FONT)).get_charmap()
    if missing := [letter for letter in text if ord(letter) not in glyphs]:
        raise ExtensionError(
            f"submission: {key} has {value!r}, but {missing[0]!r} (U+{ord(missing[0]):04X}) is not "
            f"in {FONT.stem}, the font of the title page, which has Latin, Greek, Cyrillic, Hebrew "
            "and Arabic letters"
        )
    return text


def as_latex(text: str) -> str:
    r"""Return a name in LaTeX; what is written from right to left is the argument of ``\bookrtl``.

    A run of such letters includes what is neutral between them, and the marks on the last one.
    """
    kinds = {"R": "r", "AL": "r", "L": "l", "NSM": "m"}
    line = "".join(kinds.get(unicodedata.bidirectional(letter), "n") for letter in text)
    texescape.init()
    pieces, end = [], 0
    for run in re.finditer("r(?:[rmn]*r)?m*", line):
        before, inside = text[end : run.start()], text[run.start() : run.end()]
        pieces.append(rf"{_escape(before)}\bookrtl{{{_escape(inside)}}}")
        end = run.end()
    return "".join(pieces) + _escape(text[end:])


def _escape(text: str) -> str:
    return texescape.escape(text, "xelatex")


def set_title_page(app: Sphinx, config: Config) -> None:
    """Tell LaTeX the names, their font and the paper."""
    submission = read(Path(app.srcdir) / FILE, os.environ)
    config.latex_elements["papersize"] = PAPERS[submission.paper]
    config.latex_additional_files += [str(FONT)]
    if submission.author is not None:
        collaborators = ", ".join(map(as_latex, submission.collaborators))
        config.latex_elements["maketitle"] = (
            f"\\author{{{as_latex(submission.author)}}}\n"
            f"\\collaborators{{{collaborators}}}\n"
            "\\sphinxmaketitle"
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("config-inited", set_title_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
