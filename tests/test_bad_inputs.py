"""Every public name of the library, given what it should not be: a clear error or a right result.

Each name has one call that is right (calls.py). From the annotations of its parameters follow
wrong ones: another type, dtype, number of dimensions, a number out of range, values that are not
finite, tensors that are empty, huge, strided or without values, one parameter at a time.
"""

import contextlib
import dataclasses
import inspect
import math
import random
import re
import reprlib
import signal
import typing
from collections.abc import Iterable, Mapping
from functools import partial

import matplotlib.figure
import numpy as np
import pytest
import torch

from calls import CALLS, PUBLIC, call, hints_of, options_of
from replearn.engine import validation
from replearn.figures import tables

ERRORS = (ValueError, TypeError, IndexError, FloatingPointError)
SECONDS = 60  # that a call may take; the slowest takes one
# Each call is a training, or encodes thousands of images.
SLOW = (".scores", ".trained", ".train_autoencoder", ".train_contrastive")
# And these need a GPU or published files, or change how the library knows functions from then on.
UNCALLED = (*SLOW, ".Captured", ".features", ".get", ".pack", ".unpacked", ".yours")
MORE = 30  # random values of every argument, beyond those that its annotation suggests
RATES = ("tau", "alpha", "t", "lr", "adam")  # floats that must be above 0
COUNTS = ("steps", "batch", "batches", "limit", "k", "num_nn", "starts", "window", "cols", "count")
COUNTS += ("per_class", "latent_dim", "n", "d", "values")  # ints that must not be below 0
ONLY_LIKE = ("like",)  # of which no value counts
# What is finite of an infinity too: clipped, a maximum, a ReLU.
FINITE = (".adjust_affine", ".recolor", ".rgb", "Decoder.forward")
EMPTY = (".turned",)  # changes nothing if nothing is to be changed


def wrong(name, hint, value, choose):
    """What ``name`` must not be: an error has to say so."""
    options = options_of(hint)
    if hint in (inspect.Parameter.empty, typing.Any, object):
        return
    yield object()
    if type(None) not in options:
        yield None
    if isinstance(value, torch.Tensor) and not any(o is torch.Tensor for o in options):
        yield from ("text", value.numpy(), value.to(torch.complex64))
        if "Real" in str(hint):
            return
        yield value > 0
        if value.is_floating_point():
            yield value.long()
            yield torch.empty(value.shape, device="meta")
        else:
            yield value.float()
        if "..." not in str(hint) and "*" not in str(hint):
            yield value[None].expand(choose.randint(1, 3), *value.shape)
            yield value[0]
            yield value.flatten()[0]
    elif float in options:
        yield from ("1", 1j, [1.0])
        if name != "score":  # which may be NaN: nothing was there to be compared
            yield from (math.nan, math.inf, -math.inf, True)
    elif int in options:
        yield from ("1", 1.5, 1j, [1], math.nan, math.inf, True)
    elif str in options:
        yield from (3, b"bytes", ["text"])
    elif bool in options:
        yield from ("yes", 3, [True])
    elif isinstance(value, Mapping | list | tuple):
        yield from (3, 0.5, True)
        if value and not {object, typing.Any} & {*typing.get_args(hint)}:
            bad = [object()] * len(value)
            yield (
                dict(zip(value, bad, strict=True)) if isinstance(value, dict) else type(value)(bad)
            )
    if name in RATES and isinstance(value, float):
        yield 0.0
    if name in RATES or (name in (*COUNTS, "seed") and isinstance(value, int)):
        yield from (-1, -choose.randint(2, 10**6))


def doubtful(name, value, choose):
    """What may be refused or answered rightly."""
    if name in COUNTS and isinstance(value, int):
        yield "empty", 0
    if not isinstance(value, torch.Tensor) or name in ONLY_LIKE:
        return
    yield "strided", torch.stack([value, value], -1)[..., 0]
    yield "transposed", value.mT.contiguous().mT if value.ndim > 1 else value.flip(0).flip(0)
    yield "empty", value[:0]
    if value.is_floating_point():
        yield "double", value.double()
        for kind, number in (("nan", math.nan), ("inf", math.inf), ("inf", -math.inf)):
            changed = value.clone()
            changed.view(-1)[choose.randrange(value.numel())] = number
            yield kind, changed
        yield "huge", value * 1e30
        yield "negative", -value - 1
    else:
        yield "short", value.to(torch.int16)
        yield "negative", value - choose.randint(100, 1000)
        yield "huge", value + 2**40


def fuzzed(value, choose):
    """``value`` changed at random, and what that asks of the result; None if it has no such."""
    if isinstance(value, torch.Tensor):
        return choose.choice((reshaped, rearranged, spoilt))(value, choose)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return fuzzed_part(value, choose)
    if isinstance(value, str):
        letters = "aB3 _-./\\%{}\n\0é∞"
        return "any", "".join(choose.choices(letters, k=choose.randrange(9)))
    if isinstance(value, int):
        return "any", choose.randint(-9, 9)  # a larger one may rightly take hours and all memory
    return "any", choose.choice((-1, 1)) * 10 ** choose.uniform(-300, 300)


def fuzzed_part(value, choose):
    """A sequence or mapping of which one part is changed at random, doubled or left out."""
    if not isinstance(value, list | tuple | dict) or not value:
        return None
    parts = dict(value if isinstance(value, dict) else enumerate(value))
    key = choose.choice(list(parts))
    found = fuzzed(parts[key], choose)
    if found is None or choose.random() < 0.2:
        del parts[key]
    else:
        parts[key] = found[1]
    return "any", parts if isinstance(value, dict) else type(value)(parts.values())


def reshaped(value, choose):
    """Of random sizes; some of them that it had."""
    sizes = [choose.choice((*value.shape, *range(6))) for _ in range(choose.randrange(5))]
    return "any", value.flatten()[:1].expand(math.prod(sizes)).reshape(sizes).clone()


def rearranged(value, choose):
    """The same, otherwise in memory, or in another precision."""
    order = choose.sample(range(value.ndim), value.ndim)
    back = [order.index(k) for k in range(value.ndim)]
    room = value.permute(order).repeat_interleave(2, -1) if value.ndim else value
    moved = (room[..., choose.randrange(2) :: 2] if value.ndim else room).permute(back)
    if choose.random() < 0.5:
        return "strided", moved
    return "double", moved.double() if value.is_floating_point() else moved.int()


def spoilt(value, choose):
    """Other numbers: all scaled, or some replaced."""
    if not value.is_floating_point():
        return "any", value + choose.randint(-9, 9)
    if choose.random() < 0.5:
        return "any", value * choose.choice((-1, 1)) * 10 ** choose.uniform(-37, 37)
    number = choose.choice((math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, 3e38))
    changed = value.clone()
    for _ in range(choose.randint(1, 3)):
        changed.view(-1)[choose.randrange(value.numel())] = number
    return "nan" if math.isnan(number) else "inf" if math.isinf(number) else "any", changed


def numbers(result):
    """All numbers in a result."""
    if isinstance(result, torch.Tensor):
        return result.detach().double().flatten().numpy()
    if isinstance(result, bool | int | float):
        return np.array([float(result)])
    if dataclasses.is_dataclass(result):
        result = vars(result)
    if isinstance(result, str):
        return np.empty(0)
    parts = result.values() if isinstance(result, Mapping) else result
    some = [numbers(part) for part in parts] if isinstance(parts, Iterable) else []
    return np.concatenate([np.empty(0), *some])


DRAWN = (matplotlib.figure.Figure, tables.Table, np.ndarray, str)


def judged(kind, result, right):
    """Whether a result of a doubtful argument is one that can be right."""
    if isinstance(result, DRAWN) or callable(result):
        return True  # a number that is none leaves a gap; what a function returns is asked later
    found, expected = numbers(result), numbers(right)
    if kind in ("strided", "transposed", "short", "double"):
        same = found.shape == expected.shape
        return same and np.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
    if kind == "empty":
        return not len(found) or not np.isfinite(found).all()
    if kind in ("nan", "inf"):
        return not np.isfinite(found).all()
    return True


@contextlib.contextmanager
def limited():
    """Nothing may hang."""

    def stop(*_):
        raise TimeoutError(f"took more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def cases(name, choose):
    """(kind, parameter, value) of every bad argument of a name."""
    thing, right = CALLS[name]
    hints = hints_of(thing)
    for parameter, value in right.items():
        hint = hints.get(parameter, typing.Any)
        for bad in wrong(parameter, hint, value, choose):
            yield "wrong", parameter, bad
        for kind, bad in doubtful(parameter, value, choose):
            yield kind, parameter, bad


def random_cases(name, choose):
    """(kind, parameter, value) of random arguments of a name."""
    for parameter, value in CALLS[name][1].items():
        for _ in range(2 if name.endswith(SLOW) else MORE):
            found = None if parameter in ONLY_LIKE else fuzzed(value, choose)
            if found is not None:
                yield found[0], parameter, found[1]


def told(value):
    if isinstance(value, torch.Tensor):
        return f"{value.dtype} of shape {tuple(value.shape)} on {value.device}"
    return reprlib.repr(value)


def complaint(name, kind, parameter, bad, plain):
    """What is to be said against what a name makes of a bad argument."""
    thing, given = CALLS[name]
    said = f"{parameter} = {told(bad)} ({kind})"
    try:
        with limited():
            result = call(thing, {**given, parameter: bad})
    except SystemExit as stop:  # after argparse has said what is wrong
        return None if name.endswith(".main") and stop.code == 2 else f"{said}: {stop!r}"
    except (*ERRORS, AssertionError) as error:
        # Where a size no longer fits that of another argument, either may be named.
        named = given if kind == "empty" else (parameter,)
        if any(re.search(rf"\b{one}\b", str(error)) for one in named):
            return None
        # A part of an argument, or what follows from it, has a name of its own.
        if kind == "any" and re.search(r"\S must .*got ", str(error), re.DOTALL):
            return None
        return f"{said}: {type(error).__name__} without its name: {error}"
    except Exception as error:
        return f"{said}: {type(error).__name__}: {error}"
    if kind == "wrong":
        return f"{said}: passed, {told(result)}"
    fine = name.endswith({"inf": FINITE, "empty": EMPTY}.get(kind, ()))
    return None if fine or judged(kind, result, plain) else f"{said}: {told(result)}, not right"


@pytest.mark.fault(
    "A bad argument of any public function or class",
    "one argument at a time of another type, dtype, shape or layout; empty, huge, negative, NaN, "
    "infinite: thousands, generated from the annotations",
    "a ValueError, TypeError or IndexError that names the argument, or a right result; none hangs",
)
@pytest.mark.parametrize("name", CALLS)
def test_bad_arguments_are_refused_or_answered_rightly(name, tiny):
    assert complaints(name, cases) == []


@pytest.mark.soak
@pytest.mark.fault(
    "Random arguments of any public function or class",
    "one argument at a time: sizes, layouts, numbers, texts, NaN and infinities drawn at random, "
    "in a table or a sequence too; more than five thousand",
    "a ValueError, TypeError or IndexError that names an argument, or a right result; none hangs",
)
@pytest.mark.parametrize("name", CALLS)
def test_random_arguments_are_refused_or_answered_rightly(name, tiny):
    assert complaints(name, random_cases) == []


def complaints(name, make):
    """What is to be said against what ``name`` makes of arguments that ``make`` makes."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    thing, right = CALLS[name]
    some = list(make(name, random.Random(seed)))
    plain = None
    compared = any(kind not in ("wrong", "any") for kind, _, _ in some)
    if compared or not name.endswith(UNCALLED):
        torch.manual_seed(0)
        plain = call(thing, right)
    found = []
    for kind, parameter, bad in some:
        torch.manual_seed(0)
        found.append(complaint(name, kind, parameter, bad, plain))
    return [c for c in found if c]


def test_the_bad_arguments_are_many():
    for make, least in ((cases, 3500), (random_cases, 5000)):
        choose = random.Random(0)
        count = sum(1 for name in CALLS for _ in make(name, choose))
        print(f"{make.__name__}: {count}")
        assert count >= least


BAD = (math.nan, math.inf)
# What follows the name and the value, and values that are bad.
TABLE = {
    "at_least": ((1,), (0, -1, 1.5, "1", None, True)),
    "between": ((0, 1), (-0.1, 1.1, *BAD)),
    "complete": ((("a", "b"),), ({"row": {"a": 1}},)),
    "finite": ((), tuple(torch.tensor([1.0, bad]) for bad in BAD)),
    "images": ((), (None, "x", torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8).long())),
    "interval": ((0, 1), ((0.5, 0.2), (0, 1), (0.5, 2), (1, math.nan))),
    "labels": ((3,), tuple(torch.tensor(bad).long() for bad in ([], [-1, 0], [0, 3]))),
    "matrix": ((), (None, [[1.0]], torch.zeros(2), torch.zeros(0, 2))),
    "one_of": ((("a", "b"),), ("c", None, 3, [])),
    "positive": ((), (0, -1, *BAD)),
    "unit_rows": ((), (torch.zeros(2, 2), torch.full((2, 2), math.nan), torch.eye(2) * 1.1, None)),
    "pixels": ((), tuple(torch.tensor([bad]) for bad in (-0.1, 1.1, math.nan))),
    "within": ((0, 1), tuple(torch.tensor([bad]) for bad in (-0.1, 1.1, math.nan))),
}
GROUPS = (torch.zeros(2), torch.zeros(2, 2), [[0], [1, 2]], [[0]], [[0], [4]], [[-1], [0]])
CHECKS = {
    **{
        name: [partial(getattr(validation, name), "x", bad, *rest) for bad in some]
        for name, (rest, some) in TABLE.items()
    },
    "arguments": [partial(validation.arguments(lambda x: x), y=1)],
    "group_table": [partial(validation.group_table, groups, 4) for groups in GROUPS],
    "one_precision": [
        partial(validation.one_precision, x=torch.zeros(2), y=torch.zeros(2).double())
    ],
}


def test_every_check_is_here():
    named = {thing.__name__ for thing in PUBLIC.values() if thing.__module__ == validation.__name__}
    assert CHECKS.keys() == named


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_names_the_argument(name):
    for refused in CHECKS[name]:
        with pytest.raises(ERRORS, match=r"\bx\b|'x'|groups"):
            refused()
