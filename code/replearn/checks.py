"""What the formulas ask of their arguments; each check raises one error that says what came."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor


def positive(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is a finite number above 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value}")


def at_least(name: str, value: int, smallest: int) -> None:
    """Raise TypeError unless ``value`` is an int, ValueError if it is below ``smallest``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}, got {value}")


def one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ValueError unless ``value`` is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def matrix(name: str, value: Tensor) -> None:
    """Raise TypeError unless ``value`` is a floating-point tensor, ValueError unless (n, d)."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        came = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {came}")
    if value.ndim != 2 or 0 in value.shape:
        raise ValueError(f"{name} must have shape (n, d), n and d ≥ 1, got {tuple(value.shape)}")


def finite(name: str, value: Tensor) -> None:
    """Raise ValueError if ``value`` holds a NaN or an infinity (reads the tensor: a GPU waits)."""
    # The extremes are NaN or infinite if any value is, and far sooner known.
    if value.numel() and not torch.stack(value.detach().aminmax()).isfinite().all():
        bad = int((~value.isfinite()).sum())
        raise ValueError(f"{name} must be finite, got {bad} values that are NaN or infinite")


def within(name: str, value: Tensor, low: float, high: float) -> None:
    """Raise ValueError unless all of ``value`` lies in [low, high] (reads it: a GPU waits)."""
    if value.numel():
        least, most = (float(extreme) for extreme in value.detach().aminmax())
        if not (low <= least and most <= high):
            raise ValueError(
                f"{name} must lie in [{low}, {high}], got values from {least:g} to {most:g}"
            )


def images(name: str, value: Tensor, side: int | None = None) -> None:
    """Raise TypeError unless floating-point, ValueError unless (n, 3, s, s), s = ``side`` if given.

    Its values are not looked at.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        came = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {came}")
    s = side or (value.shape[-1] if value.ndim else 0)
    if value.ndim != 4 or value.shape[1:] != (3, s, s):
        wanted = f"(n, 3, {side}, {side})" if side else "(n, 3, s, s)"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(value.shape)}")


def unit_rows(name: str, value: Float[Tensor, "n d"], tolerance: float = 1e-3) -> None:
    """Raise ValueError unless every row is finite and of norm 1 within ``tolerance``."""
    matrix(name, value)
    finite(name, value)
    off = (value.detach().norm(dim=1) - 1).abs()
    if off.max() > tolerance:
        row = int(off.argmax())
        raise ValueError(
            f"{name} must have rows of norm 1 (within {tolerance:g}), "
            f"got norm {float(value[row].norm()):.6g} in row {row}"
        )


def group_table(
    groups: Int[Tensor, "N m"] | Sequence[Sequence[int]],
    n: int | None = None,
    device: torch.device | None = None,
) -> Int[Tensor, "N m"]:
    """``groups`` as a long tensor on ``device``, or a clear error.

    ValueError for groups of unequal length, fewer than two groups, an empty group, or an index
    below 0 or, given ``n``, not below n; TypeError for indices that are not integers.
    """
    if not isinstance(groups, Tensor):
        lengths = sorted({len(group) for group in groups})
        if len(lengths) > 1:
            raise ValueError(f"groups must be equally long, got lengths {lengths}")
        groups = torch.as_tensor(groups)
    if groups.dtype == torch.bool or groups.is_floating_point() or groups.is_complex():
        raise TypeError(f"groups must hold integer row indices, got {groups.dtype}")
    if groups.ndim != 2 or groups.shape[0] < 2 or groups.shape[1] < 1:
        raise ValueError(
            "groups must have shape (N, m) with N ≥ 2 groups of m ≥ 1 row indices, "
            f"got {tuple(groups.shape)}"
        )
    low, high = int(groups.min()), int(groups.max())
    if low < 0 or (n is not None and high >= n):
        allowed = "at least 0" if n is None else f"in 0..{n - 1}"
        raise ValueError(f"groups must hold row indices {allowed}, got {low if low < 0 else high}")
    return groups.to(device=device, dtype=torch.long)
