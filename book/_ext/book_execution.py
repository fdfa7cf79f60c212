"""How the chapters run: in a cache that knows the library, and with vector figures.

Jupyter Book executes a chapter again when the chapter's own code changes, but not when the library
it imports does, or the measurements it shows. Here the cache's folder is named by a fingerprint of
all these, so that an edit under ``code/`` executes every chapter again and a quick ``smoke`` build
never passes its outputs on to a real one. The HTML and the PDF share the folder: one execution
serves both. A cell that was not run is a warning, which fails the build.

Sphinx reads a page again when the page changes, or any file that pages depend on.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging

LOG = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parent.parent.parent

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
c.InteractiveShellApp.exec_lines = [f"__import__('matplotlib').rcParams.update({settings})"]
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
# A page has no use for a progress bar. tqdm leaves it out if the environment says so, but on a
# terminal only, so the notebook's bar becomes the terminal's.
os.environ.setdefault("TQDM_DISABLE", "1")
import tqdm.auto, tqdm.std
tqdm.auto.tqdm = tqdm.std.tqdm
c.Application.log_level = "ERROR"
"""


def fingerprint(root: Path) -> str:
    """A short hash of what chapters compute from: library, requirements, measurements, networks."""
    files = [
        *sorted((root / "code" / "replearn").rglob("*.py")),
        *sorted((root / "benchmarks").glob("*.json")),
        root / "requirements.txt",
        root / "requirements.lock",
        root / "pyproject.toml",
    ]
    return _hash(root, files)


def surroundings(root: Path) -> str:
    """A short hash of the recipe and of all that pages show, list or are laid out by."""
    files = [file for file in root.glob("*") if not file.name.startswith(".")]
    for folder in ("benchmarks", "book", "code", "tests"):
        files += [file for file in (root / folder).rglob("*") if file.suffix in _BESIDE_PAGES]
    return _hash(root, sorted(file for file in files if file.is_file()))


def _hash(root: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + b"\0")
        digest.update(file.read_bytes() + b"\0")
    digest.update(os.environ.get("REPLEARN_RECIPE", "fast").encode() + b"\0")
    if networks := os.environ.get("REPLEARN_NETWORKS"):  # of book_networks.py
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
    os.environ["REPLEARN_LIVE"] = "0"  # a page has no kernel that could move what is live


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
    """Register with Sphinx."""
    app.add_config_value("book_surroundings", "", rebuild="env")
    app.connect("config-inited", prepare)
    app.connect("config-inited", announce_smoke_build)
    app.connect("doctree-read", warn_of_cells_not_run)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
