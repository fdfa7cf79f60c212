"""Compositions, and the sets of augmentations that the book trains with.

A new set is one record here: everything that trains, predicts, scores or draws sets reads the
records, and so does the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from replearn.augmentations.base import Augmentation, Images, Parameters
from replearn.augmentations.color import ColorJitter, Grayscale, Recoloring, recolor
from replearn.augmentations.warp import RotateAndCrop, WarpAndCrop
from replearn.engine import validation
from replearn.recipes import RECIPES, Recipe


@validation.arguments
@dataclass(frozen=True)
class Compose(Augmentation):
    """One augmentation after the other."""

    steps: tuple[Augmentation, ...]
    name: str = ""

    def __post_init__(self) -> None:
        """Name the whole after its parts, first applied first, if it has no name."""
        if not self.name:
            object.__setattr__(self, "name", " then ".join(step.name for step in self.steps))

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the parameters of every step; keys carry the step's number."""
        return {
            f"{i}.{key}": value
            for i, step in enumerate(self.steps)
            for key, value in step.sample(images, generator).items()
        }

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Apply every step in turn; recolourings that follow each other are applied as one."""
        waiting: list[Tensor] = []
        for i, step in enumerate(self.steps):
            own = {
                k.split(".", 1)[1]: v for k, v in parameters.items() if k.split(".", 1)[0] == str(i)
            }
            if isinstance(step, Recoloring):
                waiting += step.stages(own)
            else:
                images = step.apply(recolor(images, waiting), own)
                waiting = []
        return recolor(images, waiting)


def compose(*steps: Augmentation) -> Compose:
    """Return the augmentation that applies ``steps`` in the order given.

    Raises:
        ValueError: without steps.
        TypeError: for a step that is not an :class:`Augmentation`.

    Examples:
        >>> both = augmentations.compose(augmentations.B, augmentations.grayscale)
        >>> both.name
        'B then grayscale'
    """
    if not steps:
        raise ValueError("steps must hold at least one augmentation, got none")
    for step in steps:
        if not isinstance(step, Augmentation):
            raise TypeError(f"steps must be augmentations, got {step!r}")
    return Compose(steps)


@validation.arguments
@dataclass(frozen=True)
class AugmentationSet:
    """A set of augmentations that the book trains with, and all that is particular to it.

    Attributes:
        augmentation: makes the two views of a pair.
        plans: the plans of this set, by recipe; a recipe that is not listed trains it by the plan
            of all contrastive encoders.
    """

    augmentation: Augmentation
    plans: Mapping[str, Recipe] = field(default_factory=dict)
    # instructor
    erased: frozenset[str] = frozenset()
    """The factors that it changes beyond recognition."""
    blurred: frozenset[str] = frozenset()
    """The factors that it changes, but not beyond recognition."""
    # end


_A = Compose(
    (Grayscale(p=0.2), ColorJitter(brightness=0.3, contrast=0.3, saturation=0.9, hue=0.5)), name="A"
)
_B = RotateAndCrop(pad=24, scale=(0.2, 0.6), name="B")
_C = WarpAndCrop(
    pad=16,
    p=0.7,
    translate=0.3,
    shear=80,
    distortion=0.6,
    scale=(0.4, 0.8),
    ratio=(0.2, 5),
    name="C",
)
_FAST = RECIPES["fast"]["contrastive"]

SETS: dict[str, AugmentationSet] = {
    "A": AugmentationSet(
        _A,
        # Its loss is soon nearly 0. Training on would spread the images further apart, until
        # neighbours have less in common.
        plans={"fast": replace(_FAST, steps=220)},
        # instructor
        erased=frozenset({"color"}),
        # end
    ),
    "B": AugmentationSet(
        _B,
        # instructor
        erased=frozenset({"location", "rotation"}),
        blurred=frozenset({"size"}),  # after the zoom small shapes still tend to be the smaller
        # end
    ),
    "C": AugmentationSet(
        _C,
        plans={"fast": replace(_FAST, steps=650, adam=2e-3, muon=0.015)},
        # instructor
        erased=frozenset({"location", "rotation", "shape"}),
        blurred=frozenset({"size"}),
        # end
    ),
    # instructor
    "B∘grayscale": AugmentationSet(
        compose(_B, Grayscale()),
        erased=frozenset({"location", "rotation"}),
        blurred=frozenset({"size", "color"}),  # grey shapes are still bright or dark
    ),
    # end
}
"""Every set, by name."""

A, B, C = (SETS[name].augmentation for name in "ABC")


@validation.arguments
def plan(recipe: str, augmentation: Augmentation | None = None) -> Recipe:
    """Return how a recipe trains an encoder on ``augmentation``; without one, an autoencoder.

    Raises:
        ValueError: for an unknown recipe.

    Examples:
        >>> augmentations.plan("fast", augmentations.B).steps
        600
    """
    validation.one_of("recipe", recipe, tuple(RECIPES))
    if augmentation is None:
        return RECIPES[recipe]["autoencoder"]
    for known in SETS.values():
        if known.augmentation == augmentation and recipe in known.plans:
            return known.plans[recipe]
    return RECIPES[recipe]["contrastive"]
