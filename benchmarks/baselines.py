"""Where an order of images comes from: encoders that are not trained, kept beside this file.

    python benchmarks/baselines.py      # about five minutes

Each row says what neighbours share and what probes read under an encoder: the pixels, a random
linear map, random networks with and without convolutions, and the book's trained ones. Rows of
other numbers of images show how much a score depends on it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from quality import trained
from replearn import evaluation, neighbors, probes
from replearn.engine.devices import machine
from replearn.networks import Encoder
from replearn.shapes import ShapesDataset

RESULTS = Path(__file__).with_name("baselines.json")
IMAGES = 24_000
FEWER = (2_400, 6_000, 12_000)
SEEDS = range(3)
PIXELS, WIDTH = 3 * 64 * 64, 128


def linear_map() -> nn.Module:
    """Return a random linear map of the pixels to as many numbers as a latent has."""
    return nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, WIDTH))


def perceptron() -> nn.Module:
    """Return a network of two hidden layers, in which every unit sees all pixels alike."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(PIXELS, 512),
        nn.ReLU(),
        nn.Linear(512, 512),
        nn.ReLU(),
        nn.Linear(512, WIDTH),
    )


def shuffled() -> nn.Module:
    """Return the untrained encoder of the book on pixels shuffled, in all images alike.

    It has the weights and the depth of the convolutions, and no neighbourhoods.
    """
    order = torch.randperm(64 * 64)

    class Shuffle(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.flatten(2)[:, :, order].view_as(images)

    return nn.Sequential(Shuffle(), Encoder())


UNTRAINED: dict[str, Callable[[], nn.Module]] = {
    "random linear map": linear_map,
    "untrained MLP": perceptron,
    "untrained convolutions": Encoder,
    "untrained convolutions, pixels shuffled": shuffled,
}


def row(encoder: nn.Module | Callable[[Tensor], Tensor], images: int = IMAGES) -> dict[str, Any]:
    """Return what neighbours share and, of all images, what probes read."""
    dataset = ShapesDataset("val")
    codes, factors = neighbors.embed(encoder, dataset, images), dataset.factors[:images]
    found = {"images": images, "sensitivity": neighbors.sensitivity(codes, factors)}
    if images < IMAGES:
        return found
    found["interval"] = neighbors.interval(codes, factors)
    found["probes"] = {model: evaluation.probed(encoder, model) for model in probes.PROBES}
    return found


def main() -> None:
    """Measure every row, and write all when the last is there."""
    with torch.no_grad():
        rows = [{"encoder": "pixels", "seed": 0, **row(blocks())}]
        for name, make in UNTRAINED.items():
            for seed in SEEDS:
                torch.manual_seed(seed)
                rows.append({"encoder": name, "seed": seed, **row(make().eval())})
        for name in ("autoencoder", "A", "B", "C"):
            encoder = trained(name).encoder
            rows.append({"encoder": name, "seed": 0, **row(encoder)})
            rows += [{"encoder": name, "seed": 0, **row(encoder, images)} for images in FEWER]
        rows += [{"encoder": "pixels", "seed": 0, **row(blocks(), images)} for images in FEWER]
    facts = {
        **machine(torch.device("cpu")),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps([{**one, **facts} for one in rows], indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")


def blocks() -> nn.Module:
    """Return the pixels, averaged over blocks of 4 × 4 as in the chapters: 768 numbers."""
    return nn.Sequential(nn.AvgPool2d(4), nn.Flatten())


if __name__ == "__main__":
    main()
