"""One build at a time in a folder, and none that goes on from what a killed one left half-written.

A build waits for the one that is under way in its folder, and starts with no page in it. Sphinx,
the notebooks' figures and the cache of executed chapters take a file that is there for whole; so
what a killed build left is removed first, but for the executed chapters that can be read. As a
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
    """The file that is there while a build is under way, and stays behind one that was killed."""
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
    """Take the folder, as whole as it is."""
    out = Path(app.outdir)
    wait_for_others(out.parent)
    if mark(out.parent).exists():
        clear(out.parent)
    mark(out.parent).touch()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(exist_ok=True)  # one that waits makes it if it comes between


def end(app: Sphinx, exception: Exception | None) -> None:
    """Leave the folder: a build that fails leaves nothing half-written.

    One that warned leaves no page as read, or the next would not read it again and not warn.
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
