"""Where to compute, in what precision, and in what memory."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import torch

from replearn.engine import validation


def pick_device(device: torch.device | str | None = None) -> torch.device:
    """Return ``device``, or the best that this machine has: CUDA, else the CPU.

    Apple's MPS is no choice: it lacks float64, which is needed to draw the same images everywhere.

    Raises:
        ValueError: for a device that this machine does not have.
    """
    available = ["cpu"]
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if device is None:
        return torch.device(available[0])
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        chosen = None
    if (
        chosen is None
        or chosen.type not in available
        or (chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count())
    ):
        raise ValueError(
            f"device must be one of {', '.join(map(repr, available))} here, got {device!r}"
        )
    return chosen


@validation.arguments
def precision(device: torch.device) -> torch.dtype:
    """Return bfloat16 if ``device`` computes in it natively, else float32."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        # The user may have told torch, by $ATEN_CPU_CAPABILITY, to use less than there is.
        told = torch.backends.cpu.get_cpu_capability()
        native = told == "AVX512" and torch.cpu._is_avx512_bf16_supported()  # AMX implies it
    else:
        native = False
    return torch.bfloat16 if native else torch.float32


@validation.arguments
def autocast(device: torch.device) -> AbstractContextManager[Any]:
    """Return a context in which networks compute in the device's :func:`precision`.

    Autocast's cache of bfloat16 weights is off: within another autocast, even a disabled one, it
    would outlive a training step, and the next step would compute with the old weights.
    """
    native = precision(device) == torch.bfloat16
    return torch.autocast(device.type, torch.bfloat16, enabled=native, cache_enabled=False)


@contextmanager
def torch_defaults() -> Iterator[None]:
    """Let PyTorch compute as if its user had set nothing; afterwards all is as it was.

    A run is found again by what it was made of. A caller's default dtype or device, autocast,
    ``no_grad`` or ``inference_mode`` is not recorded there, so it must not change the result.
    """
    dtype, matmul = torch.get_default_dtype(), torch.get_float32_matmul_precision()
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if torch.get_default_device().type != "cpu":  # a device context slows every operation
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            stack.enter_context(torch.autocast(kind, torch.bfloat16, enabled=False))
        stack.callback(torch.set_default_dtype, dtype)
        torch.set_default_dtype(torch.float32)
        if matmul != "highest":
            stack.callback(torch.set_float32_matmul_precision, matmul)
            torch.set_float32_matmul_precision("highest")
        yield


_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4  # of malloc.h


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let the memory that tensors free on the CPU be used by the next tensors.

    By default glibc returns a large block to the system as soon as it is free, and the system
    zeroes every page of the next block at its first use, which takes a tenth of a training step.
    At the end all free memory is returned. Without glibc nothing changes.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, -1)
    try:
        yield
    finally:
        # The values that glibc arrives at by itself after blocks of 32 MiB were freed.
        libc.mallopt(_MMAP_MAX, 65_536)
        libc.mallopt(_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(_TRIM_THRESHOLD, 64 * 2**20)
        libc.malloc_trim(0)


@validation.arguments
def machine(device: torch.device) -> dict[str, Any]:
    """Return all that a timing depends on: processor, threads, precision and versions."""
    if device.type == "cuda":
        chip = torch.cuda.get_device_name(device)
    else:
        chip = platform.processor() or platform.machine()
        try:
            with open("/proc/cpuinfo", encoding="utf-8") as file:
                chip = next(
                    line.split(":")[1].strip() for line in file if line.startswith("model name")
                )
        except (OSError, StopIteration):
            pass
    return {
        "device": device.type,
        "chip": chip,
        "threads": torch.get_num_threads(),
        "precision": str(precision(device)).removeprefix("torch."),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
