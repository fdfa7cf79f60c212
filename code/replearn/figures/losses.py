"""Figures of losses and of what bounds them: floors, scales, optima, limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from torch import Tensor

from replearn import losses
from replearn.engine import validation
from replearn.figures import style

_CONFIDENCE_SCALES = (0.1, 10.0)  # of the features, in :func:`confidence`
_ONE = 1 + 1e-3  # a dot product of unit vectors is at most 1, up to rounding


@validation.arguments
@style.drawing
def floor_curves(taus: Sequence[float], ns: Sequence[int]) -> Figure:
    """Draw the lowest contrastive loss on the unit sphere, over N and over the temperature.

    Left: over N ≤ 1,024, one curve for each of ``taus``, below log N. Right: over τ in [0.02, 2],
    one curve for each of ``ns``, as a share of log N.
    """
    validation.between("len(taus)", len(taus), 1, len(style.CYCLE))
    validation.between("len(ns)", len(ns), 1, len(style.CYCLE))
    fig, (left, right) = style.subplots(1, 2, figsize=(7.4, 3.3))
    sizes = torch.logspace(1, 10, 64, base=2).round().int().unique().tolist()
    left.plot(sizes, torch.tensor(sizes).log(), color="black", ls="--", label="log N (guessing)")
    for tau, color in zip(taus, style.CYCLE, strict=False):
        floors = [losses.contrastive_floor(n, tau) for n in sizes]
        left.plot(sizes, floors, color=color, label=f"floor, τ = {tau:g}")
    left.set_xscale("log", base=2)
    left.set_xlabel("number of groups $N$")
    left.set_ylabel("loss (nats)")
    left.legend()

    temperatures = torch.logspace(-1.7, 0.3, 100).tolist()
    for n, color, marker in zip(ns, style.CYCLE, style.MARKERS, strict=False):
        shares = [losses.contrastive_floor(n, tau) for tau in temperatures]
        right.plot(
            temperatures,
            torch.tensor(shares) / torch.tensor(n).log(),
            color=color,
            marker=marker,
            markevery=11,
            markersize=4,
            label=f"N = {n}",
        )
    right.set_xscale("log")
    right.set_xticks([0.02, 0.07, 0.2, 0.5, 1, 2], ["0.02", "0.07", "0.2", "0.5", "1", "2"])
    right.xaxis.set_minor_formatter(NullFormatter())
    right.set_xlabel("temperature τ")
    right.set_ylabel("floor / log N")
    right.set_ylim(0, 1)
    right.legend()
    return fig


@validation.arguments
@style.drawing
def optima_against_floor(optima: Mapping[tuple[int, int], float], tau: float = 1.0) -> Figure:
    """Show for each (N, d) the loss that descent reached, its floor, and log N.

    Raises:
        ValueError: if ``optima`` is empty.
    """
    if not optima:
        raise ValueError("optima must hold one (N, d) or more, got none")
    fig, ax = style.subplots(figsize=(6.4, 3.2))
    floors = [losses.contrastive_floor(n, tau) for n, _ in optima]
    guesses = torch.tensor([n for n, _ in optima]).log().tolist()
    at = range(len(optima))
    ax.scatter(at, guesses, marker="x", color=style.GREY, label="log N (guessing)")
    ax.scatter(at, floors, marker="_", s=500, color=style.VERMILION, label="floor", zorder=1)
    ax.scatter(at, list(optima.values()), color=style.BLUE, label="reached by descent", zorder=2)
    ax.set_xticks(at, [f"N={n}\nd={d}" for n, d in optima])
    ax.set_ylabel("loss (nats)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig


@validation.arguments
@style.drawing
def loss_ruler(marks: Mapping[str, float], measured: str) -> Figure:
    """Put losses on one line, each with its name and value; ``measured`` stands out.

    Raises:
        ValueError: if ``measured`` is not among ``marks``.
    """
    validation.one_of("measured", measured, tuple(marks))
    fig, ax = style.subplots(figsize=(6.8, 0.5 * len(marks) + 0.7))
    ordered = sorted(marks.items(), key=lambda mark: mark[1])
    for row, (name, value) in enumerate(ordered):
        color = style.VERMILION if name == measured else style.BLUE
        ax.plot([0, value], [row, row], color=color, lw=1, alpha=0.5)
        shape = "D" if name == measured else "o"
        ax.plot(value, row, marker=shape, color=color, clip_on=False)
        ax.annotate(
            f"{value:.2g}" if value < 0.01 else f"{value:.2f}",
            (value, row),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=color,
        )
    ax.set_yticks(range(len(ordered)), [name for name, _ in ordered])
    ax.set_ylim(-0.6, len(ordered) - 0.4)
    ax.set_xlim(0, 1.12 * ordered[-1][1])
    ax.set_xlabel("loss (nats)")
    return fig


@validation.arguments
@style.drawing
def loss_against_scale(
    scales: Float[Tensor, " k"],
    curves: Mapping[str, Float[Tensor, " k"]],
    floors: Mapping[str, int],
    bottom: float = 1e-8,
) -> Figure:
    """Draw losses over the factor α on unit features, with their floors at that norm.

    Args:
        scales: factors α by which the features were multiplied.
        curves: for each label the loss at every factor.
        floors: for some of these labels, the number N of candidates: its floor is dashed.
        bottom: the smallest loss shown.

    Raises:
        ValueError: for a curve with another length than ``scales``.
    """
    validation.at_least("len(scales)", len(scales), 1)
    validation.finite("scales", scales)
    validation.positive("the least of scales", float(scales.min()))
    validation.between("len(curves)", len(curves), 1, len(style.CYCLE))
    fig, ax = style.subplots(figsize=(6.4, 3.8))
    for (name, values), color, marker in zip(
        curves.items(), style.CYCLE, style.MARKERS, strict=False
    ):
        if values.shape != scales.shape:
            raise ValueError(
                f"curves must have a value for each of {len(scales)} scales, "
                f"got {len(values)} in {name!r}"
            )
        every = max(1, len(scales) // 12)
        ax.plot(scales, values, color=color, marker=marker, markevery=every, ms=5, label=name)
        if name in floors:
            floor = [losses.contrastive_floor(floors[name], 1 / a**2) for a in scales.tolist()]
            ax.plot(scales, floor, color=color, ls="--", lw=1.2, label=f"floor, N = {floors[name]}")
    ax.set_xscale("log")
    ax.set_yscale("log")
    top = max(float(values[values.isfinite()].max()) for values in curves.values())
    ax.set_ylim(bottom, 3 * top)
    ax.set_xlabel("scale α of the features (temperature τ = 1/α²)")
    ax.set_ylabel("loss (nats)")
    ax.legend(loc="lower left")
    return fig


@validation.arguments
@style.drawing
def confidence(dots: Float[Tensor, "n n"], scale: float) -> Figure:
    """Show a batch whose unit features are scaled by α: probabilities above, loss below.

    Args:
        dots: dot products of the unit features, so in [−1, 1], anchors down, candidates across.
        scale: α in [0.1, 10], the range of the curve below; the probabilities are the softmax of
            α² ``dots``, row by row.

    Raises:
        ValueError: if ``dots`` is not square, or for a dot product or an α outside of its range.
    """
    n = len(dots)
    validation.within("dots", dots, -_ONE, _ONE)
    validation.between("scale", scale, *_CONFIDENCE_SCALES)
    own = torch.eye(n, dtype=torch.bool)
    gaps = (dots.diagonal()[:, None] - dots).double()

    def loss(a: float) -> float:
        """Return the mean of log(1 + Σ e^(−gap)), which keeps the digits of a tiny loss."""
        rivals = (-(a**2) * gaps).masked_fill(own, -math.inf).logsumexp(1)
        return float(F.softplus(rivals).mean())

    fig, (matrix, curve) = style.subplots(
        2, 1, figsize=(3.4, 5.2), gridspec_kw={"height_ratios": [1.3, 1]}
    )
    probabilities = (scale**2 * dots).softmax(dim=1)
    shown = matrix.imshow(probabilities.numpy(), vmin=0, vmax=1, cmap="Blues")
    matrix.set_xticks([])
    matrix.set_yticks([])
    matrix.set_xlabel("candidates $y_j$")
    matrix.set_ylabel("anchors $x_i$")
    fig.suptitle(f"α = {scale:g}, τ = {1 / scale**2:.3g}, loss {loss(scale):.2g}")
    fig.colorbar(shown, ax=matrix, label="probability", shrink=0.9)
    own_share = float(probabilities.diagonal().mean())
    fig.set_label(
        f"Loss {loss(scale):.2g} nats; the right candidate gets {own_share:.0%} on average."
    )

    low, high = map(math.log10, _CONFIDENCE_SCALES)
    scales = torch.logspace(low, high, 60).tolist()
    values = [loss(a) for a in scales]
    curve.plot(scales, values, color=style.BLUE, label="this batch")
    floor = [losses.contrastive_floor(n, 1 / a**2) for a in scales]
    curve.plot(scales, floor, color=style.BLUE, ls="--", lw=1.2, label="floor")
    curve.plot(scale, loss(scale), marker="D", color=style.VERMILION)
    curve.set_xscale("log")
    curve.set_yscale("log")
    curve.set_ylim(min(values) / 3, 3 * max(values))
    curve.set_xlabel("scale α")
    curve.set_ylabel("loss (nats)")
    curve.legend(loc="lower left")
    return fig


@validation.arguments
@style.drawing
def approach_to_limit(negatives: Sequence[int], values: Sequence[float], limit: float) -> Figure:
    """Draw loss − log M over the number M of negatives, with the value it should approach.

    Raises:
        ValueError: if there are not as many values as numbers of negatives.
    """
    if len(negatives) != len(values):
        raise ValueError(
            f"values must be one for each of {len(negatives)} negatives, got {len(values)}"
        )
    fig, ax = style.subplots(figsize=(5.6, 3.2))
    ax.axhline(limit, color=style.VERMILION, ls="--", label="alignment + uniformity (the limit)")
    ax.plot(negatives, values, marker="o", color=style.BLUE, label="InfoNCE − log M")
    ax.set_xscale("log", base=2)
    ax.set_xlabel("number of negatives $M$")
    ax.set_ylabel("nats")
    ax.legend()
    return fig


@validation.arguments
@style.drawing
def loss_curves(curves: Mapping[str, Float[Tensor, " steps"]], guess: float) -> Figure:
    """Draw the loss at every step, each curve dashed over the one before, and that of guessing."""
    validation.between("len(curves)", len(curves), 1, len(style.CYCLE))
    fig, ax = style.subplots(figsize=(5.6, 3.2))
    ax.axhline(guess, color=style.GREY, lw=1, ls=":", label=f"guessing: {guess:.2f}")
    for k, ((name, values), color) in enumerate(zip(curves.items(), style.CYCLE, strict=False)):
        # The first is wide and pale: where curves coincide, both stay visible.
        ax.plot(
            values,
            color=color,
            lw=5 - 3.4 * min(k, 1),
            alpha=0.45 if k == 0 else 1,
            ls="-" if k == 0 else "--",
            label=name,
        )
    ax.set_xlabel("training step")
    ax.set_ylabel("loss (nats)")
    ax.set_ylim(bottom=0)
    ax.legend()
    return fig
