"""The same conditions for every test: one thread, no run of the user's own, and tiny trainings."""

import os
from pathlib import Path

import pytest
import torch

from replearn import recipes
from tiny import make_tiny

recipes.use("smoke")
os.environ["REPLEARN_RECIPE"] = "smoke"  # for other processes, which import the course


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


@pytest.fixture
def runs_folder(tmp_path, monkeypatch):
    """An empty store of runs: its folder."""
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def tiny(runs_folder, monkeypatch):
    """Tiny trainings into an empty store: the store's folder."""
    make_tiny(monkeypatch)
    return runs_folder
