"""One batch over several processes that torchrun started; a single process computes as usual.

Every process has the same weights and draws the same random numbers. It encodes its part of the
batch and gathers what the others encoded, so each of them sees the loss of the whole batch. The
backward pass of the gather sums the gradients of p processes that minimise the same loss, which is
p times too much; averaging over the replicas divides by p. Up to rounding every weight therefore
gets the gradient that one process would compute from the whole batch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import safetensors.torch
import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from replearn.engine import validation
from replearn.engine.devices import pick_device

Value = TypeVar("Value")

# The first process may wait for another training of the same run, as long as that takes. A process
# that dies need not be waited for: torchrun ends the others.
_PATIENCE = timedelta(days=7)


@contextmanager
def joined(device: torch.device | str | None = None) -> Iterator[torch.device]:
    """Join the processes that torchrun started, if it did, and leave them at the end.

    Processes exchange tensors by NCCL on CUDA devices, else by gloo. If one dies, the next exchange
    raises in the others, and torchrun ends them all.

    Args:
        device: see :func:`pick_device`; each process takes a CUDA device of its own.

    Yields:
        The device of this process.

    Raises:
        ValueError: for a device that this machine does not have, or that processes cannot share.
    """
    where = pick_device(device)
    if not dist.is_torchelastic_launched():
        yield where
        return
    validation.one_of("the device of several processes", where.type, ("cuda", "cpu"))
    if where.type == "cuda":
        where = pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(where)
    dist.init_process_group("nccl" if where.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield where
    finally:
        dist.destroy_process_group()


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0. Process 0 alone reads and writes the store."""
    return dist.get_rank() if dist.is_initialized() else 0


@validation.arguments
def part(batch: int) -> slice:
    """Return this process's rows of a batch of ``batch`` images.

    Raises:
        ValueError: unless the number of processes divides ``batch``.
    """
    validation.at_least("batch", batch, 0)
    if batch % size():
        raise ValueError(
            f"batch must be a multiple of the number of processes, {size()}, got {batch}"
        )
    own = batch // size()
    return slice(rank() * own, (rank() + 1) * own)


@validation.arguments
def from_first(function: Callable[..., Value], *arguments: Any) -> Value:
    """Return ``function(*arguments)``, which the first process alone calls, in every process.

    With several processes the result must be None, or what a store keeps: a dictionary of tensors,
    and facts that JSON can express.
    """
    if size() == 1:
        return function(*arguments)
    found = function(*arguments) if rank() == 0 else None
    tensors, about = found or ({}, None)  # type: ignore[misc]
    about = json.loads(_broadcast(json.dumps(about).encode()))
    tensors = safetensors.torch.load(_broadcast(safetensors.torch.save(tensors)))
    return None if about is None else (tensors, about)  # type: ignore[return-value]


def _broadcast(data: bytes) -> bytes:
    """Return the first process's bytes; torch's broadcast of objects runs code."""
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    length = torch.tensor(len(data), device=device)
    dist.broadcast(length, 0)
    sent = bytearray(data if rank() == 0 else int(length))
    buffer = torch.frombuffer(sent, dtype=torch.uint8).to(device)
    dist.broadcast(buffer, 0)
    return buffer.cpu().numpy().tobytes()


@validation.arguments
def replicate(nets: nn.ModuleDict) -> nn.ModuleDict:
    """Return ``nets`` for training: the backward pass averages gradients over the processes.

    The weights are shared with ``nets``, and become those of the first process. Keep the result
    until the backward pass is done, since the averaging ends with it.
    """
    if size() == 1:
        return nets
    return nn.ModuleDict({name: DistributedDataParallel(net) for name, net in nets.items()})


@validation.arguments
def gather(own: Float[Tensor, "n ..."]) -> Float[Tensor, "b ..."]:
    """Return the rows of all processes, in order; gradients flow back to each of them.

    Every process must bring equally many rows.
    """
    return own if size() == 1 else _Gather.apply(own)


class _Gather(torch.autograd.Function):
    # torch's own (all_gather of torch.distributed.nn) is deprecated.

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        own = own.contiguous()
        parts = [torch.empty_like(own) for _ in range(size())]
        dist.all_gather(parts, own)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # type: ignore[override]
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total[part(len(total))]
