"""Checks of the coding exercises that chapters end with: ``practice.check("one-quiz", mine)``.

Each compares a reader's function with the library, or with what must come out, on inputs where the
likely mistakes show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from replearn import augmentations, losses, shapes
from replearn.engine import validation
from replearn.engine.console import say

Answer = Callable[..., Any]

CHECKS: dict[str, Callable[[Answer], str]] = {}
"""By exercise: takes a reader's function, returns what is wrong with it, or nothing."""


def _check(exercise: str) -> Callable[[Callable[[Answer], str]], Callable[[Answer], str]]:
    def listed(run: Callable[[Answer], str]) -> Callable[[Answer], str]:
        CHECKS[exercise] = run
        return run

    return listed


@validation.arguments
def check(exercise: str, answer: Answer) -> None:
    """Print whether a function solves an exercise, and what is wrong if it does not.

    Args:
        exercise: a name in :data:`CHECKS`, as the exercise gives it.
        answer: the function that the exercise asks for.

    Raises:
        ValueError: for an exercise that does not exist.
    """
    validation.one_of("exercise", exercise, tuple(CHECKS))
    try:
        wrong = CHECKS[exercise](answer)
    except Exception as error:  # whatever a function under construction may raise
        wrong = f"{type(error).__name__}: {error}"
    say(f"✗ {exercise}: {wrong}" if wrong else f"✓ {exercise}")


def _units(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(*shape, dtype=torch.float64, generator=generator), dim=-1)


def _off(got: Any, wanted: Tensor, what: str) -> str:
    """Say how ``what`` differs from what is wanted, if it does."""
    got = torch.as_tensor(got, dtype=wanted.dtype)
    if got.shape != wanted.shape:
        return f"{what} must have shape {tuple(wanted.shape)}, got {tuple(got.shape)}"
    worst = float((got - wanted).abs().max())
    return f"{what} is off by {worst:.2g}" if not worst < 1e-9 else ""


@_check("one-quiz")
def _one_quiz(quiz: Answer) -> str:
    """``quiz(anchor, candidates, i, tau)``: the loss of one quiz."""
    anchor, candidates = _units(3), _units(5, 3, seed=1)
    for i, tau in ((0, 1.0), (3, 1.0), (3, 0.07)):
        odds = ((candidates - candidates[i]) @ anchor / tau).exp()  # against the right answer
        wanted = odds.sum().log()
        if wrong := _off(quiz(anchor, candidates, i, tau), wanted, f"for i = {i}, tau = {tau}, it"):
            return wrong
    sure = quiz(anchor, torch.stack([anchor, -anchor]), 0, 1e-3)
    if not torch.as_tensor(sure).isfinite():
        return "at tau = 0.001 the loss must be finite: subtract the largest logit first"
    return ""


@_check("positive-pair")
def _positive_pair(pair: Answer) -> str:
    """``pair(images, augment, generator)``: two random views of each image."""
    images = shapes.ShapesDataset("train").images(range(16))
    x, y = pair(images, augmentations.A, torch.Generator().manual_seed(0))
    if x.shape != images.shape or y.shape != images.shape:
        return f"both must have shape {tuple(images.shape)}, got {tuple(x.shape)}, {tuple(y.shape)}"
    if (x == y).all():
        return "x and y are the same views: the second must be drawn anew"
    outlines = [(shown.amax(1) > 0.1).flatten(1).float() for shown in (images, x, y)]
    for views in outlines[1:]:  # A leaves the outline where it is
        both, sizes = views @ outlines[0].T, views.sum(1)[:, None] + outlines[0].sum(1)
        if ((both / (sizes - both)).argmax(1) != torch.arange(len(images))).any():
            return "row i of x and of y must show image i"
    if (x == images).all() or (y == images).all():
        return "one of the two is the image itself: both must be random views"
    return ""


@_check("both-quizzes")
def _both_quizzes(loss: Answer) -> str:
    """``loss(z, z_pos, tau)``: InfoNCE, averaged over rows and columns."""
    z, z_pos = _units(2, 6, 4)
    for tau in (1.0, 0.07):
        wanted = (losses.info_nce(z, z_pos, tau) + losses.info_nce(z_pos, z, tau)) / 2
        if wrong := _off(loss(z, z_pos, tau), wanted, f"for tau = {tau}, it"):
            return wrong
    return ""


@_check("near-distance")
def _near_distance(distance: Answer) -> str:
    """``distance(u, v)``: distances of float32 unit vectors, row by row, near ones too."""
    angles = torch.logspace(-5, 0, 6, dtype=torch.float64)
    u = torch.tensor([[1.0, 0.0]]).expand(6, -1)
    v = torch.stack([angles.cos(), angles.sin()], 1).float()
    wanted = 2 * (angles / 2).sin()
    got = torch.as_tensor(distance(u, v)).double()
    if got.shape != wanted.shape:
        return f"there must be one distance a row, shape (6,), got {tuple(got.shape)}"
    off = (got / wanted - 1).abs()
    if not off.max() < 1e-5:
        row = int(off.nan_to_num(torch.inf).argmax())
        return f"at distance {float(wanted[row]):.2g} it gives {float(got[row]):.2g}"
    return ""


@_check("unequal-classes")
def _unequal_classes(loss: Answer) -> str:
    """``loss(logits, labels)``: each class weighs the same, however many samples it has."""
    logits = 3 * _units(9, 3)
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2])
    odds = (logits - logits.gather(1, labels[:, None])).exp()  # against the right answer
    each = odds.sum(1).log()
    wanted = torch.stack([each[labels == c].mean() for c in range(3)]).mean()
    return _off(loss(logits, labels), wanted, "for 5, 3 and 1 samples of a class, it")


@_check("fooled-anchors")
def _fooled_anchors(fooled: Answer) -> str:
    """``fooled(features, groups)``: which anchors, (N, m), lose some quiz."""
    square = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]], dtype=torch.float64)
    turn = torch.tensor([0.0, 10, 40, 100, 110, 180, 190, 260], dtype=torch.float64).deg2rad()
    circle = torch.stack([turn.cos(), turn.sin()], 1)
    cases = (  # what they are, features, groups, and which groups' anchors are fooled
        ("two groups apart", circle, [[0, 2], [3, 4]], [False, False]),
        ("a group of one place in a wide one", circle, [[0, 3], [2, 2]], [True, False]),
        ("a third group in between", circle, [[0, 1], [3, 7], [5, 6]], [False, True, False]),
        ("distances that tie exactly", square, [[0, 1], [2, 3]], [True, True]),
    )
    for what, features, groups, lost in cases:
        table = torch.tensor([[each] * 2 for each in lost])
        got = torch.as_tensor(fooled(features, torch.tensor(groups)))
        if not got.equal(table):
            return f"{what}: it must return {table.tolist()}, got {got.tolist()}"
    return ""


@_check("spread-points")
def _spread_points(spread: Answer) -> str:
    """``spread(n)``: n unit vectors of ℝ³ within a degree and a half of the best there are."""
    for n, best in ((4, 109.471), (6, 90.0), (12, 63.435)):
        points = torch.as_tensor(spread(n)).detach().double()
        if points.shape != (n, 3):
            return f"for n = {n} there must be shape ({n}, 3), got {tuple(points.shape)}"
        if not torch.allclose(points.norm(dim=1), torch.ones(n, dtype=torch.float64), atol=1e-4):
            return f"for n = {n} the rows must have norm 1"
        cosine = (points @ points.T).fill_diagonal_(-1).max().clamp(-1, 1)
        angle = float(cosine.acos().rad2deg())
        if angle < best - 1.5:
            return f"{n} points can be {best:.1f}° apart, yours are {angle:.1f}°"
    return ""


@_check("best-scale")
def _best_scale(best: Answer) -> str:
    """``best(u, v)``: the factor on unit features at which InfoNCE is least, within 1 %."""
    for seed, noise in ((0, 0.9), (1, 1.2), (2, 1.5)):
        u = _units(64, 16, seed=seed)
        v = F.normalize(u + noise * _units(64, 16, seed=seed + 9), dim=-1)
        low, high = 0.1, 20.0
        for _ in range(60):  # the loss is convex in the factor's square
            a, b = ((2 * low**2 + high**2) / 3) ** 0.5, ((low**2 + 2 * high**2) / 3) ** 0.5
            if losses.info_nce(u, v, 1 / a**2) < losses.info_nce(u, v, 1 / b**2):
                high = b
            else:
                low = a
        got = float(best(u, v))
        if not abs(got / low - 1) < 0.01:
            return f"the loss is least at a factor near {low:.3g}, got {got:.3g}"
    return ""
