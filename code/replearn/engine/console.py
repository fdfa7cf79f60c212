"""Lines for a terminal, whatever letters it has."""

from __future__ import annotations

import sys

from replearn.engine import validation

_PLAIN = {"✓": "[holds]", "✗": "[fails]", "…": "..."}


@validation.arguments
def say(text: str, error: bool = False) -> None:
    """Print ``text`` at once, on standard output, or on standard error if it is an ``error``.

    A Windows code page, or a C locale, cannot write a tick or a folder's Chinese name. What the
    stream cannot write is then spelled out: a line that looks odd is better than an exception.
    """
    stream = sys.stderr if error else sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for letter, plain in _PLAIN.items():
            text = text.replace(letter, plain)
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    print(text, file=stream, flush=True)
