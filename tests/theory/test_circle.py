"""Encoders into the circle: the loss and the features of two components alone."""

import pytest
import torch

from replearn import losses
from replearn.theory import circle


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


def on_circle(angles):
    return torch.stack([angles.cos(), angles.sin()], 1)


@pytest.mark.parametrize("reflection", [1, -1])
def test_an_angle_tells_itself_turned_or_mirrored_exactly(reflection):
    angles = torch.linspace(0, 5, 40, dtype=torch.float64)
    turned = on_circle(reflection * angles + 2)
    assert circle.concordance(on_circle(angles), turned) == pytest.approx(1)


def test_an_angle_tells_nothing_of_its_double_nor_of_another():
    angles = torch.arange(360.0).deg2rad()
    assert circle.concordance(on_circle(angles), on_circle(2 * angles)) < 1e-5
    a, b = 2 * torch.pi * torch.rand(2, 10_000, generator=torch.Generator().manual_seed(0))
    assert circle.concordance(on_circle(a), on_circle(b)) < 0.05


def test_half_of_the_angles_followed_is_half_the_concordance():
    angles = torch.arange(360.0).deg2rad()
    u = on_circle(angles.repeat(2))
    v = on_circle(torch.cat([angles, 2 * angles]))
    assert circle.concordance(u, v) == pytest.approx(0.5, abs=1e-5)


def test_concordance_refuses_what_are_no_angles():
    with pytest.raises(ValueError, match="u must have rows of norm 1"):
        circle.concordance(torch.ones(3, 2), on_circle(torch.zeros(3)))


def test_class_pairs_are_the_contrastive_loss_of_groups_that_are_classes():
    """With two inputs of a class it is the draw that it says: anchors first, candidates second."""
    outputs = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.tensor([2, 0, 1, 1, 0, 2])
    u = circle.onto_circle(outputs)
    anchors, candidates = u[[1, 2, 0]], u[[4, 3, 5]]
    expected = losses.dual_encoder_loss(anchors / 0.3, candidates)
    torch.testing.assert_close(circle.class_pairs_on_circle(outputs, labels, 0.3), expected)


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 1], [0, 1, 2, 0, 1, 1], [0, 1, 2, 0, 1, 2, 2]])
def test_class_pairs_need_an_even_number_of_each_class(labels):
    with pytest.raises(ValueError, match="labels must hold every class equally often"):
        circle.class_pairs_on_circle(torch.rand(len(labels), 3), torch.tensor(labels))
    with pytest.raises(ValueError, match="an even number"):
        circle.class_pairs_on_circle(torch.rand(3, 3), torch.arange(3))


@pytest.mark.parametrize("concentration", [1.0, 20.0, 200.0, 1e5])
def test_a_density_is_nonnegative_and_adds_up_to_one(concentration):
    angles = torch.tensor([0.0, 0.1, 3.0], dtype=torch.float64)
    at = on_circle(2 * torch.pi * torch.arange(20_000, dtype=torch.float64) / 20_000)
    density = circle.density(on_circle(angles), at, concentration)
    assert (density >= 0).all()
    assert float(density.mean()) * 2 * torch.pi == pytest.approx(1)
    assert float((at[density.argmax()] - on_circle(angles)).norm(dim=1).min()) < 0.06


def test_equally_spaced_points_have_the_uniform_density():
    unit = on_circle(torch.arange(360.0).deg2rad())
    near = circle.density(
        unit, on_circle(torch.rand(50, generator=torch.Generator().manual_seed(0)))
    )
    torch.testing.assert_close(near, torch.full((50,), 1 / (2 * torch.pi)), rtol=1e-3, atol=0)
