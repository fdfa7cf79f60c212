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
        peak: largest learning rate of Adam.
        warmup: share of the steps in which the rate climbs linearly to its peak, before it falls
            to zero along half a cosine; None keeps it at its peak throughout.
        beta2: Adam's decay of the squared gradients' average.
    """

    steps: int
    batch: int
    peak: float
    warmup: float | None = None
    beta2: float = 0.999

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of ``step`` (0, 1, …)."""
        if self.warmup is None:
            return self.peak
        done = (step + 1) / self.steps
        if done < self.warmup:
            return self.peak * done / self.warmup
        return self.peak * (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2


_EPOCH = 40_000 // 256  # steps

RECIPES: dict[str, dict[str, Recipe]] = {
    # The original experiment's.
    "reference": {
        "autoencoder": Recipe(steps=30 * _EPOCH, batch=256, peak=2e-4),
        "contrastive": Recipe(steps=15 * _EPOCH, batch=256, peak=2e-4),
    },
    # The same quality sooner: a large rate that decays, and an Adam that forgets faster, without
    # which a contrastive encoder can sit at the loss of a constant one, log b.
    "fast": {
        "autoencoder": Recipe(steps=1200, batch=256, peak=2e-3, warmup=0.1, beta2=0.98),
        "contrastive": Recipe(steps=750, batch=256, peak=1e-3, warmup=0.1, beta2=0.98),
    },
    # For tests: everything runs, nothing is learnt.
    "smoke": {
        "autoencoder": Recipe(steps=6, batch=32, peak=1e-3),
        "contrastive": Recipe(steps=6, batch=32, peak=1e-3),
    },
}


def default_recipe() -> str:
    """Return the recipe used where none is named: ``$REPLEARN_RECIPE``, or ``"fast"``."""
    return os.environ.get("REPLEARN_RECIPE") or "fast"
