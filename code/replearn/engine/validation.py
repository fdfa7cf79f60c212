"""Argument checks: one TypeError or ValueError that names the argument and says what came."""

from __future__ import annotations

import functools
import inspect
import math
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int, jaxtyped
from torch import Tensor

Groups = Int[Tensor, "N m"] | Sequence[Sequence[int]]  # rows of features, one row a group

ROUNDING = 1e-4
"""How far a pixel may leave [0, 1]: what interpolation and colour conversions lose to rounding."""

Checked = TypeVar("Checked", bound=Callable[..., Any])

_LARGEST = torch.finfo(torch.float32).max  # a float beyond it is infinite in a network
_UNIONS = (typing.Union, types.UnionType)
_MAPPINGS = (Mapping, dict)
_WORDS = {int: "an int", float: "a finite number", str: "a str", bool: "a bool", type(None): "None"}
_KINDS = {
    "Float": "a floating-point tensor",
    "Int": "an integer tensor",
    "Bool": "a boolean tensor",
    "Real": "a tensor of real numbers",
}


def arguments(function: Checked) -> Checked:
    """Check every call of ``function``, or of a class, against its annotations.

    Another type or dtype is a TypeError; another shape, or a number that is not finite, is a
    ValueError. A letter in the shapes stands for one size throughout a call. The values in a tensor
    are not read, since that would stall an accelerator.
    """
    if isinstance(function, type):
        function.__init__ = arguments(function.__init__)  # type: ignore[misc]
        return function
    signature = inspect.signature(function)
    hints: dict[str, Any] = {}

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if not hints:  # not before the first call, since they may name what is defined later
            hints.update(typing.get_type_hints(function))
        with jaxtyped("context"):
            for name, value in signature.bind(*args, **kwargs).arguments.items():
                kind, hint = signature.parameters[name].kind, hints.get(name, Any)
                some: Iterable[Any] = (value,)
                if kind is inspect.Parameter.VAR_POSITIONAL:
                    some = value
                elif kind is inspect.Parameter.VAR_KEYWORD:
                    some = value.values()
                for one in some:
                    wrong = _misfit(one, hint)
                    if wrong:
                        raise wrong(f"{name} must be {_words(hint)}, got {_what(one)}")
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def _misfit(value: Any, hint: Any, part: bool = False) -> type[Exception] | None:
    """Return the class of error if ``value`` is not what ``hint`` asks for, else None.

    A number that is ``part`` of a table may be NaN, which says that there was nothing to measure.
    """
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return None
    if origin in _UNIONS:
        wrong = [_misfit(value, one, part) for one in inside]
        return None if None in wrong else ValueError if ValueError in wrong else TypeError
    if hasattr(hint, "dim_str"):  # a tensor's, of jaxtyping
        if isinstance(value, hint):
            return ValueError if value.is_meta else None  # it has no values
        return ValueError if isinstance(value, hint.dtype[hint.array_type, "..."]) else TypeError
    single = isinstance(value, Tensor) and value.ndim == 0 and not value.is_meta
    if isinstance(value, np.generic) or (hint is float and single):
        value = value.item()  # results of computations count as numbers
    if hint in (int, float):
        if isinstance(value, bool) or not isinstance(value, int if hint is int else int | float):
            return TypeError
        fits = hint is int or part or abs(value) <= _LARGEST
        return None if fits else ValueError
    if not isinstance(value, origin or hint):
        return TypeError
    parts: list[tuple[Any, Any]] = []
    if origin in (Sequence, list) or (origin is tuple and Ellipsis in inside):
        parts = [(one, inside[0]) for one in value]
    elif origin is tuple:
        if len(value) != len(inside):
            return ValueError
        parts = list(zip(value, inside, strict=True))
    elif origin in _MAPPINGS:
        parts = [(one, of) for pair in value.items() for one, of in zip(pair, inside, strict=True)]
    for one, of in parts:
        with jaxtyped("context"):  # the sizes of each part are its own
            wrong_part = _misfit(one, of, part=True)
        if wrong_part:
            return wrong_part
    return None


def _words(hint: Any) -> str:
    """Return what ``hint`` asks for, in words."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return " or ".join(map(_words, inside))
    if hasattr(hint, "dim_str"):
        return f"{_KINDS[hint.dtype.__name__]} of shape ({', '.join(hint.dim_str.split())})"
    if origin in (Sequence, list):
        return f"a sequence, each {_words(inside[0])}"
    if origin is tuple:
        return f"a tuple of {', '.join(_words(one) for one in inside if one is not Ellipsis)}"
    if origin in _MAPPINGS:
        return f"a mapping from {_words(inside[0])} to {_words(inside[1])}"
    name = getattr(origin or hint, "__name__", str(hint))
    return _WORDS.get(hint) or f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _what(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)} on {value.device}"
    return reprlib.repr(value)


def positive(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is a finite number above 0."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value}")


def between(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise ValueError unless ``value`` lies in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{name} must lie in [{low}, {high}], got {value}")


def interval(name: str, ends: tuple[float, float], low: float, high: float) -> None:
    """Raise ValueError unless ``ends`` are two numbers, low < first ≤ second ≤ high."""
    if not low < ends[0] <= ends[1] <= high:
        raise ValueError(f"{name} must be an interval within ({low}, {high}], got {ends}")


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


def complete(name: str, table: Mapping[str, Mapping[str, Any]], parts: Sequence[str]) -> None:
    """Raise ValueError unless every row of ``table`` has all ``parts``."""
    for row, values in table.items():
        if not set(parts) <= set(values):
            raise ValueError(
                f"{name}[{row!r}] must have {', '.join(parts)}, got {', '.join(values) or 'none'}"
            )


def matrix(name: str, value: Tensor) -> None:
    """Raise TypeError unless ``value`` is a floating-point tensor, ValueError unless (n, d)."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        came = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {came}")
    if value.ndim != 2 or 0 in value.shape:
        raise ValueError(f"{name} must have shape (n, d), n and d ≥ 1, got {tuple(value.shape)}")


def _has_values(value: Tensor) -> bool:
    """Return whether there are values to look at: neither while a graph is recorded nor in vmap."""
    if not value.numel() or torch.compiler.is_compiling():
        return False
    transforms = torch._C._functorch.get_interpreter_stack() or ()
    return all(one.key() != torch._C._functorch.TransformType.Vmap for one in transforms)


def finite(name: str, value: Tensor) -> None:
    """Raise ValueError if ``value`` holds a NaN or infinity (this reads it, and stalls a GPU)."""
    # If any value is NaN or infinite, an extreme is; and the extremes take one fast pass.
    if _has_values(value) and not torch.stack(value.detach().aminmax()).isfinite().all():
        bad = int((~value.isfinite()).sum())
        raise ValueError(f"{name} must be finite, got {bad} values that are NaN or infinite")


def within(name: str, value: Tensor, low: float, high: float) -> None:
    """Raise ValueError unless ``value`` lies in [low, high] (this reads it, and stalls a GPU)."""
    _within(name, value, low, high, tolerance=0)


def pixels(name: str, value: Tensor) -> None:
    """Raise ValueError unless ``value`` lies in [0, 1] up to rounding (reads it, stalls a GPU)."""
    _within(name, value, 0, 1, tolerance=ROUNDING)


def _within(name: str, value: Tensor, low: float, high: float, tolerance: float) -> None:
    if _has_values(value):
        least, most = (float(extreme) for extreme in value.detach().aminmax())
        if not (low - tolerance <= least and most <= high + tolerance):
            raise ValueError(
                f"{name} must lie in [{low}, {high}], got values from {least:.9g} to {most:.9g}"
            )


def one_precision(**tensors: Tensor) -> None:
    """Raise TypeError unless all ``tensors`` have the same dtype."""
    came = [value.dtype for value in tensors.values()]
    if len(set(came)) > 1:
        raise TypeError(
            f"{' and '.join(tensors)} must be of one precision, got {' and '.join(map(str, came))}"
        )


def labels(name: str, value: Int[Tensor, " n"], classes: int | None = None) -> Int[Tensor, " n"]:
    """Return ``value`` as int64; ValueError if it is empty, or a label is below 0 or too high.

    Labels must be below ``classes``. If that is not given, they must be below their own number,
    since every class is to have a sample.
    """
    most = (len(value) if classes is None else classes) - 1
    if not len(value) or (_has_values(value) and not 0 <= value.min() <= value.max() <= most):
        came = f"{int(value.min())} to {int(value.max())}" if len(value) else "none"
        raise ValueError(f"{name} must lie in 0..{most}, got {came}")
    return value.long()


def images(name: str, value: Tensor, side: int | None = None) -> None:
    """Raise TypeError unless ``value`` is floating-point, ValueError unless it is (n, 3, s, s).

    If ``side`` is given, s must equal it. The values are not read.
    """
    if not isinstance(value, Tensor) or not value.is_floating_point() or value.is_meta:
        raise TypeError(f"{name} must be a floating-point tensor, got {_what(value)}")
    s = side or (value.shape[-1] if value.ndim else 0)
    if value.ndim != 4 or value.shape[1:] != (3, s, s):
        wanted = f"(n, 3, {side}, {side})" if side else "(n, 3, s, s)"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(value.shape)}")


def unit_rows(name: str, value: Float[Tensor, "n d"], tolerance: float = 1e-3) -> None:
    """Raise ValueError unless every row is finite and of norm 1 within ``tolerance``."""
    matrix(name, value)
    finite(name, value)
    off = (value.detach().norm(dim=1) - 1).abs()
    if _has_values(value) and off.max() > tolerance:
        row = int(off.argmax())
        raise ValueError(
            f"{name} must have rows of norm 1 (within {tolerance:g}), "
            f"got norm {float(value[row].norm()):.6g} in row {row}"
        )


def group_table(
    groups: Groups,
    n: int | None = None,
    device: torch.device | None = None,
) -> Int[Tensor, "N m"]:
    """Return ``groups`` as an int64 tensor on ``device``.

    Raises:
        TypeError: for indices that are not integers.
        ValueError: for groups of unequal length, fewer than two groups, an empty group, an index
            below 0, or, if ``n`` is given, an index that is not below n.
    """
    if not isinstance(groups, Tensor):
        lengths = sorted({len(group) for group in groups})
        if len(lengths) > 1:
            raise ValueError(f"groups must be equally long, got lengths {lengths}")
        groups = torch.as_tensor(groups)
    if groups.ndim != 2 or groups.shape[0] < 2 or groups.shape[1] < 1:
        raise ValueError(
            "groups must have shape (N, m) with N ≥ 2 groups of m ≥ 1 row indices, "
            f"got {tuple(groups.shape)}"
        )
    if groups.dtype == torch.bool or groups.is_floating_point() or groups.is_complex():
        raise TypeError(f"groups must hold integer row indices, got {groups.dtype}")
    low, high = int(groups.min()), int(groups.max())
    if low < 0 or (n is not None and high >= n):
        allowed = "at least 0" if n is None else f"in 0..{n - 1}"
        raise ValueError(f"groups must hold row indices {allowed}, got {low if low < 0 else high}")
    return groups.to(device=device, dtype=torch.long)
