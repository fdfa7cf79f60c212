"""Images of coloured shapes side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from replearn.engine import validation
from replearn.figures import style
from replearn.shapes import COLORS, RESOLUTION, SHAPES, Factors

GAP = 3  # white pixels between neighbouring images
_TILE = 0.62  # inches a side of an image, where there is room
_LETTER = 0.085  # inches that a letter of a label takes
_ACROSS = 7  # images in a line of narrow paper, where one more would be too small

Images = Float[Tensor, "n 3 h w"]


@validation.arguments
def tile(across: float, words: float = 0) -> float:
    """Inches a side of ``across`` images that stand beside each other and ``words`` inches."""
    return min(_TILE, (style.room() - words) / across)


@validation.arguments
def vary(base: Factors, **changed: Tensor) -> Factors:
    """Repeat the one row of ``base``, with other values for the factors that are named.

    Raises:
        ValueError: if ``base`` has not exactly one row, or the values are not equally many.
        TypeError: for a factor that does not exist.
    """
    for name, values in changed.items():
        validation.at_least(f"{name}.ndim", values.ndim, 1)
    counts = {len(values) for values in changed.values()}
    if len(base) != 1 or len(counts) != 1:
        raise ValueError(
            "base must have one row and changed values of one number, "
            f"got {len(base)} and {sorted(counts)}"
        )
    (n,) = counts
    repeated = {f.name: getattr(base, f.name).repeat_interleave(n, 0) for f in fields(base)}
    return replace(Factors(**repeated), **changed)


@validation.arguments
def mosaic(images: Images, cols: int) -> np.ndarray:
    """Tile images row by row, ``cols`` to a row, with white gaps: one (H, W, 3) picture."""
    validation.at_least("len(images)", len(images), 1)
    validation.at_least("cols", cols, 1)
    n, _, h, w = images.shape
    rows = math.ceil(n / cols)
    picture = np.ones((rows * (h + GAP) - GAP, cols * (w + GAP) - GAP, 3), dtype=np.float32)
    for k, image in enumerate(images.float().clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()):
        top, left = k // cols * (h + GAP), k % cols * (w + GAP)
        picture[top : top + h, left : left + w] = image
    return picture


@validation.arguments
def show(ax: Axes, picture: np.ndarray, side: int, rows: Sequence[str] = ()) -> None:
    """Show a mosaic of images of ``side`` pixels in ``ax``, the label of each row at its left."""
    ax.imshow(picture, interpolation="none")
    ax.set_xticks([])
    ax.set_yticks([side / 2 + k * (side + GAP) for k in range(len(rows))], rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


@validation.arguments
@style.drawing
def image_grid(images: Images, cols: int = 8, desc: str = "") -> Figure:
    """Show images in [0, 1] row by row, ``cols`` to a row, under the title ``desc``.

    Raises:
        ValueError: for anything but a batch of RGB images, or ``cols`` below 1.
    """
    if style.is_narrow():
        cols = min(cols, _ACROSS)
    picture, side = mosaic(images, cols), tile(cols)
    fig, ax = style.subplots(figsize=(cols * side, math.ceil(len(images) / cols) * side))
    show(ax, picture, images.shape[-1])
    ax.set_title(desc)
    return fig


@validation.arguments
@style.drawing
def image_rows(rows: Mapping[str, Images], desc: str = "") -> Figure:
    """Show one row of images a label; rows may differ in length, narrow paper breaks long ones.

    Raises:
        ValueError: for a row that is not a batch of RGB images.
    """
    validation.at_least("len(rows)", len(rows), 1)
    cols = max(len(images) for images in rows.values())
    if style.is_narrow():
        cols = math.ceil(cols / math.ceil(cols / _ACROSS))
    pictures = [mosaic(images, cols) for images in rows.values()]
    labels: list[str] = []
    for name, images in rows.items():
        labels += [name, *[""] * (math.ceil(len(images) / cols) - 1)]
    words = _LETTER * max(map(len, rows))
    side = tile(cols, words)
    gap = np.ones((GAP, pictures[0].shape[1], 3), dtype=np.float32)
    stacked = np.concatenate([part for picture in pictures for part in (picture, gap)][:-1])
    fig, ax = style.subplots(figsize=(cols * side + words, len(labels) * side))
    show(ax, stacked, next(iter(rows.values())).shape[-1], labels)
    ax.set_title(desc)
    return fig


@validation.arguments
@style.drawing
def factor_distribution(factors: Factors) -> Figure:
    """Show how often each shape and colour occurs, and how location and size hang together."""
    fig, axes = style.subplots(1, 4, figsize=(8.0, 2.6), width_ratios=[0.8, 1.3, 1, 1.2])
    n = len(factors)
    counted = ((factors.shape, SHAPES, "shape"), (factors.color, COLORS, "colour"))
    for ax, (labels, names, title) in zip(axes, counted, strict=False):
        shares = labels.bincount(minlength=len(names)) / n
        colors = (
            [_mean_rgb(factors, c) for c in range(len(names))] if names is COLORS else style.SKY
        )
        ax.bar(range(len(names)), shares, color=colors)
        ax.axhline(1 / len(names), color="black", linestyle=":", linewidth=1)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        ax.set_title(f"share of each {title}")
    x, y = factors.position.T
    border = torch.minimum(torch.minimum(x, RESOLUTION - x), torch.minimum(y, RESOLUTION - y))
    axes[2].hist2d(x, y, bins=32, range=[[0, RESOLUTION]] * 2, cmap="Greys", rasterized=True)
    axes[2].set_aspect("equal")
    axes[2].invert_yaxis()
    axes[2].set_title("centres (pixels)")
    axes[3].hist2d(border, factors.size, bins=32, cmap="Greys", rasterized=True)
    axes[3].set_xlabel("distance of the centre\nto the nearest edge (pixels)")
    axes[3].set_title("size (pixels)")
    return fig


def _mean_rgb(factors: Factors, color: int) -> tuple[float, ...]:
    return tuple(factors.rgb[factors.color == color].mean(0).tolist())
