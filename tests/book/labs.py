"""A lab of its own for the tests: its page under the real configuration, and published networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import book_lab
from books import Result, build, tiny_tree
from replearn import training
from replearn.course import trained
from replearn.training import Run

PAGE = """---
file_format: mystnb
lab: true
---
# The lab

<div id="lab" class="lab">The lab runs in a browser with JavaScript.</div>
"""
NAMES = ("autoencoder", "A", "B", "C", "A, onto the circle")


def published(root: Path, name: str) -> Run:
    """The network that is published under a name."""
    folder = root / "networks"
    facts = json.loads((folder / trained.PROVENANCE).read_text("utf-8"))[name]
    task = trained.networks()[name].task()
    return training.as_run(task, trained.unpacked(folder, facts), facts, torch.device("cpu"))


def lab(root: Path, folder: Path) -> tuple[Result, dict[str, Run]]:
    """The site of a lab in ``folder``, and the networks that run in it."""
    runs = {name: published(root, name) for name in NAMES if name in trained.networks()}
    result = build(tiny_tree(root, folder / "tree", page=PAGE))
    assert result.code == 0, result.output[-3000:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_lab, "runs", lambda: (runs, {"D": "its loss is not written yet"}))
        book_lab.write(result.html / "_static" / "lab", folder / "cache")
    return result, runs
