"""A set of augmentations is one record: whatever lists A, B and C knows a new one by it."""

import json

import pytest
import torch

from replearn import augmentations, cli, evaluation, figures, training
from replearn.course import trained
from replearn.recipes import Recipe
from replearn.shapes import ShapesDataset
from replearn.theory import invariances


@pytest.fixture
def new_set(tiny, monkeypatch):
    """A set called D, and few images to score it on."""
    record = augmentations.AugmentationSet(
        augmentations.Compose((augmentations.grayscale, augmentations.B), name="D"),
        plans={"tiny": Recipe(steps=3, batch=8, adam=1e-3)},
        erased=frozenset({"location", "rotation"}),
        blurred=frozenset({"size", "color"}),
    )
    monkeypatch.setitem(augmentations.SETS, "D", record)
    val = ShapesDataset("val", size=6000)
    monkeypatch.setattr(evaluation, "ShapesDataset", lambda split: val)
    return record


def test_a_new_set_trains_by_its_own_plan(new_set):
    assert training.train_contrastive(new_set.augmentation, 4).steps == 3
    assert training.train_contrastive(augmentations.B, 4).steps == 6
    namesake = augmentations.Compose((augmentations.grayscale,), name="D")
    assert training.train_contrastive(namesake, 4).steps == 6


def test_a_new_set_is_predicted_and_drawn(new_set):
    predicted = invariances.predicted("D")
    assert predicted == {
        "color": "partly",
        "location": "invariant",
        "shape": "sensitive",
        "size": "partly",
        "rotation": "invariant",
    }
    views = new_set.augmentation(ShapesDataset("val", size=80).images(range(3)))
    assert figures.image_rows({"D": views}).axes
    measured = {"D": dict.fromkeys(predicted, 0.5)}
    assert "D" in figures.score_table(measured, {"D": predicted})._repr_markdown_()


def test_a_new_set_is_one_of_the_books_networks(new_set):
    assert trained.networks()["D"].augmentation is new_set.augmentation


def test_a_new_set_is_known_to_the_shell(new_set, capsys):
    assert cli.main(["train", "contrastive", "D"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "D"
    with pytest.raises(SystemExit) as stop:
        cli.main(["train", "contrastive", "E"])
    assert stop.value.code == 2
    assert "'D'" in capsys.readouterr().err


def test_a_new_set_is_scored(new_set):
    run = training.train_contrastive(new_set.augmentation, 4)
    loss = evaluation.validation_loss(run, new_set.augmentation, batches=2, batch=16)
    assert torch.isfinite(torch.tensor(loss))
    assert evaluation.features(run).shape[1] == 4
