"""The drawing of the idea, and a quiz drawn as pulls and pushes."""

import math

import pytest
import torch
import torch.nn.functional as F

from replearn import losses
from replearn.figures import contrastive_idea, pull_and_push

GROUPS = torch.arange(12).reshape(3, 4)


def bundles(width):
    offsets = width * torch.tensor([-0.5, -1 / 6, 1 / 6, 0.5], dtype=torch.float64)
    angles = (torch.tensor([0.0, 120.0, 240.0])[:, None] + offsets).flatten().deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def words(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_idea_shows_three_images_an_encoder_and_two_forces():
    figure = contrastive_idea(torch.rand(3, 3, 8, 8))
    assert len(figure.axes[0].images) == 3
    assert {"pull", "push", "$f$", "$f(x_i)$", "$f(y_i)$", "$f(y_j)$"} <= set(words(figure))


@pytest.mark.parametrize("n", [2, 4])
def test_the_idea_needs_three_images(n):
    with pytest.raises(ValueError, match="images must be anchor, positive and negative"):
        contrastive_idea(torch.rand(n, 3, 8, 8))


def test_the_weights_are_those_of_the_gradient_and_balance():
    """One sample a group, an equilateral triangle: the example that setting works by hand."""
    angles = torch.tensor([0.0, 120.0, 240.0]).deg2rad()
    triangle = torch.stack([angles.cos(), angles.sin()], dim=1)
    figure = pull_and_push(triangle, [[0], [1], [2]])
    q = math.exp(1) / (math.exp(1) + 2 * math.exp(-0.5))
    pull, *pushes = [float(word) for word in words(figure) if word]
    assert pull == pytest.approx(1 - q, abs=0.005)
    assert pushes == pytest.approx([(1 - q) / 2] * 2, abs=0.005)
    assert "loss of this quiz 0.369, of all 0.369" in figure.axes[0].get_title()


@pytest.mark.parametrize("tau", [0.07, 0.5, 1.0])
@pytest.mark.parametrize("width", [10.0, 60.0, 100.0])
def test_the_quiz_is_the_hardest_and_the_mean_is_the_loss(width, tau):
    features = bundles(width)
    title = pull_and_push(features, GROUPS, tau).axes[0].get_title()
    quiz, mean = (float(part.split()[-1]) for part in title.split(", of all"))
    assert mean == pytest.approx(float(losses.contrastive_loss(features, GROUPS, tau)), abs=6e-4)
    logits = features @ features.T / tau
    worst = max(
        float(F.cross_entropy(logits[a][list(y)], torch.tensor(i)))
        for i, group in enumerate(GROUPS.tolist())
        for a in group
        for y in torch.cartesian_prod(*GROUPS).tolist()
    )
    assert quiz == pytest.approx(worst, abs=6e-4)
