"""Muon: steepest descent for weight matrices, in a norm that treats all directions alike.

K. Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks". The direction
of a step is the momentum with all its singular values brought to about 1. So the few directions
that dominate a layer's gradient no longer limit how fast the others learn. The iteration on Gram
matrices follows Dao AI Lab (2026), "Gram Newton-Schulz".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from replearn.engine import validation

# Iterating the polynomial A s + B s³ + C s⁵ takes singular values s in (0, 1] to about [0.7, 1.2].
# Jordan et al. chose coefficients that grow small s fast, at the price of not reaching 1 exactly.
_A, _B, _C = 3.4445, -4.7750, 2.0315
# Five iterations in two rounds. A round works on x xᵀ alone, which is small. In bfloat16 x xᵀ loses
# the small singular values to noise, which one round of five iterations would blow up.
_ROUNDS = (2, 3)


def _factor(gram: Float[Tensor, "m m"]) -> Float[Tensor, "m m"]:
    """Return A I + B G + C G²: one iteration multiplies x by it, where G = x xᵀ."""
    factor = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
    factor.diagonal().add_(_A)
    return factor


@validation.arguments
def orthogonalize(matrix: Float[Tensor, "m n"]) -> Float[Tensor, "m n"]:
    """Return roughly U Vᵀ, where ``matrix`` = U S Vᵀ, by Newton–Schulz iteration.

    It computes in the matrix's own precision; bfloat16 is enough, since a rough result will do.
    """
    # The iteration needs singular values of at most 1, and is cheapest with few rows.
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
    x = wide / (wide.norm() + 1e-7)
    for iterations in _ROUNDS:
        gram = x @ x.mT
        factor = product = _factor(gram)
        for _ in range(iterations - 1):
            gram = factor @ gram @ factor  # the Gram matrix of factor @ x: they commute
            factor = _factor(gram)
            product = factor @ product
        x = product @ x
    return x if matrix.shape[0] <= matrix.shape[1] else x.mT


class Muon(torch.optim.Optimizer):
    """Orthogonalised Nesterov momentum; a convolution counts as a matrix (out, in · k · k).

    Args:
        weights: parameters of two or more dimensions.
        lr: roughly the relative change of a weight matrix in one step.
        momentum: decay of the gradients' average.
        dtype: precision of the orthogonalisation.

    Raises:
        TypeError, ValueError: for a parameter of less than two dimensions, a rate out of range.
    """

    @validation.arguments
    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Keep the parameters and what a step needs."""
        weights = list(weights)
        validation.positive("lr", lr)
        validation.between("momentum", momentum, 0, 1)
        if not weights:
            raise ValueError("weights must hold at least one matrix, got none")
        for weight in weights:
            if not isinstance(weight, Tensor):
                raise TypeError(f"weights must be matrices, got {weight!r}")
            if not weight.is_leaf:
                raise ValueError("weights must be parameters, got a tensor computed from others")
            if weight.ndim < 2:
                raise ValueError(f"weights must be matrices, got shape {tuple(weight.shape)}")
        super().__init__(weights, {"lr": lr, "momentum": momentum})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step along the gradients of the parameters that have one.

        Args:
            closure: computes the loss and its gradients before the step; its value is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["average"] = torch.zeros_like(weight)
                average = state["average"].lerp_(weight.grad, 1 - group["momentum"])
                ahead = weight.grad.lerp(average, group["momentum"]).flatten(1)
                direction = orthogonalize(ahead.to(self._dtype))
                # Makes the change of a layer's output independent of the layer's shape.
                scale = max(1, ahead.shape[0] / ahead.shape[1]) ** 0.5
                weight.sub_(direction.view(weight.shape).to(weight.dtype) * (group["lr"] * scale))
        return loss
