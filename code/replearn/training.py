"""Recipes and loops: from a table of factors to a trained encoder.

One training step is: draw the batch, look at it through two random augmentations, encode, compare,
step. All of it happens on one device; nothing travels back to the host inside a step.

Processes that :func:`distributed.joined` encode a part of every batch each and compare the whole of
it: theirs is the run of one process, under the same key, up to rounding, and may go on from its
checkpoint. The first of them reads and writes the store, alone.

Randomness is a function of (seed, step) alone, so that a run that is interrupted goes on from its
checkpoint as if it had never stopped.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from replearn import (
    augmentations,
    checks,
    distributed,
    kernels,
    losses,
    muon,
    networks,
    runs,
    shapes,
)
from replearn.augmentations import Augmentation, Compose
from replearn.capture import Captured
from replearn.devices import autocast, machine, memory_kept, pick_device, precision
from replearn.muon import Muon
from replearn.networks import Decoder, Encoder
from replearn.recipes import RECIPES, Recipe, default_recipe
from replearn.shapes import ShapesDataset

Loss = Callable[..., Tensor]

# What a step measures, by name: the loss, which is minimised, and what is only watched.
Measures = dict[str, Tensor]
Measure = Callable[[nn.ModuleDict, Tensor, torch.Generator], Measures]


@checks.arguments
@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        encoder: in evaluation mode, on the device it was trained or loaded on.
        decoder: of an autoencoder; None for a contrastive encoder.
        history: what was measured at every step, on the CPU, each (steps,): ``"loss"``, and for
            a contrastive encoder ``"alignment"`` and ``"uniformity"`` of its batch.
        recipe: the recipe's name.
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


@checks.arguments
def train_autoencoder(
    latent_dim: int = 128,
    *,
    loss: Loss = losses.reconstruction_loss,
    recipe: str | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> Run:
    """Train an encoder and a decoder to reproduce images, or load the run if it is stored.

    Args:
        latent_dim: size of the code.
        loss: ``loss(images, reconstructions)``, both (b, 3, 64, 64), to a scalar.
        recipe: a key of :data:`RECIPES`; :func:`default_recipe` if absent.
        seed: of the initial weights and the order of the images.
        device: see :func:`pick_device`.

    Raises:
        TypeError, ValueError: for an unknown recipe or device, ``latent_dim`` below 1.
        FloatingPointError: if the loss stops being finite.
        MemoryError: if memory runs out; the last checkpoint is kept.
        RuntimeError: if the library's code was changed after it was imported, or the accelerator
            failed; the last checkpoint is kept.
    """
    where = pick_device(device)

    def networks_() -> nn.ModuleDict:
        return nn.ModuleDict({"encoder": Encoder(latent_dim), "decoder": Decoder(latent_dim)})

    def step(nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        own = images[distributed.part(len(images))]
        with autocast(where):
            reconstructions = nets["decoder"](nets["encoder"](own))
        return {"loss": loss(images, distributed.gather(reconstructions.float()))}

    described = {"kind": "autoencoder", "latent_dim": latent_dim, "code": [_loss_code(loss)]}
    return _train(described, networks_, step, recipe, seed, where)


@checks.arguments
def train_contrastive(
    augmentation: Augmentation,
    latent_dim: int = 128,
    *,
    tau: float = 0.07,
    loss: Loss = losses.info_nce,
    recipe: str | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> Run:
    """Train an encoder onto the unit sphere to tell pairs of views apart, or load the stored run.

    Args:
        augmentation: makes both views of every pair.
        latent_dim: d, the sphere is in R^d.
        tau: temperature, passed to ``loss``.
        loss: ``loss(z, z_pos, tau)`` of two (b, d) batches of unit vectors, to a scalar.
        recipe: a key of :data:`RECIPES`; :func:`default_recipe` if absent.
        seed: of the initial weights, the order of the images and the views.
        device: see :func:`pick_device`.

    Raises:
        TypeError: if ``augmentation`` is not one.
        ValueError: for an unknown recipe or device, ``latent_dim`` below 1, ``tau`` not above 0.
        FloatingPointError: if the loss stops being finite.
        MemoryError: if memory runs out; the last checkpoint is kept.
        RuntimeError: if the library's code was changed after it was imported, or the accelerator
            failed; the last checkpoint is kept.

    Warns of an encoder that has remained constant, which learnt nothing.
    """
    checks.positive("tau", tau)
    where = pick_device(device)

    def networks_() -> nn.ModuleDict:
        return nn.ModuleDict({"encoder": Encoder(latent_dim, normalize=True)})

    def step(nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        own = distributed.part(len(images))
        views = torch.cat([augmentation(images, generator, own) for _ in range(2)])
        with autocast(where):
            z, z_pos = map(distributed.gather, nets["encoder"](views).chunk(2))
        with torch.no_grad():
            watched = {"alignment": losses.alignment(z, z_pos), "uniformity": losses.uniformity(z)}
        return {"loss": loss(z, z_pos, tau), **watched}

    described = {
        "kind": "contrastive",
        "augmentation": repr(augmentation),
        "latent_dim": latent_dim,
        "tau": tau,
        "code": [_loss_code(loss), *_augmentation_code(augmentation)],
    }
    return _train(described, networks_, step, recipe, seed, where, augmentation)


# The modules' own sources are part of every key already; a reader's functions are not.


def _augmentation_code(augmentation: Augmentation) -> list[str]:
    if isinstance(augmentation, Compose):
        return [code for step in augmentation.steps for code in _augmentation_code(step)]
    kind = type(augmentation)
    if kind.__module__ == augmentations.__name__:
        return []
    return [
        runs.source(method)
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if method.__module__ != augmentations.__name__
        and (name == "__call__" or not name.startswith("__"))  # a dataclass writes the others
    ]


def _loss_code(loss: Loss) -> str:
    name = getattr(loss, "__name__", "")
    return name if getattr(losses, name, None) is loss else runs.source(loss)


def _train(
    described: dict[str, Any],
    make_networks: Callable[[], nn.ModuleDict],
    measure: Measure,
    recipe: str | None,
    seed: int,
    device: torch.device,
    augmentation: Augmentation | None = None,
) -> Run:
    recipe = recipe or default_recipe()
    checks.one_of("recipe", recipe, tuple(RECIPES))
    checks.at_least("seed", seed, 0)
    label = augmentation.name if augmentation else described["kind"]
    plans = RECIPES[recipe]
    plan = plans[described["kind"]]
    if augmentation in augmentations.BY_NAME.values():  # a namesake has no plan of its own
        plan = plans.get(label, plan)
    dataset = ShapesDataset("train")
    sources = [runs.source(source) for source in _SOURCES]
    if sources != _SOURCES_AT_IMPORT:
        raise RuntimeError(
            "the code that trains must be the code on disk, which has changed since it was "
            "imported; restart Python (in a notebook, the kernel)"
        )
    identity = {
        **described,
        "recipe": asdict(plan),
        "seed": seed,
        "data": {"size": dataset.size, "seed": dataset.seed},
        "sources": sources,
    }
    name = runs.key(identity)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers go on undisturbed
        torch.manual_seed(seed)
        nets = make_networks()
    with runs.lock(name) if distributed.rank() == 0 else contextlib.nullcontext():
        found = distributed.from_first(runs.load, name)
        if found is None:
            if plan.centred:
                some = dataset.images(range(_CENTRED_ON))
                if augmentation:
                    some = augmentation(some, torch.Generator().manual_seed(seed))
                nets["encoder"].centre(some)  # type: ignore[operator]
            history, seconds = _optimise(nets, measure, plan, dataset, seed, device, name, label)
            facts = {
                **{k: v for k, v in described.items() if k != "code"},
                "label": label,
                "recipe": recipe,
                "plan": asdict(plan),
                "seed": seed,
                "seconds": seconds,
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                **machine(device),
                "processes": distributed.size(),
            }
            tensors = {
                **_prefixed("history.", history),
                **_prefixed("", nets.state_dict()),
            }
            if distributed.rank() == 0:
                runs.save(name, tensors, facts)
            found = tensors, facts
    tensors, facts = found
    history = {key: values.cpu() for key, values in _pop_prefixed("history.", tensors).items()}
    _warn_if_constant(history, label)
    nets.load_state_dict(tensors)
    nets.zero_grad(set_to_none=True)
    encoder = _place(nets, device).eval().requires_grad_(False)["encoder"]
    decoder = nets["decoder"] if "decoder" in nets else None  # noqa: SIM401
    assert isinstance(encoder, Encoder)
    assert decoder is None or isinstance(decoder, Decoder)
    return Run(encoder, decoder, history, recipe, facts["seconds"], facts)


def _warn_if_constant(history: Mapping[str, Tensor], label: str) -> None:
    """Say so if the batches of the last steps had all their images in all but one place.

    The loss would not tell: at a large tau even a perfect encoder's is near log b, that of
    guessing, and a reader's loss has a scale of its own.
    """
    last = history.get("uniformity", torch.empty(0))[-_LOOK_EVERY:]
    if len(last) == _LOOK_EVERY and last.mean() > _CONSTANT:
        loss = history["loss"][-_LOOK_EVERY:].mean()
        warnings.warn(
            f"the encoder of {label} learnt nothing: in its last {_LOOK_EVERY} steps it gave all "
            f"images nearly one latent (uniformity {last.mean():.3f}, 0 is constant), at a loss "
            f"of {loss:.3f}. Try more steps, a centred start, another learning rate, or an "
            "augmentation that leaves more to tell apart",
            stacklevel=5,  # where the training was asked for
        )


@contextlib.contextmanager
def _explained(label: str, step: int, saved: int) -> Iterator[None]:
    """Say of an error of the machine at which step it came, what is kept, and what to try."""
    try:
        yield
    except RuntimeError as error:
        where = f"at step {step} of {label}; the last checkpoint is from step {saved}"
        if "out of memory" in str(error) or "DefaultCPUAllocator" in str(error):
            raise MemoryError(
                f"memory ran out {where}. Close what else uses it and train again to go on from "
                "there, or choose another device or a recipe with a smaller batch"
            ) from error
        if "CUDA error" in str(error):
            raise RuntimeError(
                f"the accelerator failed {where}. Restart Python (in a notebook, the kernel) and "
                "train again to go on from there, without it if you say device='cpu'"
            ) from error
        raise


def _place(nets: nn.ModuleDict, device: torch.device) -> nn.ModuleDict:
    # Convolutions are fastest where a pixel's channels lie side by side.
    return nets.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _batches(
    n: int, batch: int, seed: int, start: int, stop: int, device: torch.device
) -> Iterator[Tensor]:
    """Yield the rows of steps ``start`` to ``stop``: each epoch a new order of all ``n`` rows."""
    epoch_steps = n // batch
    order, drawn = torch.empty(0), -1
    for step in range(start, stop):
        epoch, k = divmod(step, epoch_steps)
        if epoch != drawn:
            shuffle = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
            order, drawn = torch.randperm(n, generator=shuffle).to(device), epoch
        yield order[k * batch : (k + 1) * batch]


def _optimisers(
    nets: nn.ModuleDict, plan: Recipe, device: torch.device
) -> dict[str, torch.optim.Optimizer]:
    convolutions = [p for p in nets.parameters() if p.ndim == 4 and plan.muon is not None]
    others = [p for p in nets.parameters() if p.ndim < 4 or plan.muon is None]
    optimisers: dict[str, torch.optim.Optimizer] = {
        "adam": torch.optim.Adam(
            others,
            lr=plan.adam,
            betas=(0.9, plan.beta2),
            fused=True,
            capturable=device.type == "cuda",
        )
    }
    if plan.muon is not None:
        optimisers["muon"] = Muon(convolutions, lr=plan.muon, dtype=precision(device))
    for optimiser in optimisers.values():
        for group in optimiser.param_groups:  # a recorded step reads its rates from the device
            group["lr"] = torch.tensor(group["lr"], device=device)
    return optimisers


@memory_kept()
def _optimise(
    nets: nn.ModuleDict,
    measure: Measure,
    plan: Recipe,
    dataset: ShapesDataset,
    seed: int,
    device: torch.device,
    name: str,
    label: str,
) -> tuple[dict[str, Tensor], float]:
    """Train ``nets`` in place, from the checkpoint if there is one; return history and seconds."""
    _place(nets, device).train()
    optimisers = _optimisers(nets, plan, device)
    history: dict[str, Tensor] = defaultdict(lambda: torch.zeros(plan.steps, device=device))
    before, start = 0.0, 0
    checkpoint = distributed.from_first(runs.load_checkpoint, name)
    if checkpoint is not None:
        tensors, start = checkpoint
        before = float(tensors.pop("seconds"))
        for key, values in _pop_prefixed("history.", tensors).items():
            history[key].copy_(values)
        for name_, optimiser in optimisers.items():
            _set_state(optimiser, _pop_prefixed(f"{name_}.", tensors))
        nets.load_state_dict(tensors)
    replicas = distributed.replicate(nets)
    generator = torch.Generator(device)

    def take(rows: Tensor) -> Measures:
        measures = measure(replicas, dataset.images(rows), generator)
        nets.zero_grad(set_to_none=True)
        measures["loss"].backward()
        for optimiser in optimisers.values():
            optimiser.step()
        return {name: value.detach() for name, value in measures.items()}

    if device.type == "cuda" and distributed.size() == 1:
        take = Captured(take, generator)
    began = saved = time.monotonic()
    writes = distributed.rank() == 0
    silent = {} if writes else {"disable": True}  # saying False would overrule $TQDM_DISABLE
    bar = tqdm(total=plan.steps, initial=start, desc=label, unit="step", mininterval=1, **silent)
    for step, rows in enumerate(
        _batches(len(dataset), plan.batch, seed, start, plan.steps, device), start
    ):
        with _explained(label, step, start):
            generator.manual_seed(seed * 1_000_003 + step)
            for optimiser in optimisers.values():
                for group in optimiser.param_groups:
                    group["lr"].fill_(optimiser.defaults["lr"] * plan.schedule(step))
            for key, value in take(rows).items():
                history[key][step] = value
            bar.update()
            if (step + 1) % _LOOK_EVERY == 0 or step + 1 == plan.steps:
                latest = history["loss"][max(0, step + 1 - _LOOK_EVERY) : step + 1]
                if not bool(torch.isfinite(latest).all()):
                    first = step + 1 - len(latest) + int((~torch.isfinite(latest)).nonzero()[0])
                    raise FloatingPointError(
                        f"the loss of {label} must stay finite, got {history['loss'][first]:g} "
                        f"at step {first}; the last checkpoint is from step {start}. Try a lower "
                        "learning rate, or look at the loss function"
                    )
                bar.set_postfix(loss=f"{float(latest[-1]):.3f}")
                if writes and time.monotonic() - saved > _SAVE_EVERY:
                    saved, start = time.monotonic(), step + 1
                    tensors = {
                        "seconds": torch.tensor(before + saved - began, dtype=torch.float64),
                        **_prefixed("history.", history),
                        **_prefixed("", nets.state_dict()),
                    }
                    for name_, optimiser in optimisers.items():
                        tensors |= _prefixed(f"{name_}.", _state(optimiser))
                    runs.save_checkpoint(name, tensors, start)
    bar.close()
    return dict(history), before + time.monotonic() - began


# Whatever changes one of these may change a run, and makes it another.
_SOURCES = (
    *(shapes, augmentations, kernels, networks, losses, muon, sys.modules[__name__]),
    Recipe.schedule,
)
_SOURCES_AT_IMPORT = [runs.source(source) for source in _SOURCES]

_CENTRED_ON = 512  # images
_CONSTANT = -0.05  # the uniformity above which an encoder counts as constant
_LOOK_EVERY = 50  # steps between two looks at the loss, each of which waits for the device
_SAVE_EVERY = 30.0  # seconds between two checkpoints


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor.contiguous() for name, tensor in tensors.items()}


def _pop_prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    found = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in found}


def _state(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {
        f"{i}.{k}": v
        for i, state in optimiser.state_dict()["state"].items()
        for k, v in state.items()
    }


def _set_state(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        i, k = name.split(".")
        # As the weights lie in memory, which the fused step relies on.
        layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
        state.setdefault(int(i), {})[k] = tensor.contiguous(memory_format=layout)
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
