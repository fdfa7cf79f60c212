"""Weights in 8 bits, for networks that are published with the book.

Weights W, of a matrix or of a convolution, are kept as W ≈ s Q. The entries of Q are integers from
−127 to 127. Each row has its scale s, the row's largest magnitude ÷ 127, so no entry changes by
more than s / 2. Vectors stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from replearn.engine import validation

_LARGEST = 127
_SCALE = ".scale"


@validation.arguments
def rounded(tensors: Mapping[str, Float[Tensor, " ..."]]) -> dict[str, Tensor]:
    """Return ``tensors`` with each W of two or more dimensions replaced by Q and its scales s.

    Args:
        tensors: floating-point tensors by name, all finite.

    Returns:
        Q under the name of W, int8, and s under that name followed by ``.scale``, (rows,).

    Raises:
        ValueError: if a tensor is not finite.
    """
    small: dict[str, Tensor] = {}
    for name, weights in tensors.items():
        validation.finite(f"tensors[{name!r}]", weights)
        if weights.ndim < 2 or not weights.numel():
            small[name] = weights
            continue
        scale = weights.flatten(1).abs().amax(1) / _LARGEST
        scale = scale.clamp_min(torch.finfo(scale.dtype).tiny)  # a row of zeros has scale 0
        small[name] = (weights / _column(scale, weights)).round().to(torch.int8)
        small[name + _SCALE] = scale
    return small


@validation.arguments
def restored(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Undo :func:`rounded`: return s Q for every Q, and the rest as it is."""
    return {
        name: tensor * _column(small[name + _SCALE], tensor) if name + _SCALE in small else tensor
        for name, tensor in small.items()
        if not name.endswith(_SCALE)
    }


def _column(scale: Tensor, weights: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (weights.ndim - 1))
