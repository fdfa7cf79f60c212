"""Validation scores of a recipe, over seeds, kept beside this file as quality.json.

    python benchmarks/quality.py reference            # all four nets, seed 0
    python benchmarks/quality.py fast --seeds 0 1 2   # what the book is built with

Every result carries the machine and the date. A run that is stored already is not trained again,
and one that was interrupted goes on; results are written one by one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from replearn.cli import nets, score
from replearn.recipes import RECIPES

RESULTS = Path(__file__).with_name("quality.json")


def main() -> None:
    """Train or load what is asked for, score it, and add it to the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--nets", nargs="+", choices=nets(), default=nets())
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    for seed in options.seeds:
        for net in options.nets:
            keep(score(net, options.recipe, seed))


def keep(result: dict[str, object]) -> None:
    """Put ``result`` in the place of an older one of the same net, recipe, seed and chip.

    What a net got when its recipe had another plan goes as well: means are over runs of one plan.
    """

    def goes(old: dict[str, object]) -> bool:
        of_this_net = all(old[name] == result[name] for name in ("label", "recipe"))
        again = all(old[name] == result[name] for name in ("seed", "chip"))
        return of_this_net and (again or old["plan"] != result["plan"])

    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    kept = sorted(
        [result, *(old for old in kept if not goes(old))],
        key=lambda old: [str(old[name]) for name in ("label", "recipe", "seed", "chip")],
    )
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
