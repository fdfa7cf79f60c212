"""Trainings on a GPU, and where a step's time goes, kept beside this file as gpu.json.

    python benchmarks/gpu.py

Needs a CUDA device and nothing beside the library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from race import spread
from replearn import augmentations, evaluation, figures, losses, neighbors, training
from replearn.cli import train
from replearn.engine import muon
from replearn.engine.devices import autocast, machine, precision
from replearn.networks import Encoder
from replearn.recipes import RECIPES
from replearn.shapes import ShapesDataset

RESULTS = Path(__file__).with_name("gpu.json")
NETS = ("autoencoder", "A", "B", "C")  # of the original experiment
DEVICE = torch.device("cuda")
ROUNDS = 3
BATCHES = (128, 256)


def main() -> None:
    """Measure one thing after the other, and write the results as they come."""
    results: dict[str, Any] = {
        **machine(DEVICE),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for name, measure in CASES.items():
        results[name] = measure()
        print(name, results[name], flush=True)
        RESULTS.write_text(
            json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def cold() -> float:
    """Return the seconds that a new Python takes for the book's networks, scores and pictures."""
    began = time.perf_counter()
    subprocess.run([sys.executable, __file__, "book"], check=True)
    return round(time.perf_counter() - began, 1)


def book() -> None:
    """Train the four networks of the book, score each, and draw its neighbours."""
    dataset = ShapesDataset("val")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REPLEARN_RUNS"] = folder
        for net in NETS:
            run = train(net, "fast", 0, DEVICE)
            known = augmentations.SETS.get(net)
            evaluation.scores(run, known.augmentation if known else None)
            figures.nn_visualize(dataset, neighbors.embed(run.encoder, dataset), desc=net)


def trainings() -> dict[str, dict[str, Any]]:
    """Return the seconds of each network's training, by either recipe."""
    return {recipe: {net: seconds(net, recipe) for net in NETS} for recipe in ("fast", "reference")}


def seconds(net: str, recipe: str) -> dict[str, float]:
    """Train ``net`` from the start, several times."""
    taken = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["REPLEARN_RUNS"] = folder
            taken.append(train(net, recipe, 0, DEVICE).seconds)
    return spread(taken)


def milliseconds(work: Callable[[], object], repeats: int = 50) -> float:
    """Return how long the device takes for ``work``, launched as a graph."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        work()
    graph.replay()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        graph.replay()
    end.record()
    torch.cuda.synchronize()
    return float(f"{start.elapsed_time(end) / repeats:.3g}")


def encoder_step(batch: int) -> tuple[Encoder, Callable[[], None], Callable[[], None]]:
    """Return an encoder, its forward pass alone, and with the loss and the backward pass."""
    encoder = Encoder(normalize=True).to(DEVICE).to(memory_format=torch.channels_last)
    views = ShapesDataset("train").images(torch.arange(2 * batch, device=DEVICE))

    @torch.no_grad()
    def forward() -> None:
        with autocast(DEVICE):
            encoder(views)

    def both() -> None:
        encoder.zero_grad(set_to_none=True)
        with autocast(DEVICE):
            z, z_pos = encoder(views).chunk(2)
        losses.info_nce(z, z_pos).backward()

    both()
    return encoder, forward, both


def parts(batch: int) -> dict[str, float]:
    """Return the milliseconds of each part of a contrastive step of ``batch`` pairs."""
    dataset = ShapesDataset("train")
    rows = torch.arange(batch, device=DEVICE)
    images = dataset.images(rows)
    encoder, forward, both = encoder_step(batch)
    z = torch.nn.functional.normalize(torch.randn(batch, 128, device=DEVICE), dim=1)
    weights = list(encoder.parameters())
    plan = RECIPES["fast"]["contrastive"]
    matrices = [weight for weight in weights if weight.ndim == 4]
    assert plan.muon is not None
    muon_ = muon.Muon(matrices, lr=plan.muon, dtype=precision(DEVICE))
    adam = torch.optim.Adam(weights, lr=1e-9, fused=True, capturable=True)

    def two_views(name: str) -> None:
        for _ in range(2):
            augmentations.SETS[name].augmentation(images)

    forward_ms, both_ms = milliseconds(forward), milliseconds(both)
    return {
        "draw": milliseconds(lambda: dataset.images(rows)),
        **{f"two views of {name}": milliseconds(partial(two_views, name)) for name in "ABC"},
        "forward": forward_ms,
        "loss and backward": round(both_ms - forward_ms, 3),
        "alignment and uniformity": milliseconds(
            lambda: (losses.alignment(z, z), losses.uniformity(z))
        ),
        "Muon, of the convolutions": milliseconds(muon_.step),
        "Adam, of all weights": milliseconds(adam.step),
    }


def rate(batch: int) -> dict[str, float]:
    """Return the TFLOP/s of an encoder's step, and of one large matrix product."""
    _, _, both = encoder_step(batch)
    with FlopCounterMode(display=False) as counted:
        both()
    square = torch.randn(8192, 8192, device=DEVICE, dtype=precision(DEVICE))
    product = milliseconds(lambda: square @ square, 10)
    return {
        "GFLOP": round(counted.get_total_flops() / 1e9, 1),
        "forward and backward, TFLOP/s": round(
            counted.get_total_flops() / 1e9 / milliseconds(both), 1
        ),
        "product of 8192² matrices, TFLOP/s": round(2 * 8192**3 / 1e9 / product),
    }


def growth() -> dict[str, Any]:
    """Return step times against the size of the data set and of the batch."""
    plan = RECIPES["fast"]["contrastive"]
    found: dict[str, Any] = {"images": {}, "pairs": {}}
    whole = training.ShapesDataset
    for images in (40_000, 400_000, 4_000_000):
        training.ShapesDataset = partial(whole, size=images * 8 // 5)  # type: ignore
        found["images"][f"{images:,}"] = step(plan.batch)
    training.ShapesDataset = whole  # type: ignore[misc]
    for batch in (64, 256, 1024, 4096):
        found["pairs"][f"{batch:,}"] = step(batch)
    return found


def step(batch: int, steps: int = 300) -> dict[str, float]:
    """Return the milliseconds of a step of B with ``batch`` pairs."""
    RECIPES["growth"] = {
        "contrastive": replace(RECIPES["fast"]["contrastive"], batch=batch, steps=steps)
    }
    taken = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["REPLEARN_RUNS"] = folder
            run = training.train_contrastive(augmentations.B, recipe="growth", device=DEVICE)
        taken.append(1000 * run.seconds / steps)
    return {**spread(taken)}


CASES: dict[str, Callable[[], Any]] = {
    "seconds of all four networks, their scores and pictures, cold": cold,
    "milliseconds of a step's parts": lambda: {str(batch): parts(batch) for batch in BATCHES},
    "rate": lambda: {str(batch): rate(batch) for batch in BATCHES},
    "growth": growth,
    "seconds of a training": trainings,
}

if __name__ == "__main__":
    book() if sys.argv[1:] == ["book"] else main()
