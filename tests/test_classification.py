from itertools import islice

import pytest
import torch
import torch.nn.functional as F

from replearn import classification, losses, recipes, shapes
from replearn.course import claims
from replearn.theory import tammes


@pytest.fixture(scope="module")
def dataset():
    return shapes.ShapesDataset("train", size=400)


@pytest.mark.parametrize("seed", range(3))
def test_every_class_is_equally_frequent_and_no_sample_twice(seed):
    labels = torch.randint(5, (300,), generator=torch.Generator().manual_seed(seed))
    batches = classification.balanced_batches(labels, 7, torch.Generator().manual_seed(seed))
    for batch in islice(batches, 4):
        assert labels[batch].bincount().tolist() == [7] * 5
        assert len(batch.unique()) == 35


def test_batches_differ_from_each_other():
    labels = torch.arange(100) % 2
    first, second = islice(
        classification.balanced_batches(labels, 10, torch.Generator().manual_seed(0)), 2
    )
    assert not torch.equal(first, second)


def test_a_class_too_small_for_the_batch_is_named():
    with pytest.raises(ValueError, match="at most 1, the samples of class 1, got 2"):
        next(classification.balanced_batches(torch.tensor([0, 0, 1]), 2, torch.Generator()))


def test_cross_entropy_and_dual_encoder_train_alike(dataset):
    colors = dataset.factors.color
    runs = [
        classification.train_classifier(loss, dataset, colors, steps=3, per_class=2, seed=5)
        for loss in (F.cross_entropy, losses.cross_entropy_as_dual_encoder)
    ]
    classifier, twin = runs
    assert torch.allclose(classifier.losses, twin.losses, atol=1e-4)
    images = dataset.images(range(4))
    assert torch.allclose(classifier.network(images), twin.network(images), atol=1e-2)


def test_training_lowers_the_loss_and_leaves_the_global_generator_alone(dataset):
    before = torch.get_rng_state()
    classifier = classification.train_classifier(
        F.cross_entropy, dataset, dataset.factors.color, steps=12, per_class=2
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert classifier.losses[-3:].mean() < classifier.losses[:3].mean()


def trained(dataset, **steps):
    labels = dataset.factors.color
    return classification.train_classifier(F.cross_entropy, dataset, labels, per_class=1, **steps)


def test_a_classifier_takes_the_steps_that_are_asked_for_or_the_recipes(dataset):
    asked, by_recipe = trained(dataset, steps=2), trained(dataset)
    assert (len(asked.losses), asked.recipe) == (2, "custom")
    assert (len(by_recipe.losses), by_recipe.recipe) == (recipes.classifier_steps("smoke"), "smoke")


def test_a_claim_may_rest_on_a_classifier(dataset, capsys):
    claims.claim("It names every colour.", False, on=trained(dataset))
    assert "✗ (smoke build: classifier hardly trained) " in capsys.readouterr().out
    with pytest.raises(claims.ClaimFailed):
        claims.claim("It names every colour.", False, on=trained(dataset, steps=2))


def test_labels_must_be_one_per_image(dataset):
    with pytest.raises(ValueError, match=f"labels must be one for each of {len(dataset)}, got 3"):
        classification.train_classifier(F.cross_entropy, dataset, torch.tensor([0, 1, 2]))


def test_a_tie_is_a_mistake():
    logits = torch.tensor([[2.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    assert classification.accuracy(logits, torch.tensor([0, 0, 0, 1])) == 0.5


@pytest.mark.parametrize("seed", range(3))
def test_dual_encoder_accuracy_counts_quizzes_one_by_one(seed):
    generator = torch.Generator().manual_seed(seed)
    first = torch.randn(4, 5, 3, generator=generator)
    second = torch.randn(4, 5, 3, generator=generator)
    right = sum(
        all(u @ v[i] > u @ v[j] for j in range(5) if j != i)
        for us, v in zip(first, second, strict=True)
        for i, u in enumerate(us)
    )
    assert classification.dual_encoder_accuracy(first, second) == pytest.approx(right / 20)


def test_in_a_dual_encoder_too_a_tie_is_a_mistake():
    assert classification.dual_encoder_accuracy(torch.ones(1, 2, 1), torch.ones(2, 1)) == 0


def test_collapse_is_seen_and_its_absence_too():
    rows = tammes.simplex(4, 3) + 5  # centring takes the shift away
    labels = torch.arange(4).repeat(3)
    between, own = classification.collapse(2 * rows[labels] - 1, labels, rows)
    torch.testing.assert_close(between, torch.full((12,), -1 / 3, dtype=rows.dtype))
    torch.testing.assert_close(own, torch.ones(4, dtype=rows.dtype))
    between, own = classification.collapse(rows[labels], labels, rows.roll(1, 0))
    torch.testing.assert_close(own, torch.full((4,), -1 / 3, dtype=rows.dtype))
    square = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
    between, _ = classification.collapse(square[labels], labels, square)
    assert sorted(set(between.tolist())) == pytest.approx([-1, 0])


def test_collapse_needs_every_class():
    with pytest.raises(ValueError, match=r"labels must hold every class, got counts \[1, 2, 0\]"):
        classification.collapse(torch.rand(3, 2), torch.tensor([0, 1, 1]), torch.rand(3, 2))
