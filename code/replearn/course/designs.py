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
        extents: least and greatest length, in pixels, that a shape is brought to along each of two
            perpendicular directions, whatever its size was: a random factor would only blur it.

    Raises:
        ValueError: unless 0 < least ≤ greatest.
    """

    extents: tuple[float, float] = (8, 28)
    name: str = "around itself"

    def __post_init__(self) -> None:
        """Check the range of the lengths."""
        validation.interval("extents", self.extents, 0, math.inf)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw two turns ``angles`` (n, 2) in radians, and ``extents`` (n, 2) between them."""
        unit = torch.rand(2, len(images), 2, device=images.device, generator=generator)
        low, high = self.extents
        return {"angles": 2 * math.pi * unit[0], "extents": low + (high - low) * unit[1]}

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the views: a point of a view shows the image at centre + M (point − centre)."""
        side = images.shape[-1]
        pixel = 0.5 + torch.arange(side, device=images.device)
        mass = images.amax(1)
        mass = mass / mass.amax((1, 2), keepdim=True).clamp(min=1e-6)  # coverage: 0 on black
        area = mass.sum((1, 2)).clamp(min=1)
        centre = torch.stack([mass.sum(1) @ pixel, mass.sum(2) @ pixel], 1) / area[:, None]
        shrink = area.sqrt()[:, None] / parameters["extents"]
        first, last = (_turn(angle) for angle in parameters["angles"].unbind(1))
        M = first @ torch.diag_embed(shrink) @ last
        H = torch.eye(3, device=images.device).repeat(len(images), 1, 1)
        H[:, :2, :2] = M
        H[:, :2, 2] = centre - (M @ centre[:, :, None])[:, :, 0]
        return resample(images, [(H, side)])


def _turn(angle: torch.Tensor) -> torch.Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)


only_location = compose(AroundItself(), A)
