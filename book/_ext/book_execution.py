"""How the chapters run: on networks that are there, in a cache that knows the library.

Networks come before chapters, as one that trained would be silent for minutes; ``TRAIN=1`` trains
even what is published. ``networks.json`` beside the pages says where each came from, for the page
"How this copy was made" and for the cache.

Jupyter Book executes a chapter again when its own code changes, but not when the library does, or
the measurements that it shows. Here a fingerprint of all these names the cache's folder, which the
HTML and the PDF share. A cell that was not run is a warning, which fails the build. Sphinx reads a
page again when the page changes, or any file that pages depend on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging

from book_chapters import ROOT

LOG = logging.getLogger(__name__)

# Kinds of files that pages depend on; Sphinx itself keeps account of pages and pictures.
_BESIDE_PAGES = (".py", ".json", ".yml", ".bib", ".sty", ".sh")

SMOKE = "A smoke build: the networks are hardly trained, what is said of them need not hold."

# What every kernel starts with; the code runs inside the kernel, before any cell.
KERNEL_SETTINGS = """\
import os

c = get_config()
# SVG for the pages, PDF for print: both are sharp at any size.
c.InlineBackend.figure_formats = {"svg", "pdf"}
# The same figure is the same file at every build; letters are embedded as TrueType. Not by
# c.InlineBackend.rc: that is set when the first figure is made, and gone with its rc_context. Nor
# here: matplotlib must not be imported before the kernel has named its backend.
settings = {"svg.hashsalt": "replearn", "pdf.fonttype": 42}
c.InteractiveShellApp.exec_lines = [
    f"__import__('matplotlib').rcParams.update({settings})",
    "%load_ext replearn.course",  # the recipe of this build; what needs a kernel is not shown
]
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
# A page has no use for a progress bar. tqdm leaves it out if the environment says so, but on a
# terminal only, so the notebook's bar becomes the terminal's.
os.environ.setdefault("TQDM_DISABLE", "1")
import tqdm.auto, tqdm.std
tqdm.auto.tqdm = tqdm.std.tqdm
c.Application.log_level = "ERROR"
"""


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


def get_networks(build: Path) -> None:
    """Bring the networks into the store, and write down how each came there.

    Where the user's own store cannot be written, and no other is named, this build keeps its
    networks in its own folder, and says so.
    """
    from replearn.course import trained

    train = trains()
    try:
        origins = trained.get(ROOT / "networks", train)
    except OSError as error:
        if os.environ.get("REPLEARN_RUNS"):
            raise ExtensionError(str(error)) from error
        os.environ["REPLEARN_RUNS"] = str(build / "runs")
        print(f"{error}. Until then this build keeps its networks in {build / 'runs'}", flush=True)
        origins = trained.get(ROOT / "networks", train)
    note_networks(build / "networks.json", origins)


def note_networks(file: Path, origins: dict[str, dict[str, str]]) -> None:
    """Write ``origins`` into ``file``; one found as an earlier build left it keeps its origin."""
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, now in origins.items():
        then = before.get(name, {})
        if now["origin"] == "found" and {**then, "origin": "found"} == now:
            now["origin"] = then["origin"]
    file.write_text(json.dumps(origins, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.environ["REPLEARN_NETWORKS"] = str(file)


def begin_with_networks(app: Sphinx, config: Config) -> None:
    """Get the networks, if this is a book that has any."""
    keep_one_store()
    if importlib.util.find_spec("replearn.course"):
        get_networks(Path(app.outdir).parent)


def fingerprint(root: Path) -> str:
    """A short hash of what chapters compute from: library, requirements, measurements, networks."""
    library = sorted((root / "code" / "replearn").rglob("*.py"))
    required = [root / name for name in ("requirements.txt", "requirements.lock", "pyproject.toml")]
    return _hash(root, [*library, *_measured(root), *required])


def surroundings(root: Path) -> str:
    """A short hash of the recipe and of all that pages show, list or are laid out by."""
    files = [*_measured(root), *(file for file in root.glob("*") if file.name[0] != ".")]
    for folder in ("book", "code", "tests"):
        files += [file for file in (root / folder).rglob("*") if file.suffix in _BESIDE_PAGES]
    return _hash(root, sorted(file for file in files if file.is_file()))


def _measured(root: Path) -> list[Path]:
    """The measurements that pages name."""
    pages = "".join(page.read_text(encoding="utf-8") for page in (root / "book").rglob("*.md"))
    names = sorted(set(re.findall(r"benchmarks/\w+\.json", pages)))
    return [root / name for name in names if (root / name).exists()]


def _hash(root: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    digest.update(os.environ.get("REPLEARN_RECIPE", "fast").encode() + b"\0")
    if networks := os.environ.get("REPLEARN_NETWORKS"):
        digest.update(Path(networks).read_bytes())
    digest.update(KERNEL_SETTINGS.encode())
    return digest.hexdigest()[:16]


def write_kernel_settings(folder: Path) -> None:
    """Write the settings as an IPython folder and point the kernels to it."""
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_SETTINGS, encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)


def prepare(app: Sphinx, config: Config) -> None:
    """Choose the cache's folder and prepare the kernels."""
    build = Path(app.outdir).parent
    config.nb_execution_cache_path = str(build / ".jupyter_cache" / fingerprint(ROOT))
    config.book_surroundings = surroundings(ROOT)
    write_kernel_settings(build / ".ipython")


def warn_of_cells_not_run(app: Sphinx, doctree: nodes.document) -> None:
    """Warn of each cell that has no number of execution, for whatever reason."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") == "cell_code" and cell.get("exec_count") is None:
            LOG.warning("a cell was not executed", location=cell)


def announce_smoke_build(app: Sphinx, config: Config) -> None:
    """Announce a smoke build on every page and on the PDF's title page."""
    if os.environ.get("REPLEARN_RECIPE") == "smoke":
        config.html_theme_options["announcement"] = SMOKE
        config.today = SMOKE


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx: networks when the build has its folder, before the cache is named."""
    app.add_config_value("book_surroundings", "", rebuild="env")
    app.connect("config-inited", begin_with_networks, priority=100)
    app.connect("config-inited", prepare)
    app.connect("config-inited", announce_smoke_build)
    app.connect("doctree-read", warn_of_cells_not_run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
