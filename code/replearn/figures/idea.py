"""The idea of the book in one drawing, and one quiz as the pulls and pushes of its gradient."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Polygon
from torch import Tensor

from replearn import losses
from replearn.engine import validation
from replearn.figures import style
from replearn.figures.margins import _INK, _checked, _circle, _draw_groups
from replearn.figures.shapes import Images

_PULL, _PUSH = style.BLUE, style.VERMILION
_CENTRE = (8.1, 2.9)  # of the circle, in the units of the drawing
_RADIUS = 1.75


@validation.arguments
@style.drawing
def contrastive_idea(images: Images) -> Figure:
    """Draw how a contrastive loss works: images, an encoder, a circle, one pull and one push.

    Args:
        images: three, an anchor, its positive and a negative.

    Raises:
        ValueError: for another number of images.
    """
    if len(images) != 3:
        raise ValueError(f"images must be anchor, positive and negative, got {len(images)}")
    fig, ax = style.subplots(figsize=(4.8, 2.9))
    rows = ((4.5, 55.0, "$x_i$"), (2.6, 120.0, "$y_i$"), (0.7, 5.0, "$y_j$"))
    for image, (y, degrees, name) in zip(images, rows, strict=True):
        ax.imshow(image.permute(1, 2, 0).cpu().numpy(), extent=(0.9, 2.5, y - 0.8, y + 0.8))
        ax.text(0.75, y, name, ha="right", va="center", fontsize=12)
        ax.annotate("", (3.75, 2.6 + 0.35 * (y - 2.6)), (2.6, y), arrowprops=_THIN)
        dot = _on_circle(degrees)
        color, shape = (_PUSH, "s") if name == "$y_j$" else (_PULL, "o")
        ax.plot(*dot, shape, color=color, markersize=8, zorder=4)
        label = _on_circle(degrees, _RADIUS - 0.55)
        inside = name.replace("$", "")
        ax.text(*label, f"$f({inside})$", ha="center", va="center", fontsize=10)
    ax.add_patch(Polygon([(3.8, 4.2), (5.1, 3.5), (5.1, 1.7), (3.8, 1.0)], fill=False, lw=1.2))
    ax.text(4.45, 2.6, "$f$", ha="center", va="center", fontsize=16)
    ax.annotate("", (6.15, 2.75), (5.2, 2.65), arrowprops=_THIN)
    ax.add_patch(Circle(_CENTRE, _RADIUS, fill=False, color=style.GREY))
    _arc_arrow(ax, 113, 66, _PULL, "pull")
    _arc_arrow(ax, -3, -45, _PUSH, "push")
    ax.text(1.7, 5.6, "images", ha="center")
    ax.text(4.45, 5.6, "encoder", ha="center")
    ax.text(_CENTRE[0], 5.6, "unit sphere", ha="center")
    ax.set(xlim=(0, 10.6), ylim=(-0.2, 6.0), aspect="equal")
    ax.set_axis_off()
    return fig


@validation.arguments
@style.drawing
def pull_and_push(
    features: Float[Tensor, "n 2"], groups: validation.Groups, tau: float = 1.0
) -> Figure:
    """Draw the quiz of greatest loss on the circle, with the weights of its gradient.

    The anchor is ringed. A solid arrow along the circle pulls its positive with weight 1 − q_i, a
    dashed one pushes a negative away with weight q_j, where q is the softmax of the logits; its
    length is the weight. The title gives the loss of that quiz and the mean over all.
    """
    table = _checked(features, torch.as_tensor(groups))
    validation.positive("tau", tau)
    i, anchor, candidates = _hardest_quiz(features, table, tau)
    u, v = features[anchor], features[candidates]
    q = (v @ u / tau).softmax(0)
    fig, ax = style.subplots(figsize=(4.2, 4.4))
    _circle(ax)
    _draw_groups(ax, features, table, labels=False)
    ax.add_patch(Circle((float(u[0]), float(u[1])), 0.09, fill=False, linewidth=1.5))
    for j, (vector, weight) in enumerate(zip(v, q.tolist(), strict=True)):
        if j == i:
            _tangent_arrow(ax, vector, u, 1 - weight, "-")
        else:
            _tangent_arrow(ax, vector, -u, weight, "--")
    quiz = float(-q[i].log())
    mean = float(losses.contrastive_loss(features, table, tau))
    ax.set_title(f"τ = {tau:g}: loss of this quiz {quiz:.3f}, of all {mean:.3f}")
    return fig


_THIN = {"arrowstyle": "->", "color": style.GREY, "lw": 1.0}


def _on_circle(degrees: float, radius: float = _RADIUS) -> tuple[float, float]:
    angle = math.radians(degrees)
    return _CENTRE[0] + radius * math.cos(angle), _CENTRE[1] + radius * math.sin(angle)


def _arc_arrow(ax: Axes, start: float, end: float, color: str, word: str) -> None:
    """An arrow outside of the circle from one angle (degrees) to another, and its word."""
    radius = _RADIUS + 0.25
    arc = [_on_circle(start + (end - start) * k / 20, radius) for k in range(21)]
    ax.plot(*zip(*arc[:-1], strict=True), color=color, lw=1.8)
    ax.annotate("", arc[-1], arc[-3], arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.8})
    x, y = _on_circle((start + end) / 2, radius + 0.45)
    ax.text(x, y, word, color=color, ha="center", va="center")


def _hardest_quiz(features: Tensor, groups: Tensor, tau: float) -> tuple[int, int, Tensor]:
    """Group, anchor and candidates of the quiz of greatest loss."""
    scores = features @ features.T / tau
    worst, found = -math.inf, (0, 0, groups[:, 0])
    for i, group in enumerate(groups):
        for anchor in group.tolist():
            towards = scores[anchor][groups]  # (N, m)
            picks = towards.argmax(1)
            picks[i] = towards[i].argmin()
            logits = towards.gather(1, picks[:, None])[:, 0]
            loss = float(logits.logsumexp(0) - logits[i])
            if loss > worst + 1e-6:  # of equals the first, whatever the rounding
                worst = loss
                found = (i, anchor, groups.gather(1, picks[:, None])[:, 0])
    return found


def _tangent_arrow(ax: Axes, at: Tensor, toward: Tensor, weight: float, linestyle: str) -> None:
    """An arrow along the circle, from ``at`` in the direction of ``toward``, and its weight."""
    x, y = at.tolist()
    angle = math.degrees(math.atan2(y, x))
    side = 1 if x * float(toward[1]) - y * float(toward[0]) >= 0 else -1
    swing = 55 * weight
    arc = [math.radians(angle + side * swing * k / 20) for k in range(21)]
    path = [(1.13 * math.cos(a), 1.13 * math.sin(a)) for a in arc]
    if swing > 1:
        ax.plot(*zip(*path[:-2], strict=True), color=_INK, lw=1.6, ls=linestyle)
        head = {"arrowstyle": "-|>", "color": _INK, "lw": 1.6}
        ax.annotate("", path[-1], path[-3], arrowprops=head)
    middle = math.radians(angle + side * swing / 2)
    ax.text(
        1.27 * math.cos(middle),
        1.27 * math.sin(middle),
        f"{weight:.2f}",
        color=_INK,
        ha="center",
        va="center",
    )
