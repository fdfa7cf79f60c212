"""Geometry: accuracy by counting, ties, overlaps, gradients, Tammes' points, clear errors."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from replearn import geometry
from replearn.theory import arrangements, tammes

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def unit(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, dtype=torch.float64, generator=generator)
    return F.normalize(x, dim=-1).to(dtype)


def accuracy_by_asking(features, groups, tolerance):
    right = []
    for i, group in enumerate(groups):
        for anchor in group:
            for candidates in itertools.product(*groups):
                logits = torch.stack([features[anchor] @ features[y] for y in candidates])
                rivals = torch.cat([logits[:i], logits[i + 1 :]])
                right.append(bool((logits[i] > rivals + tolerance).all()))
    return sum(right) / len(right)


@pytest.mark.parametrize("tolerance", [0.0, 1e-12, 0.05, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_accuracy_counts_questions(seed, tolerance):
    features = unit(9, 2, seed=seed)
    groups = torch.randint(9, (3, 3), generator=torch.Generator().manual_seed(seed))
    expected = accuracy_by_asking(features, groups, tolerance)
    assert geometry.accuracy(features, groups, tolerance) == pytest.approx(expected)
    assert geometry.perfect_accuracy(features, groups, tolerance) is (expected == 1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dot_products_equal_on_paper_are_ties(dtype):
    # On a regular polygon all steps are equal on paper and hardly ever in floating point.
    for n in range(4, 40):
        turn = torch.arange(n, dtype=torch.float64) * (2 * math.pi / n)
        features = torch.stack([turn.cos(), turn.sin()], 1).to(dtype)
        two = torch.tensor([[0, 1], [n - 1, n - 2]])  # 0 is one step from 1 and from n − 1
        assert not geometry.perfect_accuracy(features, two)
        assert geometry.accuracy(features, two) < 1
        assert not geometry.satisfies(features, two, "anchor")
        assert not geometry.satisfies(features, two, "ii")


def test_a_tolerance_of_zero_believes_every_digit():
    gap = torch.tensor([[1.0, 0.0], [math.cos(1e-5), math.sin(1e-5)]], dtype=torch.float64)
    groups = torch.tensor([[0], [1]])
    assert geometry.perfect_accuracy(gap, groups, tolerance=0)
    assert not geometry.perfect_accuracy(gap, groups, tolerance=1e-9)
    assert geometry.perfect_accuracy(torch.eye(2), groups)


def test_accuracy_of_large_groups_does_not_enumerate():
    features = F.normalize(unit(40, 1, 8) + 0.02 * unit(40, 50, 8, seed=1), dim=-1).flatten(0, 1)
    assert geometry.accuracy(features, torch.arange(2000).reshape(40, 50)) > 0.99


def test_small_distances_keep_their_digits():
    for size in (1e-3, 1e-5, 1e-7):
        features = torch.tensor([[1.0, 0], [math.cos(size), math.sin(size)], [0, 1], [0, 1]])
        diameters = geometry.diameters(features, torch.tensor([[0, 1], [2, 3]]))
        assert float(diameters[0]) == pytest.approx(size, rel=1e-3)
        assert float(diameters[1]) == 0


def test_the_diagonal_of_the_margins_is_infinite():
    margins = geometry.margins(unit(6, 3), torch.arange(6).reshape(3, 2))
    assert margins.diagonal().isinf().all()
    assert margins.isinf().sum() == 3


def test_anchor_distances_by_hand():
    features, groups = unit(8, 3), torch.tensor([[0, 1, 2], [3, 4, 0], [5, 6, 7]])
    farthest, nearest = geometry.anchor_distances(features, groups)
    for i, group in enumerate(groups.tolist()):
        others = groups[[j for j in range(3) if j != i]].flatten().tolist()
        for k, s in enumerate(group):
            positive = max(math.dist(features[s], features[t]) for t in group)
            negative = min(math.dist(features[s], features[t]) for t in others)
            assert float(farthest[i, k]) == pytest.approx(positive, abs=1e-12)
            assert float(nearest[i, k]) == pytest.approx(negative, abs=1e-12)


def test_gradients():
    features = unit(6, 3).requires_grad_()
    groups = torch.arange(6).reshape(3, 2)
    off = ~torch.eye(3, dtype=torch.bool)

    def on_sphere(function):  # gradcheck steps off the sphere, so put it back
        return lambda x: function(F.normalize(x, dim=1))

    assert gradcheck(on_sphere(lambda x: geometry.diameters(x, groups)), features)
    assert gradcheck(on_sphere(lambda x: geometry.margins(x, groups)[off]), features)
    assert gradcheck(on_sphere(lambda x: geometry.anchor_distances(x, groups)), features)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_device_are_the_features(device, dtype):
    features = unit(12, 5, dtype=dtype).to(device)
    groups = torch.arange(12).reshape(3, 4)  # left on the CPU: it moves to the features
    for value in (
        geometry.diameters(features, groups),
        geometry.margins(features, groups),
        *geometry.anchor_distances(features, groups),
    ):
        assert value.dtype == dtype
        assert value.device.type == device
    on_cpu = features.cpu()
    assert geometry.accuracy(features, groups) == pytest.approx(geometry.accuracy(on_cpu, groups))
    for condition in geometry.CONDITIONS:
        expected = geometry.satisfies(on_cpu, groups, condition)
        assert geometry.satisfies(features, groups, condition) is expected


def test_components_of_a_long_chain():
    n = 30
    chain = torch.stack([torch.arange(n), torch.arange(n) + 1], 1)[torch.randperm(n)]
    assert geometry.components(chain).tolist() == [0] * n
    apart = torch.arange(2 * n).reshape(n, 2)
    assert geometry.components(apart).tolist() == list(range(n))
    assert geometry.components([[0, 1], [2, 3], [3, 0]]).tolist() == [0, 0, 0]


@pytest.mark.parametrize("degrees", [1e-6, 1.0, 90.0, 179.0, 180.0 - 1e-6, 180.0])
def test_smallest_angle_is_accurate_at_both_ends(degrees):
    turn = math.radians(degrees)
    points = torch.tensor([[1.0, 0.0], [math.cos(turn), math.sin(turn)]], dtype=torch.float64)
    assert tammes.smallest_angle(points) == pytest.approx(degrees, rel=1e-9)


@pytest.mark.parametrize(
    ("n", "d", "degrees"),
    [
        (2, 1, 180),
        (2, 7, 180),
        (5, 2, 72),
        (5, 4, 104.4775),
        (6, 4, 90),
        (16, 8, 90),
        (7, 3, 77.86954),
    ],
)
def test_tammes_in_any_dimension(n, d, degrees):
    points = tammes.spread(n, d)
    assert points.shape == (n, d)
    assert points.dtype == torch.float64
    assert tammes.smallest_angle(points) == pytest.approx(degrees, abs=1e-4)


def test_tammes_beyond_the_proved_cases_finds_the_best_known():
    found = tammes.smallest_angle(tammes.spread(20, 3))
    assert found == pytest.approx(47.43104, abs=1e-4)  # a regular dodecahedron has 41.81


def test_tammes_is_the_same_every_time_and_cannot_be_spoilt():
    first = tammes.spread(7, 3)
    first.zero_()
    again = tammes.spread(7, 3)
    assert again.norm(dim=1).allclose(torch.ones(7, dtype=torch.float64))
    tammes._spread.cache_clear()
    assert tammes.spread(7, 3).equal(again)


FEATURES, GROUPS = unit(4, 3), torch.arange(4).reshape(2, 2)


@pytest.mark.parametrize(
    "function",
    [
        geometry.accuracy,
        geometry.perfect_accuracy,
        geometry.diameters,
        geometry.margins,
        geometry.anchor_distances,
        lambda features, groups: geometry.satisfies(features, groups, "ii"),
    ],
)
@pytest.mark.parametrize(
    ("features", "groups", "message"),
    [
        (FEATURES, [], r"groups must have shape \(N, m\) .*, got \(0,\)"),
        (FEATURES, [[], []], r"groups must have shape \(N, m\) .*, got \(2, 0\)"),
        (FEATURES, [[0, 1, 2], [3]], r"groups must be equally long, got lengths \[1, 3\]"),
        (FEATURES, GROUPS[:1], r"N ≥ 2 .* got \(1, 2\)"),
        (FEATURES, torch.arange(4), r"got .*\(4,\)"),
        (FEATURES, GROUPS + 1, r"row indices in 0\.\.3, got 4"),
        (FEATURES, GROUPS - 1, r"row indices in 0\.\.3, got -1"),
        (2 * FEATURES, GROUPS, "rows of norm 1 .* got norm 2 in row"),
        (FEATURES * torch.tensor([1, math.nan, 1]), GROUPS, "features must be finite, got 4"),
        (FEATURES[0], GROUPS, r"features must be .* of shape \(n, d\)"),
    ],
)
def test_malformed_features_or_groups(function, features, groups, message):
    with pytest.raises(ValueError, match=message):
        function(features, groups)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: geometry.satisfies(FEATURES, GROUPS, "iv"),
            "'i', 'ii', 'iii', 'anchor', got 'iv'",
        ),
        (
            lambda: geometry.accuracy(FEATURES, GROUPS, -1.0),
            "tolerance must be finite and at least",
        ),
        (
            lambda: geometry.accuracy(FEATURES, GROUPS, math.nan),
            "tolerance must be a finite number",
        ),
        (lambda: arrangements.counterexample("anchor"), "condition must be one of"),
        (lambda: tammes.spread(1, 3), "n must be at least 2, got 1"),
        (lambda: tammes.spread(3, 0), "d must be at least 1, got 0"),
        (lambda: tammes.spread(3, 1), "n must be 2 for d = 1"),
        (lambda: tammes.simplex(5, 3), "d must be at least 4, got 3"),
        (lambda: tammes.smallest_angle(FEATURES[:1]), "at least 2, got 1"),
        (lambda: tammes.smallest_angle(2 * FEATURES), "norm 1"),
        (lambda: geometry.components([[0, 1], [2]]), "equally long"),
        (lambda: geometry.components(torch.tensor([[0, -1], [1, 2]])), "at least 0, got -1"),
    ],
)
def test_a_clear_value_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tammes.spread(3.0, 3), "n must be an int, got 3.0"),
        (lambda: tammes.spread(True, 3), "n must be an int"),
        (lambda: geometry.diameters(FEATURES.long(), GROUPS), "features must be a floating"),
        (
            lambda: geometry.diameters(FEATURES, GROUPS > 1),
            "groups must be an integer tensor .* got torch.bool",
        ),
    ],
)
def test_a_clear_type_error(call, message):
    with pytest.raises(TypeError, match=message):
        call()
