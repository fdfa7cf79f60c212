"""The trainings behind Question 8: which images make a pair, and what is kept of a run."""

import json
from dataclasses import replace

import pytest
import torch

import design
import order
import quality
import shape
from replearn import probes
from replearn.neighbors import FACTORS
from replearn.networks import Encoder
from replearn.shapes import RESOLUTION, Factors, draw
from rows import keep


@pytest.fixture(scope="module")
def first():
    return Factors.draw(300, 7)


def differs(one, other):
    return [bool((a != b).any()) for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("shared", [{"shape"}, {"shape", "color"}, {"size", "rotation"}, set()])
def test_partners_agree_in_what_is_shared_and_are_else_drawn_anew(first, shared):
    other = shape.partners(first, frozenset(shared), 8)
    for factor, names in shape.COLUMNS.items():
        for name in names:
            same = (getattr(first, name) == getattr(other, name)).flatten().float().mean()
            assert (same == 1) == (factor in shared), name


def test_partners_that_share_all_are_the_same_images(first):
    other = shape.partners(first, shape.EVERYTHING, 8)
    assert torch.equal(draw(first), draw(other))


def test_partners_at_one_place_stay_inside_the_picture(first):
    other = shape.partners(first, frozenset({"location"}), 8)
    moved = (other.position - first.position).norm(dim=1)
    assert float((moved == 0).float().mean()) > 0.7
    assert float(moved.max()) < 23  # no further than the largest shape has to move inwards
    images = draw(other)
    rim = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], -1)
    assert float(rim.max()) <= 0.5  # as in the data: a corner may touch the edge
    assert images.shape[-1] == RESOLUTION


def test_alike_images_differ_in_nothing_that_is_fixed(first):
    some = shape.alike(first, frozenset({"color", "size", "location"}))
    for name in ("rgb", "color", "size", "position"):
        values = getattr(some, name)
        assert torch.equal(values, values[:1].expand_as(values))
    assert torch.equal(some.shape, first.shape)
    assert torch.equal(some.angle, first.angle)


def test_drawings_are_one_of_each_shape_and_grey():
    pictures = shape.drawings()
    assert torch.equal(pictures[:, 0], pictures[:, 1])
    assert torch.equal(pictures[:, 0], pictures[:, 2])
    areas = pictures[:, 0].sum((1, 2))
    torch.testing.assert_close(areas, areas[:1].expand(3), rtol=0.01, atol=0)
    assert (pictures[0] != pictures[2]).any()


def test_the_drawn_partner_gives_way_after_so_many_steps(monkeypatch):
    asked = []
    monkeypatch.setattr(shape, "drawings", lambda: asked.append(1) or torch.zeros(3, 3, 64, 64))
    experiment = replace(shape.EXPERIMENTS["shape, plain partners first"], drawn=3)
    measure = shape.measure_of(experiment)
    nets = torch.nn.ModuleDict({"encoder": Encoder(4, normalize=True)})
    generator, images = torch.Generator(), torch.zeros(8, 3, 64, 64)
    for step in range(5):
        generator.manual_seed(2 * 1_000_003 + step)  # as fit does, for seed 2
        measure(nets, images, generator)
        assert len(asked) == min(step + 1, 3)


@pytest.mark.parametrize("name", shape.EXPERIMENTS)
def test_every_experiment_measures_a_loss_that_can_be_lowered(name):
    torch.manual_seed(0)
    nets = torch.nn.ModuleDict({"encoder": Encoder(8), "head": torch.nn.Linear(8, 3)})
    nets["encoder"].normalize = shape.EXPERIMENTS[name].objective != "labels"
    measures = shape.measure_of(shape.EXPERIMENTS[name])(
        nets, torch.zeros(16, 3, 64, 64), torch.Generator().manual_seed(3)
    )
    measures["loss"].backward()
    gradient = sum(float(p.grad.abs().sum()) for p in nets["encoder"].parameters())
    assert 0 < gradient < float("inf")


def test_all_of_the_shape_with_all_features_equal_costs_log_b():
    experiment = shape.EXPERIMENTS["shape, all partners"]

    class Constant(torch.nn.Module):
        def forward(self, images):
            return torch.tensor([[0.6, 0.8]]).expand(len(images), 2)

    nets = torch.nn.ModuleDict({"encoder": Constant()})
    measures = shape.measure_of(experiment)(
        nets, torch.zeros(16, 3, 64, 64), torch.Generator().manual_seed(3)
    )
    assert float(measures["loss"]) == pytest.approx(torch.tensor(16.0).log().item(), rel=1e-5)


def test_a_run_is_kept_whole(monkeypatch, tmp_path):
    """A training of two steps: everything is there, and a second one takes its place."""
    monkeypatch.setattr(shape, "PROBED", (200, 100))
    monkeypatch.setattr(shape, "SCORED", 200)
    plan = replace(shape.FAST, steps=2, batch=8)
    short = replace(shape.EXPERIMENTS["one colour"], plan=plan)
    monkeypatch.setitem(shape.EXPERIMENTS, "one colour", short)
    row = shape.run("one colour", 0)
    file = tmp_path / "shape.json"
    for change in ({}, {"seconds": 0.0}, {"seed": 1}):
        keep(file, {**row, **change}, shape.OWN)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert [(one["seed"], one["seconds"] == 0) for one in kept] == [(0, True), (1, False)]
    varying = {*FACTORS} - {"color"}
    assert [point["step"] for point in row["trace"]] == [0, 2]
    assert all(point.keys() == {"step", *varying} for point in row["trace"])
    assert row["probes"].keys() == {*probes.PROBES}
    assert row["sensitivity"].keys() == varying
    assert len(row["history"]["loss"]) == 2
    assert {"chip", "finished", "plan", "tau"} <= row.keys()


@pytest.mark.parametrize("script", [design, order, quality, shape])
def test_of_one_seed_and_machine_one_row_is_kept(script, tmp_path):
    file = tmp_path / "some.json"
    row = {**dict.fromkeys(script.OWN, "a"), "seed": 0, "value": 1}
    for change in ({}, {"seed": 1}, {"chip": "b"}, {"value": 2}):
        keep(file, {**row, **change}, script.OWN)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert sorted((one["seed"], one["chip"], one["value"]) for one in kept) == [
        (0, "a", 2),
        (0, "b", 1),
        (1, "a", 1),
    ]
