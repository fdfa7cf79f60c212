"""Encoders into the circle: only the first two components of a latent count.

An :class:`~replearn.networks.Encoder` with latents of two components would have two rectified
units in its last convolution, and if either fell silent it could not train. With many components,
of which the loss sees two, many such units feed the last, linear layer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
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
