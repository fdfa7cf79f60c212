"""What a sensitivity is called, and two ideal encoders by which that was decided."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import one_hot

from replearn.engine import validation
from replearn.engine.devices import torch_defaults
from replearn.neighbors import FACTORS, SYMMETRY
from replearn.shapes import COLORS, SHAPES, Factors

INVARIANT, SENSITIVE = 1 / 4, 1 / 2
"""Below the first, a sensitivity is called invariant; above the second, sensitive; else partly.

Decided by ideal encoders (:func:`ideal`; 24,000 images), not by trained ones. Factors betray each
other, since large shapes cannot sit at the border: one that knows place and size alone scores 0.23
in shape, and no factor is betrayed more by others (but that a picture is turned at all, which
tells that it is no circle). So below a quarter there may be nothing but that. One that knows all
five alike scores 0.72 or more in each. Above a half, more of the disagreement between strangers is
gone than is left.
"""


@validation.arguments
def word(score: float) -> str:
    """Return what an encoder of this :func:`neighbors.sensitivity` is called.

    ``"invariant"`` below :data:`INVARIANT`, ``"sensitive"`` above :data:`SENSITIVE`, else
    ``"partly"``.

    Raises:
        ValueError: for NaN, which no factor is called by.

    Examples:
        >>> [ruler.word(score) for score in (0.1, 0.3, 0.9)]
        ['invariant', 'partly', 'sensitive']
    """
    if score < INVARIANT:
        return "invariant"
    return "sensitive" if score > SENSITIVE else "partly"


@validation.arguments
@torch_defaults()
def ideal(factors: Factors, kept: Sequence[str] = FACTORS) -> Float[Tensor, "n d"]:
    """Return the features of an encoder that keeps the factors ``kept`` alike, and nothing else.

    Each factor is a point: a corner of a simplex for a label, the place, the size, the rotation on
    a circle. They stand side by side, centred and scaled to mean square 1.

    Raises:
        ValueError: for no factor, one that is not in :data:`neighbors.FACTORS`, or one
            that does not vary.

    Examples:
        >>> factors = shapes.Factors.draw(2000, seed=0)
        >>> kept = neighbors.sensitivity(ruler.ideal(factors, ("shape", "size")), factors)
        >>> {name: ruler.word(score) for name, score in kept.items() if name != "location"}
        {'shape': 'sensitive', 'color': 'invariant', 'size': 'sensitive', 'rotation': 'invariant'}
    """
    if not kept:
        raise ValueError("kept must name a factor at least, got none")
    folds = torch.tensor([0, *SYMMETRY.values()])[factors.shape]
    turn = folds * factors.angle
    points = {
        "color": one_hot(factors.color, len(COLORS)).float(),
        "location": factors.position,
        "shape": one_hot(factors.shape, len(SHAPES)).float(),
        "size": factors.size[:, None],
        "rotation": torch.stack([turn.cos(), turn.sin()], 1) * (folds > 0)[:, None],
    }
    sides = []
    for name in kept:
        validation.one_of("kept", name, FACTORS)
        centred = points[name] - points[name].mean(0)
        length = centred.square().sum(1).mean().sqrt()
        if not float(length) > 0:
            raise ValueError(f"factors must vary in {name}, got all the same")
        sides.append(centred / length)
    return torch.cat(sides, 1)
