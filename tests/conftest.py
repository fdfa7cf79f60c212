"""The same conditions for every test: one thread, no run of the user's own, and tiny trainings."""

import math
import os
from pathlib import Path

import pytest
import torch

from replearn import networks, training
from replearn.recipes import RECIPES, Recipe

WIDTHS = (3, 4, 4, 8, 8, 8)
STEPS = 6

os.environ["REPLEARN_RECIPE"] = "smoke"


@pytest.fixture(scope="session")
def root():
    """The repository's root."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums of floating-point numbers depend on how many threads share them."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _own_runs(tmp_path_factory):
    """No test reads or writes the user's own store of runs."""
    os.environ["REPLEARN_RUNS"] = str(tmp_path_factory.mktemp("runs"))


def make_tiny(patch):
    """Six steps of narrow networks, a checkpoint after every second step; ``patch`` sets it."""
    plan = Recipe(steps=STEPS, batch=8, adam=1e-2, muon=0.03, warmup=0.5, centred=True)
    patch.setitem(RECIPES, "tiny", {"autoencoder": plan, "contrastive": plan})
    patch.setenv("REPLEARN_RECIPE", "tiny")
    patch.setattr(networks, "_WIDTHS", WIDTHS)
    patch.setattr(training, "_LOOK_EVERY", 2)
    patch.setattr(training, "_SAVE_EVERY", -1.0)
    patch.setattr(training, "_CONSTANT", math.inf)  # nothing is learnt, nor is it to be told


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store of runs: its folder."""
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def tiny(store, monkeypatch):
    """Tiny trainings into an empty store: the store's folder."""
    make_tiny(monkeypatch)
    return store
