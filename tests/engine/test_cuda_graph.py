"""A step that is recorded as a graph is the step that is not."""

from dataclasses import replace

import pytest
import torch

from replearn import augmentations, losses, training
from replearn.engine import cuda_graph
from replearn.recipes import RECIPES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")

STEPS = 12


@pytest.fixture(autouse=True)
def brief(monkeypatch, tmp_path):
    """Train anew, for a few steps of the fast recipe."""
    plans = {kind: replace(plan, steps=STEPS) for kind, plan in RECIPES["fast"].items()}
    monkeypatch.setitem(RECIPES, "brief", plans)
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path))


def trained(net, **options):
    if net == "autoencoder":
        return training.train_autoencoder(recipe="brief", **options)
    return training.train_contrastive(
        augmentations.SETS[net].augmentation, recipe="brief", **options
    )


@pytest.mark.parametrize("net", ["A", "B", "C", "autoencoder"])
def test_a_recorded_training_is_the_one_step_by_step(net, monkeypatch, tmp_path):
    recorded = trained(net)
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "other"))
    monkeypatch.setattr(cuda_graph.Captured, "__call__", lambda self, rows: self._step(rows))
    stepwise = trained(net)
    assert torch.equal(recorded.losses, stepwise.losses)
    for ours, theirs in zip(
        recorded.encoder.parameters(), stepwise.encoder.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_a_loss_that_waits_for_the_device_trains_all_the_same(monkeypatch, tmp_path):
    def looking(z, z_pos, tau):
        loss = losses.info_nce(z, z_pos, tau)
        assert loss.item() > 0
        return loss

    with pytest.warns(UserWarning, match="cannot be recorded as a graph"):
        looked = trained("B", loss=looking)
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "other"))
    assert torch.equal(looked.losses, trained("B").losses)


def test_a_step_does_not_wait_for_the_device(monkeypatch):
    """A recorded step cannot; this one is called anew, as among several processes."""
    device = torch.device("cuda")
    images = training.ShapesDataset("train").images(torch.arange(64, device=device))
    rows, generator = torch.arange(64, device=device), torch.Generator(device)
    data = training.ShapesDataset("train")
    data.images(rows)
    torch.cuda.set_sync_debug_mode("error")
    try:
        assert data.images(rows).shape == images.shape
        for name in "ABC":
            augmentations.SETS[name].augmentation(images, generator)
    finally:
        torch.cuda.set_sync_debug_mode("default")
