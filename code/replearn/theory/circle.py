"""Encoders into the circle: only the first two components of a latent count.

An :class:`~replearn.networks.Encoder` with latents of two components would have two rectified
units in its last convolution, and if either fell silent it could not train. With many components,
of which the loss sees two, many such units feed the last, linear layer.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from replearn import losses
from replearn.engine import validation


@validation.arguments
def onto_circle(z: Float[Tensor, "n d"]) -> Float[Tensor, "n 2"]:
    """Return the first two components of each row, divided by their norm.

    Examples:
        >>> circle.onto_circle(torch.tensor([[3.0, 4.0, 7.0]]))
        tensor([[0.6000, 0.8000]])
    """
    return F.normalize(z[:, :2], dim=1)


@validation.arguments
def info_nce_on_circle(
    z: Float[Tensor, "b d"], z_pos: Float[Tensor, "b d"], tau: float = losses.TAU
) -> Float[Tensor, ""]:
    """Return :func:`replearn.losses.info_nce` of the latents' images on the circle."""
    return losses.info_nce(onto_circle(z), onto_circle(z_pos), tau)


@validation.arguments
def concordance(u: Float[Tensor, "n 2"], v: Float[Tensor, "n 2"]) -> float:
    """Return how well the angles of ``u`` predict those of ``v``, up to a turn and a reflection.

    It is the length of the mean of the angles' differences (or sums), taken as unit vectors: 1 if
    ``v`` is ``u`` turned or mirrored, near 0 if the two are unrelated.

    Args:
        u: (n, 2) unit vectors, the first angle of each sample.
        v: (n, 2) unit vectors, the second angle of each sample.

    Raises:
        ValueError: if their rows are not of norm 1, or their shapes not one (n ≥ 1, 2).

    Examples:
        >>> u = torch.eye(2)
        >>> circle.concordance(u, -u)  # half a turn apart
        1.0
    """
    validation.unit_rows("u", u)
    validation.unit_rows("v", v)
    a, b = torch.view_as_complex(u.contiguous()), torch.view_as_complex(v.contiguous())
    return max(float((a * b).mean().abs()), float((a * b.conj()).mean().abs()))


@validation.arguments
def class_pairs_on_circle(
    outputs: Float[Tensor, "n C"], labels: Int[Tensor, " n"], tau: float = losses.TAU
) -> Float[Tensor, ""]:
    """Return the contrastive loss on the circle whose groups are the classes.

    A positive pair is two inputs of one class, an anchor from the first half of its class in the
    batch and a candidate from the second, and a quiz has one candidate of each class. It is the
    simplest loss of supervised contrastive learning (Khosla et al. 2020). Of ``outputs`` the first
    two components count.

    Raises:
        ValueError: unless every class 0 … C−1 occurs equally often, an even number of times.
    """
    validation.finite("outputs", outputs)
    validation.positive("tau", tau)
    labels = validation.labels("labels", labels, outputs.shape[1])
    counts = labels.bincount(minlength=outputs.shape[1])
    if counts.min() != counts.max() or counts[0] % 2:
        raise ValueError(
            f"labels must hold every class equally often, an even number of times, "
            f"got counts {counts.tolist()}"
        )
    by_class = onto_circle(outputs)[labels.argsort(stable=True)].reshape(len(counts), -1, 2)
    anchors, candidates = by_class.transpose(0, 1).chunk(2)  # draws of one input of each class
    return losses.dual_encoder_loss(anchors / tau, candidates)


@validation.arguments
def density(
    unit: Float[Tensor, "n 2"], at: Float[Tensor, "k 2"], concentration: float = 200.0
) -> Float[Tensor, " k"]:
    """Return the density of unit vectors in the directions ``at``, per radian.

    A kernel estimate: each vector counts as a von Mises distribution around it, whose
    ``concentration`` of 200 is a standard deviation of about 4°. A uniform density is 1/(2π).

    Raises:
        ValueError: unless the rows of both have norm 1 and ``concentration`` is positive.
    """
    validation.unit_rows("unit", unit)
    validation.unit_rows("at", at)
    validation.positive("concentration", concentration)
    peak = 2 * math.pi * torch.special.i0e(torch.tensor(concentration, dtype=unit.dtype))
    return (concentration * (at @ unit.T - 1)).exp().mean(dim=1) / peak
