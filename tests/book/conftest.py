"""Books built once and shared: the whole one, and a tiny one for the extensions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from books import BIN, Result, build, run, tiny_tree

NOT_COPIED = (".git", ".venv", "_build", "__pycache__", "*.egg-info", ".*_cache", ".hypothesis")


@pytest.fixture(scope="session")
def whole_book(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """HTML and PDF of the whole book, as `make book` builds them, in the smoke recipe."""
    folder = tmp_path_factory.mktemp("whole")
    tree = folder / "book-tree"
    shutil.copytree(root, tree, ignore=shutil.ignore_patterns(*NOT_COPIED))
    stamp = BIN.parent / ".installed"
    command = ["make", "book", f"VENV={BIN.parent}", "-o", str(stamp)]
    return run(command, tree, REPLEARN_RUNS=str(folder / "runs"))


@pytest.fixture(scope="session")
def tiny_book(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """HTML and LaTeX of the tiny book."""
    tree = tiny_tree(root, tmp_path_factory.mktemp("tiny"))
    html = build(tree)
    latex = build(tree, "--builder", "latex")
    return Result(tree, html.code or latex.code, html.output + latex.output)
