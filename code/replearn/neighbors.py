"""Nearest neighbours in a representation, and what they say about the factors that it kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from tqdm.auto import tqdm

from replearn import recipes
from replearn.engine import loops, tiles, validation
from replearn.engine.devices import autocast, torch_defaults
from replearn.shapes import Factors, ShapesDataset

FACTORS = ("color", "location", "shape", "size", "rotation")
"""The factors to which sensitivity is measured, in the order of the tables."""

SYMMETRY = {1: 3, 2: 4}
"""By shape, how many turns leave a picture as it is; a circle has no rotation at all."""

_EMBED_BATCH = 500  # images whose feature maps still fit into the processor's cache
_TILE = 1024  # queries at a time, so that memory does not grow with their number
_FEW = 64  # up to so many neighbours, tiles.few_nearest is the faster way
_ROUNDINGS = 64  # a squared distance below so many roundings is not known to a hundredth


@validation.arguments
@torch_defaults()
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
        limit: at most this many images; None for :func:`recipes.bank_size` of the default recipe.

    Raises:
        ValueError: for ``limit`` below 1.

    Examples:
        >>> dataset = shapes.ShapesDataset("val", size=80)  # 30 images
        >>> neighbors.embed(networks.Encoder(latent_dim=8), dataset).shape
        torch.Size([30, 8])
    """
    if limit is None:
        limit = recipes.bank_size(recipes.default_recipe())
    validation.at_least("limit", limit, 1)
    parameters = encoder.parameters() if isinstance(encoder, nn.Module) else iter(())
    device = next((p.device for p in parameters), torch.device("cpu"))
    n = min(limit, len(dataset))
    features = torch.empty(0)
    batches = range(0, n, _EMBED_BATCH)
    for start in tqdm(batches, desc="embedding images", unit="batch", delay=2, leave=False):
        stop = min(start + _EMBED_BATCH, n)
        images = dataset.images(range(start, stop), device)
        with autocast(device):
            some = encoder(images).flatten(1)
        if not start:  # one tensor for all: many small ones would leave the memory in pieces
            features = torch.empty(n, some.shape[1])
        features[start:stop] = some
    return features


@validation.arguments
def pixels(images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n 12288"]:
    """Return the images as rows: the encoder that keeps everything as it is.

    Examples:
        >>> neighbors.pixels(torch.zeros(2, 3, 64, 64)).shape
        torch.Size([2, 12288])
    """
    return images.flatten(1)


@validation.arguments
@torch_defaults()
@torch.no_grad()
def nearest(
    queries: Float[Tensor, "q d"],
    bank: Float[Tensor, "n d"],
    k: int,
    exclude_self: bool = False,
) -> Int[Tensor, "q k"]:
    """Return the rows of ``bank`` nearest to each query, near to far, by Euclidean distance.

    The search is exact, and its memory does not grow with q n. It compares ‖q‖² − 2 q·b + ‖b‖² in
    the features' precision; distances that rounding cannot tell apart may come in either order.
    Queries that lie so near their neighbours that rounding would decide are asked again in float64.

    Args:
        queries: (q, d).
        bank: (n, d).
        k: number of neighbours.
        exclude_self: query i is row i of the bank, and not its own neighbour.

    Raises:
        TypeError: for features that are not floating-point tensors of one precision.
        ValueError: for other shapes, features that are not finite or whose squares are not, or too
            few rows for ``k``.

    Examples:
        >>> bank = torch.tensor([[0.0], [1.0], [5.0]])
        >>> neighbors.nearest(torch.tensor([[4.0]]), bank, k=2)
        tensor([[2, 1]])
        >>> neighbors.nearest(bank, bank, k=1, exclude_self=True)
        tensor([[1],
                [0],
                [1]])
    """
    validation.one_precision(queries=queries, bank=bank)
    if exclude_self and len(queries) > len(bank):
        raise ValueError(
            f"queries must be rows of the bank, at most {len(bank)}, with exclude_self, "
            f"got {len(queries)}"
        )
    most = len(bank) - int(exclude_self)
    validation.at_least("k", k, 1)
    if not 1 <= k <= most:
        raise ValueError(f"k must lie in 1 … {most}, got {k!r}")
    validation.finite("queries", queries)
    validation.finite("bank", bank)
    # Far from the origin the squares are large, and their differences lose digits: such a bank is
    # first centred. Else at most one bit is lost, which is not worth the memory of a copy.
    alone, centre = queries is bank, bank.mean(0)
    asked, centred = queries, bank
    if not float(centre.square().sum()) <= float(_squares(bank).mean()) / 2:
        centred = bank - centre
        asked = centred if alone else queries - centre
    squares = _squares(centred)
    asked_squares = squares if alone else _squares(asked)
    for name, of in (("bank", squares), ("queries", asked_squares)):
        if not bool(of.isfinite().all()):
            raise ValueError(
                f"{name} must hold features whose squared distances from the bank's centre are "
                f"finite in {bank.dtype}, got {float(of.max()):g}"
            )
    if loops.supports(asked, centred) and k <= _FEW:
        found = tiles.few_nearest(asked, centred, squares / 2, k, exclude_self)
    else:
        own = torch.arange(len(asked), device=asked.device) if exclude_self else None
        found = _nearest(asked, centred, squares / 2, k, own)
    if asked.dtype == torch.float64:
        return found
    last = found[:, -1]
    distance = (asked - centred[last]).square().sum(1)
    rounding = torch.finfo(asked.dtype).eps * (asked_squares + squares[last])
    (unsure,) = (distance < _ROUNDINGS * rounding).nonzero(as_tuple=True)
    if len(unsure):
        exact = bank.double()
        middle = exact.median(0).values  # which an outlier cannot drag away, unlike the mean
        exact = exact - middle
        own = unsure if exclude_self else None
        asked = queries[unsure].double() - middle
        found[unsure] = _nearest(asked, exact, _squares(exact) / 2, k, own)
    return found


def _nearest(
    queries: Tensor, bank: Tensor, half_squares: Tensor, k: int, own: Tensor | None
) -> Tensor:
    """Return what :func:`nearest` does; ``own`` is each query's row of the bank, to be left out."""
    found: list[Tensor] = []
    for rows in torch.arange(len(queries), device=queries.device).split(_TILE):
        closeness = (queries[rows] @ bank.T).sub_(half_squares)
        if own is not None:
            closeness.scatter_(1, own[rows, None], -math.inf)
        found.append(closeness.topk(k, dim=1).indices)
    return torch.cat(found)


def _squares(rows: Tensor) -> Tensor:
    return torch.linalg.vector_norm(rows, dim=1).square()


@validation.arguments
@torch_defaults()
def sensitivity(features: Float[Tensor, "n d"], factors: Factors, k: int = 10) -> dict[str, float]:
    """Return how much of each factor the nearest neighbours share: 1 is all, 0 is chance.

    The sensitivity to a factor is 1 − (mean disagreement between an image and its k nearest
    neighbours) ÷ (mean disagreement between random images). Two images disagree

    - in shape or colour if their labels differ;
    - in location or size by the distance, in pixels;
    - in rotation by the angle between them, up to the shape's symmetry. Only images of one shape
      are compared, and no circles.

    Args:
        features: (n, d), row i for row i of ``factors``.
        factors: what the images show.
        k: number of neighbours.

    Returns:
        A number for each of :data:`FACTORS`, at most 1. It may be slightly below 0, and is NaN if
        there is nothing to compare: the factor never varies, or no neighbours have one shape.

    Raises:
        ValueError: for ``k`` below 1, unequal numbers of features and factors, or fewer than k + 2.

    Examples:
        >>> factors = shapes.Factors.draw(200, seed=0)
        >>> codes = torch.nn.functional.one_hot(factors.color).float()  # keeps colour alone
        >>> kept = neighbors.sensitivity(codes, factors)
        >>> kept["color"]
        1.0
        >>> abs(kept["shape"]) < 0.1
        True
    """
    return {
        name: _score(torch.stack(sums).sum(1))
        for name, sums in _disagreements(features, factors, k).items()
    }


@validation.arguments
@torch_defaults()
def interval(
    features: Float[Tensor, "n d"],
    factors: Factors,
    k: int = 10,
    *,
    level: float = 0.95,
    draws: int = 400,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the bootstrap interval of each :func:`sensitivity`, lower end and upper end.

    It says what the choice of the images leaves open, not what another training would: the images
    whose neighbours are looked at are drawn anew, with replacement, ``draws`` times, each with the
    neighbours that it has; the ends cut off (1 − ``level``)/2 of the scores on either side.

    Raises:
        ValueError: as :func:`sensitivity`; for a ``level`` outside (0, 1), ``draws`` below 2.

    Examples:
        >>> factors = shapes.Factors.draw(200, seed=0)
        >>> low, high = neighbors.interval(factors.position, factors, draws=50)["location"]
        >>> low < neighbors.sensitivity(factors.position, factors)["location"] < high
        True
    """
    validation.positive("level", level)
    if level >= 1:
        raise ValueError(f"level must be below 1, got {level}")
    validation.at_least("draws", draws, 2)
    validation.at_least("seed", seed, 0)
    found, n = _disagreements(features, factors, k), len(features)
    generator = torch.Generator().manual_seed(seed)
    scores: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(draws):
        times = torch.randint(n, (n,), generator=generator).bincount(minlength=n).double()
        for name, sums in found.items():
            scores[name].append(_score(torch.stack(sums) @ times))
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    quantiles = {
        name: torch.tensor(some, dtype=torch.float64).quantile(ends)
        for name, some in scores.items()
    }
    return {name: (float(low), float(high)) for name, (low, high) in quantiles.items()}


def _score(sums: Tensor) -> float:
    """Return 1 − (near ÷ its pairs) ÷ (far ÷ its pairs), of the four sums over all images."""
    near, near_pairs, far, far_pairs = sums.tolist()
    if not (near_pairs and far_pairs and far):
        return math.nan
    return 1 - (near / near_pairs) / (far / far_pairs)


def _disagreements(
    features: Tensor, factors: Factors, k: int
) -> dict[str, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Return of each factor, image by image, four sums in float64.

    They are the disagreement with its neighbours, with how many of them it could be compared, and
    the same with as many random images; (n,) each.
    """
    validation.at_least("k", k, 1)
    n = len(features)
    if n != len(factors) or n < k + 2:
        raise ValueError(
            f"features and factors must be equally many, at least {k + 2}, "
            f"got {n} and {len(factors)}"
        )
    validation.finite("features", features)
    near = _nearest_of_equals(features, k)
    shuffle = torch.Generator().manual_seed(0)
    # For each image k others, uniformly at random.
    far = (torch.arange(n)[:, None] + torch.randint(1, n, (n, k), generator=shuffle)) % n

    def apart(values: Tensor, others: Tensor) -> Tensor:
        difference = values[:, None] - values[others]
        if not values.is_floating_point():
            return difference != 0
        return difference.abs() if values.ndim == 1 else difference.norm(dim=2)

    def turned(others: Tensor) -> Tensor:
        period = 2 * math.pi / torch.tensor([1, *SYMMETRY.values()])[factors.shape]
        share = (factors.angle[:, None] - factors.angle[others]).abs() / period[:, None] % 1
        return torch.minimum(share, 1 - share)

    def comparable(others: Tensor) -> Tensor:
        same = factors.shape[:, None] == factors.shape[others]
        return same & (factors.shape > 0)[:, None]

    def sums(values: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
        return apart(values, others).double().sum(1), torch.full((n,), float(k)).double()

    measured = {
        "shape": factors.shape,
        "color": factors.color,
        "location": factors.position,
        "size": factors.size,
    }
    found = {name: (*sums(values, near), *sums(values, far)) for name, values in measured.items()}
    of_rotation = [
        some.double().sum(1)
        for others in (near, far)
        for some in (turned(others) * comparable(others), comparable(others))
    ]
    found["rotation"] = tuple(of_rotation)  # type: ignore[assignment]
    return found


def _nearest_of_equals(features: Tensor, k: int) -> Tensor:
    """Return :func:`nearest` without oneself, (n, k); among the very same features, at random.

    Images of the same features are one place. The neighbours are the images at one's own place,
    then those at the nearest place, and so on. At a place they are taken from a random one onwards,
    in an order that is random as well.
    """
    places, place, counts = features.unique(dim=0, return_inverse=True, return_counts=True)
    n = len(features)
    if len(places) == n:
        return nearest(features, features, k, exclude_self=True)
    source = torch.Generator().manual_seed(0)
    shuffled = torch.randperm(n, generator=source)
    members = shuffled[place[shuffled].argsort(stable=True)]  # place after place
    first = counts.cumsum(0) - counts
    rank = torch.empty(n, dtype=torch.int64)
    rank[members] = torch.arange(n) - first[place[members]]

    order = torch.arange(len(places))[:, None]  # (places, up to 1 + k): near to far
    if len(places) > 1:
        others = nearest(places, places, min(k, len(places) - 1), exclude_self=True)
        order = torch.cat([order, others], 1)
    room = counts[order]
    room[:, 0] -= 1  # oneself is no neighbour
    ends = room.cumsum(1)
    pick = torch.arange(k).expand(len(places), k).contiguous()
    column = torch.searchsorted(ends, pick, right=True)
    within = pick - (ends - room).gather(1, column)

    at, column, within = (some[place] for some in (order.gather(1, column), column, within))
    own = column == 0
    choice = counts[at] - own.long()
    start = (torch.rand(n, k + 1, generator=source).gather(1, column) * choice).long()
    after = torch.where(own, rank[:, None] + 1, 0)
    return members[first[at] + (after + (start + within) % choice) % counts[at]]
