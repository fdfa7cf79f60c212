"""Muon: singular values brought to about one, momentum, and the layouts of convolutions."""

import pytest
import torch
from torch import nn

from replearn.engine.muon import Muon, orthogonalize


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(8, 8), (8, 48), (48, 8)])
def test_orthogonalize_keeps_singular_vectors_and_levels_the_values(shape, seed):
    u, s, v = torch.linalg.svd(normal(*shape, seed=seed), full_matrices=False)
    s = torch.linspace(0.1, 1, len(s)) * 3
    levelled = u.mT @ orthogonalize(u * s @ v) @ v.mT
    values = levelled.diagonal()
    assert (values > 0.6).all()
    assert (values < 1.3).all()
    assert (levelled - values.diag()).abs().max() < 1e-4


@pytest.mark.parametrize("shape", [(8, 8), (8, 48), (48, 8)])
def test_orthogonalize_is_five_iterations_of_the_polynomial(shape):
    matrix = normal(*shape).double()
    u, s, v = torch.linalg.svd(matrix / matrix.norm(), full_matrices=False)
    for _ in range(5):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    torch.testing.assert_close(orthogonalize(matrix), u * s @ v, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(64, 512), (32, 48), (96, 96)])
def test_orthogonalize_stays_bounded_in_bfloat16(shape):
    # Singular values over four decades, of which bfloat16 cannot square the smallest.
    u, _, v = torch.linalg.svd(normal(*shape), full_matrices=False)
    s = torch.logspace(0, -4, len(u))
    levelled = orthogonalize((u * s @ v).bfloat16()).float()
    assert torch.linalg.svdvals(levelled).max() < 1.4
    assert ((u.mT @ levelled @ v.mT).diagonal()[: len(s) // 2] > 0.5).all()


def test_orthogonalize_ignores_the_gradients_scale():
    matrix = normal(6, 10)
    torch.testing.assert_close(orthogonalize(matrix), orthogonalize(1000 * matrix))


def test_first_step_moves_against_the_gradient_by_the_learning_rate():
    weight = nn.Parameter(torch.zeros(4, 9))
    weight.grad = normal(4, 9)
    Muon([weight], lr=0.1).step()
    assert (weight * weight.grad).sum() < 0
    values = torch.linalg.svdvals(weight.detach())
    assert (values > 0.06).all()
    assert (values < 0.13).all()


def test_tall_matrices_move_more_so_that_their_outputs_move_alike():
    weights = [nn.Parameter(torch.zeros(3, 12)), nn.Parameter(torch.zeros(12, 3))]
    gradient = normal(3, 12)
    weights[0].grad, weights[1].grad = gradient, gradient.T.clone()
    Muon(weights, lr=0.1).step()
    torch.testing.assert_close(weights[1].T.detach(), 2 * weights[0].detach())


def test_a_convolution_counts_as_a_matrix_in_either_memory_format():
    steps = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(torch.zeros(5, 3, 4, 4).contiguous(memory_format=layout))
        grad = normal(5, 3, 4, 4, seed=1)
        weight.grad = grad.contiguous(memory_format=layout)
        Muon([weight], lr=1.0).step()
        steps.append(weight.detach())
    torch.testing.assert_close(*steps)
    gram = steps[0].flatten(1) @ steps[0].flatten(1).T
    assert (gram.diagonal() > 0.4).all()


def test_momentum_averages_gradients():
    weight = nn.Parameter(torch.zeros(2, 2))
    optimiser = Muon([weight], lr=1.0, momentum=0.5)
    for gradient in (torch.eye(2), torch.zeros(2, 2)):
        weight.grad = gradient
        before = weight.detach().clone()
        optimiser.step()
    # The second gradient is zero, yet the average still points along the first.
    assert (before - weight.detach()).diagonal().min() > 0.5


def test_rejects_vectors():
    with pytest.raises(ValueError, match=r"weights must be matrices, got shape \(3,\)"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


def test_a_parameter_without_gradient_is_left_alone():
    used, unused = (torch.nn.Parameter(torch.ones(2, 3)) for _ in range(2))
    optimiser = Muon([used, unused], lr=0.1)
    used.sum().backward()
    optimiser.step()
    assert torch.equal(unused, torch.ones(2, 3))
    assert not torch.equal(used, torch.ones(2, 3))


def test_a_closure_is_called_with_gradients_and_its_loss_returned():
    weight = torch.nn.Parameter(torch.ones(2, 3))
    optimiser = Muon([weight], lr=0.1)

    def closure():
        optimiser.zero_grad()
        loss = weight.square().sum()
        loss.backward()
        return loss

    assert float(optimiser.step(closure)) == 6
    assert weight.norm() < torch.ones(2, 3).norm()
