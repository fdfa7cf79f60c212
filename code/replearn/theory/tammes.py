"""Points far apart on the sphere: simplices, and Tammes' problem of the largest smallest angle."""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linprog
from scipy.sparse import coo_array
from torch import Tensor

from replearn.engine import validation
from replearn.engine.devices import torch_defaults

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


@validation.arguments
def smallest_angle(points: Float[Tensor, "n d"]) -> float:
    """Return the smallest angle between two of the unit vectors ``points``, in degrees.

    The angle is 2 atan2(‖u − v‖, ‖u + v‖), which is accurate from 0° to 180°; an arccosine is not.

    Examples:
        >>> round(tammes.smallest_angle(torch.eye(3).double()), 6)
        90.0
    """
    validation.unit_rows("points", points)
    validation.at_least("len(points)", len(points), 2)
    first, second = torch.triu_indices(len(points), len(points), 1, device=points.device)
    apart = torch.linalg.vector_norm(points[first] - points[second], dim=1)
    across = torch.linalg.vector_norm(points[first] + points[second], dim=1)
    return math.degrees(2 * float(torch.atan2(apart, across).amin()))


@validation.arguments
def simplex(n: int, d: int) -> Float[Tensor, "n d"]:
    """Return the n ≤ d + 1 corners of a regular simplex on the unit sphere of ℝᵈ, float64.

    Any two of them have the dot product −1/(n − 1): no n unit vectors have a smaller largest one.

    Examples:
        >>> corners = tammes.simplex(3, 2)
        >>> (corners @ corners.T).round(decimals=3)
        tensor([[ 1.0000, -0.5000, -0.5000],
                [-0.5000,  1.0000, -0.5000],
                [-0.5000, -0.5000,  1.0000]], dtype=torch.float64)
    """
    validation.at_least("n", n, 2)
    validation.at_least("d", d, n - 1)
    corners = torch.zeros(n, d, dtype=torch.float64)
    for k in range(1, n):  # Helmert's basis of the vectors of ℝⁿ whose coordinates sum to 0
        corners[:k, k - 1] = 1 / math.sqrt(k * (k + 1))
        corners[k, k - 1] = -k / math.sqrt(k * (k + 1))
    return corners / corners.norm(dim=1, keepdim=True)


@validation.arguments
def spread(n: int, d: int) -> Float[Tensor, "n d"]:
    """Return n unit vectors of ℝᵈ whose smallest angle is as large as possible, float64.

    The optimum is known on the circle (360°/n), for n ≤ d + 1 (a simplex) and for d + 2 ≤ n ≤ 2d
    (90°: corners of a cross-polytope; Rankin 1955). Otherwise a deterministic search looks for it.
    It reaches the proved optima of ``TAMMES_OPTIMA`` (d = 3), each in a second or two, and takes
    longer for larger n·d.

    Raises:
        ValueError: unless n ≥ 2, d ≥ 1, and n = 2 if d = 1.

    Examples:
        >>> round(tammes.smallest_angle(tammes.spread(6, 3)), 6)  # an octahedron
        90.0
    """
    validation.at_least("n", n, 2)
    validation.at_least("d", d, 1)
    if d == 1 and n > 2:
        raise ValueError(f"n must be 2 for d = 1, a sphere of two points, got {n}")
    return _spread(n, d).clone()


@functools.lru_cache(maxsize=256)
@torch_defaults()
def _spread(n: int, d: int) -> Float[Tensor, "n d"]:
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
    """Return the best of many random starts, after descent on a smooth maximum of the cosines.

    The smooth maximum (1/β) log Σ exp(β x_i·x_j) approaches the maximum as β grows.
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
    new = torch.cat(
        [worst[:1] < 2, worst.diff() > 1e-4]
    )  # several starts end in the same arrangement
    keep = max(2, min(5, 500 // (n * d)))  # polishing a larger problem takes longer
    return x[order[new][:keep]]


def _polish(x: np.ndarray, steps: int = 40) -> np.ndarray:
    """Lower the largest cosine by sequential linear programming within a trust region.

    Each programme minimises t over tangent moves m_i ⟂ x_i that satisfy
    x_i·x_j + x_i·m_j + x_j·m_i ≤ t, for all pairs that a move within the radius can bring near t.
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
