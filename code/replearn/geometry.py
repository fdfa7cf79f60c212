"""Groups of points on the unit sphere: who is nearest to whom, and how far apart points can be.

``features`` is an (n, d) tensor of unit rows, ``groups`` an (N, m) tensor of row indices: row i
lists the features of group i, each equally likely; groups that overlap share an index. Distances
are Euclidean, between 0 and 2. Malformed input is a ValueError (a TypeError if it is not numbers).

Two dot products that are equal on paper differ by rounding. Both are off by at most about
(d + 8) ε, where ε is the spacing of the dtype at 1 (``torch.finfo(dtype).eps``), so a strict
inequality here means: by more than that tolerance.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from replearn.engine import validation

CONDITIONS = ("i", "ii", "iii", "anchor")


# --- Which encoders classify perfectly -------------------------------------------------------


def _checked(
    features: Tensor, groups: validation.Groups, tolerance: float | None
) -> tuple[Tensor, float]:
    """The group table on the features' device, and the tolerance of a strict inequality."""
    validation.unit_rows("features", features)
    groups = validation.group_table(groups, len(features), features.device)
    if tolerance is None:
        tolerance = (features.shape[1] + 8) * torch.finfo(features.dtype).eps
    elif not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance must be finite and at least 0, got {tolerance}")
    return groups, tolerance


@validation.arguments
def accuracy(
    features: Float[Tensor, "n d"], groups: validation.Groups, tolerance: float | None = None
) -> float:
    """Probability that the target is the unique largest logit.

    A group i, an anchor x and one y_j from every group are drawn uniformly and independently. A
    prediction is right if x·y_i > x·y_j + tolerance for all j ≠ i, so a tie is wrong. Given the
    anchor and y_i these events are independent: no tuple is enumerated, the probability of each
    is counted and the N − 1 of them multiplied.

    Examples:
        >>> features, groups = arrangements.four()["taking turns"]
        >>> round(geometry.accuracy(features, groups), 3)
        0.375
        >>> geometry.accuracy(*arrangements.four()["tight clusters"])
        1.0
    """
    groups, tolerance = _checked(features, groups, tolerance)
    N, m = groups.shape
    right = 0.0
    for i, group in enumerate(groups):
        logits = (features[group] @ features.T)[:, groups]  # (m, N, m): anchor, group j, y_j
        bar = (logits[:, i, None, :] - tolerance).expand(m, N, m)  # one bar for each y_i
        ordered = logits.sort(-1).values.contiguous()
        below = torch.searchsorted(ordered, bar.contiguous())  # how many y_j < bar
        beaten = below.double() / m
        beaten[:, i] = 1  # the target does not compete with itself
        right += float(beaten.prod(1).mean())
    return right / N


@validation.arguments
def perfect_accuracy(
    features: Float[Tensor, "n d"], groups: validation.Groups, tolerance: float | None = None
) -> bool:
    """Whether every choice of anchor and y_1, …, y_N is classified right, ties counting as wrong.

    So it is when each anchor's least positive logit exceeds its greatest negative one by more
    than ``tolerance``.

    Examples:
        >>> cases = arrangements.four()
        >>> [name for name, case in cases.items() if geometry.perfect_accuracy(*case)]
        ['tight clusters', 'one wide arc']
    """
    groups, tolerance = _checked(features, groups, tolerance)
    for i, group in enumerate(groups):
        logits = (features[group] @ features.T)[:, groups]
        positive = logits[:, i].amin(1)
        logits[:, i] = -math.inf
        if not (positive > logits.amax((1, 2)) + tolerance).all():
            return False
    return True


# --- Diameters, margins and the conditions on them -------------------------------------------


def _distances(a: Float[Tensor, "k d"], b: Float[Tensor, "l d"]) -> Float[Tensor, "k l"]:
    """Distances from differences: √(2 − 2 a·b) would lose half of the digits of a small one."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


@validation.arguments
def diameters(features: Float[Tensor, "n d"], groups: validation.Groups) -> Float[Tensor, " N"]:
    """Largest distance between two features of each group. Differentiable.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> geometry.diameters(features, [[0, 1], [2, 2]])
        tensor([1.4142, 0.0000])
    """
    groups, _ = _checked(features, groups, None)
    return torch.stack([_distances(features[g], features[g]).amax() for g in groups])


@validation.arguments
def margins(features: Float[Tensor, "n d"], groups: validation.Groups) -> Float[Tensor, "N N"]:
    """Smallest distance between a feature of group i and one of group j. Differentiable.

    Symmetric; 0 where the groups share a sample. The diagonal is +∞: a group has no margin to
    itself, and the minimum over j ≠ i is that of the row.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> geometry.margins(features, [[0, 1], [2, 2]])
        tensor([[   inf, 1.4142],
                [1.4142,    inf]])
    """
    groups, _ = _checked(features, groups, None)
    everyone = features[groups.flatten()]
    rows = [_distances(features[g], everyone).reshape(-1, *groups.shape) for g in groups]
    return torch.stack([row.amin((0, 2)) for row in rows]).fill_diagonal_(math.inf)


@validation.arguments
def anchor_distances(
    features: Float[Tensor, "n d"], groups: validation.Groups
) -> tuple[Float[Tensor, "N m"], Float[Tensor, "N m"]]:
    """For each anchor the distance to its farthest positive and to its nearest negative.

    Entry (i, k) belongs to the feature ``groups[i, k]`` as an anchor of group i. Differentiable.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> farthest, nearest = geometry.anchor_distances(features, [[0, 1], [2, 2]])
        >>> farthest
        tensor([[1.4142, 1.4142],
                [0.0000, 0.0000]])
        >>> nearest
        tensor([[2.0000, 1.4142],
                [1.4142, 1.4142]])
    """
    groups, _ = _checked(features, groups, None)
    everyone = features[groups.flatten()]
    farthest, nearest = [], []
    for i, group in enumerate(groups):
        distance = _distances(features[group], everyone).reshape(-1, *groups.shape)
        own = torch.arange(len(groups), device=groups.device)[:, None] == i
        farthest.append(distance[:, i].amax(1))
        nearest.append(distance.masked_fill(own, math.inf).amin((1, 2)))
    return torch.stack(farthest), torch.stack(nearest)


@validation.arguments
def satisfies(
    features: Float[Tensor, "n d"],
    groups: validation.Groups,
    condition: str,
    tolerance: float | None = None,
) -> bool:
    """Whether diameters are smaller than margins, in one of four senses.

    - ``"i"``: each group's diameter is smaller than its margin to at least one other group;
    - ``"ii"``: each group's diameter is smaller than its margin to every other group;
    - ``"iii"``: at least one group's diameter is smaller than every margin there is;
    - ``"anchor"``: each feature's farthest positive is closer than its nearest negative.

    "Smaller" is by more than ``tolerance``, here a distance.

    Examples:
        >>> case = arrangements.counterexample("iii")
        >>> {condition: geometry.satisfies(*case, condition) for condition in geometry.CONDITIONS}
        {'i': False, 'ii': False, 'iii': True, 'anchor': False}
    """
    validation.one_of("condition", condition, CONDITIONS)
    groups, tolerance = _checked(features, groups, tolerance)
    if condition == "anchor":
        farthest, nearest = anchor_distances(features, groups)
        return bool((farthest + tolerance < nearest).all())
    diameter, margin = diameters(features, groups), margins(features, groups)
    if condition == "i":
        margin = margin.masked_fill(margin.isinf(), -1)  # a group is not some *other* group
        return bool((diameter + tolerance < margin.amax(1)).all())
    if condition == "ii":
        return bool((diameter + tolerance < margin.amin(1)).all())
    return bool(diameter.amin() + tolerance < margin.amin())


@validation.arguments
def components(groups: validation.Groups) -> Int[Tensor, " N"]:
    """For each group, the number (0, 1, …) of its connected component of overlapping groups.

    Two groups are joined if they share a sample, directly or through a chain of groups.

    Examples:
        >>> geometry.components([[0, 1], [1, 2], [3, 4]])  # the first two share sample 1
        tensor([0, 0, 1])
    """
    table = validation.group_table(groups)
    joined = (table[:, None, :, None] == table[None, :, None, :]).any(-1).any(-1)
    label = torch.arange(len(table), device=table.device)
    while True:  # every group takes the least label among those it overlaps, until none changes
        least = torch.where(joined, label, len(table)).amin(1)
        if least.equal(label):
            return label.unique(return_inverse=True)[1]
        label = least
