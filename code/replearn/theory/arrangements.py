"""Groups of features on the circle and on the sphere: the cases that chapters look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from replearn.engine import validation


def _on_circle(
    degrees: Sequence[Sequence[float]],
) -> tuple[Float[Tensor, "n 2"], Int[Tensor, "N m"]]:
    turn = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    features = torch.stack([turn.cos(), turn.sin()], dim=-1).flatten(0, 1)
    return features, torch.arange(turn.numel()).reshape(turn.shape)


def four() -> dict[str, tuple[Float[Tensor, "12 2"], Int[Tensor, "3 4"]]]:
    """Return four encoders of three groups of four samples into the circle, float64.

    - ``"tight clusters"``: three clusters, 120° apart;
    - ``"taking turns"``: twelve points 30° apart, and neighbours belong to different groups;
    - ``"three wide arcs"``: each group fills an arc of its own;
    - ``"one wide arc"``: two groups are tight and near each other, one is wide and far from both.

    Returns:
        (features, groups) by name: (12, 2) unit rows, and (3, 4) row indices.

    Examples:
        >>> features, groups = arrangements.four()["tight clusters"]
        >>> features.shape, groups.shape
        (torch.Size([12, 2]), torch.Size([3, 4]))
    """
    return {
        "tight clusters": _on_circle([[c - 14, c - 5, c + 4, c + 13] for c in (90, 210, 330)]),
        "taking turns": _on_circle([[c, c + 90, c + 180, c + 270] for c in (0, 30, 60)]),
        "three wide arcs": _on_circle([[c - 36, c - 13, c + 11, c + 36] for c in (90, 210, 330)]),
        "one wide arc": _on_circle(
            [[55, 78, 101, 125], [243, 247, 251, 254], [286, 290, 293, 297]]
        ),
    }


def tie() -> tuple[Float[Tensor, "12 2"], Int[Tensor, "3 4"]]:
    """Return (features, groups), float64: three arcs of 60°, as long as the gaps between them.

    From either end of an arc the other end is as far away as the nearest end of the next arc.

    Examples:
        >>> features, groups = arrangements.tie()
        >>> geometry.perfect_accuracy(features, groups), geometry.accuracy(features, groups)
        (False, 0.96875)
    """
    return _on_circle([[c - 30, c - 10, c + 10, c + 30] for c in (90, 210, 330)])


@validation.arguments
def shrunk(
    features: Float[Tensor, "n 2"], groups: validation.Groups, factor: float
) -> Float[Tensor, "n 2"]:
    """Return features on the circle with every group contracted towards its mean direction.

    ``factor`` multiplies the angle between a feature and the mean direction of its group: 1 changes
    nothing, 0 makes each group one point.

    Examples:
        >>> features, groups = arrangements.four()["three wide arcs"]
        >>> half = arrangements.shrunk(features, groups, 0.5)
        >>> geometry.diameters(half, groups) < geometry.diameters(features, groups)
        tensor([True, True, True])
    """
    validation.unit_rows("features", features)
    groups = validation.group_table(groups, len(features), features.device)
    moved = features.clone()
    for group in groups:
        x, y = features[group].mean(0)
        offset = torch.atan2(
            x * features[group, 1] - y * features[group, 0],
            x * features[group, 0] + y * features[group, 1],
        )
        moved[group] = _rotated(features[group], (factor - 1) * offset)
    return moved


@validation.arguments
def turned(
    features: Float[Tensor, "n 2"], group: Int[Tensor, " m"], degrees: float
) -> Float[Tensor, "n 2"]:
    """Return features on the circle with one group turned counter-clockwise.

    Args:
        features: (n, 2) unit rows.
        group: (m,) the rows to turn.
        degrees: by how much.

    Examples:
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> arrangements.turned(features, torch.tensor([0]), 45).round(decimals=3)
        tensor([[0.7070, 0.7070],
                [0.0000, 1.0000]])
    """
    validation.unit_rows("features", features)
    validation.within("group", group, 0, len(features) - 1)
    group, moved = group.long(), features.clone()
    angle = torch.full((len(group),), math.radians(degrees)).to(features)
    moved[group] = _rotated(features[group], angle)
    return moved


def _rotated(features: Float[Tensor, "m 2"], angle: Float[Tensor, " m"]) -> Float[Tensor, "m 2"]:
    x, y = features.T
    return torch.stack([angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y], 1)


@validation.arguments
def counterexample(condition: str) -> tuple[Float[Tensor, "n d"], Int[Tensor, "N m"]]:
    """Return (features, groups), float64, where ``condition`` and perfect accuracy disagree.

    - ``"i"`` holds and accuracy is not perfect: two groups interleave on the circle, each far
      from a third. With two groups alone, i would say the same as ii.
    - ``"iii"`` holds and accuracy is not perfect: two groups on the circle, one of them tight,
      the other wider than the gap. With one feature a group, iii would suffice.
    - ``"ii"`` fails, as do i and iii, and accuracy is perfect: on the sphere, two groups that face
      each other like two arrowheads. Each is 0.6 wide, and 0.48 from the other at the tips, which
      are near all of their own group.

    Examples:
        >>> case = arrangements.counterexample("ii")
        >>> geometry.satisfies(*case, "ii"), geometry.perfect_accuracy(*case)
        (False, True)
    """
    validation.one_of("condition", condition, ("i", "ii", "iii"))
    if condition == "i":
        return _on_circle([[-30, 10], [-10, 30], [170, 190]])
    if condition == "iii":
        return _on_circle([[85, 95], [30, 150]])
    arrow = torch.tensor([[-0.3, -0.36], [0.3, -0.36], [0, -0.24]], dtype=torch.float64)
    plane = torch.cat([arrow, arrow * torch.tensor([1, -1])])  # and its mirror image
    height = (1 - plane.square().sum(1, keepdim=True)).sqrt()
    return torch.cat([plane, height], dim=1), torch.arange(6).reshape(2, 3)
