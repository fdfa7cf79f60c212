"""Builds that do not disturb each other: one at a time in a folder, each from a clean start.

A build waits until no other is under way in its folder, and starts without the pages of the last. A
killed build leaves files half-written, which Sphinx and the cache of executed chapters would take
for whole; the next build removes them, and keeps the executed chapters that can still be read. As a
program, it runs another once no build is under way: ``python book_builds.py FOLDER COMMAND...``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.config import Config

# The lock of this process's build, which the system takes from it when it ends, however it ends.
_held: FileLock | None = None


def wait_for_others(build: Path) -> None:
    """Hold the lock of a build's folder until this process ends."""
    global _held
    build.mkdir(parents=True, exist_ok=True)
    _held = FileLock(build / ".lock")
    try:
        _held.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for another build to leave {build.name}", flush=True)
        _held.acquire()


def mark(build: Path) -> Path:
    """The file that marks a build under way; a killed build leaves it behind."""
    return build / ".under-way"


def clear(build: Path) -> None:
    """Remove what a killed build may have left half-written."""
    for name in ("html", "latex", "jupyter_execute", ".doctrees"):
        shutil.rmtree(build / name, ignore_errors=True)
    for folder in (build / ".jupyter_cache").glob("*"):
        try:
            cache = get_cache(folder)
            for record in cache.list_cache_records():
                cache.get_cache_bundle(record.pk)
        except Exception:  # whatever it is: chapters can be executed again
            shutil.rmtree(folder)


def begin(app: Sphinx, config: Config) -> None:
    """Take the folder, mend what a killed build left in it, and remove the old pages."""
    out = Path(app.outdir)
    wait_for_others(out.parent)
    if mark(out.parent).exists():
        clear(out.parent)
    mark(out.parent).touch()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(exist_ok=True)  # one that waits makes it if it comes between


def end(app: Sphinx, exception: Exception | None) -> None:
    """Leave the folder without the mark, and after warnings without the pages as they were read.

    The next build then reads them again, and warns again.
    """
    if app._warncount:
        shutil.rmtree(app.doctreedir, ignore_errors=True)
    mark(Path(app.outdir).parent).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, around all others."""
    app.connect("config-inited", begin, priority=1)
    app.connect("build-finished", end, priority=999)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    wait_for_others(Path(sys.argv[1]))
    sys.exit(subprocess.run(sys.argv[2:]).returncode)
