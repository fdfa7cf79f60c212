"""Code that chapters type out is what the library does: loops, networks, sets, neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from book_chapters import Chapter
from replearn import augmentations, neighbors, networks, training
from replearn.engine import devices
from replearn.recipes import Recipe
from replearn.shapes import ShapesDataset

PLAN = {"steps": 10, "batch": 16, "adam": 2e-4}  # what the typed loops do, in smaller batches


def executed(root: Path, page: str, *names: str) -> Mapping[str, Any]:
    """What a page's first cell, and those that define ``names``, define."""
    cells = [cell.body for cell in Chapter.read(root / f"book/shapes/{page}.md").cells]
    found: dict[str, Any] = {}
    exec(cells[0], found)
    for name in names:
        starts = (f"def {name}(", f"{name} = ")
        (cell,) = (c for c in cells if any(line.startswith(starts) for line in c.splitlines()))
        exec(cell.split("\nprint(")[0], found)  # prints what takes time
    return found


def as_long_as_the_brief_says(function: Any) -> bool:
    """Whether a function's body has at most 15 lines, its docstring left out."""
    lines = function.__code__.co_lines()
    return len({line for *_, line in lines if line}) <= 16  # the first is that of ``def``


@pytest.fixture
def in_float32(monkeypatch: pytest.MonkeyPatch, runs_folder: Path) -> None:
    """Trainings that round as the typed loops do, into an empty store."""
    monkeypatch.setattr(devices, "precision", lambda device: torch.float32)


@pytest.mark.usefixtures("in_float32")
def test_ten_steps_of_the_typed_autoencoder_lose_what_the_library_loses(root: Path) -> None:
    plain = executed(root, "q7-autoencoder", "train_plainly")["train_plainly"]
    assert as_long_as_the_brief_says(plain)
    run = training.train_autoencoder(recipe=Recipe(**PLAN))
    assert plain(PLAN["steps"], PLAN["batch"]) == pytest.approx(run.losses.tolist(), rel=1e-4)


@pytest.mark.usefixtures("in_float32")
@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_ten_steps_of_the_typed_contrast_lose_what_the_library_loses(root: Path, name: str) -> None:
    page = executed(root, "q8-contrastive", "train_plainly", "sets")
    assert as_long_as_the_brief_says(page["train_plainly"])
    run = training.train_contrastive(augmentations.SETS[name].augmentation, recipe=Recipe(**PLAN))
    typed = page["train_plainly"](page["sets"][name], PLAN["steps"], PLAN["batch"])
    assert typed == pytest.approx(run.losses.tolist(), rel=1e-4)


def test_the_typed_sets_are_the_library_s(root: Path) -> None:
    typed = executed(root, "q8-contrastive", "sets")["sets"]
    assert typed == {name: augmentations.SETS[name].augmentation for name in "ABC"}


def test_the_typed_body_is_the_encoder(root: Path) -> None:
    body = executed(root, "q7-autoencoder", "body")["body"]
    encoder = networks.Encoder()
    for own, its in zip(body.parameters(), encoder.parameters(), strict=True):
        own.data.copy_(its)
    images = ShapesDataset("val", size=80).images(range(8))
    torch.testing.assert_close(body((images - 0.5) / 0.5), encoder(images))


def test_the_typed_neighbours_and_score_are_the_library_s(root: Path) -> None:
    page = executed(root, "dataset", "ten_nearest", "near")
    val, rows = page["val"], page["val"].images(range(2000)).flatten(1)
    assert torch.equal(page["near"], neighbors.nearest(rows, rows, 10, exclude_self=True))
    score = 1 - page["with_neighbor"] / page["with_stranger"]
    exact = neighbors.sensitivity(rows, val.factors[:2000])["color"]
    assert float(score) == pytest.approx(exact, abs=2e-3)  # which samples its strangers
