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
from replearn.figures.shapes import GAP, mosaic, show, tile
from replearn.shapes import COLORS, RESOLUTION, SHAPES, Factors, ShapesDataset

QUERIES = 8
_BESIDE = 5  # neighbours in a line of narrow paper
_TURNS = (0, 120, 90)  # degrees after which a shape looks the same; any turn of a circle does


@validation.arguments
def query_rows(n: int, count: int = QUERIES) -> Int[Tensor, " count"]:
    """Return ``count`` of the first ``n`` rows at random, the same ones for every encoder."""
    validation.at_least("n", n, 1)
    validation.at_least("count", count, 1)
    return torch.randperm(n, generator=torch.Generator().manual_seed(8))[:count]


@validation.arguments
@style.drawing
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
    found = _others(queries, features, num_nn)
    draw = _broken_rows if style.is_narrow() else _rows
    return draw(dataset, queries, found, desc)


@validation.arguments
@style.drawing
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
    factors, own = dataset.factors, dataset.factors[queries]
    same_color = (factors.color[found] == own.color).sum(1).tolist()
    same_shape = (factors.shape[found] == own.shape).sum(1).tolist()
    apart = (factors.position[found] - own.position).norm(dim=2).mean(1).tolist()
    said = [
        (f"colour {c}/{num_nn}", f"shape {s}/{num_nn}", f"{away:.0f} px away")
        for c, s, away in zip(same_color, same_shape, apart, strict=True)
    ]
    rows = queries.expand(len(found))
    if style.is_narrow():
        titles = [f"{name}: {', '.join(says)}" for name, says in zip(features, said, strict=True)]
        return _broken_rows(dataset, rows, found, desc, titles)
    fig = _rows(dataset, rows, found, desc, list(features))
    left, right = fig.axes
    ends = right.secondary_yaxis("right")
    ends.set_yticks(left.get_yticks(), ["\n".join(says) for says in said], fontsize=style.SMALL)
    ends.tick_params(length=0)
    ends.spines[:].set_visible(False)
    fig.set_label(
        "; ".join(f"{name}: {', '.join(says)}" for name, says in zip(features, said, strict=True))
    )
    return fig


@validation.arguments
@style.drawing
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
    side = min(1.0, style.room() / (num_nn + 1))  # words fit below a tile
    fig.set_size_inches(side * (num_nn + 1), side + 1.2)
    left, right = fig.axes
    right.set_title("", loc="left")
    own = dataset.factors[queries]
    for ax, rows in ((left, queries), (right, found[0])):
        ax.set_xticks(
            [RESOLUTION / 2 + k * (RESOLUTION + GAP) for k in range(len(rows))],
            [_described(dataset.factors[row[None]], own, bold=ax is right) for row in rows],
            fontsize=style.SMALL,
        )
    hits = dataset.factors[found[0]]
    both = zip(hits.color.tolist(), hits.shape.tolist(), strict=True)
    named = ", ".join(f"{COLORS[c]} {SHAPES[s]}" for c, s in both)
    fig.set_label(f"A {COLORS[int(own.color)]} {SHAPES[int(own.shape)]}; nearest to it: {named}.")
    return fig


def _described(factors: Factors, own: Factors, bold: bool) -> str:
    """Return the factors of one image, a line each; bold where the label is that of ``own``."""

    def word(names: Sequence[str], label: Tensor, same: Tensor) -> str:
        name = names[int(label)]
        return rf"$\mathbf{{{name}}}$" if bold and label == same else name

    turns = _TURNS[int(factors.shape)]
    turned = f"{round(math.degrees(factors.angle)) % turns}°" if turns else "–"
    x, y = factors.position[0].tolist()
    return "\n".join(
        [
            word(COLORS, factors.color, own.color),
            word(SHAPES, factors.shape, own.shape),
            f"{float(factors.size):.0f} px",
            turned,
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
    words = 2.0 * bool(labels)
    side = tile(k + 1.6, words)
    fig, (left, right) = style.subplots(
        1,
        2,
        beside=2,
        figsize=((k + 1.6) * side + words, q * side + 0.4 + 0.2 * bool(desc)),
        gridspec_kw={"width_ratios": [1, k + GAP * (k - 1) / RESOLUTION]},
    )
    show(left, mosaic(dataset.images(queries), 1), RESOLUTION, labels)
    show(right, mosaic(dataset.images(found.flatten()), k), RESOLUTION)
    left.set_title("query")
    right.set_title("nearest neighbours, near to far →", loc="left")
    fig.suptitle(desc)
    return fig


def _broken_rows(
    dataset: ShapesDataset,
    queries: Int[Tensor, " q"],
    found: Int[Tensor, "q k"],
    desc: str,
    titles: Sequence[str] = (),
) -> Figure:
    """For narrow paper: beside each query its neighbours, five to a line."""
    q, k = found.shape
    lines = math.ceil(k / _BESIDE)
    side = tile(_BESIDE + 1)
    fig, axes = style.subplots(
        q, 1, squeeze=False, figsize=(style.PHONE, q * (lines * side + 0.3 * bool(titles)) + 0.5)
    )
    white = torch.ones(1, 3, RESOLUTION, RESOLUTION)
    for row, ax in enumerate(axes.flat):
        tiles = [dataset.images(queries[row : row + 1])]
        for line in found[row].split(_BESIDE):
            tiles += [dataset.images(line), *[white] * (_BESIDE - len(line)), white]
        show(ax, mosaic(torch.cat(tiles[:-1]), _BESIDE + 1), RESOLUTION)
        ax.axvline(RESOLUTION + GAP / 2 - 0.5, color="black", linewidth=0.8)
        if titles:
            ax.set_title(titles[row], loc="left", fontsize=style.SMALL)
    fig.suptitle(
        "\n".join(filter(None, (desc, "query | nearest neighbours, near to far"))), size=10
    )
    return fig
