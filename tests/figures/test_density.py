"""Densities on the circle, and the distances of pairs."""

import pytest
import torch

from replearn.figures import circle_densities


def test_each_encoder_has_a_ring_of_its_density_and_the_mean_of_its_pairs():
    angles = torch.linspace(-0.2, 0.2, 50)
    narrow = torch.stack([angles.cos(), angles.sin()], dim=1)
    turn = 2 * torch.pi * torch.arange(50) / 50
    even = torch.stack([turn.cos(), turn.sin()], dim=1)
    pairs = {"narrow": torch.full((9,), 0.25), "even": torch.full((9,), 1.5)}
    figure = circle_densities({"narrow": narrow, "even": even}, pairs, torch.rand(50, 3))
    first, right, second, _ = figure.axes
    assert "mean distance 0.25" in right.get_title()
    far = first.patches[0].get_xy()
    assert far[:, 0].max() > 1.9  # towards the features, far beyond what is uniform
    assert far[:, 0].min() == pytest.approx(-1.05, abs=0.01)  # and nothing opposite
    assert torch.tensor(second.patches[0].get_xy()).norm(dim=1).max() < 1.75


def test_features_and_pairs_are_of_the_same_encoders():
    with pytest.raises(ValueError, match="pairs must be of A, got B"):
        circle_densities({"A": torch.eye(2)}, {"B": torch.rand(3)}, torch.rand(2, 3))
