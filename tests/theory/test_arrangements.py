"""Arrangements: each counterexample keeps to its condition without the accuracy it suggests."""

import pytest

from replearn import geometry
from replearn.theory import arrangements


def test_the_four_are_groups_of_equal_size_on_the_circle():
    for features, groups in arrangements.four().values():
        assert (features.shape, groups.shape) == ((12, 2), (3, 4))
        assert (features.norm(dim=1) - 1).abs().max() < 1e-12


@pytest.mark.parametrize("condition", ["i", "ii", "iii"])
def test_a_counterexample_separates_its_condition_from_perfect_accuracy(condition):
    case = arrangements.counterexample(condition)
    assert geometry.satisfies(*case, condition) is not geometry.perfect_accuracy(*case)


def test_another_condition_has_no_counterexample():
    with pytest.raises(ValueError, match="condition must be one of"):
        arrangements.counterexample("anchor")
