"""Losses: against loops over the formulas, on every dtype, with gradients and clear errors."""

import math

import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import NTXentLoss
from torch.autograd import gradcheck

from encoders import unit
from replearn import losses
from replearn.theory import tammes

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("tau", [0.07, 1.0])
def test_info_nce_and_its_gradient_are_those_of_pytorch_metric_learning(tau):
    u, v = (2 * unit(12, 5, seed=seed) for seed in (3, 4))  # it normalises them itself
    u.requires_grad_(), v.requires_grad_()
    labels = torch.arange(12)  # row i of v is the one positive of row i of u
    theirs = NTXentLoss(temperature=tau)(u, labels, ref_emb=v, ref_labels=labels.clone())
    ours = losses.info_nce(F.normalize(u), F.normalize(v), tau)
    torch.testing.assert_close(ours, theirs)
    both = (torch.autograd.grad(loss, (u, v)) for loss in (ours, theirs))
    torch.testing.assert_close(*both)


def test_info_nce_defaults_to_the_temperature_of_the_experiment():
    z, z_pos = unit(2, 6, 3)
    assert losses.info_nce(z, z_pos) == losses.info_nce(z, z_pos, 0.07)


def test_contrastive_loss_weighs_a_sample_by_how_often_its_group_lists_it():
    z = unit(4, 3)
    twice = losses.contrastive_loss(z, torch.tensor([[0, 0, 1], [2, 2, 3]]))
    mean = []
    for i, (a, b) in enumerate([((0, 0, 1), (2, 2, 3)), ((2, 2, 3), (0, 0, 1))]):
        for x in a:
            for y in a:
                for n in b:
                    logits = torch.stack([z[x] @ z[y], z[x] @ z[n]])
                    mean.append(logits.logsumexp(0) - logits[0])
        assert len(mean) == 27 * (i + 1)
    torch.testing.assert_close(twice, torch.stack(mean).mean())


def test_contrastive_loss_says_when_there_are_too_many_tuples():
    features = unit(50, 4)
    with pytest.raises(ValueError, match=r"at most 16,777,216; N = 10 groups of m = 5"):
        losses.contrastive_loss(features, torch.arange(50).reshape(10, 5))
    assert losses.contrastive_loss(features, torch.arange(18).reshape(6, 3)).isfinite()


def test_dual_encoder_loss_averages_over_draws():
    first, second = unit(4, 5, 3), unit(4, 5, 3, seed=1)
    pairs = zip(first, second, strict=True)
    separately = torch.stack([losses.info_nce(a, b, tau=1) for a, b in pairs])
    torch.testing.assert_close(losses.dual_encoder_loss(first, second), separately.mean())
    shared = torch.stack([losses.info_nce(a, second[0], tau=1) for a in first]).mean()
    torch.testing.assert_close(losses.dual_encoder_loss(first, second[0]), shared)


def test_floors_at_their_ends():
    assert losses.contrastive_floor(2) == pytest.approx(0.126928, abs=1e-6)
    assert losses.contrastive_floor(256, 0.07) == pytest.approx(1.5e-4, rel=0.05)
    assert losses.contrastive_floor(10, tau=1e9) == pytest.approx(math.log(10))
    assert losses.contrastive_floor(2, tau=1e-6) == 0  # underflows, as it must
    assert losses.easy_floor(2) == losses.contrastive_floor(2)
    assert losses.easy_floor(3) < losses.contrastive_floor(3)


@pytest.mark.parametrize("alpha", [1, 2, 3.5])
def test_alignment_is_the_loop(alpha):
    z, z_pos = unit(2, 6, 4)
    distances = [math.dist(a, b) for a, b in zip(z.tolist(), z_pos.tolist(), strict=True)]
    by_hand = sum(x**alpha for x in distances) / 6
    assert float(losses.alignment(z, z_pos, alpha)) == pytest.approx(by_hand)
    assert float(losses.alignment(z, z, alpha)) == 0


@pytest.mark.parametrize("strip", [1, 7, 40, 2**22])
@pytest.mark.parametrize("t", [0.5, 2.0, 7.0])
def test_uniformity_is_the_formula_however_it_is_cut(monkeypatch, strip, t):
    monkeypatch.setattr(losses, "STRIP", strip)
    z = unit(13, 3)
    formula = (-t * torch.pdist(z).square()).exp().mean().log()
    torch.testing.assert_close(losses.uniformity(z, t), formula)


def test_uniformity_does_not_underflow():
    z = tammes.simplex(3, 2)  # every squared distance is 3
    assert float(losses.uniformity(z, t=1e4)) == pytest.approx(-3e4)
    assert float(losses.uniformity(z.float(), t=1e3)) == pytest.approx(-3e3, rel=1e-5)
    assert float(losses.uniformity(z[:1].expand(4, 2))) == pytest.approx(0, abs=1e-12)


def test_gradients(monkeypatch):
    monkeypatch.setattr(losses, "STRIP", 12)
    z, z_pos = (x.clone().requires_grad_() for x in unit(2, 6, 3))
    groups = torch.tensor([[0, 1], [2, 3], [4, 0]])
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    images = torch.rand(2, 2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(losses.reconstruction_loss, (images[0], images[1]))
    assert gradcheck(losses.info_nce, (z, z_pos))
    assert gradcheck(lambda x: losses.contrastive_loss(x, groups, 0.5), z)
    assert gradcheck(lambda x: losses.cross_entropy_as_dual_encoder(x, labels), z)
    assert gradcheck(losses.dual_encoder_loss, (z, z_pos))
    assert gradcheck(losses.alignment, (z, z_pos))
    assert gradcheck(losses.uniformity, z)


def test_alignment_has_a_gradient_where_it_is_perfect():
    z = unit(4, 3).requires_grad_()
    losses.alignment(z, z.detach()).backward()
    assert z.grad is not None
    assert (z.grad == 0).all()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_are_the_inputs(device, dtype):
    z, z_pos = unit(2, 6, 3, dtype=dtype, device=device)
    groups, labels = torch.arange(6).reshape(3, 2), torch.arange(3).repeat(2).to(device)
    for value in (
        losses.reconstruction_loss(*unit(2, 6, 3, 4, 4, dtype=dtype, device=device)),
        losses.info_nce(z, z_pos),
        losses.contrastive_loss(z, groups),
        losses.cross_entropy_as_dual_encoder(z, labels),
        losses.alignment(z, z_pos),
        losses.uniformity(z),
    ):
        assert value.shape == ()
        assert value.dtype == dtype
        assert value.device.type == device


Z = unit(4, 3)
IMAGES = torch.zeros(4, 3, 2, 2)
GROUPS = torch.arange(4).reshape(2, 2)


@pytest.mark.parametrize(
    ("loss", "arguments", "message"),
    [
        (losses.reconstruction_loss, (IMAGES[:0], IMAGES[:0]), "not be empty"),
        (losses.info_nce, (Z[:1], Z[:1]), r"len\(z\) must be at least 2, got 1"),
        (losses.info_nce, (Z, Z, 0), "tau must be a finite number above 0, got 0"),
        (losses.alignment, (Z, Z, 0), "alpha must be a finite number above 0"),
        (losses.uniformity, (Z, 0), "t must be a finite number above 0, got 0"),
        (losses.uniformity, (Z[:1],), "at least 2, got 1"),
        (losses.contrastive_loss, (Z, GROUPS, 0), "tau"),
        (losses.contrastive_loss, (Z * math.nan, GROUPS), "features must be finite, got 12"),
        (losses.contrastive_loss, (Z, GROUPS + 1), r"in 0\.\.3, got 4"),
        (losses.cross_entropy_as_dual_encoder, (Z, torch.arange(3)), "labels"),
        (losses.cross_entropy_as_dual_encoder, (Z, torch.arange(4)), r"0\.\.2"),
        (losses.cross_entropy_as_dual_encoder, (Z, torch.tensor([0, 1, 2, 2])), "equally"),
        (losses.contrastive_floor, (1,), "n must be at least 2, got 1"),
        (losses.contrastive_floor, (4, 0), "tau"),
        (losses.easy_floor, (0,), "n must be at least 2"),
        (losses.easy_floor, (4, 0), "tau"),
    ],
)
def test_what_has_no_loss_is_refused(loss, arguments, message):
    with pytest.raises(ValueError, match=message):
        loss(*arguments)
