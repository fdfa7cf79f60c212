"""The lab's files: what is written for its page, and for no other."""

from __future__ import annotations

import base64
import gzip
import json
import re
import types
from pathlib import Path

import pytest
import safetensors.torch
import torch
from bs4 import BeautifulSoup

import book_lab
import book_offline
from books import Result
from replearn import neighbors, tasks
from replearn.course import trained
from replearn.engine import quantize
from replearn.networks import Decoder, Encoder
from replearn.shapes import ShapesDataset


def read(script: str) -> tuple[str, dict[str, torch.Tensor]]:
    """What a script hands to the page."""
    found = re.fullmatch(r'deliver\(("[^"]*"), "([^"]*)"\);\n', script)
    assert found is not None
    raw = gzip.decompress(base64.b64decode(found[2]))
    return json.loads(found[1]), safetensors.torch.load(raw)


def test_script_holds_the_tensors_bit_by_bit() -> None:
    tensors = {"a": torch.randn(3, 4), "b": torch.arange(-6, 6, dtype=torch.int8).view(4, 3).T}
    name, found = read(book_lab.script("B∘grayscale", tensors))
    assert name == "B∘grayscale"
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize("half", [Encoder(normalize=True), Decoder()])
def test_weights_are_those_of_the_network_in_another_order(half: Encoder | Decoder) -> None:
    small = quantize.rounded(half.state_dict())
    found = book_lab.weights(half)
    assert found.keys() == small.keys()
    up = isinstance(half, Decoder)
    least = f"convolutions.{0 if up else 5}.weight"
    for name, value in found.items():
        if value.ndim == 4:
            value = value.permute((2, 3, 0, 1) if up else (3, 2, 0, 1))
        if name == "linear.weight":
            value = value.T
        right = small[name][:, :, 1:3, 1:3] if name == least else small[name]
        assert torch.equal(value, right), name


def test_bank_keeps_neighbours_and_the_map_of_most_variance() -> None:
    codes = torch.randn(300, 16, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 17)
    found = book_lab.bank(codes)
    again = found["features"] * found["features.scale"]
    assert float((again - codes).abs().max()) <= float(found["features.scale"].max()) / 2 + 1e-5
    near, kept = (neighbors.nearest(x, x, 10, exclude_self=True) for x in (codes, again))
    same = [len(set(a.tolist()) & set(b.tolist())) for a, b in zip(near, kept, strict=True)]
    assert sum(same) / len(same) > 9.5
    variances = ((codes - found["mean"]) @ found["axes"].T).var(0)
    assert variances[0] >= variances[1]
    assert float(variances[0]) >= float(codes.var(0).max())


def test_circle_is_its_own_map() -> None:
    circle = torch.nn.functional.normalize(torch.randn(50, 2), dim=1)
    assert torch.equal(book_lab.bank(circle)["features"], circle)


@pytest.mark.fault(
    "a network that was trained anew, and a lab's file of the old one",
    "one weight of one kernel differs, no bias does; then the library computes something else",
    "the file is written anew",
)
def test_file_is_remembered_for_one_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def tensors() -> dict[str, torch.Tensor]:
        made.append(1)
        return {"n": torch.tensor(len(made))}

    run = types.SimpleNamespace(encoder=Encoder(2))
    first = book_lab._remembered(tmp_path, "A", run, tensors)
    assert book_lab._remembered(tmp_path, "A", run, tensors) == first
    with torch.no_grad():
        run.encoder.convolutions[2].weight[0, 0, 0, 0] += 1
    second = book_lab._remembered(tmp_path, "A", run, tensors)
    assert second != first
    monkeypatch.setattr(tasks, "REVISION", tasks.REVISION + 1)
    assert book_lab._remembered(tmp_path, "A", run, tensors) not in (first, second)


def test_runs_wait_for_what_a_student_has_to_write(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritten(*args: object) -> torch.Tensor:
        raise NotImplementedError("info_nce is not implemented yet: Question 8a")

    first = trained.networks()["autoencoder"]
    hers = {
        "autoencoder": first,
        "A": trained.Network(trained.networks()["A"].augmentation, unwritten),
    }
    monkeypatch.setattr(trained, "networks", lambda: hers)
    found, waiting = book_lab.runs()
    assert list(found) == ["autoencoder"]
    assert waiting["A"].endswith("Question 8a") or "not stored" in waiting["A"]


def test_world_is_the_library_s(root: Path) -> None:
    world = book_lab.world()
    assert (world["shapes"][0], len(world["palette"]), world["sizes"]) == (
        "circle",
        8,
        (18.0, 30.0),
    )
    assert (world["symmetry"], world["sensitive"]) == ([1, 3, 4], 0.5)
    assert world["sets"]["B"] == {"pad": 24, "scale": (0.2, 0.6)}
    assert world["sets"]["A"]["gray"] == 0.2
    assert len(book_lab.images()["size"]) == book_lab.IMAGES <= len(ShapesDataset("val"))


def test_other_pages_have_neither_its_scripts_nor_its_policy(
    tiny_page: BeautifulSoup, tiny_book: Result
) -> None:
    assert not [tag for tag in tiny_page.find_all("script", src=True) if "lab" in tag["src"]]
    assert "worker-src" not in str(tiny_page.head)
    assert not (tiny_book.html / "_static" / "lab").exists()


def test_policy_of_the_lab_adds_workers_alone() -> None:
    assert book_offline.policy(True).replace("; worker-src blob:", "") == (
        book_offline.policy(False)
    )


def test_scripts_are_short_and_say_what_they_are(root: Path) -> None:
    files = sorted((root / "book" / "_static").glob("lab*.js"))
    assert {file.stem for file in files} == {
        f"lab-{part}" for part in (*book_lab.SCRIPTS, *book_lab.WORKER)
    }
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith("// "), file.name
        assert len(text.splitlines()) < 350, file.name
        assert not re.search(r"\beval\(|new Function|https?://", text), file.name
