"""The two editions of a text: what only instructors have, and what only students have.

Where the editions differ, the text has lines of their own that say so::

    % instructor
    This stands in the instructor's edition,
    % student
    % and this, a comment here, in the student's.
    % end

Either part may be missing. In Markdown the sign is ``%``; it is ``#`` in the header of a cell, and
in any other file that comments so.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from sphinx.application import Sphinx

MARK = re.compile(r"\s*[%#] (instructor|student|end)")
_COMMENT = re.compile(r"(\s*)[%#](?: (.*))?")
_NEXT = {
    ("both", "instructor"): "instructor",
    ("both", "student"): "student",
    ("instructor", "student"): "student",
    ("instructor", "end"): "both",
    ("student", "end"): "both",
}


def edition(text: str, whose: Literal["instructor", "student"]) -> str:
    """Return what a text with marks is in one of the editions.

    Raises:
        ValueError: names the line of a mark out of place.
    """
    lines = [""]
    state, gone = "both", False  # gone: a mark was here, and one empty line is enough for it
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if mark := MARK.fullmatch(line.rstrip("\n")):
            if (state, mark[1]) not in _NEXT:
                raise ValueError(f"line {number}: {mark[1]!r} cannot follow a part for {state}")
            state, gone = _NEXT[state, mark[1]], True
            continue
        if state == "student":
            comment = _COMMENT.fullmatch(line.rstrip("\n"))
            if comment is None:
                raise ValueError(f"line {number}: a student's part is a comment, not {line!r}")
            line = f"{comment[1]}{comment[2]}\n" if comment[2] else "\n"
        if state in ("both", whose) and not (gone and line == lines[-1] == "\n"):
            lines.append(line)
            gone = gone and line == "\n"
    if state != "both":
        raise ValueError(f"the part for {state} has no end")
    return "".join(lines)


def choose(app: Sphinx, docname: str, source: list[str]) -> None:
    """Read a page as the instructor's; a student's has no marks left."""
    source[0] = edition(source[0], "instructor")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", choose)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
