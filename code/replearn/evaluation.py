"""How well a finished run does on images that it has not seen."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor, nn

from replearn import losses, neighbors, probes, recipes
from replearn.augmentations import Augmentation
from replearn.engine import store, validation
from replearn.engine.devices import autocast, machine, torch_defaults
from replearn.networks import Encoder
from replearn.shapes import ShapesDataset
from replearn.tasks import REVISION, Loss
from replearn.training import Run


@validation.arguments
@torch_defaults()
@torch.no_grad()
def validation_loss(
    run: Run,
    augmentation: Augmentation | None = None,
    *,
    loss: Loss = losses.info_nce,
    tau: float = losses.TAU,
    batches: int = 40,
    batch: int = 256,
    seed: int = 0,
) -> float:
    """Return the run's loss on the validation images, the mean over ``batches`` batches.

    Args:
        run: of an autoencoder, or of a contrastive encoder together with its ``augmentation``.
        augmentation: makes the pairs; left out for an autoencoder.
        loss: the contrastive loss, as in :func:`training.train_contrastive`.
        tau: its temperature.
        batches: number of batches; the validation images suffice for 93 of 256.
        batch: images (or pairs) in a batch; each pair then has ``batch`` − 1 negatives.
        seed: of the views.

    Raises:
        ValueError: for an autoencoder with an augmentation, a contrastive run without one, or
            more images than there are.
    """
    if (augmentation is None) != (run.decoder is not None):
        raise ValueError(
            "augmentation must be the one a contrastive run was trained on, and None for an "
            f"autoencoder, got {augmentation!r}"
        )
    validation.at_least("batches", batches, 1)
    validation.at_least("batch", batch, 1)
    validation.at_least("seed", seed, 0)
    validation.positive("tau", tau)
    dataset = ShapesDataset("val")
    if batches * batch > len(dataset):
        raise ValueError(
            f"batches of {batch} must be at most {len(dataset) // batch}, got {batches}"
        )
    device = next(run.encoder.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    total = 0.0
    for k in range(batches):
        images = dataset.images(range(k * batch, (k + 1) * batch), device)
        if run.decoder is not None:
            with autocast(device):
                reconstructions = run.decoder(run.encoder(images))
            total += float(losses.reconstruction_loss(images, reconstructions.float()))
        else:
            assert augmentation is not None
            with autocast(device):
                z, z_pos = (run.encoder(augmentation(images, generator)) for _ in range(2))
            total += float(loss(z, z_pos, tau))
    return total / batches


@validation.arguments
def features(run: Run) -> Float[Tensor, "n d"]:
    """Return :func:`neighbors.embed` of the run's encoder on validation images.

    Computed once, then stored beside the run and found by the encoder's weights.
    """
    dataset, limit = ShapesDataset("val"), recipes.bank_size(run.recipe)
    here = machine(next(run.encoder.parameters()).device)
    weights = {key: value.cpu().contiguous() for key, value in run.encoder.state_dict().items()}
    name = store.key(
        {
            "kind": "features",
            "weights": hashlib.sha256(safetensors.torch.save(weights)).hexdigest(),
            "normalize": run.encoder.normalize,
            "data": {"size": dataset.size, "seed": dataset.seed, "limit": limit},
            "precision": here["precision"],
            "revision": REVISION,
        }
    )
    with store.lock(name):
        found = store.load(name)
        if found is None:
            began = time.monotonic()
            embedded = neighbors.embed(run.encoder, dataset, limit)
            facts = {
                "kind": "features",
                "label": f"features of {run.facts['label']}",
                "recipe": run.recipe,
                "seed": run.facts["seed"],
                "seconds": time.monotonic() - began,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                **here,
            }
            store.save(name, {"features": embedded}, facts)
            found = {"features": embedded}, facts
    return found[0]["features"]


@validation.arguments
def scores(
    run: Run, augmentation: Augmentation | None = None, *, loss: Loss = losses.info_nce
) -> dict[str, Any]:
    """Return ``validation_loss`` and ``sensitivity`` (a number a factor) of a finished run.

    Args:
        run: of an autoencoder, or of a contrastive encoder together with its ``augmentation``.
        augmentation: the one the encoder was trained on; left out for an autoencoder.
        loss: the contrastive loss, as in :func:`training.train_contrastive`.
    """
    codes = features(run)
    factors = ShapesDataset("val").factors[: len(codes)]
    return {
        "validation_loss": validation_loss(run, augmentation, loss=loss),
        "sensitivity": neighbors.sensitivity(codes, factors),
    }


@validation.arguments
def probed(
    encoder: nn.Module | Callable[[Tensor], Tensor],
    model: str = "linear",
    *,
    known: int = 10_000,
    asked: int = 4_000,
) -> dict[str, float]:
    """Return :func:`probes.probe` of an encoder's features of images without augmentation.

    Args:
        encoder: as in :func:`neighbors.embed`; one that gives all images the same
            features scores 0.
        model: one of :data:`probes.PROBES`.
        known: number of training images that it learns from.
        asked: number of validation images that it is asked about.
    """
    train, val = (ShapesDataset(split) for split in ("train", "val"))
    learnt, seen = neighbors.embed(encoder, train, known), neighbors.embed(encoder, val, asked)
    if not bool((learnt != learnt[:1]).any()):
        return dict.fromkeys(neighbors.FACTORS, 0.0)
    return probes.probe(learnt, train.factors[:known], seen, val.factors[:asked], model)


@validation.arguments
@torch_defaults()
def principal_components(
    features: Float[Tensor, "n d"], count: int = 2
) -> tuple[Float[Tensor, "n c"], Float[Tensor, " c"]]:
    """Return the features along their ``count`` directions of most variance, and its shares.

    Coordinates (n, count) are about the mean; shares, of the whole variance, are in [0, 1]. The
    largest component of each direction is positive, so that the picture comes the same way round.

    Raises:
        ValueError: for ``count`` outside 1 … d, or features that are not finite, or all the same.
    """
    validation.at_least("count", count, 1)
    if count > features.shape[1]:
        raise ValueError(f"count must be at most {features.shape[1]}, got {count}")
    validation.finite("features", features)
    centred = (features - features.mean(0)).double()
    variances, directions = torch.linalg.eigh(centred.T @ centred)
    total = float(variances.sum())
    if not total > 0 or not bool((features != features[:1]).any()):
        raise ValueError("features must differ from image to image, got all the same")
    variances, directions = variances.flip(0)[:count], directions.flip(1)[:, :count]
    largest = directions.gather(0, directions.abs().argmax(0, keepdim=True))
    coordinates = centred @ (directions * largest.sign())
    return coordinates.to(features.dtype), (variances / total).clamp(0, 1).to(features.dtype)


LAYERS = ("pixels", "conv 1", "conv 2", "conv 3", "conv 4", "conv 5", "conv 6", "latent")
"""The representations of an image on its way through an encoder, in order."""

_BATCH = 25  # images: their feature maps are held twice


@validation.arguments
@torch_defaults()
@torch.no_grad()
def layer_accuracies(
    encoder: Encoder, dataset: ShapesDataset, limit: int = 1000
) -> dict[str, list[float]]:
    """Return how often an image's nearest neighbour has its colour, or its shape, layer by layer.

    Args:
        encoder: the encoder whose layers are compared.
        dataset: each of its first ``limit`` images looks for its neighbour among the others.
        limit: number of images; their feature maps are held in memory, 250 kB an image.

    Returns:
        ``"color"`` and ``"shape"``, each a share in [0, 1] for every one of :data:`LAYERS`.

    Raises:
        ValueError: for ``limit`` below 2, or above the number of images.
    """
    validation.at_least("limit", limit, 2)
    if limit > len(dataset):
        raise ValueError(f"limit must be at most {len(dataset)}, got {limit}")
    device = next(encoder.parameters()).device
    layers: list[Tensor] = []
    for rows in torch.arange(limit).split(_BATCH):
        with autocast(device):
            some = encoder.layers(dataset.images(rows, device))
        # One tensor for each layer: many small ones would leave the memory in pieces.
        layers = layers or [torch.empty(limit, m[0].numel(), device=device) for m in some]
        for room, maps in zip(layers, some, strict=True):
            room[rows] = maps.flatten(1).float()

    def from_last() -> Iterator[Tensor]:  # the widest layers come last, when the rest is freed
        while layers:
            yield layers.pop()
        yield dataset.images(range(limit), device).flatten(1)

    labels = {"color": dataset.factors.color[:limit], "shape": dataset.factors.shape[:limit]}
    accuracies: dict[str, list[float]] = {name: [] for name in labels}
    for features in from_last():
        features -= features.mean(0)  # in place: nearest would do it in a copy
        twin = neighbors.nearest(features, features, 1, exclude_self=True)[:, 0].cpu()
        for name, label in labels.items():
            accuracies[name].insert(0, float((label == label[twin]).float().mean()))
    return accuracies
