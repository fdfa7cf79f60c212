"""Groups of points on the unit sphere: which point is nearest to which, and by what margin.

``features`` is an (n, d) tensor of unit rows, ``groups`` an (N, m) tensor of row indices: row i
lists the features of group i, each equally likely; groups that overlap share an index. Distances
are Euclidean, between 0 and 2. Malformed input is a ValueError (a TypeError if it is not numbers).

Dot products that are equal on paper may differ by rounding, by at most about (d + 8) ε, where ε is
the spacing of the dtype at 1 (``torch.finfo(dtype).eps``). So a strict inequality has to hold by
more than this tolerance.
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
    """Return the group table on the features' device, and the tolerance of strict inequalities."""
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
    """Return the probability that the target has the unique largest logit.

    A group i, an anchor x in it and one y_j from every group are drawn uniformly and independently.
    The prediction is right if x·y_i > x·y_j + tolerance for all j ≠ i; a tie is wrong. Given x and
    y_i the N − 1 events are independent, so their probabilities are counted one by one and
    multiplied, and no tuple is enumerated.

    Args:
        features: (n, d) unit rows.
        groups: (N, m) rows of ``features``, one group a row.
        tolerance: what a strict inequality has to exceed; by default that of rounding.

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
    """Return whether every anchor with every y_1, …, y_N is classified right; a tie is wrong.

    This is so if and only if each anchor's least positive logit exceeds its greatest negative logit
    by more than ``tolerance``.

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
    """Return distances, from differences: √(2 − 2 a·b) loses half the digits of a small one."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


@validation.arguments
def diameters(features: Float[Tensor, "n d"], groups: validation.Groups) -> Float[Tensor, " N"]:
    """Return the largest distance between two features of each group. Differentiable.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> geometry.diameters(features, [[0, 1], [2, 2]])
        tensor([1.4142, 0.0000])
    """
    groups, _ = _checked(features, groups, None)
    return torch.stack([_distances(features[g], features[g]).amax() for g in groups])


@validation.arguments
def margins(features: Float[Tensor, "n d"], groups: validation.Groups) -> Float[Tensor, "N N"]:
    """Return the smallest distance between features of group i and group j. Differentiable.

    The matrix is symmetric, and 0 where two groups share a sample. Its diagonal is +∞, since a
    group has no margin to itself; so the minimum of row i is the minimum over j ≠ i.

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
    """Return each anchor's distance to its farthest positive, and to its nearest negative.

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
def median_distances(
    features: Float[Tensor, "n d"], groups: validation.Groups, labels: Int[Tensor, " N"]
) -> tuple[float, float, float]:
    """Median distance within a group, between groups of one label, and between labels.

    Row i of ``groups`` lists the features of group i, which has the label ``labels[i]``. Distances
    of a feature to itself count in the first. ValueError unless there is one label a group, and
    some two groups share a label and some two do not.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
        >>> geometry.median_distances(features, [[0], [0], [2]], torch.tensor([0, 0, 1]))
        (0.0, 0.0, 2.0)
    """
    groups, _ = _checked(features, groups, None)
    if len(labels) != len(groups):
        raise ValueError(f"labels must be one a group, {len(groups)}, got {len(labels)}")
    group = torch.arange(len(groups), device=groups.device).repeat_interleave(groups.shape[1])
    label = labels.to(groups.device).repeat_interleave(groups.shape[1])
    within, alike = group[:, None] == group, label[:, None] == label
    distance = _distances(features[groups.flatten()], features[groups.flatten()])
    kinds = within, alike & ~within, ~alike
    if not all(kind.any() for kind in kinds):
        raise ValueError(
            f"labels must have two groups of one label and two of different ones, got {labels}"
        )
    one, same, different = (float(distance[kind].median()) for kind in kinds)
    return one, same, different


@validation.arguments
def satisfies(
    features: Float[Tensor, "n d"],
    groups: validation.Groups,
    condition: str,
    tolerance: float | None = None,
) -> bool:
    """Return whether diameters are smaller than margins, in one of four senses.

    - ``"i"``: each group's diameter is smaller than its margin to at least one other group;
    - ``"ii"``: each group's diameter is smaller than its margin to every other group;
    - ``"iii"``: at least one group's diameter is smaller than every margin there is;
    - ``"anchor"``: each feature's farthest positive is closer than its nearest negative.

    "Smaller" means by more than ``tolerance``, which is a distance here.

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
    """Return, for each group, the number (0, 1, …) of its component of overlapping groups.

    Two groups are in one component if they share a sample, or if a chain of such groups joins them.

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
