"""What is to be trained: networks, images, views and loss, and what one training step measures.

A contrastive step draws a batch, makes two random views of each image, encodes both and compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from replearn import augmentations, losses
from replearn.augmentations import Augmentation
from replearn.engine import distributed, store, validation
from replearn.engine.devices import autocast
from replearn.engine.identity import identify
from replearn.fit import Measures
from replearn.networks import Decoder, Encoder
from replearn.recipes import RECIPES, Recipe, default_recipe
from replearn.shapes import ShapesDataset

Loss = Callable[..., Tensor]

REVISION = 1
"""The revision of what the library computes: part of every key, raised whenever a result changes.

A faster, shorter or renamed program that computes the same keeps its revision, and so keeps every
stored run. ``tests/test_golden.py`` tells the two cases apart.
"""

_CENTRED_ON = 512  # images


@validation.arguments
@dataclass(frozen=True)
class Task:
    """What is to be trained: all that the result depends on, except the processor's rounding.

    Attributes:
        augmentation: makes both views of every pair; None for an autoencoder.
        loss: as in :func:`train_autoencoder` or :func:`train_contrastive`.
        recipe: a key of :data:`RECIPES`, or a plan; :func:`default_recipe` if absent.
        latent_dim, tau, seed: as in :func:`train_contrastive`.
        dataset: the images.
    """

    augmentation: Augmentation | None
    loss: Loss
    recipe: str | Recipe | None = None
    latent_dim: int = 128
    tau: float = losses.TAU
    seed: int = 0
    dataset: ShapesDataset = field(default_factory=lambda: ShapesDataset("train"))

    def __post_init__(self) -> None:
        """Check the ranges."""
        validation.positive("tau", self.tau)
        validation.at_least("latent_dim", self.latent_dim, 1)
        validation.at_least("seed", self.seed, 0)
        if not isinstance(self.recipe, Recipe):
            validation.one_of("recipe", self.recipe_name, tuple(RECIPES))

    @property
    def kind(self) -> str:
        """Return ``"autoencoder"`` or ``"contrastive"``."""
        return "autoencoder" if self.augmentation is None else "contrastive"

    @property
    def label(self) -> str:
        """Return what the run is called in tables and errors."""
        return "autoencoder" if self.augmentation is None else self.augmentation.name

    @property
    def recipe_name(self) -> str:
        """Return the recipe's name; ``"custom"`` for a plan of the caller's."""
        return "custom" if isinstance(self.recipe, Recipe) else self.recipe or default_recipe()

    @property
    def plan(self) -> Recipe:
        """Return how it is optimised: see :func:`augmentations.plan`."""
        if isinstance(self.recipe, Recipe):
            return self.recipe
        return augmentations.plan(self.recipe_name, self.augmentation)

    def key(self) -> str:
        """Return the name under which the store keeps the run.

        Raises:
            Unidentifiable: if the loss or the augmentation is not known for certain.
        """
        description = {
            "kind": self.kind,
            "loss": identify(self.loss),
            "plan": asdict(self.plan),
            "latent_dim": self.latent_dim,
            "seed": self.seed,
            "data": {"size": self.dataset.size, "seed": self.dataset.seed},
            "revision": REVISION,
        }
        if self.augmentation is not None:
            description |= {"augmentation": identify(self.augmentation), "tau": self.tau}
        return store.key(description)

    def facts(self) -> dict[str, Any]:
        """Return what the store says of the run, for people."""
        contrastive = {"augmentation": repr(self.augmentation), "tau": self.tau}
        return {
            "kind": self.kind,
            "latent_dim": self.latent_dim,
            "loss": getattr(self.loss, "__name__", type(self.loss).__name__),
            **(contrastive if self.augmentation is not None else {}),
            "label": self.label,
            "recipe": self.recipe_name,
            "plan": asdict(self.plan),
            "seed": self.seed,
            "revision": REVISION,
        }

    def networks(self) -> nn.ModuleDict:
        """Return the networks at their initial weights, which depend on the seed alone."""
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers go on undisturbed
            torch.manual_seed(self.seed)
            if self.augmentation is None:
                parts = {"encoder": Encoder(self.latent_dim), "decoder": Decoder(self.latent_dim)}
                return nn.ModuleDict(parts)
            return nn.ModuleDict({"encoder": Encoder(self.latent_dim, normalize=True)})

    def centre(self, nets: nn.ModuleDict) -> None:
        """Centre the untrained encoder on what it is going to see: see :meth:`Encoder.centre`."""
        some = self.dataset.images(range(_CENTRED_ON))
        if self.augmentation is not None:
            some = self.augmentation(some, torch.Generator().manual_seed(self.seed))
        nets["encoder"].centre(some)  # type: ignore[operator]

    def measure(self, nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        """Return what one training step measures: the loss of a batch, and what else is watched."""
        if self.augmentation is None:
            own = images[distributed.part(len(images))]
            with autocast(images.device):
                reconstructions = nets["decoder"](nets["encoder"](own))
            return {"loss": self.loss(images, distributed.gather(reconstructions.float()))}
        part = distributed.part(len(images))
        views = torch.cat([self.augmentation(images, generator, part) for _ in range(2)])
        with autocast(images.device):
            z, z_pos = map(distributed.gather, nets["encoder"](views).chunk(2))
        with torch.no_grad():
            watched = {"alignment": losses.alignment(z, z_pos), "uniformity": losses.uniformity(z)}
        return {"loss": self.loss(z, z_pos, self.tau), **watched}
