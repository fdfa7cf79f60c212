"""Checks of the two losses that Questions 7b and 8a ask for.

Each check gives the loss inputs for which the right value is known without the formula. If the loss
fails, the check says what the mistake may be. A mistake fails the check about it, and no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from replearn import losses
from replearn.engine import validation
from replearn.engine.console import say

Loss = Callable[..., Tensor]


class Mistake(AssertionError):
    """What a check found wrong, and what may have caused it."""


@validation.arguments
@dataclass(frozen=True)
class Check:
    """One property that a loss must have.

    Attributes:
        question: ``"7b"`` or ``"8a"``.
        points: what it is worth; the checks of a question add up to the question's points.
        title: what is right if the loss passes.
        run: takes a loss, and raises :class:`Mistake` if the loss fails.
    """

    question: str
    points: float
    title: str
    run: Callable[[Loss], None]


CHECKS: list[Check] = []


def _check(
    question: str, points: float, title: str
) -> Callable[[Callable[[Loss], None]], Callable[[Loss], None]]:
    def listed(run: Callable[[Loss], None]) -> Callable[[Loss], None]:
        CHECKS.append(Check(question, points, title, run))
        return run

    return listed


@validation.arguments
def check(question: str, loss: Loss | None = None) -> None:
    """Print how a loss does in each check of a question, with a hint where it fails.

    Args:
        question: ``"7b"`` or ``"8a"``.
        loss: has the signature of the library's loss; by default it is the library's loss.
    """
    own: dict[str, Loss] = {"7b": losses.reconstruction_loss, "8a": losses.info_nce}
    validation.one_of("question", question, tuple(own))
    for each in (one for one in CHECKS if one.question == question):
        try:
            each.run(loss or own[question])
            say(f"✓ {each.title}")
        except Exception as error:  # whatever a loss under construction may raise
            kind = "" if isinstance(error, Mistake) else f"{type(error).__name__}: "
            say(f"✗ {each.title}: {kind}{error}")


def _value(loss: Loss, *arguments: Tensor | float) -> float:
    """Return the loss as a number; Mistake if it is not one."""
    value = loss(*arguments)
    if not isinstance(value, Tensor) or value.shape != () or not value.is_floating_point():
        came = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
        raise Mistake(f"the loss of a batch must be one number, a tensor of shape (), got {came}")
    return float(value.detach())


def _near(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)


def _one_number_with_gradients(loss: Loss, *inputs: Tensor) -> None:
    inputs = tuple(each.clone().requires_grad_() for each in inputs)
    value = _value(loss, *inputs)
    if not math.isfinite(value):
        raise Mistake(f"the loss must be finite, got {value}")
    result = loss(*inputs)
    gradients = (
        torch.autograd.grad(result, inputs, allow_unused=True)
        if result.requires_grad
        else (None,) * len(inputs)
    )
    if any(each is None or not each.isfinite().all() for each in gradients):
        raise Mistake(
            "the loss must have a finite gradient in both arguments; nothing on its way may be "
            "detached, turned into a Python number, or computed without gradients"
        )


# --- Question 7b -----------------------------------------------------------------------------


def _images(n: int = 4, side: int = 6) -> Tensor:
    return torch.rand(n, 3, side, side, generator=_seeded(0), dtype=torch.float64)


@_check("7b", 0.25, "one number, 0 where there is no error")
def _reconstruction_is_a_number(loss: Loss) -> None:
    images = _images()
    _one_number_with_gradients(loss, images, images.flip(0))
    if _value(loss, images, images.clone()) != 0:
        raise Mistake("images reconstructed without an error must have loss 0")


@_check("7b", 0.25, "errors are squared")
def _reconstruction_is_squared(loss: Loss) -> None:
    images, error = _images(), _images().flip(0) - 0.5
    once, twice = (_value(loss, images, images + k * error) for k in (1, 2))
    if not _near(twice, 4 * once):
        raise Mistake(f"twice the error must cost four times as much, got {twice / once:.4g} times")
    if not _near(_value(loss, images, images - error), once):
        raise Mistake("an error must cost the same in either direction")


@_check("7b", 0.5, "a mean, not a sum")
def _reconstruction_is_a_mean(loss: Loss) -> None:
    for n, side in ((4, 6), (2, 8)):
        images = _images(n, side)
        value, pixels = _value(loss, images, images + 1), 3 * side * side
        if _near(value, 1):
            continue
        sums = {
            "pixels and channels of an image": pixels,
            "everything": n * pixels,
            "images": n,
            "channels": 3,
        }
        guess = next((what for what, times in sums.items() if _near(value, times)), None)
        hint = f"; is it a sum over {guess}, where a mean is wanted?" if guess else ""
        raise Mistake(
            f"where every number is off by exactly 1, the loss must be 1 whatever the size, "
            f"got {value:.6g} for images of shape {tuple(images.shape)}{hint}"
        )


# --- Question 8a -----------------------------------------------------------------------------


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _units(b: int = 6, d: int = 5) -> tuple[Tensor, Tensor]:
    """Return two batches of random unit vectors."""
    both = torch.randn(2, b, d, generator=_seeded(1), dtype=torch.float64)
    z, z_pos = F.normalize(both, dim=-1)
    return z, z_pos


@_check("8a", 0.2, "one number, with gradients")
def _contrastive_is_a_number(loss: Loss) -> None:
    _one_number_with_gradients(lambda z, z_pos: loss(z, z_pos, 0.07), *_units())


@_check("8a", 0.2, "the temperature counts")
def _contrastive_has_a_temperature(loss: Loss) -> None:
    z, z_pos = _units()
    if _near(_value(loss, z, z_pos, 0.1), _value(loss, z, z_pos, 1.0)):
        raise Mistake("the loss is the same at tau = 0.1 and at tau = 1: where is tau?")
    hot = _value(loss, z, z_pos, 1e9)
    if not math.isclose(hot, math.log(len(z)), rel_tol=1e-6):
        raise Mistake(
            "at a very high temperature all logits are nearly alike, and the loss must be that of "
            f"guessing among b = {len(z)}, log b = {math.log(len(z)):.4f}; got {hot:.4g}. The "
            "logits are to be divided by tau"
        )


@_check("8a", 0.2, "an anchor chooses in its row")
def _contrastive_goes_by_rows(loss: Loss) -> None:
    z, z_pos = _units()
    alike = z_pos[:1].expand(len(z), -1)
    value = _value(loss, z, alike, 1.0)
    if not _near(value, math.log(len(z))):
        raise Mistake(
            "if all candidates z_pos are one vector, every anchor can but guess, and the loss must "
            f"be log b = {math.log(len(z)):.4f}, got {value:.4f}. The softmax goes over the row of "
            "an anchor, over all z_pos; not over columns, not over both, not over the other "
            "anchors; and the loss is the mean over the anchors"
        )


@_check("8a", 0.2, "features stay unit vectors")
def _contrastive_compares_unit_vectors(loss: Loss) -> None:
    z, z_pos = _units()
    turn = torch.linalg.qr(torch.randn(5, 5, generator=_seeded(2), dtype=torch.float64))[0]
    if not _near(_value(loss, z @ turn, z_pos @ turn, 1.0), _value(loss, z, z_pos, 1.0)):
        raise Mistake(
            "turning all features alike changes no dot product, but it changed the loss. If you "
            "normalise, then each row (dim=1), not each column; and subtract no mean"
        )
    u = torch.stack([z[0], -z[0]])
    swapped = abs(_value(loss, u, u, 1.0) - _value(loss, u, u.flip(0), 1.0))
    if not _near(swapped, 2):
        raise Mistake(
            "the logits of unit vectors at tau = 1 must lie in [-1, 1], and two opposite anchors "
            f"that exchange their partners must change the loss by 2, got {swapped:.4g}. The "
            "features come in with norm 1 and must keep it"
        )


@_check("8a", 0.2, "the partner of row i is row i")
def _contrastive_matches_rows(loss: Loss) -> None:
    z = torch.eye(5, dtype=torch.float64)
    right, *shifted = (_value(loss, z, z.roll(k, 0), 1.0) for k in range(5))
    if right >= min(shifted):
        best = 1 + shifted.index(min(shifted))
        raise Mistake(
            "the loss must be lowest where z_pos[i] is the view most like z[i], but it is lower "
            f"where row i finds it {best} further on: the target of row i is i, counted from 0"
        )
