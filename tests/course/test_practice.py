"""The checks of exercises pass the solutions that the book gives, and find likely mistakes."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from book_chapters import chapters
from replearn import geometry, losses
from replearn.course import practice
from replearn.theory import tammes

SOLUTIONS = {
    exercise: block.body
    for page in chapters(Path(__file__).parents[2] / "book")
    for block in page.directives
    if block.name == "code-block" and "practice.check" in block.body
    for exercise in practice.CHECKS
    if f'practice.check("{exercise}"' in block.body
}


@pytest.mark.parametrize("exercise", practice.CHECKS)
def test_the_solution_of_the_book_passes(exercise, capsys):
    exec(SOLUTIONS[exercise], {})
    assert capsys.readouterr().out == f"✓ {exercise}\n"


def logits(anchor, candidates, tau):
    return candidates @ anchor / tau


def fooled(features, groups, fails=torch.ge):
    """Which anchors' farthest positive is not nearer than their nearest negative."""
    farthest, nearest = geometry.anchor_distances(features, groups)
    return fails(farthest, nearest)


MISTAKES = {
    "the wrong target": ("one-quiz", lambda a, c, i, tau: -logits(a, c, tau).log_softmax(0)[0]),
    "no temperature": ("one-quiz", lambda a, c, i, tau: -logits(a, c, 1).log_softmax(0)[i]),
    "overflow": (
        "one-quiz",
        lambda a, c, i, tau: -(logits(a, c, tau).exp()[i] / logits(a, c, tau).exp().sum()).log(),
    ),
    "a sign": ("one-quiz", lambda a, c, i, tau: logits(a, c, tau).log_softmax(0)[i]),
    "one view twice": ("positive-pair", lambda x, augment, g: (augment(x, g),) * 2),
    "an image as a view": ("positive-pair", lambda x, augment, g: (x, augment(x, g))),
    "partners of others": (
        "positive-pair",
        lambda x, augment, g: (augment(x, g), augment(x, g).flip(0)),
    ),
    "too few": ("positive-pair", lambda x, augment, g: (augment(x, g)[:3], augment(x, g)[:3])),
    "one quiz": ("both-quizzes", losses.info_nce),
    "a sum": (
        "both-quizzes",
        lambda z, p, tau: losses.info_nce(z, p, tau) + losses.info_nce(p, z, tau),
    ),
    "by way of the dot product": (
        "near-distance",
        lambda u, v: (2 - 2 * (u * v).sum(1)).clamp(min=0).sqrt(),
    ),
    "squares": ("near-distance", lambda u, v: (u - v).square().sum(1)),
    "all pairs": ("near-distance", torch.cdist),
    "every sample alike": ("unequal-classes", F.cross_entropy),
    "ties let through": ("fooled-anchors", lambda f, g: fooled(f, g, torch.gt)),
    "a group instead of its anchors": ("fooled-anchors", lambda f, g: fooled(f, g).any(1)),
    "nobody": ("fooled-anchors", lambda f, g: torch.zeros_like(g, dtype=torch.bool)),
    "no search": ("spread-points", lambda n: F.normalize(torch.eye(3).repeat(4, 1)[:n], dim=1)),
    "off the sphere": ("spread-points", lambda n: 2 * tammes.spread(n, 3)),
    "the circle": ("spread-points", lambda n: F.pad(tammes.spread(n, 2), (0, 1))),
    "the library's temperature": ("best-scale", lambda u, v: 0.07**-0.5),
    "a temperature": ("best-scale", lambda u, v: 1.0),
    "a crash": ("unequal-classes", lambda logits, labels: logits[labels, 7]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake, capsys):
    exercise, wrong = MISTAKES[mistake]
    practice.check(exercise, wrong)
    assert capsys.readouterr().out.startswith(f"✗ {exercise}: ")


def test_an_exercise_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="exercise must be one of 'one-quiz'"):
        practice.check("two-quizzes", print)
