"""Question 5: the floor under the loss, the infimum without it, and what a computer makes of it."""

import itertools
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encoders import (
    accuracy_by_asking,
    encoders,
    loss_by_asking,
    pairs_of_views,
    questions,
    unit,
)
from replearn import geometry, losses
from replearn.theory import tammes

TAUS = st.sampled_from([0.07, 0.3, 1.0, 2.5])
RADII = st.sampled_from([0.5, 1.0, 2.0, 4.0])
SEEDS = st.integers(0, 2**31)


def floor_by_hand(n, exponent):
    """log(1 + (n − 1) e^(−exponent))."""
    return math.log(1 + (n - 1) * math.exp(-exponent))


def gaps(features, groups):
    """All logit gaps of all quizzes."""
    for i, anchor, candidates in questions(groups):
        for j, y in enumerate(candidates):
            if j != i:
                yield float(features[anchor] @ (features[candidates[i]] - features[y]))


def descend(objective, *shape, seed=0, steps=60):
    """The least value found by L-BFGS over unit vectors, and where."""
    x = unit(*shape, seed=seed).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x], max_iter=steps, tolerance_grad=1e-11, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        value = objective(F.normalize(x, dim=-1))
        value.backward()
        return value

    optimizer.step(closure)
    best = F.normalize(x.detach(), dim=-1)
    return float(objective(best)), best


@given(encoders(m=st.integers(1, 3)))
def test_prop_easy_floor(encoder):
    """No encoder on the sphere has a loss below log(1 + (N−1) e^−2), which is positive."""
    features, groups = encoder
    N = len(groups)
    assert losses.easy_floor(N) == pytest.approx(floor_by_hand(N, 2))
    assert float(losses.contrastive_loss(features, groups)) >= losses.easy_floor(N) - 1e-12
    assert 0 < losses.easy_floor(N) <= losses.contrastive_floor(N)
    for tau in (0.07, 0.5):
        assert losses.easy_floor(N, tau) == pytest.approx(floor_by_hand(N, 2 / tau))
        at_tau = float(losses.contrastive_loss(features, groups, tau))
        assert at_tau >= losses.easy_floor(N, tau) - 1e-12
    # It is attained by two opposite points.
    opposite = torch.tensor([[1.0, 0], [-1, 0]]).double(), torch.tensor([[0], [1]])
    assert float(losses.contrastive_loss(*opposite)) == pytest.approx(losses.easy_floor(2))


@given(st.integers(2, 9), st.integers(1, 6), RADII, SEEDS)
def test_lem_mean_gap(n, d, R, seed):
    """The mean gap of vectors of norm ≤ R is at most R² N/(N−1); centred pairs attain it."""
    generator = torch.Generator().manual_seed(seed)
    norms = R * torch.rand(2, n, 1, generator=generator).double()
    u, v = norms * unit(2, n, d, seed=seed)
    bound = n / (n - 1) * R**2

    def mean_gap(u, v):
        each = [u[i] @ (v[i] - v[j]) for i, j in itertools.permutations(range(n), 2)]
        return float(sum(each)) / len(each)

    assert mean_gap(u, v) <= bound + 1e-9
    if d >= 2:  # a regular polygon is balanced: its corners have norm R and sum to zero
        polygon = R * F.pad(tammes.spread(n, 2), (0, d - 2))
        assert mean_gap(polygon, polygon) == pytest.approx(bound)
        assert mean_gap(polygon, 0.9 * polygon) < bound - 1e-3
        assert mean_gap(polygon, polygon.roll(1, 0)) < bound - 1e-3


@given(pairs_of_views(b=st.integers(2, 9)), RADII)
def test_thm_two_view_floor(views, R):
    """A batch of N pairs of norm ≤ R is at or above the floor; u = v on a simplex attains it."""
    u, v = (R * side for side in views)
    n, d = u.shape
    floor = floor_by_hand(n, n / (n - 1) * R**2)
    assert losses.contrastive_floor(n, tau=1 / R**2) == pytest.approx(floor)
    for a, b in ((u, v), (u, u), (0.5 * u, v)):
        assert float(losses.info_nce(a, b, tau=1)) >= floor - 1e-12
    if n <= d + 1:
        corners = R * tammes.simplex(n, d)
        assert float(losses.info_nce(corners, corners, tau=1)) == pytest.approx(floor, rel=1e-9)
        turned = corners @ torch.linalg.qr(unit(d, d, seed=n))[0]
        assert float(losses.info_nce(turned, turned, tau=1)) == pytest.approx(floor, rel=1e-9)
        assert float(losses.info_nce(corners, corners.roll(1, 0), tau=1)) > floor * (1 + 1e-6)
        assert float(losses.info_nce(corners, 0.9 * corners, tau=1)) > floor * (1 + 1e-6)


@pytest.mark.parametrize(
    ("n", "d", "least"),
    [
        *((2, 2, 0.126928), (3, 2, 0.368981), (4, 3, 0.582658), (8, 7, 1.173208), (6, 3, 0.958144)),
        *((12, 3, 1.646383), (8, 2, 1.315356), (8, 3, 1.242462)),
    ],
)
def test_thm_sharp_floor(n, d, least):
    """Descent reaches what the chapter prints: the floor for N ≤ d + 1, above it otherwise."""
    floor = losses.contrastive_floor(n)
    assert floor == pytest.approx(floor_by_hand(n, n / (n - 1)))
    loss = partial(losses.info_nce, tau=1)
    descents = [descend(lambda x: loss(*x), 2, n, d, seed=seed) for seed in range(4)]
    value, (u, v) = min(descents, key=lambda descent: descent[0])
    assert value == pytest.approx(least, abs=2e-6)
    torch.testing.assert_close(u, v, atol=1e-3, rtol=0)
    if n <= d + 1:
        assert value == pytest.approx(floor, abs=1e-9)
        off = (u @ u.T)[~torch.eye(n, dtype=torch.bool)]
        torch.testing.assert_close(off, torch.full_like(off, -1 / (n - 1)), atol=1e-3, rtol=0)
    else:
        assert value > floor + 1e-3
    # The theory's loss, with two samples a group at one corner each, is the batch's at the optimum.
    if n <= 4:
        groups = torch.arange(2 * n).reshape(n, 2)
        doubled = u.repeat_interleave(2, 0)
        exact = losses.contrastive_loss(doubled, groups)
        assert float(exact) == pytest.approx(value, abs=1e-6)
        assert float(exact) == pytest.approx(loss_by_asking(doubled, groups))
        spread = F.normalize(doubled + 0.1 * unit(2 * n, d), dim=1)
        assert float(losses.contrastive_loss(spread, groups)) > floor + 1e-5


@given(encoders(m=st.integers(1, 3)), TAUS)
def test_cor_temperature_floor(encoder, tau):
    """At temperature τ the floor has exponent N/((N−1)τ) and lies at most 1/τ nats under log N."""
    features, groups = encoder
    N = len(groups)
    floor = losses.contrastive_floor(N, tau)
    assert floor == pytest.approx(floor_by_hand(N, N / ((N - 1) * tau)))
    loss = float(losses.contrastive_loss(features, groups, tau))
    assert loss == pytest.approx(loss_by_asking(features, groups, tau))
    assert loss >= floor - 1e-12
    assert floor >= math.log(N) - 1 / tau - 1e-12
    if features.shape[1] >= N - 1:
        corners = tammes.simplex(N, features.shape[1])[torch.arange(N).repeat_interleave(3)]
        table = torch.arange(3 * N).reshape(N, 3)
        attained = float(losses.contrastive_loss(corners, table, tau))
        assert attained == pytest.approx(floor, rel=1e-6)
        batch = float(losses.info_nce(corners[::3], corners[::3], tau))
        assert batch == pytest.approx(floor, rel=1e-6)
    # A constant encoder guesses.
    constant = features[:1].expand_as(features)
    assert float(losses.contrastive_loss(constant, groups, tau)) == pytest.approx(math.log(N))


@settings(max_examples=80)
@given(
    encoders(m=st.integers(1, 3)),
    st.sampled_from([0.3, 1.0, 2.0, 5.0]),
    st.sampled_from([0.0, 0.2, 0.9]),
    SEEDS,
)
def test_thm_scaling_infimum(encoder, alpha, uneven, seed):
    """A perfect encoder into ℝᵈ times α: loss ≤ log(1 + (N−1) e^(−α²δ)) → 0; norms bound it."""
    features, groups = encoder
    generator = torch.Generator().manual_seed(seed)
    norms = 1 - uneven * torch.rand(len(features), 1, generator=generator).double()
    features, N = norms * features, len(groups)  # off the sphere, at most 1 from the origin
    delta = min(gaps(features, groups))
    assume(delta > 1e-6)
    assert accuracy_by_asking(features, groups) == 1
    loss = float(losses.contrastive_loss(alpha * features, groups))
    assert 0 <= loss <= floor_by_hand(N, alpha**2 * delta) + 1e-12
    assert loss <= (N - 1) * math.exp(-(alpha**2) * delta) + 1e-12
    # Scaling is temperature.
    at_tau = losses.contrastive_loss(features, groups, tau=1 / alpha**2)
    assert float(at_tau) == pytest.approx(loss)
    # The norm that this loss takes.
    if loss > 1e-12:  # below, rounding has eaten the digits
        assert alpha**2 >= (N - 1) / N * math.log((N - 1) / math.expm1(loss)) - 1e-3
    # Down to any ε.
    for epsilon in (1e-2, 1e-6):
        scale = math.sqrt(math.log((N - 1) / epsilon) / delta)
        assert float(losses.contrastive_loss(scale * features, groups)) <= epsilon * (1 + 1e-9)
    # Supports that meet leave no perfect encoder, on the sphere or off it: a tie is a mistake.
    groups[1, 0] = groups[0, 0]
    assert accuracy_by_asking(features, groups) < 1


def naive(logits, target=0):
    """−log of quotient, as the definition stands."""
    return -(logits.exp()[target] / logits.exp().sum()).log()


@pytest.mark.parametrize(
    ("dtype", "digits", "first"),
    [(torch.float16, 11, 11.09), (torch.bfloat16, 8, 88.72), (torch.float32, 24, 88.72)],
)
def test_prop_naive_overflow(dtype, digits, first):
    """exp is infinite beyond log F + 2^−P; the naive loss is nan if the target's is, ∞ if not."""
    largest = torch.finfo(dtype).max
    assert largest == (2 - 2.0 ** (1 - digits)) * 2.0 ** math.floor(math.log2(largest))
    assert math.log(largest) == pytest.approx(first, abs=0.01)
    grid = torch.arange(0, 100, 1 / 256).to(dtype)
    exact = grid.double()
    assert grid[exact > math.log(largest) + 2.0**-digits].exp().isinf().all()
    assert grid[exact <= math.log(largest)].exp().isfinite().all()
    # The target overflows, a rival does, both do: nan, ∞, nan.
    z = torch.tensor([100.0, 0.0]).to(dtype)
    assert naive(z, target=0).isnan()
    assert naive(z, target=1).isinf()
    both = torch.tensor([100.0, 100.0, 0.0]).to(dtype)
    assert naive(both, target=1).isnan()
    # Where every exponential is finite and their sum is not, the loss is ∞ as well.
    z = torch.full((4,), math.log(largest) - 0.5).to(dtype)
    assert z.exp().isfinite().all()
    assert naive(z, target=1).isinf()
    # The library's loss is finite where the naive one is not: unit features at a low temperature.
    u = unit(4, 3, seed=0).to(dtype)
    tau = 0.9 / math.log(largest) / 2
    assert not (u @ u.T / tau).exp().isfinite().all()
    assert losses.info_nce(u, u, tau).isfinite()
    assert losses.info_nce(u, -u, tau).isfinite()


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20))
def test_lem_logsumexp(z):
    """log Σ e^z = m + log Σ e^(z − m), every exponential in (0, 1], the sum in [1, N]."""
    z = torch.tensor(z, dtype=torch.float64)
    m = z.max()
    terms = (z - m).exp()
    assert ((terms >= 0) & (terms <= 1)).all()
    assert 1 <= terms.sum() <= len(z)
    torch.testing.assert_close(z.logsumexp(0), m + terms.sum().log())
    if m.abs() < 700:  # where the naive form neither overflows nor underflows
        torch.testing.assert_close(m + terms.sum().log(), z.exp().sum().log())
    # The loss is log-sum-exp minus the positive's logit, at any scale.
    u = torch.stack([z.abs() + 1, z]).double()
    logits = u @ u.T
    expected = (logits.logsumexp(1) - logits.diagonal()).mean()
    torch.testing.assert_close(losses.info_nce(u, u, tau=1), expected, atol=1e-6, rtol=1e-9)
    assert losses.info_nce(u, u, tau=1).isfinite()


@given(pairs_of_views(), st.sampled_from([0.5, 1.0, 3.0]))
def test_prop_vanishing_gradient(views, R):
    """Gradient in the logits q − e_i of 1-norm 2(1 − e^−ℓ) ≤ 2ℓ; in the anchor at most 2Rℓ."""
    u, v = (R * side for side in views)
    n = len(u)
    u.requires_grad_()
    logits = (u @ v.T).detach().requires_grad_()
    each = F.cross_entropy(logits, torch.arange(n), reduction="none")
    (by_logit,) = torch.autograd.grad(each.sum(), logits)
    torch.testing.assert_close(by_logit, logits.softmax(1) - torch.eye(n, dtype=torch.float64))
    one_norm = by_logit.abs().sum(1)
    torch.testing.assert_close(one_norm, 2 * (1 - (-each).exp()))
    assert (one_norm <= 2 * each + 1e-12).all()
    (by_anchor,) = torch.autograd.grad(losses.info_nce(u, v, tau=1), u)
    assert (n * by_anchor.norm(dim=1) <= 2 * R * each + 1e-9).all()
    # A perfect encoder, scaled: the gradient stays under a bound that falls to zero.
    corners = tammes.simplex(3, 2)  # δ = 3/2
    for alpha in (1.0, 3.0, 6.0):
        scaled = (alpha * corners).requires_grad_()
        loss = losses.info_nce(scaled, scaled.detach(), tau=1)
        (gradient,) = torch.autograd.grad(3 * loss, scaled)
        bound = 2 * alpha * 2 * math.exp(-1.5 * alpha**2)
        assert 0 < float(gradient.norm(dim=1).max()) <= bound + 1e-15


@given(encoders(m=st.integers(1, 3)), TAUS)
def test_prop_alignment_term(encoder, tau):
    """Loss = A/(2τ) − 1/τ + mean log Σ_j exp(x·y_j/τ), A the mean squared distance of positives."""
    features, groups = encoder
    pairs = [(a, y) for group in groups.tolist() for a, y in itertools.product(group, repeat=2)]
    first, second = (features[list(side)] for side in zip(*pairs, strict=True))
    by_hand = sum(float((a - b) @ (a - b)) for a, b in zip(first, second, strict=True)) / len(pairs)
    alignment = float(losses.alignment(first, second))
    assert alignment == pytest.approx(by_hand, abs=1e-12)
    uniform = [
        math.log(sum(math.exp(float(features[a] @ features[y]) / tau) for y in candidates))
        for _, a, candidates in questions(groups)
    ]
    split = alignment / (2 * tau) - 1 / tau + sum(uniform) / len(uniform)
    assert float(losses.contrastive_loss(features, groups, tau)) == pytest.approx(split)
    # The batch loss splits alike.
    if len(first) > 1:
        bracket = (first @ second.T / tau).logsumexp(1).mean()
        batch = losses.info_nce(first, second, tau)
        assert float(batch) == pytest.approx(alignment / (2 * tau) - 1 / tau + float(bracket))


@pytest.mark.parametrize(
    ("d", "constant"), [(2, -1.57503), (3, -2.07978), (64, -3.87524), (128, -3.93753)]
)
def test_prop_uniformity_limit(d, constant):
    """Loss − log M tends to alignment/(2τ) + E log E e^(−t‖u − v‖²), t = 1/(2τ).

    For the uniform law both expectations are known: the second is ``uniformity`` of the law.
    """
    points = unit(3000, d, seed=1)
    t, tau = 2.0, 0.25
    measured = float(losses.uniformity(points, t))
    assert measured == pytest.approx(constant, abs=0.02)
    few = points[:300]
    by_pairs = float((-t * torch.pdist(few) ** 2).exp().mean().log())
    assert float(losses.uniformity(few, t)) == pytest.approx(by_pairs)
    positives = F.normalize(points + 0.3 / math.sqrt(d) * unit(3000, d, seed=2), dim=1)
    limit = float(losses.alignment(points, positives)) / (2 * tau) + constant
    errors = []
    for M in (15, 150, 2999):
        batches = zip(points.split(M + 1), positives.split(M + 1), strict=True)
        loss = torch.stack([losses.info_nce(u, v, tau) for u, v in batches if len(u) == M + 1])
        errors.append(abs(float(loss.mean()) - math.log(M) - limit))
    assert errors[-1] < 0.02
    assert errors[-1] < errors[0]
    # Jensen: with the logarithm inside the mean the value is not larger.
    inside = (-t * torch.cdist(points[:500], points[500:]) ** 2).logsumexp(1) - math.log(2500)
    assert float(inside.mean()) <= measured + 0.01


# --- The answer ------------------------------------------------------------------------------


def test_answer_q5a():
    """A perfect encoder has a positive loss, at best the floor."""
    features = tammes.simplex(3, 2).repeat_interleave(4, 0)
    groups = torch.arange(12).reshape(3, 4)
    assert geometry.perfect_accuracy(features, groups)
    loss = float(losses.contrastive_loss(features, groups))
    assert loss == pytest.approx(losses.contrastive_floor(3))
    assert loss > losses.easy_floor(3) > 0


def test_answer_q5b():
    """Scaled, the loss tends to zero and is never there; the naive loss is nan on the way."""
    features = tammes.simplex(3, 2).repeat_interleave(4, 0)
    groups = torch.arange(12).reshape(3, 4)
    scaled = [float(losses.contrastive_loss(a * features, groups)) for a in (1, 2, 3, 4)]
    assert scaled == sorted(scaled, reverse=True)
    assert 0 < scaled[-1] < 1e-9
    assert losses.contrastive_loss(features.float() * 30, groups).isfinite()
    assert naive(torch.tensor([900.0, -450.0, -450.0])).isnan()
