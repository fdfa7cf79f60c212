"""Maps of representations: features in their two principal components, coloured by a factor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from replearn import evaluation
from replearn.engine import validation
from replearn.figures import style
from replearn.neighbors import SYMMETRY
from replearn.shapes import COLORS, SHAPES, Factors

BY = ("colour", "shape", "location", "size", "rotation")
"""What a map may be coloured by: location is the distance of the centre from the left."""

_POINTS = 1500  # drawn of each map: more would lie on top of each other


@validation.arguments
@style.drawing
def feature_map(
    features: Mapping[str, Float[Tensor, "n d"]], factors: Factors, by: str = "colour"
) -> Figure:
    """Show features in two principal components, a dot an image, coloured by a factor.

    Rotation counts up to the shape's symmetry, as a share of the turn after which the shape looks
    the same; circles, which have none, are left out.

    Args:
        features: of the same images, in the same order, under each encoder.
        factors: of these images; 1,500 at most are drawn, the first ones.
        by: one of :data:`BY`.

    Raises:
        ValueError: for another ``by``, or features and factors that are not equally many.
    """
    validation.between("len(features)", len(features), 1, len(style.CYCLE))
    validation.one_of("by", by, BY)
    for name, codes in features.items():
        if len(codes) != len(factors):
            raise ValueError(
                f"features[{name!r}] and factors must be equally many, "
                f"got {len(codes)} and {len(factors)}"
            )
    cols = min(2, len(features))
    rows = math.ceil(len(features) / cols)
    size = (2.3 * cols + 0.9, 2.5 * rows)  # inches; narrow, to be legible on a phone
    fig, axes = style.subplots(rows, cols, figsize=size, squeeze=False)
    for spare in axes.flat[len(features) :]:
        spare.set_axis_off()
    drawn = torch.arange(min(_POINTS, len(factors)))
    if by == "rotation":
        drawn = drawn[factors.shape[drawn] > 0]
    values, how, ticks = _coloring(factors[drawn], by)
    for ax, (name, codes) in zip(axes.flat, features.items(), strict=False):
        two, shares = evaluation.principal_components(codes)
        dots = ax.scatter(*two[drawn].T, c=values, s=5, linewidths=0, rasterized=True, **how)
        ax.set_title(name, size=12)
        ax.set_xlabel(f"{float(shares.sum()):.0%} of the variance", size=12)
        ax.set(xticks=[], yticks=[])
        ax.set_aspect("equal", adjustable="datalim")
    key = fig.colorbar(dots, ax=list(axes.flat), ticks=list(ticks), fraction=0.05, aspect=30)
    key.ax.set_yticklabels(list(ticks.values()), size=12)
    key.ax.set_title(by, size=12)
    return fig


def _coloring(factors: Factors, by: str) -> tuple[Tensor, dict[str, Any], dict[float, str]]:
    """The dots' values, how these become colours, and the ticks of the key: where, and what."""
    if by == "colour":
        palette = [factors.rgb[factors.color == c].mean(0).tolist() for c in range(len(COLORS))]
        return factors.color, _labels(palette), dict(enumerate(COLORS))
    if by == "shape":
        three = [style.BLUE, style.ORANGE, style.PURPLE]
        return factors.shape, _labels(three), dict(enumerate(SHAPES))
    if by == "rotation":
        folds = torch.tensor([1, *SYMMETRY.values()])[factors.shape]
        turned = folds * factors.angle / (2 * math.pi) % 1
        return turned, {"cmap": "twilight", "vmin": 0, "vmax": 1}, {0.0: "0", 0.5: "½", 1.0: "1"}
    across = factors.size if by == "size" else factors.position[:, 0]
    ends = float(across.min()), float(across.max())
    return across, {"cmap": "viridis"}, {end: f"{end:.0f} px" for end in ends}


def _labels(palette: list[Any]) -> dict[str, Any]:
    n = len(palette)
    return {"cmap": ListedColormap(palette), "vmin": -0.5, "vmax": n - 0.5}
