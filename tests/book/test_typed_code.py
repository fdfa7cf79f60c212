"""Code that chapters type out is what the library does: loops, networks, sets, neighbours."""

from __future__ import annotations

import types
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


def is_plain(function: Any) -> bool:
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
    assert is_plain(plain)
    run = training.train_autoencoder(recipe=Recipe(**PLAN))
    assert plain(PLAN["steps"], PLAN["batch"]) == pytest.approx(run.losses.tolist(), rel=1e-4)


@pytest.fixture
def in_float64(monkeypatch: pytest.MonkeyPatch, in_float32: None) -> types.SimpleNamespace:
    """Images and networks in float64: a few steps in float32 magnify rounding at a low tau."""
    draw, made = ShapesDataset.images, training.Task.networks
    monkeypatch.setattr(ShapesDataset, "images", lambda *a, **k: draw(*a, **k).double())
    monkeypatch.setattr(training.Task, "networks", lambda self: made(self).double())
    return types.SimpleNamespace(Encoder=lambda *a, **k: networks.Encoder(*a, **k).double())


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_ten_steps_of_the_typed_contrast_lose_what_the_library_loses(
    root: Path, in_float64: types.SimpleNamespace, name: str
) -> None:
    page = {**executed(root, "q8-contrastive", "train_plainly", "sets")}
    plain = page["train_plainly"]
    assert is_plain(plain)
    plain.__globals__["networks"] = in_float64
    run = training.train_contrastive(augmentations.SETS[name].augmentation, recipe=Recipe(**PLAN))
    typed = plain(page["sets"][name], PLAN["steps"], PLAN["batch"])
    assert typed == pytest.approx(run.losses.tolist(), rel=1e-6)


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


def solution(root: Path, page: str, number: int) -> str:
    """The code of a page's folded solution."""
    chapter = Chapter.read(root / f"book/shapes/{page}.md")
    (found,) = (part for part in chapter.directives if part.title == f"Solution {number}")
    return found.body.split("```python\n")[1].split("```")[0]


def test_the_blind_spot_s_solution_passes_its_check(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = dict(executed(root, "dataset", "check_blind_spot"))
    exec(solution(root, "dataset", 2), page)
    said = capsys.readouterr().out
    assert said.startswith("the shape can be read off: True; sensitivity ")
    assert abs(float(said.split()[-1])) < 0.05


def test_the_loss_with_a_taste_punishes_colours_and_only_errors(root: Path) -> None:
    names: dict[str, Any] = {}
    exec(solution(root, "q7-autoencoder", 3), names)
    loss, images = names["loss_with_taste"], torch.rand(4, 3, 6, 6)
    assert loss(images, images) == 0
    moved = images.roll(1, -1)  # another place, the same mean colour
    tinted = images + (moved - images).square().mean().sqrt()
    assert loss(images, tinted) > 10 * loss(images, moved)
