"""Recipes: how long, how fast and with what optimiser a network is trained."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How to optimise.

    Attributes:
        steps: number of optimiser steps.
        batch: images a step (pairs, for contrastive training).
        adam: peak learning rate of Adam.
        warmup: share of the steps in which the rate climbs linearly to its peak, before it falls
            to zero along half a cosine; None keeps it at its peak throughout.
        beta2: Adam's decay of the squared gradients' average.
    """

    steps: int
    batch: int
    adam: float
    warmup: float | None = None
    beta2: float = 0.999

    def schedule(self, step: int) -> float:
        """Return the share of the peak learning rate that ``step`` (0, 1, …) uses."""
        if self.warmup is None:
            return 1.0
        done = (step + 1) / self.steps
        if done < self.warmup:
            return done / self.warmup
        return (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2


_EPOCH = 40_000 // 256  # steps

RECIPES: dict[str, dict[str, Recipe]] = {
    # The original experiment's.
    "reference": {
        "autoencoder": Recipe(steps=30 * _EPOCH, batch=256, adam=2e-4),
        "contrastive": Recipe(steps=15 * _EPOCH, batch=256, adam=2e-4),
    },
    # The same quality in fewer steps: a large rate that decays, and an Adam that forgets fast
    # enough to leave the plateau at log b, where a contrastive encoder is still constant.
    "fast": {
        "autoencoder": Recipe(steps=1000, batch=256, adam=2e-3, warmup=0.1, beta2=0.98),
        "contrastive": Recipe(steps=600, batch=256, adam=1e-3, warmup=0.1, beta2=0.98),
    },
    # For tests: everything runs, nothing is learnt.
    "smoke": {
        "autoencoder": Recipe(steps=6, batch=32, adam=1e-3),
        "contrastive": Recipe(steps=6, batch=32, adam=1e-3),
    },
}


def default_recipe() -> str:
    """Return the recipe used where none is named: ``$REPLEARN_RECIPE``, or ``"fast"``."""
    return os.environ.get("REPLEARN_RECIPE") or "fast"
