"""One batch over several processes, as torchrun starts them; in one process alone, nothing happens.

Every process has the same weights, draws the same random numbers, encodes its part of the batch and
gathers what the others encoded: all see the loss of the whole batch. A gradient that comes back
through the gather is the sum over p processes that minimise the same loss, p times too large, and
the replicas' average over the processes divides by p: what each weight gets is the gradient that
one process with the whole batch would find, up to rounding.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


@contextmanager
def joined(device: torch.device | str | None = None) -> Iterator[torch.device]:
    """Join the processes that torchrun started, if it did, and leave them at the end.

    Args:
        device: see :func:`pick_device`; of CUDA devices each process takes its own.

    Yields the device of this process. They speak by NCCL on CUDA devices, else by gloo; if one
    dies, the others' next exchange raises, and torchrun ends them all.

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
    dist.init_process_group("nccl" if where.type == "cuda" else "gloo")
    try:
        yield where
    finally:
        dist.destroy_process_group()


def size() -> int:
    """Return the number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Return the number of this process, from 0; the first is the one that writes."""
    return dist.get_rank() if dist.is_initialized() else 0


@validation.arguments
def part(batch: int) -> slice:
    """Return the rows of a batch of ``batch`` that are this process's.

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
    """Return ``function(*arguments)`` as the first process found it, which alone calls it.

    Where there are several, it must find None, or what a store keeps: tensors by name, and what
    JSON can say of them.
    """
    if size() == 1:
        return function(*arguments)
    found = function(*arguments) if rank() == 0 else None
    tensors, about = found or ({}, None)  # type: ignore[misc]
    about = json.loads(_broadcast(json.dumps(about).encode()))
    tensors = safetensors.torch.load(_broadcast(safetensors.torch.save(tensors)))
    return None if about is None else (tensors, about)  # type: ignore[return-value]


def _broadcast(data: bytes) -> bytes:
    """Return the first process's ``data``, as it is: torch's broadcast of objects runs code."""
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    length = torch.tensor(len(data), device=device)
    dist.broadcast(length, 0)
    sent = bytearray(data if rank() == 0 else int(length))
    buffer = torch.frombuffer(sent, dtype=torch.uint8).to(device)
    dist.broadcast(buffer, 0)
    return buffer.cpu().numpy().tobytes()


@validation.arguments
def replicate(nets: nn.ModuleDict) -> nn.ModuleDict:
    """Return ``nets`` for training: same weights everywhere, gradients averaged by backward.

    The weights are those of ``nets`` itself, and become the first process's. Hold on to what is
    returned until backward is done: the averaging ends with it.
    """
    if size() == 1:
        return nets
    return nn.ModuleDict({name: DistributedDataParallel(net) for name, net in nets.items()})


@validation.arguments
def gather(own: Float[Tensor, "n ..."]) -> Float[Tensor, "b ..."]:
    """Return the rows of all processes, in their order; the gradient finds its way back to each.

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
