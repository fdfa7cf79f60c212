"""Losses as formulas: tensors in, one number out; no state, no I/O, no device named."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from replearn.engine import validation

# student
# from replearn.engine.identity import yours
# end

Formula = TypeVar("Formula", bound=Callable[..., Tensor])

TAU = 0.07  # the temperature, unless another is asked for
MAX_LOGITS = 2**24  # contrastive_loss enumerates; so many float64 logits fill 128 MiB
STRIP = 2**22  # pairs that uniformity holds at a time: 16 MiB in float32


def _checked(formula: Formula) -> Formula:
    """Check the arguments of ``formula`` (two tensors, then scalars), so its body is the formula.

    Types, shapes and scalars are checked, but not the tensors' values: reading those would stall a
    GPU at every training step.
    """
    signature = inspect.signature(formula)

    @functools.wraps(formula)
    def checked(*args: Any, **kwargs: Any) -> Tensor:
        (a, first), (b, second), *scalars = signature.bind(*args, **kwargs).arguments.items()
        if first.numel() == 0:
            raise ValueError(f"{a} and {b} must not be empty, got {tuple(first.shape)}")
        if a == "z":
            validation.one_precision(**{a: first, b: second})
            validation.at_least("len(z)", len(first), 2)
        for name, value in scalars:
            validation.positive(name, value)
        return formula(*args, **kwargs)

    return validation.arguments(checked)  # type: ignore[return-value]


# student
# @yours  # what it computes is part of a run's key: another loss trains another network
# end
@_checked
def reconstruction_loss(
    images: Float[Tensor, "n c h w"], reconstructions: Float[Tensor, "n c h w"]
) -> Float[Tensor, ""]:
    """Return the mean squared error over all pixels and channels of all images.

    Examples:
        >>> images = torch.zeros(2, 3, 64, 64)
        >>> losses.reconstruction_loss(images, images + 0.5)  # every number is off by a half
        tensor(0.2500)
    """
    return (reconstructions - images).square().mean()


# student
# @yours
# end
@_checked
def info_nce(
    z: Float[Tensor, "b d"], z_pos: Float[Tensor, "b d"], tau: float = TAU
) -> Float[Tensor, ""]:
    """Return InfoNCE (van den Oord et al. 2018): find z_i's partner among all b rows of z_pos.

    The rows are taken as they come: the caller normalises them. Without unit rows the loss is
    defined as well, but no lower bound of the book holds.

    Examples:
        >>> z = torch.eye(2)  # the features of two images
        >>> losses.info_nce(z, z, tau=1.0)  # each view is nearest to its partner: log(1 + 1/e)
        tensor(0.3133)
        >>> losses.info_nce(z, z.flip(0), tau=1.0)  # each is nearest to the other's partner
        tensor(1.3133)
    """
    logits = z @ z_pos.T / tau  # (b, b): positive pairs on the diagonal, negatives off it
    target = torch.arange(len(z), device=z.device)
    return F.cross_entropy(logits, target)


@validation.arguments
def contrastive_loss(
    features: Float[Tensor, "n d"], groups: validation.Groups, tau: float = 1.0
) -> Float[Tensor, ""]:
    """Return the contrastive loss of N finite groups, with its expectation computed exactly.

    Row i of ``groups`` lists the rows of ``features`` that make up group i, each equally likely;
    groups may share rows. The value is the mean, over i, over the anchor x_i in group i and over
    all mᴺ tuples (y_1, …, y_N) with one y_j from each group, of

        −log( exp(x_i·y_i / τ) / Σ_j exp(x_i·y_j / τ) ).

    Features need not have norm 1.

    Raises:
        ValueError: if the N² m^(N+1) logits to enumerate are more than ``MAX_LOGITS``.
        TypeError, ValueError: for malformed features, groups or tau.

    Examples:
        >>> corners = tammes.simplex(3, 2)  # an equilateral triangle: one corner is one group
        >>> losses.contrastive_loss(corners, [[0], [1], [2]])
        tensor(0.3690, dtype=torch.float64)
        >>> round(losses.contrastive_floor(3), 4)  # no encoder does better
        0.369
    """
    validation.matrix("features", features)
    validation.finite("features", features)
    validation.positive("tau", tau)
    groups = validation.group_table(groups, len(features), features.device)
    N, m = groups.shape
    if N * N * m ** (N + 1) > MAX_LOGITS:
        raise ValueError(
            f"the exact loss enumerates N²·m^(N+1) logits, at most {MAX_LOGITS:,}; "
            f"N = {N} groups of m = {m} would need {N * N * m ** (N + 1):.3g}"
        )
    tuples = torch.cartesian_prod(*groups)  # (mᴺ, N): row t is one choice of y_1, …, y_N
    similarity = features @ features.T / tau
    logits = similarity[groups][:, :, tuples]  # (N, m, mᴺ, N): group i, anchor, tuple, j
    target = torch.arange(N, device=features.device)[:, None, None].expand(logits.shape[:3])
    return F.cross_entropy(logits.flatten(0, 2), target.flatten())


@validation.arguments
def dual_encoder_loss(
    first: Float[Tensor, "*draws N d"], second: Float[Tensor, "*#draws N d"]
) -> Float[Tensor, ""]:
    """Return the loss of two encoders, f₁ of one domain and f₂ of another, averaged over draws.

    A draw holds one pair from each of N distributions: row i of ``first`` is f₁(x_i), row i of
    ``second`` is f₂(y_i), and x_i has to be matched with y_i among y_1, …, y_N.

    Raises:
        ValueError: unless the last two sizes agree.

    Examples:
        >>> first = torch.eye(3)  # f₁ of three inputs
        >>> losses.dual_encoder_loss(first, first)  # f₂ of the partners is the same: log(1 + 2/e)
        tensor(0.5514)
        >>> losses.dual_encoder_loss(first, torch.ones(3, 3))  # f₂ is constant: log 3
        tensor(1.0986)
    """
    validation.one_precision(first=first, second=second)
    logits = first @ second.mT  # (…, N, N)
    target = torch.arange(logits.shape[-1], device=logits.device).expand(logits.shape[:-1])
    return F.cross_entropy(logits.flatten(0, -2), target.flatten())


@validation.arguments
def cross_entropy_as_dual_encoder(
    outputs: Float[Tensor, "n d"],
    labels: Int[Tensor, " n"],
    class_vectors: Float[Tensor, "C d"] | None = None,
) -> Float[Tensor, ""]:
    """Return the cross-entropy of a classifier, computed as a dual-encoder loss.

    Distribution c pairs an input of class c with the label c itself. The batch is dealt into draws
    that hold one input of each class.

    Args:
        outputs: (n, d) f₁ of the inputs: the logits themselves if ``class_vectors`` is left out
            (then d = C), else the features that the last layer takes.
        labels: (n,) the classes; every class has to occur equally often.
        class_vectors: (C, d) f₂ of the labels: the rows of the last layer; by default the unit
            vectors e_c.

    Raises:
        ValueError: for other shapes, or classes that do not occur equally often.

    Examples:
        >>> logits, labels = torch.tensor([[2.0, 0.0], [1.0, 3.0]]), torch.tensor([0, 1])
        >>> losses.cross_entropy_as_dual_encoder(logits, labels)
        tensor(0.1269)
        >>> torch.nn.functional.cross_entropy(logits, labels)
        tensor(0.1269)
    """
    validation.matrix("outputs", outputs)
    if class_vectors is None:
        class_vectors = torch.eye(outputs.shape[1], dtype=outputs.dtype, device=outputs.device)
    validation.matrix("class_vectors", class_vectors)
    validation.one_precision(outputs=outputs, class_vectors=class_vectors)
    C, d = class_vectors.shape
    if outputs.shape[1] != d or labels.shape != outputs.shape[:1]:
        raise ValueError(
            f"outputs must be (n, {d}) and labels (n,), "
            f"got {tuple(outputs.shape)} and {tuple(labels.shape)}"
        )
    labels = validation.labels("labels", labels, C)
    counts = labels.bincount(minlength=C)
    if counts.min() != counts.max():
        raise ValueError(f"every class must occur equally often, got counts {counts.tolist()}")
    by_class = outputs[labels.argsort(stable=True)].reshape(C, -1, d)
    return dual_encoder_loss(by_class.transpose(0, 1), class_vectors)


@validation.arguments
def easy_floor(n: int, tau: float = 1.0) -> float:
    """Return log(1 + (n−1) e^(−2/τ)), a lower bound of any loss of n logits in [−1/τ, 1/τ].

    Examples:
        >>> round(losses.easy_floor(256, tau=0.5), 3)
        1.735
        >>> losses.easy_floor(256, tau=0.5) < losses.contrastive_floor(256, tau=0.5)
        True
    """
    validation.at_least("n", n, 2)
    validation.positive("tau", tau)
    return math.log1p((n - 1) * math.exp(-2 / tau))


@validation.arguments
def contrastive_floor(n: int, tau: float = 1.0) -> float:
    """Return log(1 + (n−1) e^(−n/((n−1)τ))), the least contrastive loss of n groups on a sphere.

    It is attained exactly when each group is one corner of a regular simplex, which needs
    n ≤ d + 1. It is also the least InfoNCE of a batch of n pairs.

    Raises:
        ValueError: unless n ≥ 2 and tau > 0.

    Examples:
        >>> round(losses.contrastive_floor(2), 4)  # two opposite points: log(1 + e⁻²)
        0.1269
        >>> round(losses.contrastive_floor(256, tau=0.07), 6)
        0.000151
    """
    validation.at_least("n", n, 2)
    validation.positive("tau", tau)
    return math.log1p((n - 1) * math.exp(-n / ((n - 1) * tau)))


@_checked
def alignment(
    z: Float[Tensor, "b d"], z_pos: Float[Tensor, "b d"], alpha: float = 2
) -> Float[Tensor, ""]:
    """Return the mean of ‖z_i − z_pos_i‖^α over positive pairs (Wang & Isola 2020); 0 is perfect.

    Examples:
        >>> z = torch.eye(2)
        >>> losses.alignment(z, z)
        tensor(0.)
        >>> losses.alignment(z, -z)  # antipodal partners: a distance of 2, squared
        tensor(4.)
    """
    return (z - z_pos).norm(dim=1).pow(alpha).mean()


@validation.arguments
def uniformity(z: Float[Tensor, "n d"], t: float = 2) -> Float[Tensor, ""]:
    """Return the log of the mean of exp(−t‖z_i − z_j‖²) over pairs i < j (Wang & Isola 2020).

    It is 0 for a constant encoder, and lower the more evenly the rows cover the sphere. Strips of
    ``STRIP`` pairs keep a large n from running out of memory, also in the backward pass, and a
    log-sum-exp keeps a large t from underflowing.

    Raises:
        ValueError: unless n ≥ 2 and t > 0.

    Examples:
        >>> losses.uniformity(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))  # one pair, 2 apart: −2 · 2²
        tensor(-8.)
        >>> losses.uniformity(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
        tensor(0.)
    """
    validation.matrix("z", z)
    validation.at_least("len(z)", len(z), 2)
    validation.positive("t", t)
    square = z.square().sum(1)

    def strip(start: int, stop: int) -> Tensor:
        distance2 = square[start:stop, None] + square[start:] - 2 * z[start:stop] @ z[start:].T
        later = torch.ones_like(distance2, dtype=torch.bool).triu(1)  # j > i: each pair once
        return (-t * distance2.clamp(min=0)).masked_fill(~later, -math.inf).flatten().logsumexp(0)

    rows = max(1, STRIP // len(z))
    strips = [
        checkpoint(strip, i, min(i + rows, len(z)), use_reentrant=False, preserve_rng_state=False)
        for i in range(0, len(z) - 1, rows)
    ]
    return torch.stack(strips).logsumexp(0) - math.log(math.comb(len(z), 2))
