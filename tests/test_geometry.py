"""Geometry: accuracy by counting, ties, overlaps, gradients, clear errors."""

import itertools
import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from encoders import accuracy_by_asking, unit
from replearn import geometry

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


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


FEATURES, GROUPS = unit(4, 3), torch.arange(4).reshape(2, 2)


@pytest.mark.parametrize(
    "function",
    [
        *(geometry.accuracy, geometry.perfect_accuracy, geometry.diameters, geometry.margins),
        *(geometry.anchor_distances, partial(geometry.satisfies, condition="ii")),
    ],
)
def test_malformed_features_or_groups(function):
    with pytest.raises(ValueError, match=r"groups must hold row indices in 0\.\.3, got 4"):
        function(FEATURES, GROUPS + 1)
    with pytest.raises(ValueError, match=r"features must have rows of norm 1 .* got norm 2 in row"):
        function(2 * FEATURES, GROUPS)


def test_other_conditions_and_tolerances_are_refused():
    with pytest.raises(ValueError, match="'i', 'ii', 'iii', 'anchor', got 'iv'"):
        geometry.satisfies(FEATURES, GROUPS, "iv")
    with pytest.raises(ValueError, match="tolerance must be finite and at least 0, got -1"):
        geometry.accuracy(FEATURES, GROUPS, -1.0)
    with pytest.raises(ValueError, match="row indices at least 0, got -1"):
        geometry.components(torch.tensor([[0, -1], [1, 2]]))


def test_median_distances_tell_groups_and_labels_apart():
    features = unit(12, 3, seed=5)
    groups, labels = torch.arange(12).reshape(4, 3), torch.tensor([0, 1, 0, 1])
    kinds = {"within": [], "alike": [], "different": []}
    for (i, g), (j, h) in itertools.product(enumerate(groups.tolist()), repeat=2):
        kind = "within" if i == j else "alike" if labels[i] == labels[j] else "different"
        kinds[kind] += [math.dist(features[s], features[t]) for s in g for t in h]
    found = geometry.median_distances(features, groups, labels)
    for median, distances in zip(found, kinds.values(), strict=True):
        assert median == pytest.approx(sorted(distances)[(len(distances) - 1) // 2], abs=1e-12)


def test_median_distances_want_labels_that_meet_and_differ():
    with pytest.raises(ValueError, match="labels must be one a group"):
        geometry.median_distances(FEATURES, GROUPS.tolist(), torch.arange(9) % 2)
    with pytest.raises(ValueError, match="two groups of one label and two of different ones"):
        geometry.median_distances(FEATURES, GROUPS, torch.arange(len(GROUPS)))
