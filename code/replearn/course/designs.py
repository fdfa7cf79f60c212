"""The design exercise of Question 8, solved: views that share nothing but where the shape is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from replearn.augmentations import A, Augmentation, compose, resample
from replearn.augmentations.base import Images, Parameters
from replearn.engine import validation


@validation.arguments
@dataclass(frozen=True)
class AroundItself(Augmentation):
    """Turn and stretch each shape about its own centre: its place stays, all else changes.

    Args:
        stretch: least and greatest factor along each of two perpendicular directions.

    Raises:
        ValueError: unless 0 < least ≤ greatest.
    """

    stretch: tuple[float, float] = (0.5, 1.2)
    name: str = "around itself"

    def __post_init__(self) -> None:
        """Check the range of the factors."""
        validation.interval("stretch", self.stretch, 0, math.inf)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw two turns ``angles`` (n, 2) in radians, and ``factors`` (n, 2) between them."""
        n, device = len(images), images.device
        unit = torch.rand(2, n, 2, device=device, generator=generator)
        low, high = map(math.log, self.stretch)
        return {"angles": 2 * math.pi * unit[0], "factors": (low + (high - low) * unit[1]).exp()}

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the views: a point of a view shows the image at centre + M (point − centre)."""
        side = images.shape[-1]
        at = torch.arange(side, device=images.device) + 0.5
        mass = images.sum(1)  # black weighs nothing
        total = mass.sum((1, 2)).clamp(min=1e-6)
        centre = torch.stack([mass.sum(1) @ at, mass.sum(2) @ at], 1) / total[:, None]
        first, last = (_turn(angle) for angle in parameters["angles"].unbind(1))
        M = first @ torch.diag_embed(1 / parameters["factors"]) @ last
        H = torch.eye(3, device=images.device).repeat(len(images), 1, 1)
        H[:, :2, :2] = M
        H[:, :2, 2] = centre - (M @ centre[:, :, None])[:, :, 0]
        return resample(images, [(H, side)])


def _turn(angle: torch.Tensor) -> torch.Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)


only_location = compose(AroundItself(), A)
