"""Recipes: how long each trains, and learning rates that warm up and die away."""

import pytest

from replearn import augmentations, recipes, training
from replearn.recipes import RECIPES, Recipe


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains_both_kinds_of_network(name):
    assert RECIPES[name].keys() >= {"autoencoder", "contrastive"}
    assert RECIPES[name].keys() <= {"autoencoder", "contrastive", *augmentations.SETS}
    for plan in RECIPES[name].values():
        shares = [plan.schedule(step) for step in range(plan.steps)]
        assert 0 <= min(shares) < max(shares) == 1 or set(shares) == {1}
        assert plan.adam > 0
        assert plan.muon is None or plan.muon > 0


def test_fast_takes_fewer_images_than_reference():
    for name, plan in RECIPES["fast"].items():
        reference = RECIPES["reference"]["autoencoder" if name == "autoencoder" else "contrastive"]
        assert plan.steps * plan.batch < reference.steps * reference.batch / 3


def test_smoke_is_short():
    for plan in RECIPES["smoke"].values():
        assert plan.steps * plan.batch <= 1000
        assert plan.steps < training._LAST, "too short for a training to be judged"


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("steps", [10, 200])
def test_the_rate_climbs_in_a_line_and_falls_along_half_a_cosine(warmup, steps):
    plan = Recipe(steps=steps, batch=1, adam=3.0, warmup=warmup)
    rates = [plan.schedule(step) for step in range(steps)]
    top = rates.index(max(rates))
    assert top == max(0, round(warmup * steps) - 1)
    for step in range(top):
        assert rates[step] == pytest.approx((step + 1) / (warmup * steps))
    assert all(a > b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    # Half-way down the cosine is half the peak.
    half = round((warmup + 1) / 2 * steps) - 1
    assert rates[half] == pytest.approx(0.5, abs=2 / steps)


@pytest.mark.parametrize("name", ["warmup", "beta2"])
def test_shares_of_all_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be below 1, got 1"):
        Recipe(steps=4, batch=1, adam=1e-3, **{name: 1.0})


def test_without_warmup_the_rate_stays():
    assert {Recipe(5, 1, 0.1).schedule(step) for step in range(5)} == {1}


def test_a_recipe_that_is_chosen_is_the_default(monkeypatch):
    monkeypatch.setattr(recipes, "_chosen", "fast")
    assert recipes.default_recipe() == "fast"
    recipes.use("reference")
    assert recipes.default_recipe() == "reference"


def test_smoke_alone_looks_at_fewer_images_and_trains_a_shorter_classifier():
    sizes = {name: (recipes.bank_size(name), recipes.classifier_steps(name)) for name in RECIPES}
    images, steps = sizes.pop("smoke")
    assert len(set(sizes.values())) == 1
    for full_images, full_steps in sizes.values():
        assert images <= full_images / 10
        assert steps <= full_steps / 10
