"""Every test runs under the same conditions: one thread, a store of runs of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent

os.environ.setdefault("REPLEARN_RECIPE", "smoke")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Sums of floating-point numbers depend on how many threads share them."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of finished runs: no test reads or writes the user's own."""
    folder = tmp_path_factory.mktemp("runs")
    os.environ["REPLEARN_RUNS"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT
