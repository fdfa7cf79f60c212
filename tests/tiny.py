"""Trainings of a few steps of narrow networks."""

import math

from replearn import fit, networks, recipes, training
from replearn.recipes import RECIPES, Recipe

WIDTHS = (3, 4, 4, 8, 8, 8)
STEPS = 6
FACTS = {
    "label": "A",
    "recipe": "tiny",
    "seed": 0,
    "seconds": 1.5,
    "finished": "2026-01-01T00:00:00+00:00",
    "chip": "Zähler — π",
}


def make_tiny(patch):
    """Six steps of narrow networks, a checkpoint after every second step; ``patch`` sets it."""
    plan = Recipe(steps=STEPS, batch=8, adam=1e-2, muon=0.03, warmup=0.5, centred=True)
    patch.setitem(RECIPES, "tiny", {"autoencoder": plan, "contrastive": plan})
    patch.setattr(recipes, "_chosen", "tiny")
    patch.setattr(networks, "_WIDTHS", WIDTHS)
    patch.setattr(fit, "_LOOK_EVERY", 2)
    patch.setattr(fit, "_SAVE_EVERY", -1.0)
    patch.setattr(training, "_LAST", 2)
    patch.setattr(training, "_CONSTANT", math.inf)  # nothing is learnt, nor is it to be told


def watch(patch, stop=None):
    """Return a list of the steps at which trainings begin; before step ``stop`` they break off."""
    begun, batches = [], fit._batches

    def watched(*args):
        begun.append(args[3])
        for step, rows in enumerate(batches(*args), args[3]):
            if step == stop:
                raise KeyboardInterrupt
            yield rows

    patch.setattr(fit, "_batches", watched)
    return begun
