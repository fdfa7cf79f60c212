"""Setting and Questions 1 to 3: forces, groups, the loss as a quiz, dot products as distances."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from encoders import encoders, loss_by_asking, pairs_of_views, questions, unit
from replearn import augmentations, geometry, losses, shapes


@given(pairs_of_views(), st.sampled_from([0.07, 0.5, 1.0]))
def test_prop_attraction_repulsion(views, tau):
    """The pull weighs 1 − q_i, the push on j weighs q_j; these add up to 1 − e^(−ℓ)."""
    anchors, v = views
    for i, u in enumerate(anchors):
        moving = [u.clone().requires_grad_(), v.clone().requires_grad_()]
        logits = [
            sum(a * b for a, b in zip(u.tolist(), row, strict=True)) / tau for row in v.tolist()
        ]
        top = max(logits)
        weights = [math.exp(z - top) for z in logits]
        q = torch.tensor(weights, dtype=u.dtype) / sum(weights)
        loss = torch.logsumexp(moving[1] @ moving[0] / tau, 0) - moving[1][i] @ moving[0] / tau
        du, dv = torch.autograd.grad(loss, moving)
        negatives = torch.arange(len(v)) != i
        torch.testing.assert_close(-dv[i], (1 - q[i]) * u / tau)
        torch.testing.assert_close(-dv[negatives], -q[negatives, None] * u / tau)
        torch.testing.assert_close(-du, (q[:, None] * (v[i] - v))[negatives].sum(0) / tau)
        assert float(q[negatives].sum()) == pytest.approx(1 - math.exp(-loss.item()), abs=1e-12)


def test_prop_augmentation_groups():
    """N = K groups p_i = p_aug(·|img_i) give the pairs of the recipe: its loss is the theory's."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(3, 5, 5, dtype=torch.float64, generator=generator)  # K = 3
    quarter_turns = [lambda x, k=k: x.rot90(k, (0, 1)) for k in range(4)]  # p_aug: uniform on 4
    network = torch.randn(25, 3, dtype=torch.float64, generator=generator)

    def f(view):
        return F.normalize(view.flatten() @ network, dim=0)

    # The recipe: an image, two random versions of it, and one random version of each other image.
    total = []
    for i, image in enumerate(images):
        others = [other for j, other in enumerate(images) if j != i]
        for anchor, positive, *turns in itertools.product(quarter_turns, repeat=2 + len(others)):
            x, y = f(anchor(image)), f(positive(image))
            negatives = [f(turn(other)) for turn, other in zip(turns, others, strict=True)]
            logits = torch.stack([x @ y, *(x @ n for n in negatives)])
            total.append(torch.logsumexp(logits, 0) - logits[0])
    recipe = torch.stack(total).mean()

    features = torch.stack([f(turn(image)) for image in images for turn in quarter_turns])
    groups = torch.arange(12).reshape(3, 4)
    torch.testing.assert_close(losses.contrastive_loss(features, groups), recipe)


def test_answer_q1():
    """Each image is one group, its random versions: under A, all versions share its outline."""
    images = shapes.ShapesDataset("train").images(torch.arange(8))
    generator = torch.Generator().manual_seed(1)
    views = augmentations.A(images.repeat_interleave(5, 0), generator=generator)
    groups = torch.arange(40).reshape(8, 5)  # N = K = 8

    def silhouette(x):
        return (x.amax(1) > 0.1).flatten(1).float()

    agreement = silhouette(views) @ silhouette(images).T / silhouette(images).sum(1)
    assert (agreement[groups].argmax(-1) == torch.arange(8)[:, None]).all()
    differ = (views[groups[:, 0]] - views[groups[:, 1]]).abs().amax((1, 2, 3))
    assert (differ > 0).all()  # two versions, not one version twice


@given(encoders(m=st.integers(1, 3)))
def test_thm_instance_discrimination(encoder):
    """The loss is a mean of cross-entropies with C = N, logits f(x_i)·f(y_j) and target i."""
    features, groups = encoder
    terms = []
    for i, anchor, candidates in questions(groups):
        logits = features[list(candidates)] @ features[anchor]
        assert logits.shape == (len(groups),)
        terms.append(F.cross_entropy(logits, torch.tensor(i)))
    loss = losses.contrastive_loss(features, groups)
    torch.testing.assert_close(loss, torch.stack(terms).mean())
    assert float(loss) == pytest.approx(loss_by_asking(features, groups))


@given(pairs_of_views(), st.sampled_from([0.05, 0.07, 0.3, 1.0, 2.0]))
def test_lem_logit_range(views, tau):
    """−1 ≤ u·v ≤ 1, attained exactly at v = u and v = −u; divided by τ, ±1/τ."""
    u, v = views
    dots = u @ v.T
    assert (dots.abs() <= 1 + 1e-12).all()
    torch.testing.assert_close((u * u).sum(1), torch.ones(len(u), dtype=u.dtype))
    torch.testing.assert_close((u * -u).sum(1), -torch.ones(len(u), dtype=u.dtype))
    apart = (u - v).norm(dim=1)
    assert ((u * v).sum(1)[apart > 1e-3] < 1).all()
    # The loss at the two ends: every positive at 1/τ and every negative at −1/τ, and conversely.
    two = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    best, worst = losses.info_nce(two, two, tau), losses.info_nce(two, -two, tau)
    assert float(best) == pytest.approx(math.log1p(math.exp(-2 / tau)))
    assert float(worst) == pytest.approx(math.log1p(math.exp(2 / tau)))


@given(pairs_of_views(), st.sampled_from([0.07, 0.5, 1.0]))
def test_answer_q2(views, tau):
    """A batch of b pairs is b quizzes with C = b classes, target i, and logits in [−1/τ, 1/τ]."""
    u, v = views
    by_hand = []
    for i in range(len(u)):
        logits = [float(u[i] @ v[j]) / tau for j in range(len(v))]
        assert max(map(abs, logits)) <= 1 / tau + 1e-9
        by_hand.append(-math.log(math.exp(logits[i]) / sum(map(math.exp, logits))))
    assert float(losses.info_nce(u, v, tau)) == pytest.approx(sum(by_hand) / len(by_hand))


@given(pairs_of_views())
def test_lem_dot_distance(views):
    """‖u − v‖ = √(2 − 2 u·v)."""
    features = torch.cat(views)
    n = len(views[0])
    pairs = torch.stack([torch.arange(n), torch.arange(n) + n], 1)
    formula = (2 - 2 * (views[0] * views[1]).sum(1)).clamp(min=0).sqrt()
    torch.testing.assert_close((views[0] - views[1]).norm(dim=1), formula, atol=1e-7, rtol=1e-7)
    torch.testing.assert_close(geometry.diameters(features, pairs), formula, atol=1e-7, rtol=1e-7)
    squares = losses.alignment(*views)
    torch.testing.assert_close(squares, formula.square().mean())


@given(pairs_of_views(b=st.integers(3, 10)), st.sampled_from([0.2, 1.0, 3.0]))
def test_cor_nearest_is_likeliest(views, tau):
    """Larger dot product = smaller distance; softmax of logits = softmax of −‖u − v‖²/2."""
    u, v = views
    dots, distances = u @ v.T, (u[:, None] - v).norm(dim=2)
    larger = dots[:, :, None] > dots[:, None] + 1e-12
    assert (distances[:, :, None] < distances[:, None])[larger].all()
    torch.testing.assert_close(dots.softmax(1), (-(distances**2) / 2).softmax(1))
    # So the batch loss is that of squared distances.
    target = torch.arange(len(u))
    by_distance = F.cross_entropy(-(distances**2) / (2 * tau), target)
    torch.testing.assert_close(losses.info_nce(u, v, tau), by_distance)
    # Not so off the sphere: the longer vector wins although the other one is nearer.
    anchor, long, near = torch.tensor([[1.0, 0.0], [3.0, 0.0], [1.0, 0.0]])
    assert anchor @ long > anchor @ near
    assert (anchor - long).norm() > (anchor - near).norm()


@pytest.mark.parametrize("d", [2, 3, 64])
def test_answer_q3(d):
    """‖u − v‖ = √(2 − 2 u·v), from 0 (equal) through √2 (orthogonal) to 2 (opposite)."""
    u = unit(d, seed=d)
    v = unit(d, seed=d + 1)
    orthogonal = F.normalize(v - (v @ u) * u, dim=0)
    for w, distance in ((u, 0.0), (orthogonal, math.sqrt(2)), (-u, 2.0)):
        assert float((u - w).norm()) == pytest.approx(distance, abs=1e-12)
        assert math.sqrt(max(0, 2 - 2 * float(u @ w))) == pytest.approx(distance, abs=1e-7)
        margin = geometry.margins(torch.stack([u, w]), torch.tensor([[0], [1]]))[0, 1]
        assert float(margin) == pytest.approx(distance, abs=1e-12)
