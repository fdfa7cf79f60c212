"""Figures for Question 4d–e: points far apart on sphere and circle, and groups that overlap."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from replearn.engine import validation
from replearn.figures import style
from replearn.figures.margins import (
    _INK,
    Arrangement,
    _checked,
    _circle,
    _color,
    _draw_groups,
    _ring,
    _segment,
)
from replearn.shapes import ShapesDataset
from replearn.theory.tammes import TAMMES_OPTIMA, smallest_angle


@validation.arguments
@style.drawing
def sphere_counterexample(features: Float[Tensor, "n 3"], groups: Int[Tensor, "N m"]) -> Figure:
    """Draw two groups around the north pole of the sphere, from above the pole and from aside.

    Both panels carry the diameter of the first group and the margin between the two. The numbers
    are lengths of chords in space, straight through the ball, in either panel.
    """
    groups = _checked(features, groups)
    fig, (plane, ball) = style.subplots(1, 2, figsize=(8.0, 4.0))
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
@style.drawing
def tammes(configurations: Mapping[int, Float[Tensor, "N 3"]], turned: float = 0) -> Figure:
    """Draw N points on the sphere for several N, side by side, ``turned`` by so many degrees.

    Unturned, one of the points is at the front; the spheres turn about an upright axis that leans
    a little, so that every side comes into view. Filled: in front; hollow: behind. Lines join
    points at the smallest angle. The title gives the angle found and, set apart, whether that
    angle is a proved optimum.
    """
    columns = len(configurations)
    validation.at_least("len(configurations)", columns, 1)
    fig, axes = style.subplots(1, columns, beside=2, figsize=(2.0 * columns, 2.9), squeeze=False)
    angle = math.radians(turned)
    fig.set_label(f"Turned by {turned:g}°.")
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
@style.drawing
def tammes_angles(found: Mapping[int, float], proved: Mapping[int, float]) -> Figure:
    """Plot the smallest angle found between N points on the sphere, and the proved optima."""
    fig, ax = style.subplots(figsize=(6.6, 3.4))
    ax.plot(list(proved), list(proved.values()), "_", color=style.GREEN, markersize=18, mew=2.5)
    known = [n for n in found if n in proved]
    others = [n for n in found if n not in proved]
    ax.plot(known, [found[n] for n in known], "o", color=style.BLUE, markersize=6)
    ax.plot(others, [found[n] for n in others], "o", color=style.VERMILION, mfc="white", mew=1.8)
    ax.legend(["proved optimum", "found, optimum proved", "best found, no proof known"])
    ax.set(xlabel="number of points N", ylabel="smallest angle (degrees)", ylim=(0, 190))
    return fig


@validation.arguments
@style.drawing
def overlap(
    layouts: Mapping[float, Sequence[Arrangement]],
    losses: Mapping[float, Sequence[float]],
    shared: int,
) -> Figure:
    """Draw two groups that share ``shared`` samples: the placements of least loss, by temperature.

    ``layouts[tau][k]`` holds the features of the encoder of least loss found at that temperature
    for k shared samples, and ``losses[tau][k]`` that loss in nats; there are one or two
    temperatures. A shared sample is a square in a ring. The curves are those of all k; the large
    mark is at this one.
    """
    validation.between("len(layouts)", len(layouts), 1, 2)
    sizes = {len(found) for found in (*layouts.values(), *losses.values())}
    if layouts.keys() != losses.keys() or len(sizes) != 1:
        raise ValueError(
            "layouts and losses must hold as many entries at each of the same temperatures, got "
            f"{ {tau: len(found) for tau, found in layouts.items()} } layouts and "
            f"{ {tau: len(found) for tau, found in losses.items()} } losses"
        )
    (size,) = sizes
    validation.between("shared", shared, 0, size - 1)
    for features, groups in (each for found in layouts.values() for each in found):
        _checked(features, groups)
    fig, ((*circles,), (left, right)) = style.subplots(2, 2, figsize=(6.4, 6.2))
    for ax in circles:
        ax.set_axis_off()
    left.axhline(math.log(2), color=style.GREY, linestyle=":", linewidth=1.2)
    left.text(0, math.log(2) + 0.02, "log 2: all features equal", va="bottom", color=style.GREY)
    for ax, tau, color, marker in zip(circles, layouts, style.CYCLE[2:], "oD", strict=False):
        features, groups = layouts[tau][shared]
        _draw_overlap(ax, features, groups)
        ax.set_title(f"{shared} of {groups.shape[1]} shared, τ = {tau:g}")
        apart = [float(torch.cdist(f[g[0]], f[g[1]]).max()) for f, g in layouts[tau]]
        for curve, values in ((left, losses[tau]), (right, apart)):
            curve.plot(
                range(size), values, color=color, marker=marker, ms=4, lw=1.2, label=f"τ = {tau:g}"
            )
            curve.plot(shared, values[shared], marker, color=color, markersize=10)
    left.set(ylabel="least loss found (nats)", ylim=(-0.03, 0.85))
    right.set(ylabel="largest distance\nbetween the groups", ylim=(-0.08, 2.1))
    for ax in (left, right):
        ax.set_xticks(range(size))
        ax.set_xlabel("samples shared")
    right.legend()
    found = []
    for tau in layouts:
        features, groups = layouts[tau][shared]
        widest = float(torch.cdist(features[groups[0]], features[groups[1]]).max())
        found.append(
            f"at τ = {tau:g} the least loss is {losses[tau][shared]:.3f} nats, and the largest "
            f"distance between the groups {widest:.2f}"
        )
    fig.set_label(f"{shared} samples shared: {'; '.join(found)}.")
    return fig


def _draw_overlap(ax: Axes, features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"]) -> None:
    """Rings for the first group and squares for the second."""
    _circle(ax)
    features = _first_left(features, groups)
    first, second = features[groups[0]], features[groups[1]]
    ax.scatter(
        first[:, 0], first[:, 1], s=150, color="none", edgecolor=_color(0), linewidth=1.8, zorder=3
    )
    ax.scatter(second[:, 0], second[:, 1], s=40, color=_color(1), marker="s", zorder=4)


@validation.arguments
@style.drawing
def groups_on_circle(
    features: Float[Tensor, "n 2"], groups: Int[Tensor, "N m"], rgb: Float[Tensor, "N 3"]
) -> Figure:
    """Draw the augmentation groups of an encoder into the circle, one ring for each image.

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
@style.drawing
def around_the_circle(
    dataset: ShapesDataset, features: Mapping[str, Float[Tensor, "n 2"]], count: int = 20
) -> Figure:
    """Draw images at the angles of their features, one panel for each encoder into the circle.

    Of the first n images of ``dataset`` it shows those whose features are nearest to ``count``
    equally spaced directions.
    """
    validation.at_least("count", count, 1)
    validation.at_least("len(features)", len(features), 1)
    for name, unit in features.items():
        validation.unit_rows(f"features[{name!r}]", unit)
        validation.between(f"len(features[{name!r}])", len(unit), 1, len(dataset))
    fig, axes = style.subplots(1, len(features), figsize=(4.0 * len(features), 4.2), squeeze=False)
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


def _first_left(features: Float[Tensor, "n 2"], groups: Tensor) -> Float[Tensor, "n 2"]:
    """Turn, and perhaps mirror, features: group 1 left of group 2, shared samples on top.

    This changes no loss and no distance.
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
    """Return the rotation whose rows are the page's right, its up, and the direction ``toward``."""
    out = toward / toward.norm()
    up = torch.eye(3, dtype=toward.dtype)[1 if abs(out[2]) > 0.9 else 2]
    up = up - (up @ out) * out
    up = up / up.norm()
    return torch.stack([torch.linalg.cross(up, out), up, out])


def _ball(ax: Axes, view: Float[Tensor, "3 3"]) -> None:
    """Draw a transparent unit sphere with its meridians and parallels, from far away."""
    ax.add_patch(_ring(1.0, color=style.GREY))
    turn = torch.linspace(0, 2 * math.pi, 61, dtype=view.dtype)
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
    """Draw points, hollow if they are behind, and arcs between those at the smallest angle."""
    cosines = (points @ points.T).fill_diagonal_(-1)
    for i, j in (cosines > cosines.max() - 1e-6).triu(1).nonzero().tolist():
        if cosines[i, j] > -1 + 1e-6:  # many arcs join opposite points
            _arc(ax, points[i], points[j], view, style.BLUE, "-", 1.2)
    seen = points @ view.T
    for front in (False, True):
        dots = seen[(seen[:, 2] >= -1e-9) == front]
        fill = style.BLUE if front else "white"
        ax.scatter(dots[:, 0], dots[:, 1], s=34, color=fill, edgecolor=style.BLUE, zorder=3 + front)


def _curve(
    ax: Axes, points: Float[Tensor, "n 3"], view: Tensor, color: str, linestyle: str, width: float
) -> None:
    """Draw a curve on the sphere: as given where it is in front, faint where it is behind."""
    x, y, depth = (points @ view.T).T
    for front, alpha in ((True, 1.0), (False, 0.25)):
        hidden = (depth < 0) if front else (depth >= 0)
        shown = [t.masked_fill(hidden, math.nan) for t in (x, y)]
        ax.plot(*shown, color=color, linestyle=linestyle, linewidth=width, alpha=alpha, zorder=2)


def _arc(
    ax: Axes, start: Tensor, end: Tensor, view: Tensor, color: str, linestyle: str, width: float
) -> None:
    """Return the shorter great-circle arc between two unit vectors that are not opposite."""
    share = torch.linspace(0, 1, 33, dtype=start.dtype)[:, None]
    chord = (1 - share) * start + share * end
    _curve(ax, chord / chord.norm(dim=1, keepdim=True), view, color, linestyle, width)
