"""The rule against the ideal encoders that it was taken from."""

import itertools
import math

import pytest
import torch

from replearn import neighbors, ruler
from replearn.shapes import Factors, ShapesDataset


@pytest.fixture(scope="module")
def factors():
    return ShapesDataset("val").factors


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (-0.02, "invariant"),
        (0.2499, "invariant"),
        (0.25, "partly"),
        (0.5, "partly"),
        (0.5001, "sensitive"),
        (1.0, "sensitive"),
    ],
)
def test_a_score_has_one_word(score, word):
    assert ruler.word(score) == word


def test_what_is_no_number_has_none():
    with pytest.raises(ValueError, match="score must be a finite number, got nan"):
        ruler.word(math.nan)


def test_an_encoder_that_keeps_all_alike_is_sensitive_to_all(factors):
    scores = neighbors.sensitivity(ruler.ideal(factors), factors)
    assert min(scores.values()) == pytest.approx(0.72, abs=0.01)
    assert {ruler.word(score) for score in scores.values()} == {"sensitive"}


def test_no_factor_is_betrayed_so_far_that_it_would_not_be_called_invariant(factors):
    """But for the rotation, which tells a circle, having none, from the rest."""
    some = factors[:6000]
    betrayed = {}
    for count in (1, 2, 4):
        for kept in itertools.combinations(neighbors.FACTORS, count):
            scores = neighbors.sensitivity(ruler.ideal(some, kept), some)
            rest = {*neighbors.FACTORS} - {*kept}
            betrayed |= {(kept, name): scores[name] for name in rest}
    by_rotation = {key for key in betrayed if "rotation" in key[0] and key[1] == "shape"}
    worst = max(betrayed.keys() - by_rotation, key=betrayed.get)
    assert worst == (("location", "size"), "shape")
    assert 0.15 < betrayed[worst] < ruler.INVARIANT


def test_an_ideal_encoder_keeps_its_factor_wholly(factors):
    some = factors[:3000]
    for name in neighbors.FACTORS:
        scores = neighbors.sensitivity(ruler.ideal(some, (name,)), some)
        assert scores[name] > (0.9 if name == "location" else 0.97), name


def test_each_factor_weighs_as_much_as_any(factors):
    features = ruler.ideal(factors[:500])
    widths = {"color": 8, "location": 2, "shape": 3, "size": 1, "rotation": 2}
    for side in features.split([widths[name] for name in neighbors.FACTORS], dim=1):
        assert float(side.mean(0).abs().max()) < 1e-5
        assert float(side.square().sum(1).mean()) == pytest.approx(1, abs=1e-5)


def test_bad_questions_are_refused(factors):
    with pytest.raises(ValueError, match="kept must name a factor at least"):
        ruler.ideal(factors, ())
    with pytest.raises(ValueError, match=r"kept must be one of .*'weight'"):
        ruler.ideal(factors, ("weight",))
    one = Factors(**{k: v[:1].expand(20, *v.shape[1:]) for k, v in vars(factors).items()})
    with pytest.raises(ValueError, match="factors must vary in size"):
        ruler.ideal(one, ("size",))
    assert torch.isfinite(ruler.ideal(factors[:20])).all()
