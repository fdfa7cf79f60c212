"""Trained networks: each is trained once, stored, and from then on found by what it was made of.

:mod:`tasks` says what one training step measures, and :mod:`fit` is the loop around it.

Several processes (:func:`distributed.joined`) each encode a part of every batch and compare all of
it. Up to rounding their run is that of one process: it has the same key, and either may go on from
the other's checkpoint. The first process alone reads and writes the store.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor

from replearn import losses
from replearn.augmentations import Augmentation
from replearn.engine import distributed, store, validation
from replearn.engine.devices import machine, pick_device, torch_defaults
from replearn.engine.identity import Unidentifiable
from replearn.fit import channels_last, fit, pop_prefixed, prefixed
from replearn.networks import Decoder, Encoder
from replearn.recipes import Recipe
from replearn.tasks import Loss, Task

_CONSTANT = -0.05  # an encoder counts as constant if its uniformity is above this,
_LAST = 50  # on average over this many last steps


@validation.arguments
@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        encoder: in evaluation mode, on the device it was trained or loaded on.
        decoder: of an autoencoder; None for a contrastive encoder.
        history: what was measured at every step, on the CPU, each (steps,): ``"loss"``, and for
            a contrastive encoder ``"alignment"`` and ``"uniformity"`` of its batch.
        recipe: the recipe's name; ``"custom"`` for a :class:`Recipe` of the caller's.
        seconds: wall-clock time of the training.
        facts: everything else that is known: kind, seed, machine, versions, date.
    """

    encoder: Encoder
    decoder: Decoder | None
    history: dict[str, Tensor]
    recipe: str
    seconds: float
    facts: dict[str, Any]

    @property
    def losses(self) -> Tensor:
        """Return the training loss of every step, (steps,)."""
        return self.history["loss"]

    @property
    def steps(self) -> int:
        """Return the number of training steps."""
        return len(self.losses)


@validation.arguments
def train_autoencoder(
    latent_dim: int = 128,
    *,
    loss: Loss = losses.reconstruction_loss,
    recipe: str | Recipe | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> Run:
    """Train an encoder and a decoder to reproduce images, or load the run if it is stored.

    Args:
        latent_dim: size of the code.
        loss: ``loss(images, reconstructions)``, both (b, 3, 64, 64), to a scalar.
        recipe: a key of :data:`RECIPES`, or a plan of your own; :func:`default_recipe` if absent.
        seed: of the initial weights and the order of the images.
        device: see :func:`pick_device`.

    Raises:
        TypeError, ValueError: for an unknown recipe or device, ``latent_dim`` below 1.
        FloatingPointError, MemoryError, RuntimeError: as :func:`train_contrastive`.

    Warns of a loss that cannot be identified: its run is not stored.

    Examples:
        >>> plan = recipes.Recipe(steps=2, batch=8, adam=1e-3)  # quick, and learns nothing
        >>> run = training.train_autoencoder(recipe=plan)
        >>> run.losses.shape
        torch.Size([2])
        >>> run.decoder(run.encoder(torch.rand(1, 3, 64, 64))).shape
        torch.Size([1, 3, 64, 64])
    """
    return trained(Task(None, loss, recipe, latent_dim=latent_dim, seed=seed), device)


@validation.arguments
def train_contrastive(
    augmentation: Augmentation,
    latent_dim: int = 128,
    *,
    tau: float = losses.TAU,
    loss: Loss = losses.info_nce,
    recipe: str | Recipe | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> Run:
    """Train an encoder onto the unit sphere to tell pairs of views apart, or load the stored run.

    Args:
        augmentation: makes both views of every pair.
        latent_dim: d, the sphere is in R^d.
        tau: temperature, passed to ``loss``.
        loss: ``loss(z, z_pos, tau)`` of two (b, d) batches of unit vectors, to a scalar.
        recipe: a key of :data:`RECIPES`, or a plan of your own; :func:`default_recipe` if absent.
        seed: of the initial weights, the order of the images and the views.
        device: see :func:`pick_device`.

    Raises:
        TypeError: if ``augmentation`` is not one.
        ValueError: for an unknown recipe or device, ``latent_dim`` below 1, ``tau`` not above 0.
        FloatingPointError: if the loss stops being finite.
        MemoryError: if memory runs out; the last checkpoint is kept.
        RuntimeError: if the accelerator failed; the last checkpoint is kept.

    Warns of an encoder that learnt nothing, since it remained constant. Warns of a loss or an
    augmentation that cannot be identified, since the run is then not stored.

    Examples:
        >>> plan = recipes.Recipe(steps=2, batch=8, adam=1e-3)  # quick, and learns nothing
        >>> run = training.train_contrastive(augmentations.B, recipe=plan)
        >>> sorted(run.history)
        ['alignment', 'loss', 'uniformity']
        >>> round(run.encoder(torch.rand(1, 3, 64, 64)).norm().item(), 4)
        1.0
    """
    return trained(Task(augmentation, loss, recipe, latent_dim, float(tau), seed), device)


@validation.arguments
@torch_defaults()
def trained(task: Task, device: torch.device | str | None = None) -> Run:
    """Return the run of ``task``: loaded if it is in store, else trained and stored.

    Errors and warnings are those of :func:`train_contrastive`.
    """
    where = pick_device(device)
    try:
        key = task.key()
    except Unidentifiable as reason:
        key = None
        warnings.warn(
            f"{task.label} is trained anew each time and not stored: {reason}",
            stacklevel=_TO_CALLER - 1,
        )
    alone = store.lock(key) if key and distributed.rank() == 0 else contextlib.nullcontext()
    with alone:
        found = distributed.from_first(store.load, key) if key else None
        if found is None:
            found = _fitted(task, where, key)
            if key and distributed.rank() == 0:
                store.save(key, *found)
    run = as_run(task, *found, where)
    _warn_if_constant(run.history, task.label)
    return run


_TO_CALLER = 7  # frames from a warning here to who called train_contrastive or train_autoencoder


@validation.arguments
@torch_defaults()
def as_run(
    task: Task, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], device: torch.device
) -> Run:
    """Return the run of ``task`` from what the store keeps of it.

    Args:
        task: what was trained.
        tensors: the networks' weights, and the history under names that begin with ``history.``.
        facts: at least ``"seconds"``.
        device: where the networks go.

    Raises:
        ValueError: for weights of other networks than the task's, or without the seconds.
    """
    if not isinstance(facts.get("seconds"), int | float):
        raise ValueError(f"facts must hold 'seconds', a number, got {facts.get('seconds')!r}")
    weights = dict(tensors)
    history = {name: values.cpu() for name, values in pop_prefixed("history.", weights).items()}
    nets = task.networks()
    try:
        nets.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"tensors must be the weights of {task.label}, got {error}") from error
    channels_last(nets, device).eval().requires_grad_(False)
    encoder, decoder = nets["encoder"], dict(nets).get("decoder")
    assert isinstance(encoder, Encoder)
    assert decoder is None or isinstance(decoder, Decoder)
    return Run(encoder, decoder, history, task.recipe_name, facts["seconds"], dict(facts))


def _fitted(
    task: Task, device: torch.device, key: str | None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Train; return what the store keeps: tensors and facts."""
    nets = task.networks()
    if task.plan.centred:
        task.centre(nets)
    history, seconds = fit(
        nets,
        task.measure,
        task.plan,
        task.dataset,
        seed=task.seed,
        device=device,
        label=task.label,
        key=key,
    )
    facts = {
        **({"key": key} if key else {}),
        **task.facts(),
        "seconds": seconds,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **machine(device),
        "processes": distributed.size(),
    }
    return {**prefixed("history.", history), **prefixed("", nets.state_dict())}, facts


def _warn_if_constant(history: Mapping[str, Tensor], label: str) -> None:
    """Warn if, in the last steps, the features of a batch were all nearly the same.

    The loss would not show it: at a large tau even a perfect encoder's loss is near log b, the loss
    of guessing, and a reader's loss has a scale of its own.
    """
    last = history.get("uniformity", torch.empty(0))[-_LAST:]
    if len(last) == _LAST and last.mean() > _CONSTANT:
        loss = history["loss"][-_LAST:].mean()
        warnings.warn(
            f"the encoder of {label} learnt nothing: in its last {_LAST} steps it gave all "
            f"images nearly one latent (uniformity {last.mean():.3f}, 0 is constant), at a loss "
            f"of {loss:.3f}. Try more steps, a centred start, another learning rate, or an "
            "augmentation that leaves more to tell apart",
            stacklevel=_TO_CALLER,
        )
