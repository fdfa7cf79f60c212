"""Question 4: which features answer every quiz, and where the best of them lie."""

import itertools
import math
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encoders import (
    accuracy_by_asking,
    clear_of_ties,
    diameter_by_hand,
    distance,
    encoders,
    margin_by_hand,
    unit,
)
from replearn import geometry
from replearn.theory import arrangements, tammes

CIRCLE, SPHERE = st.just(2), st.just(3)


def least_margin(features, groups):
    return float(geometry.margins(features, groups).min())


def join(*encoders):
    """The groups of several encoders side by side, single features repeated to equal length."""
    m = max(groups.shape[1] for _, groups in encoders)
    features = torch.cat([features for features, _ in encoders])
    tables, start = [], 0
    for f, groups in encoders:
        tables.append(groups[:, [min(k, groups.shape[1] - 1) for k in range(m)]] + start)
        start += len(f)
    return features, torch.cat(tables)


def singles(*degrees):
    turn = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([turn.cos(), turn.sin()], 1), torch.arange(len(degrees))[:, None]


def test_answer_q4a():
    """Of the four arrangements two are perfect; their accuracies are those of asking every quiz."""
    perfect = {"tight clusters": True, "taking turns": False}
    perfect |= {"three wide arcs": False, "one wide arc": True}
    four = arrangements.four()
    assert list(four) == list(perfect)
    for name, (features, groups) in four.items():
        assert features.shape == (12, 2)
        assert groups.shape == (3, 4)
        assert geometry.perfect_accuracy(features, groups) is perfect[name]
        asked = accuracy_by_asking(features, groups)
        assert (asked == 1) is perfect[name]
        assert geometry.accuracy(features, groups) == pytest.approx(asked, abs=1e-12)
    # Three arcs as long as the gaps between them: the ends tie, and a tie is a mistake.
    tied = arrangements.tie()
    assert not geometry.perfect_accuracy(*tied)
    assert geometry.accuracy(*tied) == accuracy_by_asking(*tied) == 31 / 32
    # It looks clustered: along the circle each group is an arc of its own, no other group inside.
    features, groups = four["three wide arcs"]
    around = torch.atan2(features[:, 1], features[:, 0]).argsort() // 4
    assert (around != around.roll(1)).sum() == 3
    # The largest diameter exceeds the smallest margin, which is between the two other groups.
    features, groups = four["one wide arc"]
    diameters, margins = geometry.diameters(features, groups), geometry.margins(features, groups)
    assert diameters.max() > margins.min() + 0.1
    assert diameters.argmax() not in divmod(int(margins.argmin()), 3)
    # Where the numbers are exact, nothing is smaller than itself: every inequality is strict.
    features = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    groups = torch.tensor([[0, 1], [2, 3]])
    assert geometry.diameters(features, groups)[0] == geometry.margins(features, groups)[0, 1]
    for condition in ("i", "ii", "iii", "anchor"):
        assert not geometry.satisfies(features, groups, condition, tolerance=0.0)
    # The anchor (1, 0) answers right unless offered (0, 1) and (0, -1): both have the product 0.
    assert geometry.accuracy(features, groups, tolerance=0.0) == 3 / 4
    assert not geometry.perfect_accuracy(features, groups, tolerance=0.0)


@given(encoders())
def test_answer_q4b(encoder):
    """Diameter: largest distance inside a cluster. Margin: smallest gap to another, symmetric."""
    features, groups = encoder
    diameters, margins = geometry.diameters(features, groups), geometry.margins(features, groups)
    for i, group in enumerate(groups.tolist()):
        assert float(diameters[i]) == pytest.approx(diameter_by_hand(features, group), abs=1e-12)
        for j, other in enumerate(groups.tolist()):
            by_hand = math.inf if i == j else margin_by_hand(features, group, other)
            assert float(margins[i, j]) == pytest.approx(by_hand, abs=1e-12)
    assert margins.equal(margins.T)


@settings(max_examples=120)
@given(encoders(m=st.integers(1, 3)))
def test_thm_anchor_criterion(encoder):
    """Perfect ⟺ each anchor's farthest positive is nearer than its nearest negative."""
    features, groups = encoder
    assume(clear_of_ties(features, groups))
    asked = accuracy_by_asking(features, groups)
    assert geometry.accuracy(features, groups) == pytest.approx(asked, abs=1e-12)
    table = groups.tolist()
    by_hand = all(
        diameter_by_hand(features, [s], group)
        < min(margin_by_hand(features, [s], other) for other in table if other != group)
        for group in table
        for s in group
    )
    assert by_hand is (asked == 1)
    assert geometry.satisfies(features, groups, "anchor") is by_hand
    assert geometry.perfect_accuracy(features, groups) is by_hand
    # A tie is a mistake, on both sides: move a negative onto the farthest positive.
    far = torch.cdist(features[groups[0, :1]], features[groups[0]])[0].argmax()
    tied = features.clone()
    tied[groups[1, 0]] = features[groups[0, far]]
    assert accuracy_by_asking(tied, groups) < 1
    assert not geometry.perfect_accuracy(tied, groups)
    assert not geometry.satisfies(tied, groups, "anchor")
    assert geometry.accuracy(tied, groups) == pytest.approx(accuracy_by_asking(tied, groups))


@settings(max_examples=120)
@given(encoders(m=st.integers(1, 3)))
def test_thm_condition_ii_sufficient(encoder):
    """ii, compared by hand, implies i, iii and perfect accuracy."""
    features, groups = encoder
    table = groups.tolist()
    by_hand = {
        (i, j): diameter_by_hand(features, table[i]) - margin_by_hand(features, table[i], table[j])
        for i, j in itertools.permutations(range(len(table)), 2)
    }
    assume(all(abs(excess) > 1e-9 for excess in by_hand.values()))
    holds = all(excess < 0 for excess in by_hand.values())
    assert geometry.satisfies(features, groups, "ii") is holds
    if holds:
        assert accuracy_by_asking(features, groups) == 1
        for weaker in ("i", "iii", "anchor"):
            assert geometry.satisfies(features, groups, weaker)


@pytest.mark.parametrize("N", [3, 4, 7])
def test_prop_condition_i_fails(N):
    """For every N ≥ 3 condition i holds for an encoder that loses quizzes; for N = 2, i is ii."""
    features, groups = join(arrangements.counterexample("i"), singles(*[180.0] * (N - 3)))
    assert len(groups) == N
    for i, group in enumerate(groups.tolist()):
        others = [g for j, g in enumerate(groups.tolist()) if j != i]
        diameter = diameter_by_hand(features, group)
        assert any(diameter < margin_by_hand(features, group, other) for other in others)
    assert geometry.satisfies(features, groups, "i")
    assert not geometry.satisfies(features, groups, "ii")
    assert geometry.accuracy(features, groups) < 1
    generous = -1e-6  # even if ties counted as right
    assert accuracy_by_asking(*arrangements.counterexample("i"), tolerance=generous) < 1
    # One sample a group is enough if ties are allowed to do the harm.
    tied = singles(0.0, 0.0, 180.0)
    assert geometry.satisfies(*tied, "i")
    assert not geometry.perfect_accuracy(*tied)
    # Where every other group is too near, i fails.
    assert not geometry.satisfies(*arrangements.four()["taking turns"], "i")
    for seed in range(20):
        two = unit(6, 2, seed=seed), torch.arange(6).reshape(2, 3)
        both = {geometry.satisfies(*two, condition) for condition in ("i", "ii")}
        assert len(both) == 1 or diameter_by_hand(two[0], [0, 1, 2]) == pytest.approx(
            diameter_by_hand(two[0], [3, 4, 5])
        )


@pytest.mark.parametrize("N", [2, 3, 6])
def test_prop_condition_iii_fails(N):
    """For every N ≥ 2 condition iii holds for an encoder that loses quizzes; not with m = 1."""
    further = [210.0 + 25 * k for k in range(N - 2)]
    features, groups = join(arrangements.counterexample("iii"), singles(*further))
    table = groups.tolist()
    smallest = min(margin_by_hand(features, g, h) for g, h in itertools.combinations(table, 2))
    assert min(diameter_by_hand(features, g) for g in table) < smallest
    assert geometry.satisfies(features, groups, "iii")
    assert not geometry.satisfies(features, groups, "ii")
    assert geometry.accuracy(features, groups) < 1
    assert accuracy_by_asking(*arrangements.counterexample("iii"), tolerance=-1e-6) < 1
    # It is about the least of all margins: with interleaved groups even one tight group fails it.
    assert not geometry.satisfies(*arrangements.counterexample("i"), "iii")
    one_each = singles(*[40.0 * k for k in range(N)])
    assert geometry.satisfies(*one_each, "iii")
    assert geometry.perfect_accuracy(*one_each)


@settings(max_examples=120)
@given(encoders(N=st.integers(3, 4), m=st.integers(1, 3)))
def test_answer_q4c(encoder):
    """i, ii and iii as they are written; ii ensures perfect accuracy, i and iii do not."""
    features, groups = encoder
    table = groups.tolist()
    others = [[j for j in range(len(table)) if j != i] for i in range(len(table))]
    diameter = [diameter_by_hand(features, group) for group in table]
    margin = [[margin_by_hand(features, g, h) for h in table] for g in table]
    room = [[margin[i][j] - diameter[i] for j in others[i]] for i in range(len(table))]
    least = min(margin[i][j] for i in range(len(table)) for j in others[i])
    assume(all(abs(r) > 1e-9 for row in room for r in row))
    assume(all(abs(least - d) > 1e-9 for d in diameter))
    assert geometry.satisfies(features, groups, "i") is all(max(row) > 0 for row in room)
    assert geometry.satisfies(features, groups, "ii") is all(min(row) > 0 for row in room)
    assert geometry.satisfies(features, groups, "iii") is any(d < least for d in diameter)
    if geometry.satisfies(features, groups, "ii"):
        assert accuracy_by_asking(features, groups) == 1
    for condition in ("i", "iii"):
        counter = arrangements.counterexample(condition)
        assert geometry.satisfies(*counter, condition)
        assert accuracy_by_asking(*counter) < 1


@settings(max_examples=150)
@given(encoders(d=CIRCLE, m=st.integers(2, 4)))
def test_thm_condition_ii_necessary_on_circle(encoder):
    """On the circle a perfect encoder satisfies ii, and no cluster is as wide as 120°."""
    features, groups = encoder
    assume(clear_of_ties(features, groups, gap=1e-6))
    assume(geometry.perfect_accuracy(features, groups))
    table = groups.tolist()
    for i, j in itertools.permutations(range(len(table)), 2):
        diameter = diameter_by_hand(features, table[i])
        assert diameter < margin_by_hand(features, table[i], table[j])
        assert 2 * math.asin(diameter / 2) < math.radians(120)
    assert geometry.satisfies(features, groups, "ii")


@st.composite
def on_a_grid(draw):
    """(features, groups): two to four groups on the circle at whole degrees, ties included."""
    N, m = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    width = draw(st.sampled_from([20, 60, 90, 180]))
    groups = []
    for k in range(N):
        centre = 360 * k // N
        offsets = draw(st.lists(st.integers(-width // 20, width // 20), min_size=m, max_size=m))
        groups.append([centre + 10 * offset for offset in offsets])
    return groups


def arcs_and_gaps(degrees):
    """Whether each group is one run around the circle, shorter than the gaps on its two sides."""
    dots = sorted((angle % 360, i) for i, group in enumerate(degrees) for angle in group)
    dots = [dot for k, dot in enumerate(dots) if k == 0 or dot != dots[k - 1]]
    if len({angle for angle, _ in dots}) < len(dots):  # two groups in one place: a gap of 0
        return False
    changes = [k for k in range(len(dots)) if dots[k][1] != dots[k - 1][1]]
    if len(changes) != len(degrees):
        return False
    starts, ends = [dots[k][0] for k in changes], [dots[k - 1][0] for k in changes]
    for k, start in enumerate(starts):
        arc = (ends[(k + 1) % len(ends)] - start) % 360
        before = (start - ends[k]) % 360
        after = (starts[(k + 1) % len(starts)] - ends[(k + 1) % len(ends)]) % 360
        if not arc < min(before, after):
            return False
    return True


@settings(max_examples=200)
@given(on_a_grid())
def test_cor_arcs_and_gaps(degrees):
    """On the circle: perfect ⟺ each group is one run, its arc shorter than both gaps beside it."""
    features, groups = join(*[(f, g.reshape(1, -1)) for f, g in (singles(*d) for d in degrees)])
    by_rule = arcs_and_gaps(degrees)
    assert geometry.perfect_accuracy(features, groups) is by_rule
    assert (accuracy_by_asking(features, groups) == 1) is by_rule
    # Three arcs: shorter than the gaps, exactly as long, and longer.
    half = {29: True, 30: False, 31: False}
    for h, wins in half.items():
        assert arcs_and_gaps([[c - h, c + h] for c in (90, 210, 330)]) is wins


@pytest.mark.parametrize("d", [3, 4, 9])
@pytest.mark.parametrize("N", [2, 3, 6])
def test_prop_condition_ii_not_necessary_on_sphere(d, N):
    """For d ≥ 3 and N ≥ 2 some perfect encoder violates ii, and for N = 2 it violates i and iii."""
    two = arrangements.counterexample("ii")
    a, b, c, *mirrored = two[0]
    assert distance(a, b) == pytest.approx(0.6, abs=1e-12)
    assert distance(c, mirrored[2]) == pytest.approx(0.48, abs=1e-12)
    assert distance(a, c) == pytest.approx(0.335, abs=5e-4)
    assert distance(a, mirrored[2]) == pytest.approx(0.676, abs=5e-4)
    assert distance(a, mirrored[0]) == pytest.approx(0.72, abs=1e-12)
    assert distance(a, mirrored[1]) == pytest.approx(0.937, abs=5e-4)
    # Further groups near the south pole, a single sample each.
    turn = 2 * math.pi * torch.arange(N - 2).double() / 7
    south = torch.stack([0.05 * turn.cos(), 0.05 * turn.sin(), -torch.ones(N - 2).double()], 1)
    far = F.normalize(south, dim=1), torch.arange(N - 2)[:, None]
    features, groups = two if N == 2 else join(two, far)
    features = F.pad(features, (0, d - 3))
    assert geometry.perfect_accuracy(features, groups)
    assert geometry.satisfies(features, groups, "anchor")
    assert not geometry.satisfies(features, groups, "ii")
    for condition in ("i", "iii"):
        assert geometry.satisfies(features, groups, condition) is (N > 2)
    if N == 2:
        assert accuracy_by_asking(features, groups) == 1


@given(encoders(d=SPHERE, N=st.integers(2, 7), m=st.integers(1, 4)))
def test_thm_tammes_reduction(encoder):
    """Margins are at most Tammes' μ, which constant groups on Tammes' points attain."""
    features, groups = encoder
    N, m = groups.shape
    best = 2 * math.sin(math.radians(tammes.TAMMES_OPTIMA[N]) / 2)
    assert geometry.diameters(features, groups).min() >= 0
    assert least_margin(features, groups) <= best + 1e-6
    optimal = tammes.spread(N, 3).repeat_interleave(m, 0)
    assert float(geometry.diameters(optimal, groups).max()) == 0
    assert least_margin(optimal, groups) == pytest.approx(best, abs=1e-6)
    assert geometry.satisfies(optimal, groups, "ii")
    # Constant on each S_i, and on no union of two.
    values = optimal[groups]
    assert (values == values[:, :1]).all()
    assert torch.pdist(values[:, 0]).min() > 0.1


@pytest.mark.parametrize("n", sorted(tammes.TAMMES_OPTIMA))
def test_answer_q4d(n):
    """On the sphere in ℝ³ the best margins of n groups are Tammes': within 0.01°, never better."""
    points = tammes.spread(n, 3)
    assert points.shape == (n, 3)
    torch.testing.assert_close(points.norm(dim=1), torch.ones(n, dtype=torch.float64))
    nearest = min(distance(u, v) for u, v in itertools.combinations(points, 2))
    angle = 2 * math.degrees(math.asin(min(1, nearest / 2)))
    assert tammes.smallest_angle(points) == pytest.approx(angle, abs=1e-9)
    assert angle <= tammes.TAMMES_OPTIMA[n] + 1e-5
    if n != 13:  # whose optimum is hard to find
        assert angle >= tammes.TAMMES_OPTIMA[n] - 0.01


@given(st.integers(2, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_thm_simplex(n, d, seed):
    """Two of n points have dot product ≥ −1/(n−1); a simplex keeps to it and exists iff n ≤ d+1."""
    assume(d >= 2 or n == 2)
    off = ~torch.eye(n, dtype=torch.bool)

    def largest(points):
        return float((points @ points.T)[off].max())

    assert largest(unit(n, d, seed=seed)) >= -1 / (n - 1) - 1e-12
    if n <= d + 1:
        corners = tammes.simplex(n, d)
        assert corners.shape == (n, d)
        dots = corners @ corners.T
        expected = (n * torch.eye(n).double() - 1) / (n - 1)
        torch.testing.assert_close(dots, expected, atol=1e-12, rtol=0)
        torch.testing.assert_close(corners.sum(0), torch.zeros(d).double(), atol=1e-12, rtol=0)
        assert largest(tammes.spread(n, d)) == pytest.approx(-1 / (n - 1), abs=1e-12)
    else:
        with pytest.raises(ValueError, match="d must be at least"):
            tammes.simplex(n, d)
        if n <= 2 * d:
            assert largest(tammes.spread(n, d)) > -1 / (n - 1) + 1e-3


@given(st.integers(2, 7), st.data())
def test_thm_rankin(d, data):
    """For d + 2 ≤ n ≤ 2d points the best angle is 90°: attained, and not exceeded by descent."""
    n = data.draw(st.integers(d + 2, 2 * d)) if d > 2 else 4
    assert tammes.smallest_angle(tammes.spread(n, d)) == pytest.approx(90, abs=1e-9)
    points = unit(n, d, seed=data.draw(st.integers(0, 2**31)))
    for step in range(200):  # push the two nearest points apart: never past a right angle
        cosine = points @ points.T - 2 * torch.eye(n, dtype=torch.float64)
        assert cosine.max() >= -1e-12
        weight = (20 * cosine).flatten().softmax(0).reshape(n, n)
        points = F.normalize(points - 0.5 / (1 + step / 20) * weight @ points, dim=1)


@given(st.integers(2, 12), st.integers(0, 2**31))
def test_prop_tammes_circle(n, seed):
    """n points on the circle have two within 360°/n; only the regular n-gon attains it."""
    polygon = tammes.spread(n, 2)
    assert tammes.smallest_angle(polygon) == pytest.approx(360 / n, abs=1e-9)
    turns = torch.rand(n, generator=torch.Generator().manual_seed(seed)).double() * 360
    gaps = [b - a for a, b in itertools.pairwise(sorted(turns.tolist()))]
    gaps.append(360 - sum(gaps))
    points, _ = singles(*turns.tolist())
    assert tammes.smallest_angle(points) == pytest.approx(min(gaps), abs=1e-6)
    assert min(gaps) <= 360 / n + 1e-9
    ordered = polygon[torch.atan2(polygon[:, 1], polygon[:, 0]).argsort()]
    steps = (ordered * ordered.roll(1, 0)).sum(1)
    torch.testing.assert_close(steps, torch.full((n,), math.cos(2 * math.pi / n)).double())


@given(encoders(m=st.integers(1, 3), overlap=True))
def test_prop_no_perfect_encoder_with_overlap(encoder):
    """With a shared sample a margin is 0, ii fails, and some quiz is lost, whatever the encoder."""
    features, groups = encoder
    assert least_margin(features, groups) == 0
    assert not geometry.satisfies(features, groups, "ii")
    assert not geometry.satisfies(features, groups, "anchor")
    assert not geometry.perfect_accuracy(features, groups)
    asked = accuracy_by_asking(features, groups)
    assert asked < 1
    assert geometry.accuracy(features, groups) == pytest.approx(asked, abs=1e-12)


def overlap_bound(first, second, N):
    """1 − [2 − (1 − κ)(2 − o)]/N of two tables of samples, each entry equally likely; exact."""
    law = [{r: Fraction(row.count(r), len(row)) for r in row} for row in (first, second)]
    shared = law[0].keys() & law[1].keys()
    kappa = sum(law[0][r] * law[1][r] for r in shared)
    o = sum(min(law[0][r], law[1][r]) for r in shared)
    return 1 - (2 - (1 - kappa) * (2 - o)) / Fraction(N)


@given(encoders(m=st.integers(1, 3), overlap=True), st.integers(0, 4), st.integers(0, 2**31))
def test_prop_overlap_cost(encoder, k, seed):
    """Accuracy ≤ 1 − [2 − (1 − κ)(2 − o)]/N; attained where 0, 1 or all of four are shared."""
    features, groups = encoder
    asked, table = accuracy_by_asking(features, groups), groups.tolist()
    for i, j in itertools.combinations(range(len(table)), 2):
        bound = overlap_bound(table[i], table[j], len(table))
        assert asked <= float(bound) + 1e-12
        o = Fraction(sum(min(table[i].count(r), table[j].count(r)) for r in set(table[i])))
        assert bound <= 1 - o / len(table[i]) / len(table)  # what it would be without the ties
    # Two groups of four that share k.
    shared = torch.stack([torch.arange(4), torch.arange(4) + 4 - k])
    bound = float(overlap_bound(*shared.tolist(), 2))
    assert bound == pytest.approx([1, 0.820, 0.656, 0.508, 0.375][k], abs=5e-4)
    assert accuracy_by_asking(unit(8 - k, 3, seed=seed), shared) <= bound
    if k == 0:
        best, _ = singles(*[0.0] * 4, *[180.0] * 4)
    elif k == 1:  # own samples at opposite points, the shared one a little nearer to the first
        best, _ = singles(*[0.0] * 3, 80.0, *[180.0] * 3)
    elif k == 4:
        best = unit(4, 3, seed=seed)
    else:
        return
    assert accuracy_by_asking(best, shared) == bound


@given(encoders(overlap=True))
def test_lem_overlap_bound(encoder):
    """Features of two overlapping groups are within the sum of the two diameters."""
    features, groups = encoder
    diameters = geometry.diameters(features, groups)
    table = groups.tolist()
    pairs = itertools.combinations(range(len(table)), 2)
    overlapping = [(i, j) for i, j in pairs if set(table[i]) & set(table[j])]
    assert overlapping
    for i, j in overlapping:
        bound = float(diameters[i] + diameters[j])
        assert diameter_by_hand(features, table[i], table[j]) <= bound + 1e-12


@given(st.integers(2, 6), st.integers(1, 3), st.integers(2, 14), st.integers(0, 2**31))
def test_cor_components_merge(N, m, pool, seed):
    """Distances along a path are at most the sum of diameters; zero diameters merge it."""
    generator = torch.Generator().manual_seed(seed)
    groups = torch.randint(pool, (N, m), generator=generator)
    table = [set(row) for row in groups.tolist()]
    components = [{i} for i in range(N)]
    for i, j in itertools.combinations(range(N), 2):  # merge by hand
        if table[i] & table[j]:
            a, b = (next(c for c in components if k in c) for k in (i, j))
            if a is not b:
                components.remove(b)
                a |= b
    label = geometry.components(groups).tolist()
    assert sorted(set(label)) == list(range(len(components)))
    for i, j in itertools.combinations(range(N), 2):
        assert (label[i] == label[j]) is any({i, j} <= c for c in components)
    features = unit(pool, 3, seed=seed)
    diameters = geometry.diameters(features, groups)
    # Zero diameters: a feature for each component. Nothing less will do: move any sample of a
    # component away from the others, and a diameter is positive.
    merged = features.clone()
    for k, component in enumerate(components):
        samples = sorted(set().union(*(table[i] for i in component)))
        widest = torch.cdist(features[samples], features[samples]).max()
        assert widest <= float(diameters[sorted(component)].sum()) + 1e-7
        merged[samples] = unit(N, 3, seed=seed + 1)[k]
    assert float(geometry.diameters(merged, groups).max()) == 0
    for sample in set().union(*table):
        moved = merged.clone()
        moved[sample] = -moved[sample]
        alone = all(row == {sample} for row in table if sample in row)
        assert (float(geometry.diameters(moved, groups).max()) == 0) is alone


def test_answer_q4e():
    """Overlap rules ii out; small diameters put the groups on top of each other."""
    features = unit(7, 3, seed=4)
    groups = torch.tensor([[0, 1, 2], [2, 3, 4], [4, 5, 6]])
    assert geometry.components(groups).tolist() == [0, 0, 0]
    centre = features.mean(0)
    for shrink in (1.0, 0.3, 0.1, 0.01, 0.0):
        closer = F.normalize(centre + shrink * (features - centre), dim=1)
        assert not geometry.satisfies(closer, groups, "ii")
        assert not geometry.perfect_accuracy(closer, groups)
        first, second, _ = geometry.diameters(closer, groups)
        assert torch.cdist(closer[groups[0]], closer[groups[1]]).max() <= first + second + 1e-9
