"""Recipes: how long, how fast and with what optimiser a network is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from replearn.engine import validation


@validation.arguments
@dataclass(frozen=True)
class Recipe:
    """How to optimise.

    Attributes:
        steps: number of optimiser steps.
        batch: images in a step (pairs, for contrastive training).
        adam: peak learning rate of Adam.
        muon: peak learning rate of Muon, which then optimises the convolutions' weights while Adam
            optimises the rest; None leaves everything to Adam.
        warmup: in this share of the steps the rates climb linearly to their peaks, and then fall to
            zero along half a cosine; None keeps them at their peaks.
        beta2: Adam's decay of the average of the squared gradients, in [0, 1).
        centred: whether :meth:`Encoder.centre` is called before the training, on views of the first
            training images.

    Examples:
        >>> plan = recipes.Recipe(steps=100, batch=128, adam=1e-3, warmup=0.1)
        >>> [round(plan.schedule(step), 2) for step in (0, 9, 54, 99)]
        [0.1, 1.0, 0.5, 0.0]
    """

    steps: int
    batch: int
    adam: float
    muon: float | None = None
    warmup: float | None = None
    beta2: float = 0.999
    centred: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name in ("steps", "batch"):
            validation.at_least(name, getattr(self, name), 1)
        for name in ("adam", "muon"):
            if getattr(self, name) is not None:
                validation.positive(name, getattr(self, name))
        for name in ("warmup", "beta2"):
            if getattr(self, name) is not None:
                validation.between(name, getattr(self, name), 0, 1)
                if getattr(self, name) == 1:
                    raise ValueError(f"{name} must be below 1, got 1")

    def schedule(self, step: int) -> float:
        """Return the share of the peak learning rates at ``step`` = 0, 1, …"""
        if self.warmup is None:
            return 1.0
        done = (step + 1) / self.steps
        if done < self.warmup:
            return done / self.warmup
        return (1 + math.cos(math.pi * (done - self.warmup) / (1 - self.warmup))) / 2


_EPOCH = 40_000 // 256  # steps
_FAST = Recipe(steps=600, batch=128, adam=1e-3, muon=0.02, warmup=0.1, beta2=0.98, centred=True)

# The plan of each kind of network, by recipe. A set of augmentations may have plans of its own.
RECIPES: dict[str, dict[str, Recipe]] = {
    # The plan of the original experiment.
    "reference": {
        "autoencoder": Recipe(steps=30 * _EPOCH, batch=256, adam=2e-4),
        "contrastive": Recipe(steps=15 * _EPOCH, batch=256, adam=2e-4),
    },
    # Fewer steps, of fewer images. An encoder starts out nearly constant, at a loss of log b; on C,
    # Muon leaves this plateau in dozens of steps instead of hundreds.
    "fast": {
        "autoencoder": replace(_FAST, steps=300, muon=0.03, centred=False),
        "contrastive": _FAST,
    },
    # For tests: everything runs, nothing is learnt.
    "smoke": {
        "autoencoder": Recipe(steps=4, batch=32, adam=1e-3, muon=0.02),
        "contrastive": Recipe(steps=4, batch=32, adam=1e-3, muon=0.02),
    },
}


_chosen = "fast"


def default_recipe() -> str:
    """Return the recipe that is used where none is named: ``"fast"``, or what was chosen."""
    return _chosen


@validation.arguments
def use(recipe: str) -> None:
    """Make ``recipe`` the one that is used where none is named, for the rest of this process.

    Whoever trains by it checks that :data:`RECIPES` has it.
    """
    global _chosen
    _chosen = recipe


@validation.arguments
def bank_size(recipe: str) -> int:
    """Return how many images neighbours are looked for among: 24,000, or 2,400 by ``"smoke"``."""
    return 2_400 if recipe == "smoke" else 24_000


@validation.arguments
def classifier_steps(recipe: str) -> int:
    """Return for how many steps a classifier is trained: 120, or 4 by ``"smoke"``."""
    return 4 if recipe == "smoke" else 120
