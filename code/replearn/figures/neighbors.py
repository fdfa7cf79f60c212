"""Figures of queries and their nearest neighbours: what an encoder groups together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from replearn import neighbors
from replearn.engine import validation
from replearn.figures import style
from replearn.figures.shapes import GAP, TILE, mosaic, show
from replearn.shapes import COLORS, RESOLUTION, SHAPES, Factors, ShapesDataset

QUERIES = 8
_TURNS = (0, 120, 90)  # degrees after which a shape looks the same; any turn of a circle does


@validation.arguments
def query_rows(n: int, count: int = QUERIES) -> Int[Tensor, " count"]:
    """Return ``count`` of the first ``n`` rows at random, the same ones for every encoder."""
    validation.at_least("n", n, 1)
    validation.at_least("count", count, 1)
    return torch.randperm(n, generator=torch.Generator().manual_seed(8))[:count]


@validation.arguments
def nn_visualize(
    dataset: ShapesDataset, features: Float[Tensor, "n d"], num_nn: int = 10, desc: str = ""
) -> Figure:
    """Show eight images of ``dataset``, each followed by its nearest neighbours, nearest first.

    Args:
        dataset: the split that was encoded.
        features: row i is the code of image i; the neighbours are looked for among these rows
            (the book encodes the first 24,000 images of a split), the query itself left out.
        num_nn: neighbours of each query.
        desc: title.

    Raises:
        ValueError: if there are more features than images, or too few for ``num_nn`` neighbours.
    """
    _of_images("features", features, dataset)
    validation.between("num_nn", num_nn, 1, len(features) - 1)
    queries = query_rows(len(features))
    return _rows(dataset, queries, _others(queries, features, num_nn), desc)


@validation.arguments
def nn_compare(
    dataset: ShapesDataset,
    features: Mapping[str, Float[Tensor, "n d"]],
    query: int,
    num_nn: int = 10,
    desc: str = "",
) -> Figure:
    """Show one image and its nearest neighbours under several encoders, one labelled row each.

    Each row ends with the number of neighbours that share the image's colour and shape, and with
    their mean distance from its place.

    Args:
        dataset: the split that was encoded.
        features: for each encoder the codes of the first n images.
        query: index of the image.
        num_nn: neighbours to show.
        desc: title.
    """
    validation.at_least("len(features)", len(features), 1)
    for name, codes in features.items():
        _of_images(f"features[{name!r}]", codes, dataset)
        validation.between("query", query, 0, len(codes) - 1)
        validation.between(f"num_nn among {name!r}", num_nn, 1, len(codes) - 1)
    queries = torch.tensor([query])
    found = torch.cat([_others(queries, codes, num_nn) for codes in features.values()])
    fig = _rows(dataset, queries.expand(len(found)), found, desc, list(features))
    factors, own = dataset.factors, dataset.factors[queries]
    same_color = (factors.color[found] == own.color).sum(1).tolist()
    same_shape = (factors.shape[found] == own.shape).sum(1).tolist()
    apart = (factors.position[found] - own.position).norm(dim=2).mean(1).tolist()
    left, right = fig.axes
    said = right.secondary_yaxis("right")
    said.set_yticks(
        left.get_yticks(),
        [
            f"colour {c}/{num_nn}\nshape {s}/{num_nn}\n{away:.0f} px away"
            for c, s, away in zip(same_color, same_shape, apart, strict=True)
        ],
        fontsize=8,
    )
    said.tick_params(length=0)
    said.spines[:].set_visible(False)
    return fig


@validation.arguments
def nn_describe(
    dataset: ShapesDataset, features: Float[Tensor, "n d"], query: int, num_nn: int = 4
) -> Figure:
    """Show one image and its nearest neighbours, nearest first, with the factors of each below it.

    The factors are colour, shape, size in pixels, rotation in degrees up to the shape's symmetry,
    and the centre (x, y) in pixels. A neighbour's colour or shape is bold if it is the query's.

    Args:
        dataset: the split that was encoded.
        features: the codes of its first n images.
        query: index of the image.
        num_nn: neighbours to show.

    Raises:
        ValueError: for more features than images, a query that is not among them, or too few for
            ``num_nn`` neighbours.
    """
    _of_images("features", features, dataset)
    validation.between("query", query, 0, len(features) - 1)
    validation.between("num_nn", num_nn, 1, len(features) - 1)
    queries = torch.tensor([query])
    found = _others(queries, features, num_nn)
    fig = _rows(dataset, queries, found, "")
    fig.set_size_inches(1.6 * TILE * (num_nn + 1), 1.6 * TILE + 0.9)  # words fit below a tile
    left, right = fig.axes
    right.set_title("", loc="left")
    own = dataset.factors[queries]
    for ax, rows in ((left, queries), (right, found[0])):
        ax.set_xticks(
            [RESOLUTION / 2 + k * (RESOLUTION + GAP) for k in range(len(rows))],
            [_described(dataset.factors[row[None]], own, bold=ax is right) for row in rows],
            fontsize=8,
        )
    return fig


def _described(factors: Factors, own: Factors, bold: bool) -> str:
    """Return the factors of one image, a line each; bold where the label is that of ``own``."""

    def word(names: Sequence[str], label: Tensor, same: Tensor) -> str:
        name = names[int(label)]
        return rf"$\mathbf{{{name}}}$" if bold and label == same else name

    turns = _TURNS[int(factors.shape)]
    turned = f", {round(math.degrees(factors.angle)) % turns}°" if turns else ""
    x, y = factors.position[0].tolist()
    return "\n".join(
        [
            word(COLORS, factors.color, own.color),
            word(SHAPES, factors.shape, own.shape),
            f"{float(factors.size):.0f} px{turned}",
            f"({x:.0f}, {y:.0f})",
        ]
    )


def _of_images(name: str, codes: Float[Tensor, "n d"], dataset: ShapesDataset) -> None:
    if len(codes) > len(dataset):
        raise ValueError(f"{name} must be at most {len(dataset)}, got {len(codes)}")
    validation.finite(name, codes)


def _others(
    queries: Int[Tensor, " q"], features: Float[Tensor, "n d"], k: int
) -> Int[Tensor, "q k"]:
    """Return the ``k`` images nearest to each query, other than the query."""
    found = neighbors.nearest(features[queries], features, k + 1)
    return torch.stack([hits[hits != q][:k] for hits, q in zip(found, queries, strict=True)])


def _rows(
    dataset: ShapesDataset,
    queries: Int[Tensor, " q"],
    found: Int[Tensor, "q k"],
    desc: str,
    labels: Sequence[str] = (),
) -> Figure:
    q, k = found.shape
    fig, (left, right) = style.subplots(
        1,
        2,
        figsize=((k + 1.6) * TILE + 1.9 * bool(labels), q * TILE + 0.4 + 0.2 * bool(desc)),
        gridspec_kw={"width_ratios": [1, k + GAP * (k - 1) / RESOLUTION]},
    )
    show(left, mosaic(dataset.images(queries), 1), RESOLUTION, labels)
    show(right, mosaic(dataset.images(found.flatten()), k), RESOLUTION)
    left.set_title("query")
    right.set_title("nearest neighbours, near to far →", loc="left")
    fig.suptitle(desc)
    return fig
