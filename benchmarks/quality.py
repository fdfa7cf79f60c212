"""Validation scores of a recipe, over seeds, kept beside this file as quality.json.

    python benchmarks/quality.py reference            # all four nets, seed 0
    python benchmarks/quality.py fast --seeds 0 1 2   # what the book is built with

Every result carries the machine and the date. A run that is stored already is not trained again,
and one that was interrupted goes on; results are written one by one.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from replearn import evaluation, neighbors, probes, training
from replearn.augmentations import SETS
from replearn.recipes import RECIPES
from replearn.shapes import ShapesDataset
from replearn.training import Run
from rows import keep

RESULTS = Path(__file__).with_name("quality.json")
OWN = ("label", "recipe", "seed", "chip")  # what tells rows apart
NETS = ("autoencoder", *SETS)


def main() -> None:
    """Train or load what is asked for, score it, and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=NETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    for seed in options.seeds:
        for net in options.nets:
            row = measured(net, options.recipe, seed)
            keep(RESULTS, row, OWN, partial(of_another_plan, row))


def trained(net: str, recipe: str | None = None, seed: int = 0) -> Run:
    """Train one of :data:`NETS`, or load the stored run."""
    if net == "autoencoder":
        return training.train_autoencoder(recipe=recipe, seed=seed)
    return training.train_contrastive(SETS[net].augmentation, recipe=recipe, seed=seed)


def measured(net: str, recipe: str, seed: int) -> dict[str, Any]:
    """Return a run's facts and scores, the intervals of its sensitivities, and what probes read."""
    run = trained(net, recipe, seed)
    codes = evaluation.features(run)
    return {
        **run.facts,
        **evaluation.scores(run, None if net == "autoencoder" else SETS[net].augmentation),
        "interval": neighbors.interval(codes, ShapesDataset("val").factors[: len(codes)]),
        "probes": {model: evaluation.probed(run.encoder, model) for model in probes.PROBES},
    }


def of_another_plan(row: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether ``old`` is of the same net and recipe by another plan: means are over one plan."""
    alike = all(old[name] == row[name] for name in ("label", "recipe"))
    return alike and old["plan"] != row["plan"]


if __name__ == "__main__":
    main()
