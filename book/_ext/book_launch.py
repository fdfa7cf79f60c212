"""Buttons that open a chapter where it runs: its notebook on Colab, its source on Binder.

Both fetch the chapter from the repository that this copy of the book belongs to: ``REPO_URL`` in
the environment, or git's remote ``origin``, so that the buttons of a fork open the fork. A page
without a notebook has no buttons, and no page has any where neither names a repository.
``NOTEBOOKS_BRANCH`` names the branch with the notebooks, if it is not the one with the chapters: a
notebook installs the library from its own repository, so those of a fork are written anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from book_chapters import ROOT

_PATH = r"(?P<host>[\w-]+(?:\.[\w-]+)+)(?::\d+)?[:/](?P<path>[\w.-]+(?:/[\w.-]+?)+?)(?:\.git)?/?"
_REMOTE = re.compile(rf"(?:(?:https?|ssh|git)://(?:[^/@]*@)?|[\w.-]+@){_PATH}")
_ADDRESS = re.compile(rf"https://{_PATH}")


_LOGOS = {"Colab": "png", "Binder": "svg"}  # of the theme


@dataclass(frozen=True)
class Repository:
    """A repository on a public host, and which state of it to open."""

    host: str
    path: str  # owner/name
    ref: str = "HEAD"  # a branch, or what the host shows first

    @property
    def url(self) -> str:
        """Where anybody may clone it."""
        return f"https://{self.host}/{self.path}"

    def binder(self, file: str) -> str:
        """The address that opens ``file`` of it on Binder."""
        on_github = self.host == "github.com"
        where = f"gh/{self.path}" if on_github else f"git/{quote(self.url, safe='')}"
        return f"https://mybinder.org/v2/{where}/{quote(self.ref, safe='')}?urlpath=lab/tree/{file}"

    def raw(self, file: str) -> str:
        """The address of ``file`` itself."""
        return f"{self.url}/raw/{quote(self.ref)}/{file}"

    def colab(self, notebook: str) -> str | None:
        """The address that opens ``notebook`` of it on Colab, which knows GitHub only."""
        if self.host != "github.com":
            return None
        ref = quote(os.environ.get("NOTEBOOKS_BRANCH") or self.ref)
        return f"https://colab.research.google.com/github/{self.path}/blob/{ref}/{notebook}"


def repository(root: Path = ROOT) -> Repository | None:
    """The repository that ``root`` belongs to; None if nothing names one that others can reach.

    Raises:
        ExtensionError: if ``REPO_URL`` is not the address of a repository.
    """
    if given := os.environ.get("REPO_URL"):
        if match := _ADDRESS.fullmatch(given):
            return Repository(match["host"], match["path"])
        raise ExtensionError(
            f"REPO_URL is {given!r}; allowed is a repository's address: https://host/owner/name"
        )
    # The remote's address may hold a password; only its host and path are taken.
    if match := _REMOTE.fullmatch(_git(root, "remote", "get-url", "origin")):
        remote, _, branch = _git(root, "rev-parse", "--abbrev-ref", "@{upstream}").partition("/")
        ref = branch if remote == "origin" and branch else "HEAD"
        return Repository(match["host"], match["path"], ref)
    return None


def _git(root: Path, *command: str) -> str:
    """What git says; nothing where there is no git, no repository at ``root``, or no answer."""
    if shutil.which("git") is None:
        return ""
    # Named outright, so that a repository around an unpacked copy is not taken for its own.
    words = ["git", f"--git-dir={root / '.git'}", *command]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace")
    return done.stdout.strip() if done.returncode == 0 else ""


def places(app: Sphinx, page: str) -> dict[str, str]:
    """The addresses that open a page where it runs, by name; none for a page without a notebook."""
    notebook = f"notebooks/{page.rsplit('/', 1)[-1]}.ipynb"
    home = repository()
    if home is None or not (ROOT / notebook).exists():
        return {}
    source = Path(app.env.doc2path(page)).relative_to(app.srcdir).as_posix()
    found = {"Colab": home.colab(notebook), "Binder": home.binder(source)}
    return {name: url for name, url in found.items() if url is not None}


def add_buttons(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Add the buttons to a page that has a notebook."""
    if doctree is None or not (found := places(app, page)):
        return
    buttons = [
        {
            **{"type": "link", "text": name, "tooltip": f"Run this page on {name}", "url": url},
            "icon": f"_static/images/logo_{name.lower()}.{_LOGOS[name]}",
        }
        for name, url in found.items()
    ]
    group = {"type": "group", "label": "launch-buttons", "icon": "fas fa-rocket"}
    context["header_buttons"].append({**group, "tooltip": "Run this page", "buttons": buttons})


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; after the theme, which begins the list of buttons."""
    app.connect("html-page-context", add_buttons, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
