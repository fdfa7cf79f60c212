"""Features on the circle as densities: how evenly they cover it, and how far pairs are apart."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from replearn.engine import validation
from replearn.figures import style
from replearn.figures.margins import _ring
from replearn.theory import circle


@validation.arguments
@style.drawing
def circle_densities(
    features: Mapping[str, Float[Tensor, "n 2"]],
    pairs: Mapping[str, Float[Tensor, " k"]],
    rgb: Float[Tensor, "n 3"],
) -> Figure:
    """Show each encoder's features on the circle, and the distances of its positive pairs.

    After Wang & Isola (2020), Figure 3: uniformity at the left, alignment at the right. The curve
    around the circle is p / (p + u) away from it, where p is the density of the features and u
    that of a uniform distribution, which the dotted ring shows.

    Args:
        features: for each encoder the unit features of the n images.
        pairs: for each the distances between the features of positive pairs, in [0, 2].
        rgb: the colour of each image, in [0, 1]: that of its dot.

    Raises:
        ValueError: if the two do not hold the same encoders, or none.
    """
    validation.at_least("len(features)", len(features), 1)
    if features.keys() != pairs.keys():
        raise ValueError(f"pairs must be of {', '.join(features)}, got {', '.join(pairs)}")
    validation.within("rgb", rgb, 0, 1)
    fig, axes = style.subplots(len(features), 2, figsize=(4.8, 2.3 * len(features)), squeeze=False)
    turn = 2 * math.pi * torch.arange(361) / 360
    directions = torch.stack([turn.cos(), turn.sin()], dim=1)
    uniform = 1 / (2 * math.pi)
    for (ring, histogram), (name, unit) in zip(axes, features.items(), strict=True):
        distances = pairs[name]
        validation.within(f"pairs[{name!r}]", distances, 0, 2 + 1e-6)
        density = circle.density(unit, directions.to(unit))
        height = density / (density + uniform)
        curve = (1.05 + height)[:, None] * directions
        ring.fill(*curve.T, color=style.SKY, linewidth=0)
        ring.fill(*(1.05 * directions).T, color="white", linewidth=0)
        ring.add_patch(_ring(1.55, color="black", linestyle=":"))
        ring.scatter(*unit.T, c=rgb.tolist(), s=9, linewidth=0, rasterized=True)
        ring.set(aspect="equal", xlim=(-2.1, 2.1), ylim=(-2.1, 2.1))
        ring.set_title(name, loc="left")
        ring.set_axis_off()
        histogram.hist(distances.tolist(), bins=40, range=(0, 2), color=style.BLUE)
        mean = float(distances.mean())
        histogram.axvline(mean, color=style.VERMILION, ls="--", lw=1.2)
        histogram.set_title(f"pairs: mean distance {mean:.2f}")
        histogram.set(xlim=(0, 2), yticks=[])
        histogram.spines["left"].set_visible(False)
    axes[-1, 1].set_xlabel("distance of a positive pair")
    return fig
