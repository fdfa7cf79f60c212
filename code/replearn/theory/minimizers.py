"""The lowest contrastive losses that features on the unit sphere can reach, found by descent."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from replearn import losses
from replearn.engine import validation
from replearn.engine.devices import torch_defaults


@validation.arguments
def minimize_info_nce(
    n: int, d: int, tau: float = 1.0, *, starts: int = 8, seed: int = 0
) -> tuple[float, Float[Tensor, "2 n d"]]:
    """Minimise InfoNCE over all 2n unit vectors of a batch, anchors and positives alike.

    Nothing ties an anchor to its positive; that they end up equal is a result. The problem is not
    convex, so the best of ``starts`` random starts counts. L-BFGS in float64, for n up to dozens.

    Returns:
        The smallest loss found, and its anchors and positives, (2, n, d).

    Raises:
        ValueError: for n < 2, d < 1, starts < 1, or tau not positive.

    Examples:
        >>> lowest, _ = minimizers.minimize_info_nce(3, 2, starts=2)
        >>> abs(lowest - losses.contrastive_floor(3)) < 1e-6
        True
    """
    for name, value, smallest in (("n", n, 2), ("d", d, 1), ("starts", starts, 1)):
        validation.at_least(name, value, smallest)
    validation.at_least("seed", seed, 0)
    validation.positive("tau", tau)
    return _best_descent(lambda z: losses.info_nce(z[0], z[1], tau), (2, n, d), starts, seed)


@validation.arguments
def minimize_contrastive(
    groups: validation.Groups, d: int, tau: float = 1.0, *, starts: int = 8, seed: int = 0
) -> tuple[float, Float[Tensor, "n d"]]:
    """Minimise the exact contrastive loss of finite groups over all features on the sphere.

    Groups that share a row index share that sample. Again the best of ``starts`` random starts
    counts, by L-BFGS in float64.

    Returns:
        The smallest loss found, and its features, one row for each index in ``groups``.

    Raises:
        ValueError: for d < 1, starts < 1, tau not positive, or malformed groups.

    Examples:
        >>> lowest, features = minimizers.minimize_contrastive([[0, 1], [2, 3]], d=2, starts=2)
        >>> abs(lowest - losses.contrastive_floor(2)) < 1e-6
        True
        >>> geometry.diameters(features, [[0, 1], [2, 3]]).max().item() < 1e-3  # points
        True
    """
    validation.at_least("d", d, 1)
    validation.at_least("starts", starts, 1)
    validation.at_least("seed", seed, 0)
    table = validation.group_table(groups)
    validation.within("groups", table, 0, table.numel() - 1)  # no more rows than are in some group
    n = int(table.max()) + 1
    return _best_descent(lambda z: losses.contrastive_loss(z, table, tau), (n, d), starts, seed)


@torch_defaults()
def _best_descent(
    objective: Callable[[Tensor], Tensor], shape: tuple[int, ...], starts: int, seed: int
) -> tuple[float, Tensor]:
    """Return the best of several descents, each from uniformly random unit vectors."""
    generator = torch.Generator().manual_seed(seed)
    runs = [
        _descend(objective, torch.randn(shape, generator=generator, dtype=torch.float64))
        for _ in range(starts)
    ]
    return min(runs, key=lambda run: run[0])


def _descend(
    objective: Callable[[Tensor], Tensor], start: Float[Tensor, "*n d"]
) -> tuple[float, Float[Tensor, "*n d"]]:
    points = start.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [points],
        max_iter=500,
        tolerance_grad=1e-7,  # the loss is then right to a dozen digits
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = objective(F.normalize(points, dim=-1))
        value.backward()
        return value

    optimizer.step(loss)
    # optimizer.step returns the loss that it started from; compute the one at which it ended.
    return float(loss().detach()), F.normalize(points.detach(), dim=-1)
