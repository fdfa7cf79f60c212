"""What empty views cost: the loss of pairs with one and of pairs without, kept as empty.json.

    python benchmarks/empty.py      # a minute

A crop of B or C sometimes misses the shape. Over validation pairs of the book's encoders, in
batches of 256, each anchor's own loss is averaged, of those pairs apart in which a view is black.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from quality import trained
from replearn.augmentations import SETS
from replearn.engine.devices import autocast, machine
from replearn.shapes import ShapesDataset

RESULTS = Path(__file__).with_name("empty.json")
BATCH, BATCHES, TAU = 256, 40, 0.07


@torch.no_grad()
def row(net: str, seed: int = 0) -> dict[str, Any]:
    """Return the losses of pairs with and without an empty view, and how many have one."""
    run, dataset = trained(net, seed=seed), ShapesDataset("val")
    generator, found, empty = torch.Generator().manual_seed(0), [], []
    for k in range(BATCHES):
        images = dataset.images(range(k * BATCH, (k + 1) * BATCH))
        pair = [SETS[net].augmentation(images, generator) for _ in range(2)]
        with autocast(images.device):
            z, z_pos = map(run.encoder, pair)
        found.append(F.cross_entropy(z @ z_pos.T / TAU, torch.arange(BATCH), reduction="none"))
        empty.append(torch.stack([view.amax((1, 2, 3)) == 0 for view in pair]).any(0))
    losses, black = torch.cat(found), torch.cat(empty)
    return {
        "label": net,
        "recipe": run.recipe,
        "seed": seed,
        "pairs": len(losses),
        "share": float(black.float().mean()),
        "loss": float(losses.mean()),
        "loss_with": float(losses[black].mean()),
        "loss_without": float(losses[~black].mean()),
    }


def main() -> None:
    """Measure B and C, and write both rows."""
    facts = {
        **machine(torch.device("cpu")),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps([{**row(net), **facts} for net in "BC"], indent=1)
    RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
