"""Training: reproducible, resumable, and honest about what it cannot do."""

import functools
import math

import pytest
import torch

from replearn import augmentations, losses, runs, training
from replearn.recipes import RECIPES, Recipe

D = 4  # latent dimensions: the small end of the networks


@pytest.fixture(autouse=True)
def tiny(tmp_path, monkeypatch):
    """A recipe of six steps, a store of its own, a checkpoint after every second step."""
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("REPLEARN_RECIPE", "tiny")
    plan = Recipe(steps=6, batch=8, peak=1e-3, warmup=0.5)
    monkeypatch.setitem(RECIPES, "tiny", {"autoencoder": plan, "contrastive": plan})
    monkeypatch.setattr(training, "_LOOK_EVERY", 2)
    monkeypatch.setattr(training, "_SAVE_EVERY", -1.0)


def weights(run):
    nets = {"encoder": run.encoder, "decoder": run.decoder}
    return {
        f"{part}.{name}": tensor
        for part, net in nets.items()
        if net is not None
        for name, tensor in net.state_dict().items()
    }


def assert_same_run(a, b):
    assert {k: v.tolist() for k, v in a.history.items()} == {
        k: v.tolist() for k, v in b.history.items()
    }
    first, second = weights(a), weights(b)
    assert first.keys() == second.keys()
    assert [k for k in first if not torch.equal(first[k], second[k])] == []


TRAIN = {
    "autoencoder": functools.partial(training.train_autoencoder, D),
    "contrastive": functools.partial(training.train_contrastive, augmentations.A, D),
}


@pytest.mark.parametrize("kind", TRAIN)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_interrupted_training_ends_as_if_it_had_not_been(kind, step, tmp_path, monkeypatch):
    whole = TRAIN[kind]()
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "again"))
    batches = training._batches

    def stopped(*args):
        for i, rows in enumerate(batches(*args), args[3]):
            if i == step:
                raise KeyboardInterrupt
            yield rows

    with monkeypatch.context() as patch:
        patch.setattr(training, "_batches", stopped)
        with pytest.raises(KeyboardInterrupt):
            TRAIN[kind]()
    (lock,) = (tmp_path / "again").glob("*.lock")
    assert (lock.with_suffix(".checkpoint")).exists() == (step > 1)
    resumed = TRAIN[kind]()
    assert_same_run(resumed, whole)
    assert not lock.with_suffix(".checkpoint").exists()
