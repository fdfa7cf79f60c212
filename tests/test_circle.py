"""Encoders into the circle: the loss and the features of two components alone."""

import pytest
import torch

from replearn import circle, losses


def pairs(d, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 9, d, generator=generator, dtype=torch.float64)


def test_two_components_make_a_unit_vector_of_their_direction():
    z = torch.tensor([[3.0, 4.0, 7.0], [0.0, -2.0, 1.0]])
    torch.testing.assert_close(circle.onto_circle(z), torch.tensor([[0.6, 0.8], [0.0, -1.0]]))


@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_the_loss_is_info_nce_of_the_angles_and_blind_to_the_rest(tau):
    z, z_pos = pairs(5)
    angles = [torch.atan2(v[:, 1], v[:, 0]) for v in (z, z_pos)]
    u, v = (torch.stack([a.cos(), a.sin()], 1) for a in angles)
    expected = losses.info_nce(u, v, tau)
    torch.testing.assert_close(circle.info_nce_on_circle(z, z_pos, tau), expected)
    z[:, 2:] += 5
    torch.testing.assert_close(circle.info_nce_on_circle(z, z_pos, tau), expected)
