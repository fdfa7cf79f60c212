"""Shared by all: the whole book and a tiny one for the extensions, built once, and a browser."""

import json
import os
import shutil

import pytest
from bs4 import BeautifulSoup
from filelock import FileLock
from playwright.sync_api import sync_playwright

from books import BIN, PAGES, SECRETS, WATCH, Result, build, front_page, run, tiny_tree

NOT_COPIED = (".git", ".venv", "_build", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis")
BROWSER_FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
)

# One worker builds the whole book first; who is free looks at it in a browser last.
ORDER = {"test_whole_book": -1}
ORDER |= {"test_whole_book_in_a_browser": 1, "test_whole_book_for_everyone": 1}


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: ORDER.get(item.path.stem, 0))


@pytest.fixture(scope="session")
def whole_book(root, tmp_path_factory):
    """HTML and PDF of the whole book, as `make book` builds them to be handed in, by smoke."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "whole"
    told = folder / "result.json"
    with FileLock(f"{folder}.lock"):
        if not told.exists():
            result = build_whole_book(root, folder)
            told.write_text(json.dumps([result.code, result.output]))
    return Result(folder / "book-tree", *json.loads(told.read_text()))


def build_whole_book(root, folder):
    tree = folder / "book-tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    shutil.copy(tree / "submission.example.yml", tree / "submission.yml")
    (folder / "watch").mkdir()
    watch = WATCH.format(log=str(folder / "asked.log"))
    (folder / "watch" / "sitecustomize.py").write_text(watch)
    stamp = BIN.parent / ".installed"
    command = ["make", "book", f"VENV={BIN.parent}", "-o", str(stamp)]
    paths = os.pathsep.join(map(str, (tree / "code", folder / "watch")))
    return run(command, tree, REPLEARN_RUNS=str(folder / "runs"), PYTHONPATH=paths, **SECRETS)


@pytest.fixture(scope="session")
def html(whole_book):
    """Every page of the whole book by its name."""
    return {
        name: BeautifulSoup((whole_book.html / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in PAGES
    }


@pytest.fixture(scope="session")
def tiny_book(root, tmp_path_factory):
    """HTML and LaTeX of the tiny book."""
    tree = tiny_tree(root, tmp_path_factory.mktemp("tiny"))
    html = build(tree)
    latex = build(tree, "--builder", "latex")
    return Result(tree, html.code or latex.code, html.output + latex.output)


@pytest.fixture(scope="session")
def tiny_page(tiny_book):
    """The page of the tiny book."""
    return front_page(tiny_book)


@pytest.fixture(scope="session")
def tiny_latex(tiny_book):
    """What the tiny book is typeset from."""
    return (tiny_book.latex / "representation-learning.tex").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser():
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=[f"--{flag}" for flag in BROWSER_FLAGS]
        )
        yield chromium
        chromium.close()
