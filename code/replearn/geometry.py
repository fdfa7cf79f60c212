"""Groups of points on the unit sphere: who is nearest to whom, and how far apart points can be.

``features`` is an (n, d) tensor of unit rows, ``groups`` an (N, m) tensor of row indices: row i
lists the features of group i, each equally likely; groups that overlap share an index. Distances
are Euclidean, between 0 and 2. Malformed input is a ValueError (a TypeError if it is not numbers).

Two dot products that are equal on paper differ by rounding. Both are off by at most about
(d + 8) ε, where ε is the spacing of the dtype at 1 (``torch.finfo(dtype).eps``), so a strict
inequality here means: by more than that tolerance.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import linprog
from scipy.sparse import coo_array
from torch import Tensor

from replearn import checks
from replearn.devices import torch_defaults

CONDITIONS = ("i", "ii", "iii", "anchor")

# The proved solutions of Tammes' problem on the sphere in ℝ³: n → smallest angle in degrees.
# Fejes Tóth (1943) for 2, 3, 4, 6, 12; Schütte & van der Waerden (1951) for 5, 7, 8, 9;
# Danzer (1963) for 10, 11; Musin & Tarasov (2012, 2015) for 13, 14; Robinson (1961) for 24.
TAMMES_OPTIMA = {
    2: 180.0,
    3: 120.0,
    4: 109.47122,
    5: 90.0,
    6: 90.0,
    7: 77.86954,
    8: 74.85849,
    9: 70.52878,
    10: 66.14682,
    11: 63.43495,
    12: 63.43495,
    13: 57.13670,
    14: 55.67057,
    24: 43.69077,
}


# --- Which encoders classify perfectly -------------------------------------------------------


def _checked(
    features: Tensor, groups: checks.Groups, tolerance: float | None
) -> tuple[Tensor, float]:
    """The group table on the features' device, and the tolerance of a strict inequality."""
    checks.unit_rows("features", features)
    groups = checks.group_table(groups, len(features), features.device)
    if tolerance is None:
        tolerance = (features.shape[1] + 8) * torch.finfo(features.dtype).eps
    elif not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance must be finite and at least 0, got {tolerance}")
    return groups, tolerance


@checks.arguments
def accuracy(
    features: Float[Tensor, "n d"], groups: checks.Groups, tolerance: float | None = None
) -> float:
    """Probability that the target is the unique largest logit.

    A group i, an anchor x and one y_j from every group are drawn uniformly and independently. A
    prediction is right if x·y_i > x·y_j + tolerance for all j ≠ i, so a tie is wrong. Given the
    anchor and y_i these events are independent: no tuple is enumerated, the probability of each
    is counted and the N − 1 of them multiplied.
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


@checks.arguments
def perfect_accuracy(
    features: Float[Tensor, "n d"], groups: checks.Groups, tolerance: float | None = None
) -> bool:
    """Whether every choice of anchor and y_1, …, y_N is classified right, ties counting as wrong.

    So it is when each anchor's least positive logit exceeds its greatest negative one by more
    than ``tolerance``.
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


@checks.arguments
def diameters(features: Float[Tensor, "n d"], groups: checks.Groups) -> Float[Tensor, " N"]:
    """Largest distance between two features of each group. Differentiable."""
    groups, _ = _checked(features, groups, None)
    return torch.stack([_distances(features[g], features[g]).amax() for g in groups])


@checks.arguments
def margins(features: Float[Tensor, "n d"], groups: checks.Groups) -> Float[Tensor, "N N"]:
    """Smallest distance between a feature of group i and one of group j. Differentiable.

    Symmetric; 0 where the groups share a sample. The diagonal is +∞: a group has no margin to
    itself, and the minimum over j ≠ i is that of the row.
    """
    groups, _ = _checked(features, groups, None)
    everyone = features[groups.flatten()]
    rows = [_distances(features[g], everyone).reshape(-1, *groups.shape) for g in groups]
    return torch.stack([row.amin((0, 2)) for row in rows]).fill_diagonal_(math.inf)


@checks.arguments
def anchor_distances(
    features: Float[Tensor, "n d"], groups: checks.Groups
) -> tuple[Float[Tensor, "N m"], Float[Tensor, "N m"]]:
    """For each anchor the distance to its farthest positive and to its nearest negative.

    Entry (i, k) belongs to the feature ``groups[i, k]`` as an anchor of group i. Differentiable.
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


@checks.arguments
def satisfies(
    features: Float[Tensor, "n d"],
    groups: checks.Groups,
    condition: str,
    tolerance: float | None = None,
) -> bool:
    """Whether diameters are smaller than margins, in one of four senses.

    - ``"i"``: each group's diameter is smaller than its margin to at least one other group;
    - ``"ii"``: each group's diameter is smaller than its margin to every other group;
    - ``"iii"``: at least one group's diameter is smaller than every margin there is;
    - ``"anchor"``: each feature's farthest positive is closer than its nearest negative.

    "Smaller" is by more than ``tolerance``, here a distance.
    """
    checks.one_of("condition", condition, CONDITIONS)
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


@checks.arguments
def components(groups: checks.Groups) -> Int[Tensor, " N"]:
    """For each group, the number (0, 1, …) of its connected component of overlapping groups.

    Two groups are joined if they share a sample, directly or through a chain of groups.
    """
    table = checks.group_table(groups)
    joined = (table[:, None, :, None] == table[None, :, None, :]).any(-1).any(-1)
    label = torch.arange(len(table), device=table.device)
    while True:  # every group takes the least label among those it overlaps, until none changes
        least = torch.where(joined, label, len(table)).amin(1)
        if least.equal(label):
            return label.unique(return_inverse=True)[1]
        label = least


# --- Points far apart: Tammes' problem -------------------------------------------------------


@checks.arguments
def smallest_angle(points: Float[Tensor, "n d"]) -> float:
    """Smallest angle between two of the unit vectors ``points``, in degrees.

    As 2 atan2(‖u − v‖, ‖u + v‖), accurate from 0° to 180° where an arccosine is not.
    """
    checks.unit_rows("points", points)
    checks.at_least("len(points)", len(points), 2)
    first, second = torch.triu_indices(len(points), len(points), 1, device=points.device)
    apart = torch.linalg.vector_norm(points[first] - points[second], dim=1)
    across = torch.linalg.vector_norm(points[first] + points[second], dim=1)
    return math.degrees(2 * float(torch.atan2(apart, across).amin()))


@checks.arguments
def simplex(n: int, d: int) -> Float[Tensor, "n d"]:
    """The n corners of a regular simplex on the unit sphere of ℝᵈ, n ≤ d + 1; float64.

    Every two of them have dot product −1/(n − 1), the least that n unit vectors can all keep to.
    """
    checks.at_least("n", n, 2)
    checks.at_least("d", d, n - 1)
    corners = torch.zeros(n, d, dtype=torch.float64)
    for k in range(1, n):  # Helmert's basis of the vectors of ℝⁿ whose coordinates sum to 0
        corners[:k, k - 1] = 1 / math.sqrt(k * (k + 1))
        corners[k, k - 1] = -k / math.sqrt(k * (k + 1))
    return corners / corners.norm(dim=1, keepdim=True)


@checks.arguments
def tammes(n: int, d: int) -> Float[Tensor, "n d"]:
    """n unit vectors of ℝᵈ whose smallest angle is as large as we know how to make it; float64.

    Exact, and optimal, on the circle (360°/n), for n ≤ d + 1 (a simplex) and for d + 2 ≤ n ≤ 2d
    (90°: corners of a cross-polytope; Rankin 1955). Otherwise the best that a deterministic
    search finds: where ``TAMMES_OPTIMA`` knows the proved optimum (d = 3), that one; a second or
    two there, longer for larger n·d. ValueError unless n ≥ 2, d ≥ 1, and n = 2 if d = 1.
    """
    checks.at_least("n", n, 2)
    checks.at_least("d", d, 1)
    if d == 1 and n > 2:
        raise ValueError(f"n must be 2 for d = 1, a sphere of two points, got {n}")
    return _tammes(n, d).clone()


@functools.lru_cache(maxsize=256)
@torch_defaults()
def _tammes(n: int, d: int) -> Float[Tensor, "n d"]:
    if n <= d + 1:
        return simplex(n, d)
    if d == 2:
        turn = torch.arange(n, dtype=torch.float64) * (2 * math.pi / n)
        return torch.stack([turn.cos(), turn.sin()], dim=1)
    if n <= 2 * d:
        axes = torch.eye(d, dtype=torch.float64)
        return torch.cat([axes, -axes])[:n]
    best = [_polish(start.numpy()) for start in _repelled(n, d)]
    return torch.from_numpy(min(best, key=_largest_cosine))


def _largest_cosine(points: np.ndarray) -> float:
    return float((points @ points.T - 2 * np.eye(len(points))).max())


def _repelled(n: int, d: int, starts: int = 256) -> Float[Tensor, "keep n d"]:
    """The best of many random starts after gradient descent on a smooth maximum of the cosines.

    The maximum, (1/β) log Σ exp(β x_i·x_j), sharpens as β grows.
    """
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(starts, n, d, dtype=torch.float64, generator=generator)
    x = x / x.norm(dim=-1, keepdim=True)
    itself = torch.eye(n, dtype=torch.bool)
    for beta in torch.logspace(0, 3, 300, dtype=torch.float64).tolist():
        cosine = (x @ x.mT).masked_fill(itself, -math.inf)
        weight = (beta * cosine).flatten(1).softmax(1).reshape_as(cosine)
        x = x - n / (beta + 1) * (weight @ x)
        x = x / x.norm(dim=-1, keepdim=True)
    worst, order = (x @ x.mT).masked_fill(itself, -math.inf).amax((1, 2)).sort(stable=True)
    new = torch.cat([worst[:1] < 2, worst.diff() > 1e-4])  # many starts end in one arrangement
    keep = max(2, min(5, 500 // (n * d)))  # the larger the problem, the dearer each polish
    return x[order[new][:keep]]


def _polish(x: np.ndarray, steps: int = 40) -> np.ndarray:
    """Sequential linear programming: move within a trust region so that the largest cosine falls.

    Each programme minimises t over tangent moves m_i ⟂ x_i with
    x_i·x_j + x_i·m_j + x_j·m_i ≤ t, for the pairs that the region's radius can bring near t.
    """
    n, d = x.shape
    radius, value = 0.1, _largest_cosine(x)
    for _ in range(steps):
        i, j = np.triu_indices(n, 1)
        cosine = np.einsum("kd,kd->k", x[i], x[j])
        near = cosine > value - 4 * math.sqrt(d) * radius
        i, j, cosine = i[near], j[near], cosine[near]
        pair = np.arange(len(i)).repeat(d)
        of_i, of_j = ((k[:, None] * d + np.arange(d)).ravel() for k in (i, j))
        t = np.full(len(i), n * d)  # the unknowns are the n·d moves, then t
        lowers = coo_array(
            (
                np.r_[x[j].ravel(), x[i].ravel(), -np.ones(len(i))],
                (np.r_[pair, pair, np.arange(len(i))], np.r_[of_i, of_j, t]),
            ),
            (len(i), n * d + 1),
        )
        tangent = coo_array((x.ravel(), (np.arange(n).repeat(d), np.arange(n * d))), (n, n * d + 1))
        move = linprog(
            np.r_[np.zeros(n * d), 1],
            A_ub=lowers,
            b_ub=-cosine,
            A_eq=tangent,
            b_eq=np.zeros(n),
            bounds=[(-radius, radius)] * (n * d) + [(-1, 1)],
        )
        if move.x is None or value - move.fun < 1e-10:  # cannot fall any more, to first order
            break
        moved = x + move.x[:-1].reshape(n, d)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        if _largest_cosine(moved) < value:
            x, value, radius = moved, _largest_cosine(moved), 2 * radius
        else:
            radius /= 4
    return x


# --- The book's arrangements and counterexamples ---------------------------------------------


def _on_circle(
    degrees: Sequence[Sequence[float]],
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, "N m"]]:
    turn = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    features = torch.stack([turn.cos(), turn.sin()], dim=-1).flatten(0, 1)
    return features, torch.arange(turn.numel()).reshape(turn.shape)


def arrangements() -> dict[str, tuple[Float[Tensor, "12 2"], Int[Tensor, "3 4"]]]:
    """Four encoders of three groups of four samples into the circle: name → (features, groups).

    - ``"tight clusters"``: three of them, 120° from one another;
    - ``"taking turns"``: twelve points 30° apart, of one group after the other;
    - ``"three wide arcs"``: each group fills an arc of its own;
    - ``"one wide arc"``: two groups are tight and near each other, one is wide and far from both.

    Float64.
    """
    return {
        "tight clusters": _on_circle([[c - 14, c - 5, c + 4, c + 13] for c in (90, 210, 330)]),
        "taking turns": _on_circle([[c, c + 90, c + 180, c + 270] for c in (0, 30, 60)]),
        "three wide arcs": _on_circle([[c - 36, c - 13, c + 11, c + 36] for c in (90, 210, 330)]),
        "one wide arc": _on_circle(
            [[55, 78, 101, 125], [243, 247, 251, 254], [286, 290, 293, 297]]
        ),
    }


@checks.arguments
def shrunk(
    features: Float[Tensor, "n 2"], groups: checks.Groups, factor: float
) -> Float[Tensor, "n 2"]:
    """Features on the circle, each group's angles to its middle direction times ``factor``."""
    groups, _ = _checked(features, groups, None)
    moved = features.clone()
    for group in groups:
        x, y = features[group].mean(0)
        offset = torch.atan2(
            x * features[group, 1] - y * features[group, 0],
            x * features[group, 0] + y * features[group, 1],
        )
        moved[group] = _rotated(features[group], (factor - 1) * offset)
    return moved


@checks.arguments
def turned(
    features: Float[Tensor, "n 2"], group: Int[Tensor, " m"], degrees: float
) -> Float[Tensor, "n 2"]:
    """Features on the circle, those of one group turned counter-clockwise."""
    checks.unit_rows("features", features)
    checks.within("group", group, 0, len(features) - 1)
    group, moved = group.long(), features.clone()
    angle = torch.full((len(group),), math.radians(degrees)).to(features)
    moved[group] = _rotated(features[group], angle)
    return moved


def _rotated(features: Float[Tensor, "m 2"], angle: Float[Tensor, " m"]) -> Float[Tensor, "m 2"]:
    x, y = features.T
    return torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], 1)


@checks.arguments
def counterexample(condition: str) -> tuple[Float[Tensor, "n d"], Int[Tensor, "N m"]]:
    """(features, groups), float64, that tell ``condition`` from perfect accuracy.

    - ``"i"`` holds and accuracy is not perfect: two groups interleave on the circle, each far
      from a third. With two groups alone, i would say the same as ii.
    - ``"iii"`` holds and accuracy is not perfect: two groups on the circle, one of them tight,
      the other wider than the gap. With one feature a group, iii would suffice.
    - ``"ii"`` fails and accuracy is perfect, on the sphere: a group as wide as 0.6 whose third
      feature, near the middle, is the one at margin 0.52 from the other group, a single point.
      (In the plane (±0.5, 0), (0, 0.2) and (0, 1); scaled by 0.6 and lifted onto the sphere.)
    """
    checks.one_of("condition", condition, ("i", "ii", "iii"))
    if condition == "i":
        return _on_circle([[-30, 10], [-10, 30], [170, 190]])
    if condition == "iii":
        return _on_circle([[85, 95], [30, 150]])
    plane = torch.tensor([[-0.5, 0], [0.5, 0], [0, 0.2], [0, 1], [0, 1], [0, 1]]).double() * 0.6
    height = (1 - plane.square().sum(1, keepdim=True)).sqrt()
    return torch.cat([plane, height], dim=1), torch.arange(6).reshape(2, 3)
