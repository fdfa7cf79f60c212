"""Sentences that a cell checks: the book says nothing about a measurement that is not so."""

from __future__ import annotations

from jaxtyping import Bool
from torch import Tensor

from replearn import checks, recipes


class ClaimFailed(AssertionError):
    """A sentence of the book does not hold for the numbers measured in this build."""


@checks.arguments
def claim(sentence: str, holds: bool | Bool[Tensor, ""]) -> None:
    """Print ``sentence`` with a tick if ``holds``; raise :class:`ClaimFailed` if it does not.

    Under the ``smoke`` recipe the encoders are hardly trained, so a sentence that fails is
    reported as such instead of stopping the build.
    """
    if holds:
        print(f"✓ {sentence}")
    elif recipes.default_recipe() == "smoke":
        print(f"✗ (smoke build, networks hardly trained) {sentence}")
    else:
        raise ClaimFailed(sentence)
