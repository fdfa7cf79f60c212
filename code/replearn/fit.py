"""The training loop: draw a batch, measure it, step; now and then look at the loss and save.

A step happens on one device, and nothing travels back to the host meanwhile. Random numbers depend
on (seed, step) alone, so an interrupted run goes on from its checkpoint as if it had never stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from replearn.engine import distributed, store, validation
from replearn.engine.cuda_graph import Captured
from replearn.engine.devices import memory_kept, precision
from replearn.engine.muon import Muon
from replearn.recipes import Recipe
from replearn.shapes import ShapesDataset

# What a step measures, by name: the loss, which is minimised, and what is only watched.
Measures = dict[str, Tensor]
Measure = Callable[[nn.ModuleDict, Tensor, torch.Generator], Measures]

_LOOK_EVERY = 50  # steps between two looks at the loss, each of which waits for the device
_SAVE_EVERY = 30.0  # seconds between two checkpoints
_SEEDS = 1_000_003  # exceeds the steps of any run, so no two seeds share random numbers


@validation.arguments
@memory_kept()
def fit(
    nets: nn.ModuleDict,
    measure: Measure,
    plan: Recipe,
    dataset: ShapesDataset,
    *,
    seed: int,
    device: torch.device,
    label: str,
    key: str | None,
) -> tuple[dict[str, Tensor], float]:
    """Train ``nets`` in place; return what every step measured, each (steps,), and the seconds.

    Args:
        nets: the networks, at their initial weights.
        measure: returns, for a batch, the ``"loss"`` to minimise, and whatever else to watch.
        plan: steps, batch, optimisers and their rates.
        dataset: where the images come from.
        seed: of the order of the images, and of whatever ``measure`` draws.
        device: where to train.
        label: names the run in the progress bar and in errors.
        key: the checkpoint's name in the store, to go on from; None keeps no checkpoint.

    Raises:
        FloatingPointError: if the loss stops being finite.
        MemoryError: if memory runs out; the last checkpoint is kept.
        RuntimeError: if the accelerator failed; the last checkpoint is kept.
    """
    validation.at_least("seed", seed, 0)

    # The state: fresh, or as the checkpoint left it.
    channels_last(nets, device).train()
    optimisers = _optimisers(nets, plan, device)
    state = _State(nets, optimisers, plan.steps, device)
    start = 0
    if key is not None and (checkpoint := distributed.from_first(store.load_checkpoint, key)):
        tensors, start = checkpoint
        state.restore(tensors)

    # The loop. Every process takes every step; the first one writes, and shows the bar.
    generator = torch.Generator(device)
    take = _step(nets, measure, dataset, optimisers, generator)
    writes = distributed.rank() == 0
    silent = {} if writes else {"disable": True}  # saying False would overrule $TQDM_DISABLE
    bar = tqdm(total=plan.steps, initial=start, desc=label, unit="step", mininterval=1, **silent)
    saved, saved_at = time.monotonic(), start
    batches = _batches(len(dataset), plan.batch, seed, start, plan.steps, device)
    for step, rows in enumerate(batches, start):
        with _explained(label, step, saved_at):
            generator.manual_seed(seed * _SEEDS + step)
            _set_rates(optimisers, plan.schedule(step))
            state.record(step, take(rows))
            bar.update()
            if (step + 1) % _LOOK_EVERY and step + 1 < plan.steps:
                continue
            latest = state.history["loss"][max(0, step + 1 - _LOOK_EVERY) : step + 1]
            _check_finite(latest, step, label, saved_at)
            bar.set_postfix(loss=f"{float(latest[-1]):.3f}")
            if writes and key is not None and time.monotonic() - saved > _SAVE_EVERY:
                store.save_checkpoint(key, state.tensors(), step + 1)
                saved, saved_at = time.monotonic(), step + 1
    bar.close()
    return state.history, state.seconds()


def _step(
    nets: nn.ModuleDict,
    measure: Measure,
    dataset: ShapesDataset,
    optimisers: Mapping[str, torch.optim.Optimizer],
    generator: torch.Generator,
) -> Callable[[Tensor], Measures]:
    """Return the function that takes one step on a batch, given as rows of the data set."""
    replicas = distributed.replicate(nets)

    def take(rows: Tensor) -> Measures:
        measures = measure(replicas, dataset.images(rows), generator)
        nets.zero_grad(set_to_none=True)
        measures["loss"].backward()
        for optimiser in optimisers.values():
            optimiser.step()
        return {name: value.detach() for name, value in measures.items()}

    if generator.device.type == "cuda" and distributed.size() == 1:
        return Captured(take, generator)
    return take


@dataclass
class _State:
    """All that a checkpoint holds: weights, optimisers, history, and the seconds spent."""

    nets: nn.ModuleDict
    optimisers: dict[str, torch.optim.Optimizer]
    steps: int
    device: torch.device
    history: dict[str, Tensor] = field(default_factory=dict)
    before: float = 0.0  # seconds of earlier processes
    began: float = field(default_factory=time.monotonic)

    def record(self, step: int, measures: Measures) -> None:
        """Put a step's measures into the history."""
        for name, value in measures.items():
            if name not in self.history:
                self.history[name] = torch.zeros(self.steps, device=self.device)
            self.history[name][step] = value

    def seconds(self) -> float:
        """Return how long this training has taken, earlier processes included."""
        return self.before + time.monotonic() - self.began

    def tensors(self) -> dict[str, Tensor]:
        """Return everything by name."""
        return {
            "seconds": torch.tensor(self.seconds(), dtype=torch.float64),
            **prefixed("history.", self.history),
            **prefixed("", self.nets.state_dict()),
            **{
                name: tensor
                for prefix, optimiser in self.optimisers.items()
                for name, tensor in prefixed(f"{prefix}.", _state(optimiser)).items()
            },
        }

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take everything back from :meth:`tensors`."""
        self.before = float(tensors.pop("seconds"))
        history = pop_prefixed("history.", tensors)
        self.history = {name: values.to(self.device) for name, values in history.items()}
        for prefix, optimiser in self.optimisers.items():
            _set_state(optimiser, pop_prefixed(f"{prefix}.", tensors))
        self.nets.load_state_dict(tensors)


def _batches(
    n: int, batch: int, seed: int, start: int, stop: int, device: torch.device
) -> Iterator[Tensor]:
    """Yield the rows of steps ``start`` … ``stop`` − 1; each epoch shuffles all ``n`` rows anew."""
    epoch_steps = n // batch
    order, drawn = torch.empty(0), -1
    for step in range(start, stop):
        epoch, k = divmod(step, epoch_steps)
        if epoch != drawn:
            shuffle = torch.Generator().manual_seed(seed * _SEEDS + epoch)
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
        for group in optimiser.param_groups:  # a tensor: a recorded step reads it at each replay
            group["lr"] = torch.tensor(group["lr"], device=device)
    return optimisers


def _set_rates(optimisers: Mapping[str, torch.optim.Optimizer], share: float) -> None:
    """Set every learning rate to this share of its peak."""
    for optimiser in optimisers.values():
        for group in optimiser.param_groups:
            group["lr"].fill_(optimiser.defaults["lr"] * share)


def _check_finite(latest: Tensor, step: int, label: str, saved_at: int) -> None:
    """Raise FloatingPointError if one of the latest losses, up to ``step``, is not finite."""
    finite = torch.isfinite(latest)
    if not bool(finite.all()):
        k = int((~finite).nonzero()[0])
        raise FloatingPointError(
            f"the loss of {label} must stay finite, got {latest[k]:g} at step "
            f"{step + 1 - len(latest) + k}; the last checkpoint is from step {saved_at}. Try a "
            "lower learning rate, or look at the loss function"
        )


@contextlib.contextmanager
def _explained(label: str, step: int, saved_at: int) -> Iterator[None]:
    """Add to an error of the machine its step, what is kept, and what to try."""
    try:
        yield
    except RuntimeError as error:
        where = f"at step {step} of {label}; the last checkpoint is from step {saved_at}"
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


@validation.arguments
def channels_last(nets: nn.ModuleDict, device: torch.device) -> nn.ModuleDict:
    """Move ``nets`` to ``device``, in the layout in which convolutions are fastest (NHWC)."""
    return nets.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@validation.arguments
def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return ``tensors`` with ``prefix`` before each name."""
    return {prefix + name: tensor.contiguous() for name, tensor in tensors.items()}


@validation.arguments
def pop_prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the tensors with this prefix from ``tensors``; return them without the prefix."""
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
        # The fused step needs the state to lie in memory as the weights do.
        layout = torch.channels_last if tensor.ndim == 4 else torch.contiguous_format
        state.setdefault(int(i), {})[k] = tensor.contiguous(memory_format=layout)
    optimiser.load_state_dict(
        {"state": state, "param_groups": optimiser.state_dict()["param_groups"]}
    )
