"""What is near in a representation, and what that says about what it kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from replearn import checks, recipes
from replearn.devices import autocast
from replearn.shapes import Factors, ShapesDataset

FACTORS = ("color", "location", "shape", "size", "rotation")
"""What sensitivity is measured to, in the order of the tables."""

_EMBED_BATCH = 500  # images: their feature maps stay in the cache
_NEAREST_CHUNK = 1024  # queries: bounds the distances held at once, whatever the number of queries
_BLOCK = 64  # columns of which the largest is found first


@checks.arguments
@torch.no_grad()
def embed(
    encoder: nn.Module | Callable[[Tensor], Tensor],
    dataset: ShapesDataset,
    limit: int | None = None,
) -> Float[Tensor, "n d"]:
    """Return the features of the first ``limit`` images, on the CPU in float32.

    Args:
        encoder: takes images (b, 3, 64, 64) in [0, 1]; what it returns is flattened to rows.
        dataset: its images are drawn on the encoder's device.
        limit: at most this many images; None for :func:`recipes.bank_size`.

    Raises:
        ValueError: for ``limit`` below 1.
    """
    if limit is None:
        limit = recipes.bank_size()
    checks.at_least("limit", limit, 1)
    parameters = encoder.parameters() if isinstance(encoder, nn.Module) else iter(())
    device = next((p.device for p in parameters), torch.device("cpu"))
    n = min(limit, len(dataset))
    features = torch.empty(0)
    for start in range(0, n, _EMBED_BATCH):
        stop = min(start + _EMBED_BATCH, n)
        images = dataset.images(range(start, stop), device)
        with autocast(device):
            some = encoder(images).flatten(1)
        if not start:  # all the room at once: little pieces would keep the maps' from being freed
            features = torch.empty(n, some.shape[1])
        features[start:stop] = some
    return features


@checks.arguments
def pixels(images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n 12288"]:
    """Return the images themselves: the encoder that keeps everything and orders nothing."""
    return images.flatten(1)


@checks.arguments
@torch.no_grad()
def nearest(
    queries: Float[Tensor, "q d"],
    bank: Float[Tensor, "n d"],
    k: int,
    exclude_self: bool = False,
) -> Int[Tensor, "q k"]:
    """Return the rows of ``bank`` nearest to each query, near to far, by Euclidean distance.

    Exact, in chunks of queries. A distance is ‖q‖² − 2 q·b + ‖b‖² in the features' precision, so
    distances closer together than its rounding may come in either order.

    Args:
        queries: (q, d).
        bank: (n, d).
        k: number of neighbours.
        exclude_self: query i is row i of the bank, and not its own neighbour.

    Raises:
        TypeError: for features that are not floating-point tensors of one precision.
        ValueError: for other shapes, features that are not finite, or too few rows for ``k``.
    """
    checks.one_precision(queries=queries, bank=bank)
    if exclude_self and len(queries) > len(bank):
        raise ValueError(
            f"queries must be rows of the bank, at most {len(bank)}, with exclude_self, "
            f"got {len(queries)}"
        )
    most = len(bank) - int(exclude_self)
    checks.at_least("k", k, 1)
    if not 1 <= k <= most:
        raise ValueError(f"k must lie in 1 … {most}, got {k!r}")
    checks.finite("queries", queries)
    checks.finite("bank", bank)
    # About its own centre, a bank far from the origin loses no digits in the squares.
    centre = bank.mean(0)
    centred = bank - centre
    queries = centred if queries is bank else queries - centre
    bank = centred
    half_squares = torch.linalg.vector_norm(bank, dim=1).square() / 2
    found: list[Tensor] = []
    room = bank.new_empty(min(_NEAREST_CHUNK, len(queries)), len(bank))  # new memory costs time
    for some in queries.split(_NEAREST_CHUNK):
        closeness = torch.mm(some, bank.T, out=room[: len(some)]).sub_(half_squares)
        if exclude_self:
            own = torch.arange(len(some), device=some.device)
            closeness[own, own + len(found) * _NEAREST_CHUNK] = -math.inf
        found.append(_largest(closeness, k))
    return torch.cat(found)


def _largest(rows: Tensor, k: int) -> Tensor:
    """Return the columns of the k largest of each row, the largest first.

    They all lie in the k blocks of columns whose own largest are largest, so that few columns need
    to be sorted; those that fill no block are looked at anyway.
    """
    blocks = rows.shape[1] // _BLOCK
    if blocks <= k:
        return rows.topk(k, dim=1).indices
    peaks = rows[:, : blocks * _BLOCK].unflatten(1, (blocks, _BLOCK)).amax(2)
    first = peaks.topk(k, dim=1).indices[:, :, None] * _BLOCK
    inside = (first + torch.arange(_BLOCK, device=rows.device)).flatten(1)
    rest = torch.arange(blocks * _BLOCK, rows.shape[1], device=rows.device)
    columns = torch.cat([inside, rest.expand(len(rows), -1)], 1)
    return columns.gather(1, rows.gather(1, columns).topk(k, dim=1).indices)


@checks.arguments
def sensitivity(features: Float[Tensor, "n d"], factors: Factors, k: int = 10) -> dict[str, float]:
    """Return how much of each factor the nearest neighbours keep: 1 all, 0 nothing.

    For each factor, 1 − (disagreement between an image and its k nearest neighbours) ÷
    (disagreement between random images), both means over all images. Disagreement is a differing
    label for shape and colour, a distance for location and size, and for rotation the angle up to
    the shape's own symmetry among images of one shape, circles left out. Zero is chance, slightly
    less is possible, and NaN says that there was nothing to compare: a factor that never varies,
    no two neighbours of one shape.

    Raises:
        ValueError: for ``k`` below 1, unequal numbers of features and factors, or fewer than k + 2.
    """
    checks.at_least("k", k, 1)
    n = len(features)
    if n != len(factors) or n < k + 2:
        raise ValueError(
            f"features and factors must be equally many, at least {k + 2}, "
            f"got {n} and {len(factors)}"
        )
    checks.finite("features", features)
    near = nearest(features, features, k, exclude_self=True)
    shuffle = torch.Generator().manual_seed(0)
    # Another image than oneself, uniformly.
    far = (torch.arange(n)[:, None] + torch.randint(1, n, (n, k), generator=shuffle)) % n

    def disagreement(values: Tensor, others: Tensor) -> float:
        apart = values[:, None] - values[others]
        if not values.is_floating_point():
            return float((apart != 0).float().mean())
        return float((apart.abs() if values.ndim == 1 else apart.norm(dim=2)).mean())

    def turned(others: Tensor) -> float:
        shape = factors.shape
        period = 2 * math.pi / torch.tensor([1.0, 3.0, 4.0])[shape]
        comparable = (shape[:, None] == shape[others]) & (shape > 0)[:, None]
        apart = (factors.angle[:, None] - factors.angle[others]).abs() / period[:, None] % 1
        return float(torch.minimum(apart, 1 - apart)[comparable].mean())

    measured = {
        "shape": factors.shape,
        "color": factors.color,
        "location": factors.position,
        "size": factors.size,
    }
    apart = {
        name: (disagreement(values, near), disagreement(values, far))
        for name, values in measured.items()
    }
    apart["rotation"] = turned(near), turned(far)
    return {name: 1 - a / b if b else math.nan for name, (a, b) in apart.items()}
