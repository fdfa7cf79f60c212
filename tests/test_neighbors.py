"""Neighbours against scikit-learn's, and scores of encoders whose answer is known."""

import math

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from replearn import neighbors, recipes
from replearn.networks import Encoder
from replearn.shapes import Factors, ShapesDataset

FACTORS = {"shape", "color", "location", "size", "rotation"}
QUERIES, BANK = torch.zeros(2, 3), torch.zeros(4, 3)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def assert_nearest(queries, bank, k, rows, tolerance):
    """``rows`` are as near as scikit-learn's, place by place, and near to far."""
    assert rows.shape == (len(queries), k)
    assert rows.dtype == torch.int64
    oracle = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(bank.double().numpy())
    expected, _ = oracle.kneighbors(queries.double().numpy())
    got = (queries.double()[:, None] - bank.double()[rows]).norm(dim=2)
    torch.testing.assert_close(got, torch.from_numpy(expected), atol=tolerance, rtol=1e-5)
    assert all(len(set(row)) == k for row in rows.tolist())


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("q", "n", "d", "k"), [(50, 700, 128, 10), (3, 40, 2, 40), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_neighbours_are_scikit_learns(seed, q, n, d, k, dtype):
    queries, bank = normal(q, d, seed=seed).to(dtype), normal(n, d, seed=seed + 9).to(dtype)
    rows = neighbors.nearest(queries, bank, k)
    # A distance near zero is the root of a rounding error.
    assert_nearest(queries, bank, k, rows, 2e-3 if dtype == torch.float32 else 1e-7)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_bank_far_from_the_origin_is_as_good_as_any(offset):
    bank = normal(500, 16) + offset
    assert_nearest(bank[:30], bank, 8, neighbors.nearest(bank[:30], bank, 8), 5e-3)


def test_unit_features_close_together_keep_their_order():
    bank = torch.nn.functional.normalize(torch.tensor([1.0, 0, 0]) + 0.02 * normal(400, 3), dim=1)
    assert_nearest(bank, bank, 5, neighbors.nearest(bank, bank, 5), 1e-3)


@pytest.mark.parametrize("k", [5, 80])
@pytest.mark.parametrize("itself", [True, False])
def test_tight_clusters_far_apart_keep_their_order(k, itself):
    """In float32 the squares drown the distances: once 1.5 % of such neighbours were right."""
    bank = 0.01 * normal(600, 16) + 100.0 * torch.tensor([1.0, -1.0]).repeat(300)[:, None]
    queries = bank if itself else bank[:50] + 0.001
    rows = neighbors.nearest(queries, bank, k)
    assert_nearest(queries, bank, k, rows, 1e-6)


@pytest.mark.parametrize("scale", [6e6, 1e12])
def test_one_outlier_spoils_nobody_elses_neighbours(scale):
    bank = 100 + 0.01 * normal(400, 8)
    bank[7] = scale  # the others' own centre can no longer be told from the mean
    rows = neighbors.nearest(bank[:7], bank, 5, exclude_self=True)
    expected = torch.cdist(bank[:7].double(), bank.double()).topk(6, largest=False).indices[:, 1:]
    assert torch.equal(rows, expected)


@pytest.mark.parametrize("n", [1023, 1024, 1025, 2100])
def test_chunks_of_queries_do_not_show(n):
    bank = normal(n, 3).double()
    whole = torch.cdist(bank, bank, compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.equal(neighbors.nearest(bank, bank, 4), whole.topk(4, largest=False).indices)
    whole.fill_diagonal_(math.inf)
    expected = whole.topk(4, largest=False).indices
    assert torch.equal(neighbors.nearest(bank, bank, 4, exclude_self=True), expected)
    some = neighbors.nearest(bank[:1030], bank, 4, exclude_self=True)
    assert torch.equal(some, expected[:1030])


@pytest.mark.parametrize("k", [1, 63, 64, 65])
@pytest.mark.parametrize("itself", [False, True], ids=["others", "itself"])
def test_few_neighbours_are_the_first_of_many(k, itself):
    bank = normal(2100, 5, seed=k)
    queries = bank if itself else bank + 0.1
    assert_nearest(queries, bank, k, neighbors.nearest(queries, bank, k), 2e-3)


@pytest.mark.parametrize("k", [3, 100])
@pytest.mark.parametrize("q", [1030, 2100])
def test_exclude_self_excludes_the_row_in_every_tile(k, q):
    bank = normal(2100, 5)
    queries = bank if q == len(bank) else bank[:q]
    rows = neighbors.nearest(queries, bank, k, exclude_self=True)
    apart = torch.cdist(queries.double(), bank.double())
    apart.fill_diagonal_(math.inf)
    expected = apart.sort(1).values[:, :k]
    torch.testing.assert_close(apart.gather(1, rows), expected, atol=2e-3, rtol=1e-5)


@pytest.mark.parametrize("k", [3, 100])
@pytest.mark.parametrize("itself", [False, True], ids=["others", "itself"])
def test_copies_come_in_any_order_but_each_once(k, itself):
    bank = normal(250, 4).repeat(9, 1)  # ties wherever a tile begins
    queries = bank if itself else bank.clone()
    assert_nearest(queries, bank, k, neighbors.nearest(queries, bank, k), 2e-3)


@pytest.mark.parametrize(("queries", "bank"), [(1e20, 1.0), (1.0, 1e20)])
def test_what_cannot_be_squared_is_refused(queries, bank):
    name = "queries" if queries > 1 else "bank"
    with pytest.raises(ValueError, match=f"{name} must hold features whose squared distances"):
        neighbors.nearest(queries * normal(3, 4), bank * normal(9, 4, seed=1), 2)


def test_exclude_self_excludes_the_row_and_not_its_copies():
    bank = torch.zeros(5, 2)
    rows = neighbors.nearest(bank, bank, 4, exclude_self=True)
    assert torch.equal(bank, torch.zeros(5, 2)), "it is left as it was"
    for i, row in enumerate(rows.tolist()):
        assert sorted(row) == [j for j in range(5) if j != i]


def test_no_queries_have_no_neighbours():
    assert neighbors.nearest(torch.zeros(0, 3), torch.zeros(4, 3), 2).shape == (0, 2)


@pytest.mark.parametrize(
    ("queries", "bank", "k", "error", "message"),
    [
        (QUERIES, BANK, 0, ValueError, "k must be at least 1, got 0"),
        (QUERIES, BANK, 5, ValueError, "k must lie in 1 … 4, got 5"),
        (QUERIES * math.nan, BANK, 1, ValueError, "queries must be finite"),
        (QUERIES, BANK - math.inf, 1, ValueError, "bank must be finite"),
        (QUERIES, BANK.double(), 1, TypeError, "one precision, got"),
    ],
)
def test_bad_neighbour_questions_are_refused(queries, bank, k, error, message):
    with pytest.raises(error, match=message):
        neighbors.nearest(queries, bank, k)


def test_exclude_self_needs_the_queries_in_the_bank():
    with pytest.raises(ValueError, match="at most 4, with exclude_self, got 5"):
        neighbors.nearest(torch.zeros(5, 2), torch.zeros(4, 2), 1, exclude_self=True)
    with pytest.raises(ValueError, match="k must lie in 1 … 3, got 4"):
        neighbors.nearest(torch.zeros(4, 2), torch.zeros(4, 2), 4, exclude_self=True)


@pytest.fixture(scope="module")
def factors():
    return ShapesDataset("val").factors[:3000]


def one_hot(labels):
    return torch.nn.functional.one_hot(labels).float()


def on_circle(angle):
    return torch.stack([angle.cos(), angle.sin()], 1)


@pytest.mark.parametrize("seed", [0, 1])
def test_random_features_keep_nothing(factors, seed):
    scores = neighbors.sensitivity(normal(3000, 16, seed=seed), factors)
    assert scores.keys() == FACTORS
    assert all(abs(score) < 0.02 for score in scores.values()), scores


@pytest.mark.parametrize(
    ("factor", "encode"),
    [
        *(("shape", lambda f: one_hot(f.shape)), ("color", lambda f: one_hot(f.color))),
        *(("color", lambda f: f.rgb), ("location", lambda f: f.position)),
        ("size", lambda f: f.size[:, None]),
    ],
)
def test_the_factor_itself_keeps_the_factor(factors, factor, encode):
    features = encode(factors)
    # Equal features are all equally near: a little noise decides at random.
    features = features + 1e-3 * normal(*features.shape)
    scores = neighbors.sensitivity(features, factors)
    assert scores[factor] > (0.99 if factor != "location" else 0.94)
    # What is drawn independently is not kept.
    drawn_alone = {"shape", "color", "size", "rotation"} - {factor}
    if factor == "location":  # the whole shape is inside: the position bounds size, and shape
        drawn_alone -= {"size", "shape"}
    assert all(abs(scores[other]) < 0.05 for other in drawn_alone), scores


def test_a_location_tells_something_of_the_size(factors):
    """No shape leaves the picture, so near the border there are only small ones."""
    assert 0.02 < neighbors.sensitivity(factors.position, factors)["size"] < 0.4


def test_rotation_is_an_angle_up_to_the_shapes_own_symmetry(factors):
    folds = torch.tensor([1.0, 3.0, 4.0])[factors.shape]
    apart = 10.0 * one_hot(factors.shape)
    modulo = torch.cat([on_circle(factors.angle * folds), apart], 1)
    assert neighbors.sensitivity(modulo, factors)["rotation"] > 0.97
    # The angle without its symmetry orders the neighbours as well, one symmetric image at a time.
    plain = torch.cat([on_circle(factors.angle), apart], 1)
    assert neighbors.sensitivity(plain, factors)["rotation"] > 0.95
    # The angle modulo the wrong shape's symmetry does not.
    wrong = torch.tensor([1.0, 4.0, 3.0])[factors.shape]
    swapped = torch.cat([on_circle(factors.angle * wrong), apart], 1)
    assert neighbors.sensitivity(swapped, factors)["rotation"] < 0.6


def test_the_rotation_of_circles_does_not_count(factors):
    circles = factors.shape == 0
    angle = factors.angle.clone()
    angle[circles] = 6 * torch.rand(int(circles.sum()), generator=torch.Generator().manual_seed(0))
    changed = Factors(**{**vars(factors), "angle": angle})
    features = torch.cat([on_circle(factors.angle), 10 * one_hot(factors.shape)], 1)
    first, second = (neighbors.sensitivity(features, f) for f in (factors, changed))
    assert first == second


@pytest.mark.parametrize("k", [5, 10])
def test_sensitivity_is_its_definition(k):
    """By loops, on a handful of images; chance is taken over all pairs instead of a sample."""
    f = ShapesDataset("val").factors[:240]
    features = torch.cat([f.position / 20, f.rgb], 1)
    near = neighbors.nearest(features, features, k, exclude_self=True).tolist()
    n = len(f)

    def mean(disagree, pairs):
        values = [v for i, j in pairs if (v := disagree(i, j)) is not None]
        return sum(values) / len(values)

    def turn(i, j):
        if f.shape[i] != f.shape[j] or f.shape[i] == 0:
            return None
        period = 2 * math.pi / (3 if f.shape[i] == 1 else 4)
        apart = abs(float(f.angle[i] - f.angle[j])) % period
        return min(apart, period - apart) / period

    measures = {
        "shape": lambda i, j: float(f.shape[i] != f.shape[j]),
        "color": lambda i, j: float(f.color[i] != f.color[j]),
        "location": lambda i, j: math.dist(f.position[i].tolist(), f.position[j].tolist()),
        "size": lambda i, j: abs(float(f.size[i] - f.size[j])),
        "rotation": turn,
    }
    scores = neighbors.sensitivity(features, f, k)
    close = [(i, j) for i, row in enumerate(near) for j in row]
    every = [(i, j) for i in range(0, n, 5) for j in range(n) if i != j]
    for name, disagree in measures.items():
        expected = 1 - mean(disagree, close) / mean(disagree, every)
        assert scores[name] == pytest.approx(expected, abs=0.06), name


def test_a_factor_that_never_varies_cannot_be_scored(factors):
    red = factors[factors.color == 0]
    assert math.isnan(neighbors.sensitivity(normal(len(red), 4), red)["color"])
    circles = factors[factors.shape == 0]
    scores = neighbors.sensitivity(normal(len(circles), 4), circles)
    assert math.isnan(scores["shape"])
    assert math.isnan(scores["rotation"])
    assert not math.isnan(scores["size"])


def test_bad_sensitivity_questions_are_refused(factors):
    for n, m in ((11, 11), (20, 21), (0, 0)):
        with pytest.raises(ValueError, match=rf"equally many, at least 12, got {n} and {m}"):
            neighbors.sensitivity(torch.zeros(n, 2), factors[:m])
    with pytest.raises(ValueError, match="must be finite"):
        neighbors.sensitivity(torch.full((20, 2), math.nan), factors[:20])


# --- images of the same features, and intervals ----------------------------------------------


@pytest.mark.parametrize("width", [1, 128])
def test_a_constant_encoder_keeps_nothing(width):
    factors = ShapesDataset("val").factors
    scores = neighbors.sensitivity(torch.ones(len(factors), width), factors)
    assert all(abs(score) < 0.01 for score in scores.values()), scores


def test_an_encoder_of_colours_alone_keeps_nothing_else(factors):
    scores = neighbors.sensitivity(one_hot(factors.color), factors)
    assert scores.pop("color") == 1
    assert all(abs(score) < 0.02 for score in scores.values()), scores


def test_of_equals_each_is_a_neighbour_as_often_and_none_twice():
    n, k = 900, 7
    near = neighbors._nearest_of_equals(torch.zeros(n, 2), k)
    rows = torch.arange(n)[:, None]
    assert not (near == rows).any()
    assert all(len(set(row)) == k for row in near.tolist())
    times = near.flatten().bincount(minlength=n).double()
    assert times.mean() == k
    assert times.max() < 4 * k  # at random, not some few for all
    assert abs(float((near > rows).double().mean()) - 0.5) < 0.03  # whatever the order in the table


def test_equals_come_first_and_then_the_next_place():
    # Places 0, 1, 5 on a line, with 3, 2 and 4 images.
    place = torch.tensor([5.0, 0, 1, 0, 5, 1, 0, 5, 5])
    near = neighbors._nearest_of_equals(place[:, None], 4)
    for i, row in enumerate(near.tolist()):
        assert i not in row
        assert len(set(row)) == 4
        apart = [abs(float(place[j] - place[i])) for j in row]
        others = sorted(abs(float(place[j] - place[i])) for j in range(9) if j != i)
        assert apart == others[:4]


def test_features_without_equals_have_their_nearest(factors):
    features = normal(300, 3)
    expected = neighbors.nearest(features, features, 6, exclude_self=True)
    assert torch.equal(neighbors._nearest_of_equals(features, 6), expected)


def test_an_interval_holds_the_score_and_is_as_wide_as_other_images_scores_are_apart(factors):
    every = ShapesDataset("val").factors[:8000]
    features = torch.cat([every.position / 20, every.rgb, normal(8000, 3)], 1)
    parts = [slice(start, start + 1000) for start in range(0, 8000, 1000)]
    scores = [neighbors.sensitivity(features[p], every[p]) for p in parts]
    ends = neighbors.interval(features[parts[0]], every[parts[0]])
    for name, (low, high) in ends.items():
        assert low < scores[0][name] < high
        spread = torch.tensor([score[name] for score in scores]).std()
        assert 0.3 * 4 * spread < high - low < 3 * 4 * spread, name


def test_an_interval_of_a_higher_level_is_wider(factors):
    narrow, wide = (
        neighbors.interval(normal(500, 3), factors[:500], level=level) for level in (0.5, 0.99)
    )
    for name, (low, high) in narrow.items():
        assert wide[name][0] < low < high < wide[name][1]


def test_what_cannot_be_scored_has_no_interval(factors):
    red = factors[factors.color == 0]
    low, high = neighbors.interval(normal(len(red), 4), red, draws=5)["color"]
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5])
def test_a_level_is_a_share(factors, level):
    with pytest.raises(ValueError, match="level must be"):
        neighbors.interval(normal(20, 2), factors[:20], level=level)


# --- embed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 499, 500, 501, 720, 10_000])
def test_embedding_is_encoding_image_by_image(limit):
    val = ShapesDataset("val", size=1920)  # 720 images
    features = neighbors.embed(lambda images: images.mean((2, 3)), val, limit)
    n = min(limit, 720)
    assert features.shape == (n, 3)
    torch.testing.assert_close(features, val.images(range(n)).mean((2, 3)), atol=1e-6, rtol=0)


def test_embedding_uses_a_module_without_gradients():
    val = ShapesDataset("val", size=80)
    torch.manual_seed(0)
    encoder = Encoder(8, normalize=True)
    features = neighbors.embed(encoder, val)
    assert not features.requires_grad
    assert features.dtype == torch.float32
    expected = encoder(val.images(range(30))).detach()
    torch.testing.assert_close(features, expected, atol=2e-2, rtol=0)  # bfloat16 where it is native


def test_maps_are_flattened_to_rows_in_float32():
    val = ShapesDataset("val", size=80)
    features = neighbors.embed(lambda images: images.half(), val, 5)
    assert features.shape == (5, 3 * 64 * 64)
    assert features.dtype == torch.float32


def test_pixels_are_the_images_themselves():
    val = ShapesDataset("val", size=80)
    images = val.images(range(7))
    assert torch.equal(neighbors.pixels(images).view_as(images), images)
    assert torch.equal(neighbors.embed(neighbors.pixels, val, 7), images.flatten(1))


@pytest.mark.parametrize(("recipe", "n"), [("fast", 24_000), ("smoke", 2_400)])
def test_by_default_only_the_first_are_embedded(recipe, n, monkeypatch):
    monkeypatch.setattr(recipes, "_chosen", recipe)

    class Numbers(ShapesDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 30_000

        def images(self, rows, device):
            return torch.tensor(rows).float()[:, None]

    features = neighbors.embed(lambda images: images, Numbers())
    assert torch.equal(features[:, 0], torch.arange(float(n)))


def test_some_image_is_embedded():
    with pytest.raises(ValueError, match="limit must be at least 1, got 0"):
        neighbors.embed(neighbors.pixels, ShapesDataset("val", size=80), 0)
