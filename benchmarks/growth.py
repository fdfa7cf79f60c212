"""How time and memory grow on the CPU: with the images, the batch, the rows that are searched.

    python benchmarks/growth.py

Every measurement has a process of its own, whose largest resident memory is read at its end; the
sizes of a case take turns. The results are kept beside this file as growth.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from race import spread, timed
from replearn import augmentations, fit, losses, neighbors, training
from replearn.engine.devices import machine
from replearn.recipes import RECIPES

RESULTS = Path(__file__).with_name("growth.json")
CPU = torch.device("cpu")
ROUNDS = 3


def step(images: int, pairs: int, steps: int) -> float:
    """Return the seconds of one training step of B, the median from one step's start to the next's.

    What a training does once, or now and then, is not in it: a checkpoint, the shuffle of an epoch.
    """
    whole, batches = training.ShapesDataset, fit._batches
    stamps = []

    def stamped(*args: Any) -> Iterator[torch.Tensor]:
        for rows in batches(*args):
            stamps.append(time.perf_counter())
            yield rows

    training.ShapesDataset = partial(whole, size=images * 8 // 5)  # type: ignore
    fit._batches = stamped
    RECIPES["growth"] = {
        "contrastive": replace(RECIPES["fast"]["contrastive"], batch=pairs, steps=steps)
    }
    with tempfile.TemporaryDirectory() as folder:
        os.environ["REPLEARN_RUNS"] = folder
        training.train_contrastive(augmentations.B, recipe="growth", device=CPU)
    training.ShapesDataset, fit._batches = whole, batches  # type: ignore[misc]
    return statistics.median(end - start for start, end in pairwise(stamps))


def step_on(images: int) -> float:
    """Return the seconds of a step, at the batch of the recipe ``fast``."""
    return step(images, RECIPES["fast"]["contrastive"].batch, 20)


def step_of(pairs: int) -> float:
    """Return the seconds of a step, on the book's training images."""
    return step(40_000, pairs, max(4, 2048 // pairs))


def shuffle(images: int) -> float:
    """Return the seconds in which an epoch's order is drawn."""
    return timed(lambda: torch.randperm(images))()


def loss(pairs: int) -> float:
    """Return the seconds of the loss and its gradient by the features, from logits b by b."""
    z, z_pos = torch.nn.functional.normalize(torch.randn(2, pairs, 128), dim=-1).requires_grad_()
    return timed(lambda: losses.info_nce(z, z_pos).backward())()


def search(rows: int) -> float:
    """Return the seconds in which each row finds its ten nearest among all."""
    features = torch.nn.functional.normalize(torch.randn(rows, 128), dim=1)
    return timed(lambda: neighbors.nearest(features, features, 10, exclude_self=True))()


CASES: dict[str, tuple[Callable[[int], float], tuple[int, ...]]] = {
    "step, by training images": (step_on, (40_000, 400_000, 4_000_000)),
    "shuffle of an epoch, by training images": (shuffle, (40_000, 400_000, 4_000_000)),
    "step, by pairs": (step_of, (64, 128, 256, 512, 1024)),
    "loss and gradient, by pairs": (loss, (64, 256, 1024, 4096, 16_384)),
    "neighbours, by rows": (search, (24_000, 50_000, 100_000, 200_000)),
}


def one(case: str, size: int) -> tuple[float, int]:
    """Measure one size of one case in this process: seconds, and the most memory held, in MB."""
    work, sizes = CASES[case]
    work(sizes[0])  # what is done once in a process is not measured
    seconds = work(size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB, on Linux
    return seconds, round(peak * 1024 / 1e6)


def elsewhere(case: str, size: int) -> tuple[float, int]:
    """Measure it in a process of its own."""
    command = [sys.executable, __file__, case, str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def main() -> None:
    """Measure every size of every case, and write the results as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("one", nargs="*", help="a case and a size, to measure in this process")
    asked = parser.parse_args().one
    if asked:
        print(json.dumps(one(asked[0], int(asked[1]))))
        return
    results: dict[str, Any] = {
        **machine(CPU),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    for case, (_, sizes) in CASES.items():
        # In turn, so that a machine that slows down slows all sizes.
        rounds = [{size: elsewhere(case, size) for size in sizes} for _ in range(ROUNDS)]
        results[case] = {}
        for size in sizes:
            seconds, peaks = zip(*(measured[size] for measured in rounds), strict=True)
            row = {"seconds": spread(list(seconds)), "peak_mb": max(peaks)}
            results[case][f"{size:,}"] = row
            print(case, size, row, flush=True)
        text = json.dumps(results, indent=2, ensure_ascii=False)
        RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
