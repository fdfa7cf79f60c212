"""What contrastive encoders ought to keep: whatever the two views of a positive pair share.

Question 4 says that an optimal encoder is constant on each group of positives and tells the groups
apart, so it forgets exactly the factors that its augmentation changes.
"""

from __future__ import annotations

from replearn import checks
from replearn.neighbors import FACTORS

# Factors that each set of augmentations changes beyond recognition.
LOST: dict[str, set[str]] = {
    "A": {"color"},
    "B": {"location", "rotation"},
    "C": {"location", "rotation", "shape"},
    "B∘grayscale": {"location", "rotation"},
}

# Factors that it changes without erasing: after a zoom by 0.74 to 1.28 small shapes still tend to
# be smaller than large ones, and grey shapes are still bright or dark.
BLURRED: dict[str, set[str]] = {
    "A": set(),
    "B": {"size"},
    "C": {"size"},
    "B∘grayscale": {"size", "color"},
}


@checks.arguments
def predicted(augmentation: str) -> dict[str, str]:
    """Return what an encoder trained with a set is for each factor.

    ``"invariant"`` to what the set erases, ``"partly"`` sensitive to what it only blurs,
    ``"sensitive"`` to the rest.

    Raises:
        ValueError: for a name that is not among :data:`LOST`.
    """
    checks.one_of("augmentation", augmentation, tuple(LOST))
    lost, blurred = LOST[augmentation], BLURRED[augmentation]
    return {
        factor: "invariant" if factor in lost else "partly" if factor in blurred else "sensitive"
        for factor in FACTORS
    }
