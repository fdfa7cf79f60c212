"""Networks come before chapters: each is found in store, else published, else trained.

A chapter that trained one would be silent for minutes. ``TRAIN=1`` in the environment trains even
the published ones here. The file ``networks.json`` beside the pages says where each network came
from, for the page "How this copy was made" and for the cache of executed chapters; a network that
an earlier build of this folder trained counts as trained, not as found.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

ROOT = Path(__file__).resolve().parent.parent.parent


def trains() -> bool:
    """Whether ``$TRAIN`` asks for trainings on this machine.

    Raises:
        ExtensionError: if it is anything but 1, 0 or nothing.
    """
    given = os.environ.get("TRAIN", "")
    if given not in ("", "0", "1"):
        raise ExtensionError(f"TRAIN must be 1 or 0, or left out, got {given!r}")
    return given == "1"


def keep_one_store() -> None:
    """Let all kernels, each of which runs in its page's folder, find the same trained networks."""
    if chosen := os.environ.get("REPLEARN_RUNS"):
        os.environ["REPLEARN_RUNS"] = str(Path(chosen).resolve())


def get(build: Path) -> None:
    """Bring the networks into the store, and write down how each came there.

    Where the user's own store cannot be written, and no other is named, this build keeps its
    networks in its own folder, and says so.
    """
    from replearn import published

    train = trains()
    try:
        origins = published.get(ROOT / "networks", train)
    except OSError as error:
        if os.environ.get("REPLEARN_RUNS"):
            raise ExtensionError(str(error)) from error
        os.environ["REPLEARN_RUNS"] = str(build / "runs")
        print(f"{error}. Until then this build keeps its networks in {build / 'runs'}", flush=True)
        origins = published.get(ROOT / "networks", train)
    note(build / "networks.json", origins)


def note(file: Path, origins: dict[str, dict[str, str]]) -> None:
    """Write ``origins`` into ``file``; one found as an earlier build left it keeps its origin."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, now in origins.items():
        then = before.get(name, {})
        if now["origin"] == "found" and {**then, "origin": "found"} == now:
            now["origin"] = then["origin"]
    file.write_text(json.dumps(origins, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.environ["REPLEARN_NETWORKS"] = str(file)


def begin(app: Sphinx, config: Config) -> None:
    """Get the networks, if this is a book that has any."""
    keep_one_store()
    if importlib.util.find_spec("replearn.published"):
        get(Path(app.outdir).parent)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx: when the build has its folder, and before the cache is named."""
    app.connect("config-inited", begin, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
