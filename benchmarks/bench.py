"""Ours against others, in turn and in one process; the results are kept beside this file.

    make bench                                  # every case: about 40 minutes
    python benchmarks/bench.py inputs losses    # some of them

Medians and extremes of the rounds go to bench.json, with the machine and the date.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch

import peers
from race import Contestant, Row, race, timed
from replearn import augmentations, losses, neighbors, training
from replearn.engine.devices import autocast, machine, memory_kept, precision
from replearn.networks import Encoder
from replearn.recipes import RECIPES
from replearn.shapes import ShapesDataset

RESULTS = Path(__file__).with_name("bench.json")
PEERS = ("torchvision", "kornia", "faiss-cpu", "scikit-learn", "lightly")
THREADS = torch.get_num_threads()


def inputs(rounds: int, steps: int) -> Iterator[Row]:
    """From factors to the views of four batches, on one core; torchvision starts from pictures."""
    torch.set_num_threads(1)
    dataset = ShapesDataset("train")
    batches = torch.arange(4 * peers.BATCH).split(peers.BATCH)
    for name in "ABC":
        augmentation = augmentations.SETS[name].augmentation
        views = peers.Views(name, 4 * peers.BATCH)
        theirs = peers.kornia_views(name)

        def ours(augmentation: augmentations.Augmentation = augmentation) -> None:
            for rows in batches:
                images = dataset.images(rows)
                augmentation(images), augmentation(images)

        def per_image(views: peers.Views = views) -> None:
            for rows in batches:
                torch.stack([side for row in rows.tolist() for side in views[row]])

        def batched(theirs: torch.nn.Module = theirs) -> None:
            for rows in batches:
                images = dataset.images(rows)
                theirs(images.clone()), theirs(images.clone())

        contestants = {
            "ours": timed(ours),
            "torchvision, per image": timed(per_image),
            "kornia, batched": timed(batched),
        }
        with memory_kept():  # as in a training
            row = race(f"views of {name}", contestants, rounds, pairs=4 * peers.BATCH)
        yield row
    torch.set_num_threads(THREADS)


def steps_of(net: str, recipe: str) -> Contestant:
    """Return a contestant that trains ``net`` for the steps of ``recipe``, from the start."""

    def contestant() -> float:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["REPLEARN_RUNS"] = folder
            if net == "autoencoder":
                return training.train_autoencoder(recipe=recipe).seconds
            augmentation = augmentations.SETS[net].augmentation
            return training.train_contrastive(augmentation, recipe=recipe).seconds

    return contestant


def trainings(rounds: int, steps: int) -> Iterator[Row]:
    """A training step of ours against the original pipeline's, and what a whole training takes."""
    fast, reference = RECIPES["fast"], RECIPES["reference"]
    RECIPES["bench"] = {kind: replace(plan, steps=steps) for kind, plan in fast.items()}
    for net in ("autoencoder", *peers.TORCHVISION):
        original = peers.original_steps(net, 8_000)

        def theirs(original: Iterator[None] = original) -> None:
            for _ in islice(original, steps):
                pass

        kind = "autoencoder" if net == "autoencoder" else "contrastive"
        augmentation = None if kind == "autoencoder" else augmentations.SETS[net].augmentation
        whole = augmentations.plan("fast", augmentation).steps, reference[kind].steps
        row = race(
            f"training {net}",
            {"ours": steps_of(net, "bench"), "original pipeline": timed(theirs)},
            rounds,
            steps=steps,
            whole_steps=dict(zip(("ours", "original pipeline"), whole, strict=True)),
        )
        row["whole_seconds"] = {
            name: round(row["seconds"][name]["median"] / steps * row["whole_steps"][name], 1)
            for name in row["whole_steps"]
        }
        row["whole_ratio"] = round(
            row["ratio"]["original pipeline"]["median"] * whole[1] / whole[0], 2
        )
        yield row


def products(rounds: int, steps: int) -> Iterator[Row]:
    """A step's matrix products alone: no faster can the same network be trained here."""
    batch = RECIPES["fast"]["contrastive"].batch
    encoder = Encoder(normalize=True).to(memory_format=torch.channels_last)
    images = ShapesDataset("train").images(range(2 * batch))

    def forward_and_backward() -> None:
        with autocast(images.device):
            z, z_pos = encoder(images).chunk(2)
        losses.info_nce(z, z_pos).backward()

    bare = peers.matrix_products(2 * batch, precision(images.device))
    contestants = {
        "forward and backward": timed(forward_and_backward),
        "bare matrix products": timed(bare),
    }
    yield race("an encoder's step", contestants, rounds, images=2 * batch)


def searches(rounds: int, steps: int) -> Iterator[Row]:
    """Ten nearest neighbours of each of 24,000 rows among all of them, exactly."""
    import faiss
    from sklearn.neighbors import NearestNeighbors

    rows = torch.nn.functional.normalize(torch.randn(24_000, 128), dim=1)
    array = rows.numpy()

    def by_faiss() -> None:
        index = faiss.IndexFlatL2(128)
        index.add(array)
        index.search(array, 11)

    def by_sklearn() -> None:
        NearestNeighbors(n_neighbors=11, algorithm="brute").fit(array).kneighbors(array)

    contestants = {
        "ours": timed(lambda: neighbors.nearest(rows, rows, 11)),
        "faiss, IndexFlatL2": timed(by_faiss),
        "scikit-learn, brute": timed(by_sklearn),
    }
    yield race("neighbours", contestants, rounds, rows=24_000, dimensions=128)


def contrasts(rounds: int, steps: int) -> Iterator[Row]:
    """The loss and its gradient; NT-Xent takes each of the 2b views as an anchor."""
    from lightly.loss import NTXentLoss

    nt_xent = NTXentLoss(temperature=0.07)
    for b in (128, 256, 1024):
        z, z_pos = (
            torch.nn.functional.normalize(torch.randn(b, 128), dim=1).requires_grad_()
            for _ in range(2)
        )
        contestants = {
            "ours": timed(lambda z=z, z_pos=z_pos: losses.info_nce(z, z_pos).backward()),
            "lightly, NT-Xent": timed(lambda z=z, z_pos=z_pos: nt_xent(z, z_pos).backward()),
        }
        yield race(f"loss, b = {b}", contestants, 5 * rounds, batch=b)


CASES = {
    "inputs": inputs,
    "losses": contrasts,
    "products": products,
    "neighbours": searches,
    "training": trainings,
}


def main() -> None:
    """Run the cases that are asked for and put each into the place of its older result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="training steps a round")
    options = parser.parse_args()
    about = {
        **machine(torch.device("cpu")),
        **{name: version(name) for name in PEERS},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for name in options.cases or CASES:
        for row in CASES[name](options.rounds, options.steps):
            kept[row["case"]] = {**row, **{k: v for k, v in about.items() if k not in row}}
            text = json.dumps(kept, indent=2, ensure_ascii=False)
            RESULTS.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
