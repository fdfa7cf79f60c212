"""What encoders of the design exercise keep, over seeds, kept beside this file as design.json.

    python benchmarks/design.py --seeds 0 1 2

The exercise, of Question 8, is to make views whose encoder keeps one factor alone. Training takes
the steps of A and the plan of all others; a run that is stored already is not trained again.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from replearn import evaluation, training
from replearn.augmentations import plan
from replearn.course.designs import only_location
from rows import keep

RESULTS = Path(__file__).with_name("design.json")
OWN = ("seed", "chip")  # what tells rows apart
PLAN = replace(plan("fast", only_location), steps=220)


def main() -> None:
    """Train or load what is asked for, score it, and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    for seed in parser.parse_args().seeds:
        run = training.train_contrastive(only_location, recipe=PLAN, seed=seed)
        keep(RESULTS, {**run.facts, **evaluation.scores(run, only_location)}, OWN)


if __name__ == "__main__":
    main()
