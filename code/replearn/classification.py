"""A supervised classifier of the shapes, trained on batches that hold every class equally often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from replearn import networks, recipes, shapes
from replearn.engine import validation
from replearn.engine.devices import memory_kept

Loss = Callable[[Float[Tensor, "n C"], Int[Tensor, " n"]], Float[Tensor, ""]]


@validation.arguments
@dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        network: the encoder and the linear layer, in evaluation mode.
        losses: the loss of every step.
        recipe: the recipe that set the number of steps, or ``"custom"`` if the caller set it.
        facts: label, images of a class in a batch, learning rate and seed.
    """

    network: nn.Sequential
    losses: Float[Tensor, " steps"]
    recipe: str
    facts: dict[str, Any]


@validation.arguments
def balanced_batches(
    labels: Int[Tensor, " n"], per_class: int, generator: torch.Generator
) -> Iterator[Int[Tensor, " batch"]]:
    """Yield, without end, the indices of ``per_class`` random samples of each class.

    A batch holds the samples of class 0 first, then those of class 1, and so on to C − 1. No sample
    occurs in it twice.

    Raises:
        ValueError: if ``per_class`` < 1 or a class has fewer samples than that.

    Examples:
        >>> labels = torch.tensor([0, 0, 0, 1, 1])
        >>> batches = classification.balanced_batches(labels, 2, torch.Generator().manual_seed(0))
        >>> labels[next(batches)]
        tensor([0, 0, 1, 1])
    """
    validation.at_least("per_class", per_class, 1)
    labels = validation.labels("labels", labels)
    counts = labels.bincount()
    if counts.min() < per_class:
        raise ValueError(
            f"per_class must be at most {int(counts.min())}, the samples of class "
            f"{int(counts.argmin())}, got {per_class}"
        )
    members = [(labels == c).nonzero()[:, 0] for c in range(len(counts))]
    while True:
        yield torch.cat(
            [m[torch.randperm(len(m), generator=generator)[:per_class]] for m in members]
        )


@validation.arguments
@memory_kept()
def train_classifier(
    loss: Loss,
    dataset: shapes.ShapesDataset,
    labels: Int[Tensor, " n"],
    *,
    steps: int | None = None,
    per_class: int = 4,
    lr: float = 1e-3,
    seed: int = 0,
) -> Classifier:
    """Train an encoder with a linear layer on top, on the CPU, with Adam and balanced batches.

    Initial weights and batches depend on ``seed`` alone: two losses with the same seed start at the
    same weights and see the same images.

    Args:
        loss: ``loss(logits, labels)`` of (n, C) and (n,), to a scalar.
        dataset: the images.
        labels: (n,) the class 0, …, C − 1 of each image.
        steps: number of steps; by default :func:`recipes.classifier_steps` of the default recipe.
        per_class: images of each class in a batch.
        lr: Adam's learning rate.
        seed: of the initial weights and the batches.

    Raises:
        ValueError: if ``labels`` and ``dataset`` differ in length, or for ``steps`` < 1.

    Examples:
        >>> dataset = shapes.ShapesDataset("train", size=400)
        >>> loss, labels = torch.nn.functional.cross_entropy, dataset.factors.shape
        >>> classifier = classification.train_classifier(loss, dataset, labels, steps=1)
        >>> classifier.network(dataset.images([0, 1])).shape  # logits of three shapes
        torch.Size([2, 3])
    """
    recipe = "custom"
    if steps is None:
        recipe = recipes.default_recipe()
        steps = recipes.classifier_steps(recipe)
    validation.at_least("steps", steps, 1)
    validation.at_least("seed", seed, 0)
    validation.positive("lr", lr)
    labels = validation.labels("labels", labels)
    if len(labels) != len(dataset):
        raise ValueError(f"labels must be one for each of {len(dataset)}, got {len(labels)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = networks.Encoder()
        network = nn.Sequential(encoder, nn.Linear(encoder.latent_dim, int(labels.max()) + 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    batches = balanced_batches(labels, per_class, torch.Generator().manual_seed(seed))
    history = torch.empty(steps)
    for step in range(steps):
        indices = next(batches)
        value = loss(network(dataset.images(indices)), labels[indices])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        history[step] = value.detach()
    facts = {"label": "classifier", "per_class": per_class, "lr": lr, "seed": seed}
    return Classifier(network.eval(), history, recipe, facts)


@validation.arguments
def accuracy(logits: Float[Tensor, "n C"], labels: Int[Tensor, " n"]) -> float:
    """Return the share of rows whose label has the unique largest logit; a tie is wrong.

    Examples:
        >>> logits = torch.tensor([[3.0, 1.0], [2.0, 2.0]])  # the second row is a tie
        >>> classification.accuracy(logits, torch.tensor([0, 0]))
        0.5
    """
    validation.finite("logits", logits)
    labels = validation.labels("labels", labels, logits.shape[1])
    target = nn.functional.one_hot(labels, logits.shape[1]).bool()
    best_other = logits.masked_fill(target, -torch.inf).amax(dim=1)
    return float((logits[target] > best_other).float().mean())


@validation.arguments
def dual_encoder_accuracy(
    first: Float[Tensor, "*draws N d"], second: Float[Tensor, "*#draws N d"]
) -> float:
    """Return the share of quizzes that two encoders answer right; a tie is wrong.

    ``first`` and ``second`` hold f₁ and f₂ of the pairs, as in :func:`losses.dual_encoder_loss`.

    Examples:
        >>> classification.dual_encoder_accuracy(torch.eye(3), torch.eye(3))
        1.0
        >>> round(classification.dual_encoder_accuracy(torch.eye(3), torch.eye(3).flip(0)), 2)
        0.33
    """
    validation.at_least("len(first)", len(first), 1)
    validation.one_precision(first=first, second=second)
    validation.finite("first", first)
    validation.finite("second", second)
    dots = first @ second.mT
    n = dots.shape[-1]
    return accuracy(dots.reshape(-1, n), torch.arange(n).repeat(dots.numel() // n**2))


@validation.arguments
def collapse(
    features: Float[Tensor, "n d"], labels: Int[Tensor, " n"], class_vectors: Float[Tensor, "C d"]
) -> tuple[Float[Tensor, " pairs"], Float[Tensor, " C"]]:
    """Return how near a classifier is to neural collapse (Papyan et al. 2020), as cosines.

    Class means and class vectors are centred first, each by the mean of its own kind.

    Args:
        features: penultimate features of n inputs.
        labels: their classes, each of the C ≥ 2 at least once.
        class_vectors: the rows of the last layer.

    Returns:
        The cosines between different class means, (C² − C,), all −1/(C − 1) at collapse, and those
        between each class mean and its row, (C,), all 1 at collapse.

    Raises:
        ValueError: if a class has no input, or there are fewer than two.

    Examples:
        >>> features, rows = torch.eye(2).repeat(2, 1), torch.eye(2)
        >>> between, with_own_row = classification.collapse(features, torch.arange(4) % 2, rows)
        >>> [round(float(each.mean()), 3) for each in (between, with_own_row)]  # fully collapsed
        [-1.0, 1.0]
    """
    validation.at_least("len(class_vectors)", len(class_vectors), 2)
    validation.one_precision(features=features, class_vectors=class_vectors)
    validation.finite("features", features)
    validation.finite("class_vectors", class_vectors)
    labels = validation.labels("labels", labels, len(class_vectors))
    counts = labels.bincount(minlength=len(class_vectors))
    if not counts.all():
        raise ValueError(f"labels must hold every class, got counts {counts.tolist()}")
    means = torch.stack([features[labels == c].mean(0) for c in range(len(class_vectors))])
    means, rows = (nn.functional.normalize(v - v.mean(0), dim=1) for v in (means, class_vectors))
    different = ~torch.eye(len(means), dtype=torch.bool)
    return (means @ means.T)[different], (means * rows).sum(1)
