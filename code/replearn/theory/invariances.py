"""What a contrastive encoder should keep: what the two views of a positive pair share.

Question 4 says that an optimal encoder is constant on each group of positives and tells the groups
apart, so it forgets exactly the factors that its augmentation changes.
"""

from __future__ import annotations

from replearn.augmentations import SETS
from replearn.engine import validation
from replearn.neighbors import FACTORS


@validation.arguments
def predicted(augmentation: str) -> dict[str, str]:
    """Return, for each factor, what an encoder that is trained on a set should be.

    ``"invariant"`` to what the set erases, ``"partly"`` sensitive to what it only blurs,
    ``"sensitive"`` to the rest.

    Raises:
        ValueError: for a name that is not among :data:`augmentations.SETS`.

    Examples:
        >>> [factor for factor, kind in invariances.predicted("A").items() if kind == "invariant"]
        ['color']
    """
    validation.one_of("augmentation", augmentation, tuple(SETS))
    known = SETS[augmentation]
    invariant = dict.fromkeys(known.erased, "invariant")
    partly = dict.fromkeys(known.blurred, "partly")
    return {**dict.fromkeys(FACTORS, "sensitive"), **partly, **invariant}
