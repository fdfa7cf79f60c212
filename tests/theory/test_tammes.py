"""Points far apart: accurate angles, the best known arrangements, the same at every call."""

import math

import pytest
import torch

from replearn.theory import tammes


@pytest.mark.parametrize("degrees", [1e-6, 1.0, 90.0, 179.0, 180.0 - 1e-6, 180.0])
def test_smallest_angle_is_accurate_at_both_ends(degrees):
    turn = math.radians(degrees)
    points = torch.tensor([[1.0, 0.0], [math.cos(turn), math.sin(turn)]], dtype=torch.float64)
    assert tammes.smallest_angle(points) == pytest.approx(degrees, rel=1e-9)


# A regular dodecahedron, of 20 corners, has 41.81°.
BEST = {(2, 1): 180, (2, 7): 180, (5, 2): 72, (5, 4): 104.4775, (6, 4): 90, (16, 8): 90}
BEST |= {(7, 3): 77.86954, (20, 3): 47.43104}


@pytest.mark.parametrize(("n", "d"), BEST)
def test_points_are_as_far_apart_as_is_known(n, d):
    points = tammes.spread(n, d)
    assert (points.shape, points.dtype) == ((n, d), torch.float64)
    assert tammes.smallest_angle(points) == pytest.approx(BEST[n, d], abs=1e-4)


def test_points_are_the_same_every_time_and_cannot_be_spoilt():
    first = tammes.spread(7, 3)
    first.zero_()
    again = tammes.spread(7, 3)
    assert again.norm(dim=1).allclose(torch.ones(7, dtype=torch.float64))
    tammes._spread.cache_clear()
    assert tammes.spread(7, 3).equal(again)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (tammes.spread, (1, 3), "n must be at least 2, got 1"),
        (tammes.spread, (3, 0), "d must be at least 1, got 0"),
        (tammes.spread, (3, 1), "n must be 2 for d = 1"),
        (tammes.simplex, (5, 3), "d must be at least 4, got 3"),
        (tammes.smallest_angle, (torch.eye(3)[:1],), "at least 2, got 1"),
        (tammes.smallest_angle, (2 * torch.eye(3),), "norm 1"),
    ],
)
def test_what_has_no_such_points_is_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)
