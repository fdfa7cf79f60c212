"""What contrastive encoders ought to keep: whatever the two views of a positive pair share.

Question 4 says that an optimal encoder is constant on each group of positives and tells the groups
apart, so it forgets exactly the factors that its augmentation changes.
"""

from __future__ import annotations

from replearn import checks

FACTORS = ("color", "location", "shape", "size", "rotation")

_POSE = {"location", "size", "rotation"}

# The factors that each set of augmentations changes beyond recognition.
CHANGES: dict[str, set[str]] = {
    "A": {"color"},
    "B": _POSE,
    "C": _POSE | {"shape"},
    "B∘grayscale": _POSE | {"color"},
}


def predicted(augmentation: str) -> dict[str, str]:
    """Return ``"invariant"`` or ``"sensitive"`` for each factor, for an encoder trained with one set.

    Raises:
        ValueError: for a name that is not among :data:`CHANGES`.
    """
    checks.one_of("augmentation", augmentation, tuple(CHANGES))
    changed = CHANGES[augmentation]
    return {factor: "invariant" if factor in changed else "sensitive" for factor in FACTORS}
