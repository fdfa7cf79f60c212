"""Values of InfoNCE to compare with: the losses of encoders that know one factor exactly.

These are guides, not bounds: a real encoder may know more than one factor, or half of one.
"""

from __future__ import annotations

import math

import torch

from replearn.engine import validation


@validation.arguments
def constant_encoder(batch: int) -> float:
    """Return the loss of an encoder that gives every view the same feature: log b.

    All b logits of a row are equal, so the softmax gives the partner a chance of 1/b.

    Examples:
        >>> round(known_factor.constant_encoder(256), 3)
        5.545
    """
    validation.at_least("batch", batch, 2)
    return math.log(batch)


@validation.arguments
def ideal_encoder(batch: int, values: int) -> float:
    """Return the loss of an encoder that knows one factor with ``values`` equally likely values.

    Views with the same value have the same feature; all others are orthogonal or farther, and have
    no weight at a low temperature. So K ~ Bin(b − 1, 1/values) negatives tie with the positive, and
    the loss is E log(1 + K). With one value it is log b, the loss of the constant encoder.

    Examples:
        >>> round(known_factor.ideal_encoder(256, 8), 3)  # it knows which of eight colours
        3.479
    """
    validation.at_least("batch", batch, 2)
    validation.at_least("values", values, 1)
    ties = torch.arange(batch, dtype=torch.float64)
    law = torch.distributions.Binomial(batch - 1, torch.tensor(1 / values, dtype=torch.float64))
    return float((law.log_prob(ties).exp() * ties.log1p()).sum())
