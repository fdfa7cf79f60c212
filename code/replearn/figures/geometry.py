"""Question 4 drawn: features on the circle and the sphere, clusters and the gaps between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
from replearn.shapes import ShapesDataset
from replearn.theory.tammes import TAMMES_OPTIMA, smallest_angle

Arrangement = tuple[Float[Tensor, "n d"], Int[Tensor, "N m"]]  # features and groups of row indices


# ---------------------------------------------------------------------------------- the circle


@validation.arguments
def features_on_circle(cases: Mapping[str, Arrangement], cols: int = 2) -> Figure:
    """Features on the circle, one panel per named case and nothing said about any of them."""
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
def arrangements(cases: Mapping[str, Arrangement], cols: int = 2) -> Figure:
    """Features on the circle, one panel per named case, with what one reads off below each.

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
def diameter_and_margin(
    features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"], i: int, j: int
) -> Figure:
    """The diameter of group ``i`` and the margin from ``i`` to ``j``, as segments and as numbers.

    Left: the two segments among the features. Right: every distance within ``i`` and every
    distance from ``i`` to ``j`` on one axis; the diameter ends the first, the margin starts the
    second.
    """
    groups = _checked(features, groups)
    for name, index in (("i", i), ("j", j)):
        validation.between(name, index, 0, len(groups) - 1)
    fig, (left, right) = style.subplots(
        1, 2, figsize=(8.2, 4.0), gridspec_kw={"width_ratios": [1, 1.1]}
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
def read_off(features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"]) -> Figure:
    """One arrangement with its diameters, margins, accuracy and the four conditions below it."""
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
    return fig


@validation.arguments
def cleared_arc(width: float) -> Figure:
    """What perfect accuracy clears around a cluster of ``width`` degrees, below 120, on the circle.

    The ends of the cluster are at 0 and at ``width``; the negatives keep farther than that from
    either end.
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


# ---------------------------------------------------------------------------------- the sphere


@validation.arguments
def sphere_counterexample(features: Float[Tensor, "n 3"], groups: Int[Tensor, "N m"]) -> Figure:
    """Two groups around the north pole of the sphere, seen from above the pole and from aside.

    Both panels carry the diameter of the first group and the margin between the two; the numbers
    are the distances of the points themselves, not of their projections.
    """
    groups = _checked(features, groups)
    fig, (plane, ball) = style.subplots(1, 2, figsize=(8.2, 4.0))
    distances = torch.cdist(features, features)
    within = distances[groups[0]][:, groups[0]]
    across = distances[groups[0]][:, groups[1]]
    s, t = (int(groups[0][k]) for k in divmod(int(within.argmax()), within.shape[1]))
    row, column = divmod(int(across.argmin()), across.shape[1])
    u, v = int(groups[0][row]), int(groups[1][column])

    flat = features[:, :2]
    plane.set(aspect="equal", title="from above the pole")
    _draw_groups(plane, flat, groups, labels=False)
    _segment(plane, flat[s], flat[t], _INK, "-")
    _segment(plane, flat[u], flat[v], _INK, "--")
    low, high = flat.min(0).values, flat.max(0).values
    pad = 0.25 * float((high - low).max())
    plane.set(xlim=(float(low[0]) - pad, float(high[0]) + pad))
    plane.set(ylim=(float(low[1]) - 1.6 * pad, float(high[1]) + pad))
    plane.annotate(
        f"diameter {float(distances[s, t]):.2f}",
        (float(flat[s, 0] + flat[t, 0]) / 2, float(flat[s, 1])),
        xytext=(0, -14),
        textcoords="offset points",
        ha="center",
    )
    plane.annotate(
        f"margin {float(distances[u, v]):.2f}",
        (float(flat[u, 0]), float(flat[u, 1] + flat[v, 1]) / 2),
        xytext=(8, 0),
        textcoords="offset points",
    )

    view = _view(torch.tensor([0.25, -0.75, 1.0], dtype=features.dtype))
    _ball(ball, view)
    _arc(ball, features[s], features[t], view, _INK, "-", 1.8)
    _arc(ball, features[u], features[v], view, _INK, "--", 1.8)
    _draw_groups(ball, features @ view.T, groups, labels=False)
    ball.set_title("on the sphere")
    return fig


@validation.arguments
def tammes(configurations: Mapping[int, Float[Tensor, "N 3"]], turned: float = 0) -> Figure:
    """N points on the sphere for several N, side by side, ``turned`` by so many degrees.

    Unturned, one of the points is at the front; the spheres turn about an upright axis that leans
    a little, so that every side comes into view. Filled: in front; hollow: behind. Lines join
    points at the smallest angle. The title gives the angle found and, set apart, whether that
    angle is a proved optimum.
    """
    columns = len(configurations)
    validation.at_least("len(configurations)", columns, 1)
    fig, axes = style.subplots(1, columns, figsize=(2.0 * columns, 2.9), squeeze=False)
    angle = math.radians(turned)
    for ax, (n, points) in zip(axes[0], configurations.items(), strict=True):
        facing = points @ _view(points[0]).T  # the first point comes to the front, at (0, 0, 1)
        direction = (math.sin(angle), (1 - math.cos(angle)) / 4, math.cos(angle))
        view = _view(torch.tensor(direction, dtype=points.dtype))
        _ball(ax, view)
        _draw_contacts(ax, facing, view)
        proved = n in TAMMES_OPTIMA
        ax.set_title(
            f"N = {n}\n{smallest_angle(points):.2f}°\n"
            + ("proved optimum" if proved else "best found"),
            weight="bold" if proved else "normal",
        )
    return fig


@validation.arguments
def tammes_angles(found: Mapping[int, float], proved: Mapping[int, float]) -> Figure:
    """Smallest angle found between N points on the sphere, over the proved optima (degrees)."""
    fig, ax = style.subplots(figsize=(6.6, 3.4))
    ax.plot(list(proved), list(proved.values()), "_", color=style.GREEN, markersize=18, mew=2.5)
    known = [n for n in found if n in proved]
    others = [n for n in found if n not in proved]
    ax.plot(known, [found[n] for n in known], "o", color=style.BLUE, markersize=6)
    ax.plot(others, [found[n] for n in others], "o", color=style.VERMILION, mfc="white", mew=1.8)
    ax.legend(["proved optimum", "found, optimum proved", "best found, no proof known"])
    ax.set(xlabel="number of points N", ylabel="smallest angle (degrees)", ylim=(0, 190))
    return fig


# -------------------------------------------------------------------- overlap, and real groups


@validation.arguments
def overlap(layouts: Sequence[Arrangement], losses: Sequence[float], shared: int) -> Figure:
    """Two groups that share ``shared`` samples: the best placement found, its loss and its reach.

    ``layouts[k]`` holds the features of the encoder of least loss found for k shared samples, and
    ``losses[k]`` that loss in nats. A shared sample is a square in a ring. The curves are those
    of all k; the dot is at this one.
    """
    validation.between("shared", shared, 0, len(layouts) - 1)
    if len(losses) != len(layouts):
        raise ValueError(f"losses must be one for each of {len(layouts)}, got {len(losses)}")
    for features, groups in layouts:
        _checked(features, groups)
    fig, (circle, left, right) = style.subplots(1, 3, figsize=(9.0, 2.9))
    features, groups = layouts[shared]
    _circle(circle)
    features = _first_left(features, groups)
    first, second = features[groups[0]], features[groups[1]]
    circle.scatter(*first.T, s=150, color="none", edgecolor=_color(0), linewidth=1.8, zorder=3)
    circle.scatter(*second.T, s=40, color=_color(1), marker="s", zorder=4)
    circle.set_title(f"{shared} of {groups.shape[1]} shared")
    apart = [float(torch.cdist(f[g[0]], f[g[1]]).max()) for f, g in layouts]
    for ax, values in ((left, losses), (right, apart)):
        ax.plot(range(len(layouts)), values, color=style.GREY, linewidth=1.2)
        ax.plot(shared, values[shared], "o", color=style.BLUE, markersize=9)
        ax.set_xticks(range(len(layouts)))
    left.axhline(math.log(2), color=style.GREY, linestyle=":", linewidth=1.2)
    left.text(0, math.log(2) + 0.01, "log 2: all features equal", va="bottom", color=style.GREY)
    left.set(xlabel="samples shared", ylabel="least loss found (nats)", ylim=(0, 0.85))
    right.set(xlabel="samples shared", ylabel="largest distance\nbetween the groups", ylim=(0, 2.1))
    return fig


@validation.arguments
def groups_on_circle(
    features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"], rgb: Float[Tensor, "N 3"]
) -> Figure:
    """Augmentation groups of a real encoder into the circle, one ring per image.

    Every dot is a view, drawn at the angle of its feature in its image's colour ``rgb`` (in
    [0, 1]); the rings are sorted by the mean direction of their views.
    """
    groups = _checked(features, groups)
    validation.within("rgb", rgb, 0, 1)
    fig, ax = style.subplots(figsize=(5.6, 5.6))
    means = features[groups].mean(1)
    order = torch.atan2(means[:, 1], means[:, 0]).argsort()
    for rank, group in enumerate(order.tolist()):
        radius = 1 + 0.8 * rank / len(groups)
        ax.add_patch(_ring(radius))
        dots = radius * features[groups[group]]
        color = [rgb[group].tolist()]
        ax.scatter(dots[:, 0], dots[:, 1], c=color, s=22, edgecolor="black", linewidth=0.3)
    ax.add_patch(_ring(1.0, color="black", linewidth=1.2))
    ax.set(aspect="equal", xlim=(-1.9, 1.9), ylim=(-1.9, 1.9))
    ax.set_axis_off()
    return fig


@validation.arguments
def around_the_circle(
    dataset: ShapesDataset, features: Mapping[str, Float[Tensor, "n 2"]], count: int = 20
) -> Figure:
    """Images at the angles of their features, one panel per encoder into the circle.

    Of the first n images of ``dataset``, those whose features are nearest to ``count`` equally
    spaced directions.
    """
    validation.at_least("count", count, 1)
    validation.at_least("len(features)", len(features), 1)
    for name, unit in features.items():
        validation.unit_rows(f"features[{name!r}]", unit)
        validation.between(f"len(features[{name!r}])", len(unit), 1, len(dataset))
    fig, axes = style.subplots(1, len(features), figsize=(4.2 * len(features), 4.4), squeeze=False)
    turn = 2 * math.pi * torch.arange(count) / count
    directions = torch.stack([turn.cos(), turn.sin()], dim=1)
    half = 0.97 * math.sin(math.pi / count) / math.sqrt(2)  # of a side: no two overlap
    for ax, (name, unit) in zip(axes.flat, features.items(), strict=True):
        rows = (directions.to(unit) @ unit.T).argmax(dim=1)
        for image, (x, y) in zip(dataset.images(rows), directions.tolist(), strict=True):
            box = (x - half, x + half, y - half, y + half)
            ax.imshow(image.permute(1, 2, 0).numpy(), extent=box)
        ax.set_title(name)
        limits = (-1.05 - half, 1.05 + half)
        ax.set(aspect="equal", xlim=limits, ylim=limits)
        ax.set_axis_off()
    return fig


@validation.arguments
def criteria(cases: Mapping[str, Arrangement], rgb: Float[Tensor, "N 3"]) -> Figure:
    """Condition ii group by group and the exact criterion anchor by anchor, one row per case.

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


# ------------------------------------------------------------------------------------- strokes

_INK = "#222222"  # of diameters (solid) and margins (dashed): colours belong to the groups
_READOUT: dict[str, Any] = {
    "family": "DejaVu Sans Mono",
    "fontsize": 8.5,
    "ha": "center",
    "va": "top",
}


def _percent(share: float) -> str:
    """A share as a percentage that never rounds up to 100 % nor down to 0 %."""
    exact = 10_000 * Decimal(str(share))  # as written: in binary, 0.57 is a little less
    hundredths = math.floor(exact) if share > 0.5 else math.ceil(exact)
    return f"{hundredths / 100:g} %"


def _readout(features: Tensor, groups: Tensor) -> str:
    """The diameters and the margins of an arrangement, in two short lines each."""
    diameters, margins = geometry.diameters(features, groups), geometry.margins(features, groups)
    pairs = torch.triu_indices(len(groups), len(groups), 1).T.tolist()
    first = "   ".join(f" {i + 1}: {float(d):4.2f}" for i, d in enumerate(diameters))
    second = "   ".join(f"{i + 1}–{j + 1}: {float(margins[i, j]):4.2f}" for i, j in pairs)
    return f"diameters\n{first}\nmargins\n{second}"


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
    """Dots of each group in its colour and marker, later groups smaller: none hides another."""
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
    """From the anchor that the criterion fails worst, to farthest positive and nearest negative."""
    farthest, nearest = geometry.anchor_distances(features, groups)
    i, k = divmod(int((farthest - nearest).argmax()), groups.shape[1])
    anchor = features[groups[i, k]]
    others = torch.cat([groups[:i], groups[i + 1 :]]).flatten()
    positive = groups[i][(features[groups[i]] - anchor).norm(dim=1).argmax()]
    negative = others[(features[others] - anchor).norm(dim=1).argmin()]
    _segment(ax, anchor, features[positive], _INK, "-")
    _segment(ax, anchor, features[negative], _INK, "--")


def _first_left(features: Float[Tensor, "n 2"], groups: Tensor) -> Float[Tensor, "n 2"]:
    """Features turned, and mirrored if need be: group 1 left of group 2, shared samples on top.

    Losses and distances do not change by that.
    """
    first, second = features[groups].mean(1)
    across = (
        second - first
        if (second - first).norm() > 1e-3
        else first.flip(0) * first.new_tensor([1, -1])
    )
    x, y = across / across.norm()
    turned = features @ torch.stack([torch.stack([x, -y]), torch.stack([y, x])])
    return turned * turned.new_tensor([1, -1]) if turned[groups].mean((0, 1))[1] < 0 else turned


def _view(toward: Float[Tensor, " 3"]) -> Float[Tensor, "3 3"]:
    """Rotation whose rows are the page's right, the page's up, and the direction ``toward``."""
    out = toward / toward.norm()
    up = torch.eye(3, dtype=toward.dtype)[1 if abs(out[2]) > 0.9 else 2]
    up = up - (up @ out) * out
    up = up / up.norm()
    return torch.stack([torch.linalg.cross(up, out), up, out])


def _ball(ax: Axes, view: Float[Tensor, "3 3"]) -> None:
    """A transparent unit sphere with its meridians and parallels, from far away."""
    ax.add_patch(_ring(1.0, color=style.GREY))
    turn = torch.linspace(0, 2 * math.pi, 121, dtype=view.dtype)
    circle = torch.stack([turn.cos(), turn.sin(), torch.zeros_like(turn)], dim=1)
    for degrees in (-60, -30, 0, 30, 60):
        lift = torch.tensor([0.0, 0.0, math.sin(math.radians(degrees))], dtype=view.dtype)
        _curve(ax, circle * math.cos(math.radians(degrees)) + lift, view, "#DDDDDD", "-", 0.6)
    for degrees in range(0, 180, 30):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        meridian = torch.stack([c * turn.cos(), s * turn.cos(), turn.sin()], dim=1)
        _curve(ax, meridian, view, "#DDDDDD", "-", 0.6)
    ax.set(aspect="equal", xlim=(-1.08, 1.08), ylim=(-1.08, 1.08))
    ax.set_axis_off()


def _draw_contacts(ax: Axes, points: Float[Tensor, "n 3"], view: Tensor) -> None:
    """Points, hollow where they are behind, and arcs between those at the smallest angle."""
    cosines = (points @ points.T).fill_diagonal_(-1)
    for i, j in (cosines > cosines.max() - 1e-6).triu(1).nonzero().tolist():
        if cosines[i, j] > -1 + 1e-6:  # opposite points have no one arc between them
            _arc(ax, points[i], points[j], view, style.BLUE, "-", 1.2)
    seen = points @ view.T
    for front in (False, True):
        dots = seen[(seen[:, 2] >= -1e-9) == front]
        fill = style.BLUE if front else "white"
        ax.scatter(dots[:, 0], dots[:, 1], s=34, color=fill, edgecolor=style.BLUE, zorder=3 + front)


def _above_diagonal(ax: Axes, x: Tensor, y: Tensor, rgb: Float[Tensor, "n 3"]) -> None:
    """Dots in the square [0, 2]², and the half where y > x shaded."""
    ax.fill_between([0, 2], [0, 2], [2, 2], color="#EAF4EC", linewidth=0)
    ax.plot([0, 2], [0, 2], color=style.GREY, linewidth=1)
    ax.scatter(x, y, c=rgb.tolist(), s=16, edgecolor="black", linewidth=0.3)
    ax.set(aspect="equal", xlim=(0, 2), ylim=(0, 2))


def _curve(
    ax: Axes, points: Float[Tensor, "n 3"], view: Tensor, color: str, linestyle: str, width: float
) -> None:
    """A curve on the sphere: as given where it is in front, faint where it is behind."""
    x, y, depth = (points @ view.T).T
    for front, alpha in ((True, 1.0), (False, 0.25)):
        hidden = (depth < 0) if front else (depth >= 0)
        shown = [t.masked_fill(hidden, math.nan) for t in (x, y)]
        ax.plot(*shown, color=color, linestyle=linestyle, linewidth=width, alpha=alpha, zorder=2)


def _arc(
    ax: Axes, start: Tensor, end: Tensor, view: Tensor, color: str, linestyle: str, width: float
) -> None:
    """The shorter great-circle arc between two unit vectors that are not opposite."""
    share = torch.linspace(0, 1, 33, dtype=start.dtype)[:, None]
    chord = (1 - share) * start + share * end
    _curve(ax, chord / chord.norm(dim=1, keepdim=True), view, color, linestyle, width)
