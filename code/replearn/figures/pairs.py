"""Positive pairs, and the dot products between the two sides of a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from replearn.engine import validation
from replearn.figures import style
from replearn.figures.shapes import GAP, Images, mosaic, show, tile


@validation.arguments
@style.drawing
def positive_pairs(images: Images, pairs: Mapping[str, tuple[Images, Images]]) -> Figure:
    """Show each image in a row of its own, followed by a positive pair for each augmentation.

    Args:
        images: the n images the pairs were made from.
        pairs: for each augmentation's name the two batches of views, row i made from image i.

    Raises:
        ValueError: if there are no pairs, or not as many as images.
    """
    if not pairs:
        raise ValueError("pairs must hold one pair of batches or more, got none")
    for name, views in pairs.items():
        if {len(v) for v in views} != {len(images)}:
            raise ValueError(
                f"pairs must hold a view for each of {len(images)} images, "
                f"got {[len(v) for v in views]} in {name!r}"
            )
    side = images.shape[-1]
    widths = [side] + [2 * side + GAP] * len(pairs)
    across = sum(widths) / side + 0.3 * len(pairs)
    fig, axes = style.subplots(
        1,
        len(widths),
        figsize=(across * tile(across), len(images) * tile(across) + 0.4),
        gridspec_kw={"width_ratios": widths},
    )
    labels = [f"${i}$" for i in range(1, len(images) + 1)]
    show(axes[0], mosaic(images, 1), side, labels)
    axes[0].set_title("image")
    for ax, (name, views) in zip(axes[1:], pairs.items(), strict=True):
        show(ax, mosaic(torch.stack(views, 1).flatten(0, 1), 2), side)
        ax.set_title(f"{name}: $x_i$, $y_i$")
    return fig


@validation.arguments
@style.drawing
def logits_matrix(anchors: Images, candidates: Images, logits: Float[Tensor, "n n"]) -> Figure:
    """Show the dot products in [−1, 1] of n anchors (down) with n candidates (across).

    Raises:
        ValueError: if anchors, candidates and logits do not belong to one batch.
    """
    n = len(anchors)
    fig, axes = style.subplots(
        2,
        2,
        beside=2,
        figsize=(6.4, 5.8),
        gridspec_kw={"width_ratios": [1, n], "height_ratios": [1, n]},
    )
    (corner, top), (left, matrix) = axes
    corner.set_axis_off()
    for ax, images, cols in ((top, candidates, n), (left, anchors, 1)):
        show(ax, mosaic(images, cols), images.shape[-1])
        ax.set_aspect("auto")  # the tiles stay beside the cells they belong to
    top.set_title("candidates $y_j$")
    left.set_ylabel("anchors $x_i$")
    shown = matrix.imshow(logits.cpu().numpy(), vmin=-1, vmax=1, cmap="RdBu_r", aspect="auto")
    for i in range(n):
        matrix.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, fill=False, ec="black", lw=1.8))
    matrix.set_xticks([])
    matrix.set_yticks([])
    matrix.spines[:].set_visible(False)
    fig.colorbar(shown, ax=axes, label="logit $f(x_i)^T f(y_j)$", shrink=0.8)
    return fig


@validation.arguments
@style.drawing
def dot_against_distance(
    dots: Float[Tensor, "*pairs"], distances: Float[Tensor, "*pairs"], shown: int = 2_000
) -> Figure:
    """Scatter at most ``shown`` pairs, distance over dot product, on the curve √(2 − 2ρ).

    Raises:
        ValueError: if the two tensors differ in shape.
    """
    order = torch.randperm(dots.numel(), generator=torch.Generator().manual_seed(0))[:shown]
    rho = np.linspace(-1, 1, 400)
    fig, ax = style.subplots(figsize=(5.2, 3.4))
    ax.plot(rho, np.sqrt(2 - 2 * rho), color=style.GREY, label=r"$\sqrt{2 - 2\rho}$", zorder=1)
    ax.scatter(
        dots.flatten()[order].cpu().numpy(),
        distances.flatten()[order].cpu().numpy(),
        s=9,
        color=style.BLUE,
        alpha=0.5,
        linewidth=0,
        label="a pair of images",
        zorder=2,
        rasterized=True,  # thousands of dots would weigh down a vector figure
    )
    ax.set_xlabel(r"dot product $\rho = \mathbf{u}^T\mathbf{v}$")
    ax.set_ylabel(r"distance $\|\mathbf{u} - \mathbf{v}\|$")
    ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    ax.set_yticks([0, 1, 2**0.5, 2], ["0", "1", r"$\sqrt{2}$", "2"])
    ax.legend(loc="lower left")
    return fig
