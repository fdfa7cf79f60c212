"""Probes of features whose content is known."""

import math

import pytest
import torch

from replearn import neighbors, probes, ruler
from replearn.shapes import Factors, ShapesDataset

TRAIN, VAL = ShapesDataset("train").factors[:1500], ShapesDataset("val").factors[:600]


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("model", probes.PROBES)
def test_what_is_there_is_read(model):
    """All five factors, mixed by a random map into many numbers with some noise."""
    mix = normal(16, 40)
    sides = [ruler.ideal(some) @ mix + 0.01 * normal(len(some), 40) for some in (TRAIN, VAL)]
    scores = probes.probe(sides[0], TRAIN, sides[1], VAL, model)
    assert scores.keys() == set(neighbors.FACTORS)
    assert all(score > 0.95 for score in scores.values()), scores


@pytest.mark.parametrize("model", probes.PROBES)
def test_noise_tells_nothing(model):
    scores = probes.probe(normal(1500, 4), TRAIN, normal(600, 4, seed=1), VAL, model)
    assert all(-0.2 < score < 0.06 for score in scores.values()), scores


def test_one_factor_is_read_where_the_others_are_not():
    sides = [ruler.ideal(some, ("shape",)) for some in (TRAIN, VAL)]
    scores = probes.probe(sides[0], TRAIN, sides[1], VAL)
    assert scores.pop("shape") == 1
    assert max(scores.values()) < 0.1, scores


def test_the_mlp_reads_what_is_not_linear():
    """Squares have two signs that differ, the others two that agree; no plane parts them."""

    def sides(factors, seed):
        first, second = normal(2, len(factors), seed=seed).sign()
        second = torch.where(factors.shape == 2, first, -first)
        return torch.stack([first, second], 1) + 0.1 * normal(len(factors), 2, seed=seed + 9)

    given = sides(TRAIN, 0), TRAIN, sides(VAL, 1), VAL
    linear, mlp = (probes.probe(*given, model)["shape"] for model in probes.PROBES)
    assert linear < 0.3 < 0.4 < mlp < 0.6  # circles and triangles stay one: at most a half


def test_a_score_is_one_minus_the_error_over_that_of_the_best_guess():
    given = TRAIN.rgb, TRAIN, VAL.rgb, VAL
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    known = classifier.fit(TRAIN.rgb.numpy(), TRAIN.color.numpy())
    wrong = (known.predict(VAL.rgb.numpy()) != VAL.color.numpy()).mean()
    guess = float((VAL.color != TRAIN.color.bincount().argmax()).float().mean())
    scores = probes.probe(*given)
    assert scores["color"] == pytest.approx(1 - wrong / guess, abs=0.01)
    ridge = make_pipeline(StandardScaler(), Ridge()).fit(TRAIN.rgb.numpy(), TRAIN.size.numpy())
    error = (ridge.predict(VAL.rgb.numpy()) - VAL.size.numpy()) ** 2
    of_mean = (VAL.size.numpy() - float(TRAIN.size.mean())) ** 2
    assert scores["size"] == pytest.approx(1 - error.sum() / of_mean.sum(), abs=1e-4)


def test_wide_features_are_reduced_and_still_read():
    mix = normal(16, 2000)
    sides = [ruler.ideal(some) @ mix for some in (TRAIN, VAL)]
    scores = probes.probe(sides[0], TRAIN, sides[1], VAL)
    assert min(scores.values()) > 0.95, scores


def test_only_what_is_wanted_is_read_and_has_to_vary():
    red = changed(TRAIN, color=torch.zeros(len(TRAIN), dtype=torch.long))
    sides = [ruler.ideal(some, ("shape",)) for some in (TRAIN, VAL)]
    assert probes.probe(sides[0], red, sides[1], VAL, wanted=("shape",)) == {"shape": 1}
    with pytest.raises(ValueError, match="wanted must be one of"):
        probes.probe(sides[0], red, sides[1], VAL, wanted=("weight",))


def changed(factors, **values):
    return Factors(**{**vars(factors), **values})


ZEROS = torch.zeros(len(TRAIN), dtype=torch.long)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"train_factors": changed(TRAIN, shape=ZEROS)}, "train_factors must hold two labels"),
        ({"train_factors": changed(TRAIN, color=ZEROS)}, "train_factors must hold two labels"),
        ({"factors": changed(VAL, shape=ZEROS[: len(VAL)])}, "factors must hold two labels"),
        ({"train_factors": changed(TRAIN, size=ZEROS.float())}, "train_factors must .* in size"),
        ({"train_features": torch.ones(1500, 3)}, "train_features must differ .* all the same"),
        ({"train_features": torch.full((1500, 3), math.nan)}, "train_features must be finite"),
        ({"features": torch.full((600, 3), math.inf)}, "features must be finite"),
        ({"train_features": torch.rand(9, 3)}, "train_features must be .* 1500 images, got 9"),
        ({"features": torch.rand(9, 3)}, "features must be one row for each of 600 .* got 9"),
        ({"features": torch.rand(600, 4)}, "features"),
        ({"model": "forest"}, "model must be one of 'linear', 'MLP'"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        (
            {"train_features": torch.rand(3, 3), "train_factors": TRAIN[:3]},
            "train_factors must hold",
        ),
    ],
)
def test_bad_input_is_refused_by_name(arguments, message):
    given = {
        "train_features": normal(1500, 3),
        "train_factors": TRAIN,
        "features": normal(600, 3),
        "factors": VAL,
    }
    with pytest.raises(ValueError, match=message):
        probes.probe(**{**given, **arguments})


@pytest.mark.parametrize("model", probes.PROBES)
def test_a_unit_that_is_hardly_ever_active_does_no_harm(model):
    """As after a ReLU: zero for all training images but one, far from it for a few others."""
    sides = [torch.cat([ruler.ideal(some), torch.zeros(len(some), 1)], 1) for some in (TRAIN, VAL)]
    before = probes.probe(sides[0], TRAIN, sides[1], VAL, model)
    sides[0][0, -1] = 1e-3
    sides[1][:10, -1] = 5.0
    after = probes.probe(sides[0], TRAIN, sides[1], VAL, model)
    assert all(abs(after[name] - before[name]) < 0.1 for name in before), after
