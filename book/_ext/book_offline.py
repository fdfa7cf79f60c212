"""Mathematics that needs no network: MathJax travels with the site.

The files come from the package ``sphinx-mathjax-offline`` (MathJax 3.2.2), which the requirements
install. ``OFFLINE=0`` in the environment loads MathJax from its public network instead.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util.fileutil import copy_asset

PACKAGE = "sphinx-mathjax-offline"
# All that a page loads: the component for TeX in and HTML out, its fonts, TeX's extensions.
PARTS = ("tex-mml-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions", "a11y")


def source() -> Path:
    """The installed MathJax; ExtensionError says what to do without one."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ExtensionError(
            f"MathJax is not installed, so the pages would need the network to show formulas. "
            f"Install it (pip install {PACKAGE}), or ask for the network: make book OFFLINE=0"
        )
    return Path(spec.origin).parent / "static" / "mathjax"


def use_local(app: Sphinx, config: Config) -> None:
    """Point the pages to the local MathJax."""
    if os.environ.get("OFFLINE") != "0":
        source()
        config.mathjax_path = "mathjax/tex-mml-chtml.js"


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy MathJax beside the finished pages."""
    if exception is None and app.builder.format == "html" and os.environ.get("OFFLINE") != "0":
        for part in PARTS:
            target = Path(app.outdir) / "_static" / "mathjax" / part
            copy_asset(source() / part, target.parent if target.suffix else target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("config-inited", use_local)
    app.connect("build-finished", copy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
