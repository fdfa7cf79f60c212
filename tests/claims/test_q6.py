"""Question 6: a classifier's cross-entropy is a contrastive loss of two encoders."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from encoders import unit
from replearn import classification, losses
from replearn.theory import tammes


@st.composite
def balanced_batches(draw):
    """(logits, labels): C classes, m samples of each, in random order; float64."""
    C, m = draw(st.integers(2, 6)), draw(st.integers(1, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    labels = torch.arange(C).repeat(m)[torch.randperm(C * m, generator=generator)]
    return 2 * torch.randn(C * m, C, dtype=torch.float64, generator=generator), labels


def softmax_by_hand(row, i):
    return math.exp(row[i]) / sum(map(math.exp, row))


@given(balanced_batches())
def test_thm_cross_entropy_is_dual_encoder(batch):
    """With N = d = C, f₁ = g, f₂(c) = e_c the losses agree, term by term and in the gradient."""
    logits, labels = batch
    C = logits.shape[1]
    terms = [-math.log(softmax_by_hand(g, y)) for g, y in zip(logits.tolist(), labels, strict=True)]
    dual = losses.cross_entropy_as_dual_encoder(logits, labels)
    assert float(dual) == pytest.approx(sum(terms) / len(terms))
    # Equation by equation: all draws of one sample a class, f₁ and f₂ multiplied out.
    e = torch.eye(C, dtype=torch.float64)
    by_class = [logits[labels == c] for c in range(C)]
    some = itertools.islice(itertools.product(*by_class), 10)
    draws = torch.stack([torch.stack(draw) for draw in some])
    for draw in draws:
        value = float(losses.dual_encoder_loss(draw, e))  # each term, whatever the others drew
        by_hand = [softmax_by_hand([float(g @ c) for c in e], i) for i, g in enumerate(draw)]
        assert value == pytest.approx(-sum(map(math.log, by_hand)) / C)
    if len(labels) // C == 1:
        assert float(losses.dual_encoder_loss(draws, e)) == pytest.approx(float(dual))
    gradients = []
    for loss in (F.cross_entropy, losses.cross_entropy_as_dual_encoder):
        g = logits.clone().requires_grad_()
        gradients += torch.autograd.grad(loss(g, labels), g)
    torch.testing.assert_close(*gradients)
    # Balance is needed: with another sample of class 0 it is not the same loss.
    more = torch.cat([logits, logits[:1]]), torch.cat([labels, labels[:1]])
    with pytest.raises(ValueError, match="equally often"):
        losses.cross_entropy_as_dual_encoder(*more)


@given(balanced_batches(), st.booleans())
def test_cor_accuracies_coincide(batch, rounded):
    """A classifier's share of right labels is the share of quizzes won; ties lose in both."""
    logits, labels = batch
    if rounded:  # then there are ties
        logits = logits.round()
    C = logits.shape[1]
    supervised = sum(
        all(row[y] > s for c, s in enumerate(row) if c != y)
        for row, y in zip(logits.tolist(), labels.tolist(), strict=True)
    ) / len(labels)
    e = torch.eye(C, dtype=torch.float64)
    by_class = [logits[labels == c] for c in range(C)]
    won = [
        all(float(a @ e[i]) > float(a @ e[j]) for j in range(C) if j != i)
        for i in range(C)
        for a in by_class[i]  # the other draws leave the candidates e_1, …, e_C as they are
    ]
    assert sum(won) / len(won) == pytest.approx(supervised)
    assert classification.accuracy(logits, labels) == pytest.approx(supervised)


@given(balanced_batches(), st.integers(1, 5), st.integers(0, 2**31))
def test_prop_penultimate_reading(batch, k, seed):
    """f₁ = (h, 1) and f₂(c) = (w_c, b_c) in ℝ^(k+1): the same logits, so the same loss."""
    _, labels = batch
    C = int(labels.max()) + 1
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(len(labels), k, dtype=torch.float64, generator=generator)
    W = torch.randn(C, k, dtype=torch.float64, generator=generator)
    b = torch.randn(C, dtype=torch.float64, generator=generator)
    f1 = torch.cat([h, torch.ones(len(h), 1, dtype=torch.float64)], 1)
    f2 = torch.cat([W, b[:, None]], 1)
    assert f1.shape[1] == k + 1
    dual = losses.cross_entropy_as_dual_encoder(f1, labels, f2)
    torch.testing.assert_close(dual, F.cross_entropy(h @ W.T + b, labels))
    without_bias = losses.cross_entropy_as_dual_encoder(h, labels, W)
    torch.testing.assert_close(without_bias, F.cross_entropy(h @ W.T, labels))


@given(balanced_batches(), st.integers(1, 6), st.sampled_from([0.5, 1.0, 2.0]))
def test_cor_cross_entropy_floor(batch, k, R):
    """With ‖h‖, ‖w‖ ≤ R cross-entropy is at least the floor at τ = 1/R²; collapse attains it."""
    _, labels = batch
    C = int(labels.max()) + 1
    h, W = R * unit(len(labels), k, seed=k), R * unit(C, k, seed=k + 1)
    floor = math.log(1 + (C - 1) * math.exp(-C / (C - 1) * R**2))
    assert losses.contrastive_floor(C, tau=1 / R**2) == pytest.approx(floor)
    assert float(F.cross_entropy(h @ W.T, labels)) >= floor - 1e-12
    if k + 1 >= C:
        W = R * tammes.simplex(C, k)
        collapsed = losses.cross_entropy_as_dual_encoder(W[labels], labels, W)
        assert float(collapsed) == pytest.approx(floor)
        loosened = 0.95 * W[labels]
        assert float(losses.cross_entropy_as_dual_encoder(loosened, labels, W)) > floor + 1e-6


@given(balanced_batches())
def test_answer_q6(batch):
    """f₁(x)·f₂(c) = g(x)_c: equal losses and equal accuracies."""
    logits, labels = batch
    C = logits.shape[1]
    e = torch.eye(C, dtype=torch.float64)  # f₂(1), …, f₂(C)
    torch.testing.assert_close(logits @ e.T, logits)
    torch.testing.assert_close(
        losses.cross_entropy_as_dual_encoder(logits, labels, e), F.cross_entropy(logits, labels)
    )
    order = labels.argsort(stable=True)
    draws = logits[order].reshape(C, -1, C).transpose(0, 1)
    torch.testing.assert_close(losses.dual_encoder_loss(draws, e), F.cross_entropy(logits, labels))
