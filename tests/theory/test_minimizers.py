import math
from functools import partial

import pytest
import torch

from replearn import losses
from replearn.theory import minimizers

# (N, d): the smallest InfoNCE at τ = 1 where no simplex fits, to six digits.
ABOVE_THE_FLOOR = {(6, 3): 0.958144, (8, 2): 1.315356, (8, 3): 1.242462}


@pytest.mark.parametrize(("n", "d"), [(2, 2), (3, 2), (4, 3), (8, 7), (3, 5)])
@pytest.mark.parametrize("tau", [1.0, 0.5])
def test_descent_reaches_the_floor_where_a_simplex_fits(n, d, tau):
    loss, (u, v) = minimizers.minimize_info_nce(n, d, tau, starts=2)
    assert loss == pytest.approx(losses.contrastive_floor(n, tau), abs=1e-7)
    assert torch.allclose(u, v, atol=1e-3)
    assert torch.allclose(u.norm(dim=1), torch.ones(n, dtype=u.dtype))


@pytest.mark.parametrize(("n", "d"), ABOVE_THE_FLOOR)
def test_descent_finds_the_known_minimum_where_none_fits(n, d):
    loss, (u, v) = minimizers.minimize_info_nce(n, d)
    assert loss == pytest.approx(ABOVE_THE_FLOOR[n, d], abs=1e-6)
    assert losses.info_nce(u, v, tau=1.0).item() == pytest.approx(loss)
    assert torch.equal(u, minimizers.minimize_info_nce(n, d)[1][0]), "one seed, one result"


def overlapping(shared, m=4):
    first = torch.arange(m)
    return torch.stack([first, first + m - shared])


@pytest.mark.parametrize(("shared", "least"), [(0, losses.contrastive_floor(2)), (4, math.log(2))])
def test_the_least_loss_of_two_groups_apart_and_of_two_groups_that_are_one(shared, least):
    loss, features = minimizers.minimize_contrastive(overlapping(shared), d=2)
    assert loss == pytest.approx(least, abs=1e-6)
    assert losses.contrastive_loss(features, overlapping(shared)).item() == pytest.approx(loss)
    assert features.shape == (8 - shared, 2)


def test_more_overlap_costs_more():
    found = [minimizers.minimize_contrastive(overlapping(k), d=2, starts=2)[0] for k in range(5)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("minimize", "arguments", "named"),
    [
        (minimizers.minimize_info_nce, (1, 2), "n"),
        (minimizers.minimize_info_nce, (2, 0), "d"),
        (minimizers.minimize_info_nce, (2, 2, 0.0), "tau"),
        (minimizers.minimize_contrastive, (overlapping(1), 0), "d"),
        (partial(minimizers.minimize_contrastive, starts=0), (overlapping(1), 2), "starts"),
    ],
)
def test_bad_arguments_are_named(minimize, arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must be"):
        minimize(*arguments)
