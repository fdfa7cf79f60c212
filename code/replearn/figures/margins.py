"""Figures for Question 4a–c: groups of features on the circle, their diameters and margins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from replearn import geometry
from replearn.engine import validation
from replearn.figures import style

Arrangement = tuple[Float[Tensor, "n d"], Int[Tensor, "N m"]]  # features and groups of row indices


@validation.arguments
@style.drawing
def features_on_circle(cases: Mapping[str, Arrangement], cols: int = 2) -> Figure:
    """Draw features on the circle, one panel for each named case, without any verdict."""
    validation.at_least("len(cases)", len(cases), 1)
    validation.at_least("cols", cols, 1)
    rows = math.ceil(len(cases) / cols)
    fig, axes = style.subplots(rows, cols, figsize=(3.9 * cols, 4.5 * rows), squeeze=False)
    for ax in axes.flat[len(cases) :]:
        ax.set_axis_off()
    for ax, (name, (features, groups)) in zip(axes.flat, cases.items(), strict=False):
        groups = _checked(features, groups)
        _circle(ax)
        _draw_groups(ax, features, groups)
        ax.set_title(name)
    return fig


@validation.arguments
@style.drawing
def arrangements(cases: Mapping[str, Arrangement], cols: int = 2) -> Figure:
    """Draw features on the circle, one panel for each named case, with its measurements below.

    Where an arrangement is not perfect, its worst question is drawn: from one anchor a solid line
    to its farthest positive and a dashed one to a negative at least as near.
    """
    fig = features_on_circle(cases, cols)
    for ax, (name, (features, groups)) in zip(fig.axes, cases.items(), strict=False):
        groups = _checked(features, groups)
        perfect = geometry.perfect_accuracy(features, groups)
        if not perfect:
            _draw_worst_question(ax, features, groups)
        accuracy = float(geometry.accuracy(features, groups))
        verdict = "perfect" if perfect else "not perfect"
        ax.set_title(f"{name}\naccuracy {_percent(accuracy)}: {verdict}")
        ax.text(0, -1.32, _readout(features, groups), **_READOUT)
        ax.set_ylim(-1.85, 1.3)
    return fig


@validation.arguments
@style.drawing
def diameter_and_margin(
    features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"], i: int, j: int
) -> Figure:
    """Draw the diameter of group ``i`` and its margin to group ``j``, as segments and as numbers.

    Left: the two segments among the features. Right, on one axis: every distance within ``i``, of
    which the diameter is the last, and every distance from ``i`` to ``j``, of which the margin is
    the first.
    """
    groups = _checked(features, groups)
    for name, index in (("i", i), ("j", j)):
        validation.between(name, index, 0, len(groups) - 1)
    fig, (left, right) = style.subplots(
        1, 2, figsize=(8.0, 4.0), gridspec_kw={"width_ratios": [1, 1.1]}
    )
    _circle(left)
    _draw_groups(left, features, groups)
    within = torch.cdist(features[groups[i]], features[groups[i]])
    across = torch.cdist(features[groups[i]], features[groups[j]])
    s, t = divmod(int(within.argmax()), len(groups[i]))
    u, v = divmod(int(across.argmin()), len(groups[j]))
    _segment(left, features[groups[i][s]], features[groups[i][t]], _INK, "-")
    _segment(left, features[groups[i][u]], features[groups[j][v]], _INK, "--")
    left.set_title("two segments among the features")

    pairs = torch.triu_indices(len(within), len(within), 1)
    for y, distances in ((1, within[pairs[0], pairs[1]]), (0, across.flatten())):
        right.plot(distances, [y] * len(distances), "|", color=_INK, markersize=16, mew=1.2)
    diameter, margin = float(within.max()), float(across.min())
    right.axvline(diameter, color=_INK, linestyle="-", linewidth=1.0)
    right.axvline(margin, color=_INK, linestyle="--", linewidth=1.0)
    right.text(diameter, 1.45, f"diameter {diameter:.2f} ", ha="right")
    right.text(margin, -0.55, f"margin {margin:.2f} ", ha="right")
    right.set(xlim=(0, 2.05), ylim=(-0.8, 1.8), xlabel="distance between two features")
    right.set_yticks([1, 0], [f"within group {i + 1}", f"from {i + 1} to {j + 1}"])
    right.set_title("all their distances")
    return fig


@validation.arguments
@style.drawing
def read_off(features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"]) -> Figure:
    """Draw an arrangement; below it stand diameters, margins, accuracy and the four conditions."""
    groups = _checked(features, groups)
    fig, ax = style.subplots(figsize=(3.6, 4.9))
    _circle(ax)
    _draw_groups(ax, features, groups)
    if not geometry.perfect_accuracy(features, groups):
        _draw_worst_question(ax, features, groups)
    accuracy = float(geometry.accuracy(features, groups))
    ax.set_title(f"accuracy {_percent(accuracy)}")
    ax.text(0, -1.36, _readout(features, groups), **_READOUT)
    for k, condition in enumerate(geometry.CONDITIONS):
        holds = geometry.satisfies(features, groups, condition)
        mark, color = ("✓", style.GREEN) if holds else ("✗", style.VERMILION)
        x = -1.25 + 0.62 * k
        ax.text(x, -2.28, mark, color=color, fontsize=14, family="DejaVu Sans", ha="center")
        ax.text(x + 0.12, -2.26, condition)
    ax.text(0, -2.08, "conditions", **_READOUT | {"va": "bottom"})
    ax.set_ylim(-2.4, 1.3)
    fails = [c for c in geometry.CONDITIONS if not geometry.satisfies(features, groups, c)]
    found = f"{_listed(fails)} {'fails' if len(fails) == 1 else 'fail'}" if fails else "all hold"
    fig.set_label(f"Accuracy {_percent(accuracy)}; conditions: {found}.")
    return fig


@validation.arguments
@style.drawing
def cleared_arc(width: float) -> Figure:
    """Draw the arc that perfect accuracy clears around a cluster of ``width`` < 120 degrees.

    The cluster reaches from 0 to ``width`` on the circle; every negative is farther than ``width``
    from either end.
    """
    fig, ax = style.subplots(figsize=(4.6, 4.2))
    _circle(ax)
    parts = (
        (0, width, style.BLUE, "the cluster"),
        (-width, 0, style.GREY, "cleared"),
        (width, 2 * width, style.GREY, "cleared"),
        (2 * width, 360 - width, style.VERMILION, "all negatives"),
    )
    for start, stop, color, name in parts:
        angles = [math.radians(start + (stop - start) * k / 60) for k in range(61)]
        dashed = "--" if name == "cleared" else "-"
        ax.plot([math.cos(a) for a in angles], [math.sin(a) for a in angles], dashed, color=color)
        x, y = math.cos(angles[30]), math.sin(angles[30])
        side = "left" if x > 0.3 else "right" if x < -0.3 else "center"
        ax.text(1.1 * x, 1.13 * y, name, color=color, ha=side, va="center", weight="bold")
    for degrees, name in ((0, "a"), (width, "b")):
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        ax.plot([0, x], [0, y], color="#BBBBBB", linewidth=0.8)
        ax.plot(x, y, "o", color=style.BLUE, markersize=8)
        ax.text(0.84 * x, 0.84 * y - 0.08, name, weight="bold", ha="center", va="center")
    ax.set(xlim=(-1.9, 1.9), ylim=(-1.35, 1.35))
    return fig


@validation.arguments
@style.drawing
def criteria(cases: Mapping[str, Arrangement], rgb: Float[Tensor, "N 3"]) -> Figure:
    """Draw condition ii for each group and the exact criterion for each anchor, a row a case.

    Left: a dot per group, its smallest margin against its diameter. Right: a dot per anchor, the
    distance to its nearest negative against that to its farthest positive. Above the diagonal the
    condition holds. Dots have the colour ``rgb`` of their image.
    """
    validation.within("rgb", rgb, 0, 1)
    rows = len(cases)
    validation.at_least("len(cases)", rows, 1)
    fig, axes = style.subplots(rows, 2, figsize=(7.6, 3.7 * rows), squeeze=False)
    for (left, right), (name, (features, groups)) in zip(axes, cases.items(), strict=True):
        diameters = geometry.diameters(features, groups)
        if len(diameters) != len(rgb):
            raise ValueError(f"rgb must be one colour a group, {len(diameters)}, got {len(rgb)}")
        margins = geometry.margins(features, groups).amin(1)
        farthest, nearest = geometry.anchor_distances(features, groups)
        colors = rgb.repeat_interleave(groups.shape[1], 0)
        _above_diagonal(left, diameters, margins, rgb)
        _above_diagonal(right, farthest.flatten(), nearest.flatten(), colors)
        share_groups = float((diameters < margins).double().mean())
        share_anchors = float((farthest < nearest).double().mean())
        left.set_title(f"{name}\ncondition ii: {_percent(share_groups)} of the groups")
        right.set_title(f"{name}\ncriterion: {_percent(share_anchors)} of the anchors")
        left.set(xlabel="diameter", ylabel="smallest margin")
        right.set(xlabel="farthest positive", ylabel="nearest negative")
    return fig


_INK = "#222222"  # of diameters (solid) and margins (dashed): colours belong to the groups
_READOUT: dict[str, Any] = {
    "family": "DejaVu Sans Mono",
    "fontsize": style.SMALL,
    "ha": "center",
    "va": "top",
}


def _percent(share: float) -> str:
    """Return a share as a percentage that never rounds up to 100 % nor down to 0 %."""
    exact = 10_000 * Decimal(str(share))  # as written: in binary, 0.57 is a little less
    hundredths = math.floor(exact) if share > 0.5 else math.ceil(exact)
    return f"{hundredths / 100:g} %"


def _readout(features: Tensor, groups: Tensor) -> str:
    """Return the diameters and the margins of an arrangement, in two short lines each."""
    diameters, margins = geometry.diameters(features, groups), geometry.margins(features, groups)
    pairs = torch.triu_indices(len(groups), len(groups), 1).T.tolist()
    first = "   ".join(f" {i + 1}: {float(d):4.2f}" for i, d in enumerate(diameters))
    second = "   ".join(f"{i + 1}–{j + 1}: {float(margins[i, j]):4.2f}" for i, j in pairs)
    return f"diameters\n{first}\nmargins\n{second}"


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _color(group: int) -> str:
    return style.CYCLE[group % len(style.CYCLE)]


def _ring(radius: float, **kwargs: Any) -> Circle:
    return Circle(
        (0, 0), radius, **({"fill": False, "color": "#BBBBBB", "linewidth": 0.8} | kwargs)
    )


def _circle(ax: Axes) -> None:
    ax.add_patch(_ring(1.0))
    ax.set(aspect="equal", xlim=(-1.4, 1.4), ylim=(-1.4, 1.4))
    ax.set_axis_off()


def _checked(features: Tensor, groups: Tensor) -> Tensor:
    validation.unit_rows("features", features)
    return validation.group_table(groups, len(features))


def _draw_groups(ax: Axes, features: Tensor, groups: Tensor, labels: bool = True) -> None:
    """Draw each group in its colour and marker; later groups are smaller, so none hides another."""
    for i, group in enumerate(groups):
        dots = features[group]
        ax.scatter(
            dots[:, 0],
            dots[:, 1],
            s=70 - 16 * min(i, 3),
            color=_color(i),
            marker=style.MARKERS[i % len(style.MARKERS)],
            edgecolor="white",
            linewidth=0.6,
            zorder=3,
        )
        if labels:
            x, y = (1.2 * dots[len(dots) // 2]).tolist()
            ax.text(x, y, str(i + 1), color=_color(i), weight="bold", ha="center", va="center")


def _segment(ax: Axes, start: Tensor, end: Tensor, color: str, linestyle: str) -> None:
    ax.plot(*zip(start.tolist(), end.tolist(), strict=True), color=color, linestyle=linestyle)


def _draw_worst_question(ax: Axes, features: Tensor, groups: Tensor) -> None:
    """Join the anchor that fails the criterion worst to farthest positive and nearest negative."""
    farthest, nearest = geometry.anchor_distances(features, groups)
    i, k = divmod(int((farthest - nearest).argmax()), groups.shape[1])
    anchor = features[groups[i, k]]
    others = torch.cat([groups[:i], groups[i + 1 :]]).flatten()
    positive = groups[i][(features[groups[i]] - anchor).norm(dim=1).argmax()]
    negative = others[(features[others] - anchor).norm(dim=1).argmin()]
    _segment(ax, anchor, features[positive], _INK, "-")
    _segment(ax, anchor, features[negative], _INK, "--")


def _above_diagonal(ax: Axes, x: Tensor, y: Tensor, rgb: Float[Tensor, "n 3"]) -> None:
    """Draw dots in the square [0, 2]², and shade the half where y > x."""
    ax.fill_between([0, 2], [0, 2], [2, 2], color="#EAF4EC", linewidth=0)
    ax.plot([0, 2], [0, 2], color=style.GREY, linewidth=1)
    # Thousands of dots would weigh down a vector figure.
    many = len(x) > 200
    ax.scatter(x, y, c=rgb.tolist(), s=16, edgecolor="black", linewidth=0.3, rasterized=many)
    ax.set(aspect="equal", xlim=(0, 2), ylim=(0, 2))
