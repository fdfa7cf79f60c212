import pytest
import torch

from replearn import losses, optima

# (N, d): the smallest InfoNCE at τ = 1 where no simplex fits, to six digits.
ABOVE_THE_FLOOR = {(6, 3): 0.958144, (8, 2): 1.315356, (8, 3): 1.242462}


@pytest.mark.parametrize(("n", "d"), [(2, 2), (3, 2), (4, 3), (8, 7), (3, 5)])
@pytest.mark.parametrize("tau", [1.0, 0.5])
def test_descent_reaches_the_floor_where_a_simplex_fits(n, d, tau):
    loss, (u, v) = optima.minimize_info_nce(n, d, tau, starts=2)
    assert loss == pytest.approx(losses.contrastive_floor(n, tau), abs=1e-7)
    assert torch.allclose(u, v, atol=1e-3)
    assert torch.allclose(u.norm(dim=1), torch.ones(n, dtype=u.dtype))


@pytest.mark.parametrize(("n", "d"), ABOVE_THE_FLOOR)
def test_descent_finds_the_known_minimum_where_none_fits(n, d):
    loss, (u, v) = optima.minimize_info_nce(n, d)
    assert loss == pytest.approx(ABOVE_THE_FLOOR[n, d], abs=1e-6)
    assert losses.info_nce(u, v, tau=1.0).item() == pytest.approx(loss)


def test_one_seed_one_result():
    assert torch.equal(
        optima.minimize_info_nce(5, 2, seed=3, starts=1)[1],
        optima.minimize_info_nce(5, 2, seed=3, starts=1)[1],
    )


@pytest.mark.parametrize(
    ("arguments", "named"), [((1, 2), "n"), ((2, 0), "d"), ((2, 2, 0.0), "tau")]
)
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} must be"):
        optima.minimize_info_nce(*arguments)
