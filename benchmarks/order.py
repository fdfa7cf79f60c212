"""In which order the book's encoders learn: probes along their trainings, kept as order.json.

    python benchmarks/order.py                     # A, B, C, seeds 3 and 4: an hour
    python benchmarks/order.py B∘grayscale --seeds 1

At logged steps a linear probe says how much of each factor the encoder contains, of images without
augmentation. The trainings are those of the recipe ``fast``.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from replearn import evaluation, losses
from replearn.augmentations import SETS
from replearn.engine.devices import machine, pick_device
from replearn.fit import Measures, fit
from replearn.tasks import Task
from rows import keep

RESULTS = Path(__file__).with_name("order.json")
OWN = ("label", "seed", "chip")  # what tells rows apart
EARLY = (0, 5, 10, 15, 20, 30, 40, 50, 60, 75, 100, 125, 150, 175, 200)
LOGGED = (*EARLY, *range(250, 1000, 50))
PROBED = {"known": 2_000, "asked": 1_000}  # images


def trace(net: str, seed: int) -> dict[str, Any]:
    """Train a network anew; return what a probe reads at each of the logged steps."""
    task = Task(SETS[net].augmentation, losses.info_nce, "fast", seed=seed)
    nets, found = task.networks(), []
    task.centre(nets)

    def look(step: int) -> None:
        encoder = nets["encoder"].eval()
        found.append({"step": step, **evaluation.probed(encoder, **PROBED)})  # type: ignore[arg-type]
        encoder.train()

    step = 0

    def measure(nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        nonlocal step
        if step in LOGGED:
            look(step)
        step += 1
        return task.measure(nets, images, generator)

    device = pick_device("cpu")
    fit(nets, measure, task.plan, task.dataset, seed=seed, device=device, label=net, key=None)
    look(task.plan.steps)
    return row(task, found)


def row(task: Task, found: list[dict[str, float]]) -> dict[str, Any]:
    """Return a trace with all that is known of it."""
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    return {**task.facts(), "finished": finished, **machine(pick_device("cpu")), "trace": found}


def main() -> None:
    """Trace what is asked for, and keep each row as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", metavar="net", default=["A", "B", "C"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[3, 4])
    options = parser.parse_args()
    for seed in options.seeds:
        for net in options.nets:
            keep(RESULTS, trace(net, seed), OWN)


if __name__ == "__main__":
    main()
