"""Records of rows: a new row takes the place of an older one of the same case."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

Row = dict[str, Any]


def keep(
    path: Path, row: Row, own: Sequence[str], goes: Callable[[Row], bool] = lambda old: False
) -> None:
    """Put ``row`` into the file ``path``, in order of what tells cases apart, ``own``.

    The older row of the same case goes, and so does every other of which ``goes`` is true. Several
    processes may keep rows in one file.
    """
    with FileLock(f"{path}.lock"):
        rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        again = [row[name] for name in own]
        rows = [old for old in rows if [old[name] for name in own] != again and not goes(old)]
        rows = sorted([*rows, row], key=lambda one: [str(one[name]) for name in own])
        text = json.dumps(rows, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")
