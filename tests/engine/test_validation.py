"""Callers are held to what a function annotates: types, dtypes, shapes, finite numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from replearn.engine import validation


@validation.arguments
def example(
    z: Float[Tensor, "b d"],
    z_pos: Float[Tensor, "b d"],
    rows: Int[Tensor, " b"] | Sequence[int] = (),
    tau: float = 1.0,
    n: int = 1,
    name: str | None = None,
    table: Mapping[str, float] | None = None,
    scale: tuple[float, float] = (0.0, 1.0),
    **more: Tensor,
) -> float:
    """Return ``tau``."""
    return tau


@validation.arguments
@dataclass(frozen=True)
class Example:
    size: int
    share: float = 0.5


Z = torch.zeros(3, 2)


@pytest.mark.parametrize(
    "given",
    [
        {"z": Z.double(), "z_pos": Z.bfloat16()},
        {"rows": torch.arange(3, dtype=torch.int16)},
        {"rows": [1, 2]},
        {"tau": 2},
        {"tau": np.float32(0.5)},
        {"tau": torch.tensor(0.5)},
        {"n": np.int64(3)},
        {"name": "A"},
        {"table": {"A": math.nan}},  # nothing was there to be measured
        {"scale": (0, np.float64(1))},
        {"other": Z},
    ],
)
def test_what_is_annotated_passes(given):
    example(**{"z": Z, "z_pos": Z, **given})


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"z": None}, TypeError, r"z must be a floating-point tensor of shape \(b, d\), got None"),
        ({"z": Z.long()}, TypeError, r"z must be .*, got torch.int64 of shape \(3, 2\) on cpu"),
        ({"z": Z[0]}, ValueError, r"z must be .*, got torch.float32 of shape \(2,\) on cpu"),
        ({"z": Z.to("meta")}, ValueError, r"z must be .* on meta"),
        ({"z_pos": Z[:2]}, ValueError, r"z_pos must be .*, got .* \(2, 2\)"),  # b is 3
        ({"rows": torch.arange(2)}, ValueError, "rows must be an integer tensor .* or a sequence"),
        ({"rows": [1, "2"]}, TypeError, r"rows must be .*, got \[1, '2'\]"),
        ({"tau": "1"}, TypeError, "tau must be a finite number, got '1'"),
        ({"tau": True}, TypeError, "tau must be a finite number, got True"),
        ({"tau": math.nan}, ValueError, "tau must be a finite number, got nan"),
        ({"tau": 10**400}, ValueError, "tau must be a finite number, got 1000"),
        ({"tau": torch.tensor(math.inf)}, ValueError, "tau must be a finite number"),
        ({"tau": torch.zeros(1)}, TypeError, "tau must be a finite number, got torch.float32"),
        ({"n": 1.0}, TypeError, r"n must be an int, got 1\.0"),
        ({"name": b"A"}, TypeError, "name must be a str or None, got b'A'"),
        ({"table": {"A": "b"}}, TypeError, "table must be a mapping from a str to a finite number"),
        ({"scale": (0.0,)}, ValueError, r"scale must be a tuple of .*, got \(0\.0,\)"),
        ({"other": 3}, TypeError, "more must be a Tensor, got 3"),
        ({"z_neg": Z, "missing": None}, TypeError, "more must be a Tensor, got None"),
    ],
)
def test_what_is_not_annotated_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        example(**{"z": Z, "z_pos": Z, **given})


def test_a_missing_argument_is_named():
    with pytest.raises(TypeError, match="missing a required argument: 'z_pos'"):
        example(Z)


def test_a_class_is_held_to_its_fields():
    assert Example(3).share == 0.5
    with pytest.raises(TypeError, match="size must be an int, got '3'"):
        Example("3")
    with pytest.raises(ValueError, match="share must be a finite number, got inf"):
        Example(3, share=math.inf)


def test_sizes_of_one_call_bind_no_other():
    example(Z, Z)
    example(torch.zeros(5, 7), torch.zeros(5, 7))


# --- values ---------------------------------------------------------------------------------


def test_a_value_out_of_range_is_told_with_all_its_digits():
    with pytest.raises(ValueError, match=r"got values from 0 to 1\.00000095"):
        validation.within("images", torch.tensor([0.0, 1 + 1e-6]), 0, 1)


def test_pixels_may_leave_their_range_by_rounding_alone():
    validation.pixels("images", torch.tensor([-1e-6, 1 + 1e-6]))
    for beyond in (-1e-3, 1.001, math.nan):
        with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
            validation.pixels("images", torch.tensor([0.5, beyond]))


CHECKS = {
    "finite": lambda x: validation.finite("x", x),
    "within": lambda x: validation.within("x", x, 2, 3),
    "pixels": lambda x: validation.pixels("x", x + 2),
    "unit_rows": lambda x: validation.unit_rows("x", x[None]),
    "labels": lambda x: validation.labels("x", x.long(), 1),
}


@pytest.mark.parametrize("check", CHECKS)
def test_values_are_not_looked_at_where_there_are_none(check):
    """Under vmap, and while a graph is recorded, a tensor stands for many or for none."""

    class Net(torch.nn.Module):
        def forward(self, x):
            CHECKS[check](x)
            return x + 1

    x = torch.tensor([1.0, math.inf if check == "finite" else 1.0])
    with pytest.raises(ValueError, match="x must"):
        Net()(x)
    batch = x.expand(4, 2)
    assert torch.equal(torch.vmap(Net())(batch), batch + 1)
    nested = torch.vmap(torch.func.grad(lambda x: Net()(x).sum()))(batch)
    assert torch.equal(nested, torch.ones(4, 2))
    assert torch.equal(torch.export.export(Net(), (x,)).module()(x), x + 1)
