"""Views that change colours alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from replearn.augmentations.base import Augmentation, Images, Parameters, _check_range, _uniform
from replearn.engine import loops, validation
from replearn.engine.devices import torch_defaults


@validation.arguments
def luma(images: Images) -> Float[Tensor, "n 1 h w"]:
    """Return the grey value of each pixel.

    Examples:
        >>> augmentations.luma(torch.ones(1, 3, 2, 2)).flatten()  # white
        tensor([0.9999, 0.9999, 0.9999, 0.9999])
    """
    red, green, blue = loops.LUMA
    return (red * images[:, 0] + green * images[:, 1] + blue * images[:, 2])[:, None]


@validation.arguments
def adjust_affine(
    images: Images,
    scale: Float[Tensor, " n"],
    gray: Float[Tensor, " n"],
    mean_gray: Float[Tensor, " n"],
) -> Images:
    """Return ``scale·x + gray·luma(x) + mean_gray·mean(luma(x))``, clipped to [0, 1].

    Brightness b is (b, 0, 0), saturation s is (s, 1 − s, 0), contrast c is (c, 0, 1 − c).

    Examples:
        >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> one, zero = torch.ones(1), torch.zeros(1)
        >>> augmentations.adjust_affine(red, 0.5 * one, zero, zero).flatten()  # half as bright
        tensor([0.5000, 0.0000, 0.0000])
        >>> augmentations.adjust_affine(red, zero, one, zero).flatten()  # no saturation: grey
        tensor([0.2989, 0.2989, 0.2989])
    """
    scale, gray, mean_gray = (p[:, None, None, None] for p in (scale, gray, mean_gray))
    grey = luma(images)
    shift = gray * grey + mean_gray * grey.mean((2, 3), keepdim=True)
    return torch.addcmul(shift, scale, images).clamp_(0, 1)


@validation.arguments
def adjust_hue(images: Images, turn: Float[Tensor, " n"]) -> Images:
    """Turn each image's hue by ``turn`` of the colour circle (1 is once around).

    A pixel becomes hue, chroma and value, and after the turn a colour again: with the hue h in
    sixths of the circle, red, green and blue (k = 5, 3, 1) are
    ``value − chroma·clip(min(t, 4 − t), 0, 1)`` where ``t = (k + h) mod 6``.

    Examples:
        >>> red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> green = augmentations.adjust_hue(red, torch.tensor([1 / 3]))
        >>> green.flatten().round(decimals=3)
        tensor([0., 1., 0.])
    """
    red, green, blue = images.unbind(1)
    value = images.amax(1)
    chroma = value - images.amin(1)
    safe = torch.where(chroma > 0, chroma, 1)
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = hue + 6 * turn[:, None, None]
    channels = []
    for k in (5, 3, 1):
        t = torch.remainder(hue + k, 6)
        channels.append(
            torch.addcmul(value, torch.minimum(t, 4 - t).clamp_(0, 1), chroma, value=-1)
        )
    return torch.stack(channels, 1)


@validation.arguments
@torch_defaults()
def recolor(images: Images, stages: list[Tensor]) -> Images:
    """Change colours stage by stage.

    Args:
        images: (n, 3, h, w) in [0, 1].
        stages: in the order of application; each is (n, 3), the coefficients of
            :func:`adjust_affine`, or (n,), the turn of :func:`adjust_hue`.

    Raises:
        ValueError: for other shapes, or, on a CPU, for values outside [0, 1].
    """
    n = len(images)
    for stage in stages:
        if stage.shape not in ((n,), (n, 3)):
            raise ValueError(
                f"stages must have shape ({n},) or ({n}, 3) for {n} images, "
                f"got {tuple(stage.shape)}"
            )
    if not stages:
        return images
    if loops.supports(images, *stages):
        return loops.recolor(images, stages)
    _check_range(images)
    for stage in stages:
        stage = stage.to(images.dtype)
        images = (
            adjust_hue(images, stage)
            if stage.ndim == 1
            else adjust_affine(images, *stage.unbind(1))
        )
    return images


class Recoloring(Augmentation):
    """An augmentation that changes colours alone: its ``stages`` say how."""

    def stages(self, parameters: Parameters) -> list[Tensor]:
        """Return the stages for :func:`recolor`."""
        raise NotImplementedError

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the recoloured images."""
        return recolor(images, self.stages(parameters))


@validation.arguments
@dataclass(frozen=True)
class Grayscale(Recoloring):
    """Replace an image by its grey values, with probability ``p``.

    Examples:
        >>> image = torch.rand(1, 3, 64, 64)
        >>> view = augmentations.Grayscale()(image)
        >>> bool((view[:, 0] == view[:, 1]).all())
        True
    """

    p: float = 1.0
    name: str = "grayscale"

    def __post_init__(self) -> None:
        """Check the range of the chance."""
        validation.between("p", self.p, 0, 1)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw ``gray`` (n,): whether each image loses its colour."""
        coin = _uniform(0, 1, len(images), like=images, generator=generator)
        return {"gray": coin < self.p}

    def stages(self, parameters: Parameters) -> list[Tensor]:
        """Return the one stage: saturation 0 where ``gray`` says so."""
        gray = parameters["gray"].float()
        return [torch.stack([1 - gray, gray, torch.zeros_like(gray)], 1)]


@validation.arguments
@dataclass(frozen=True)
class ColorJitter(Recoloring):
    """Change brightness, contrast, saturation and hue by random amounts, in a random order.

    Args:
        brightness, contrast, saturation: each factor is uniform in 1 ± this, but not below 0.
        hue: the largest turn either way, as a share of the colour circle; at most 0.5.

    Examples:
        >>> jitter = augmentations.ColorJitter(0.3, 0.3, 0.9, hue=0.5)
        >>> images = torch.rand(4, 3, 64, 64)
        >>> jitter(images, torch.Generator().manual_seed(0)).shape
        torch.Size([4, 3, 64, 64])
        >>> sorted(jitter.sample(images))
        ['brightness', 'contrast', 'hue', 'moment', 'order', 'saturation']
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    name: str = "jitter"

    def __post_init__(self) -> None:
        """Check the ranges of the amounts."""
        for name in ("brightness", "contrast", "saturation"):
            validation.between(name, getattr(self, name), 0)
        validation.between("hue", self.hue, 0, 0.5)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the four amounts (n,), and the order: a permutation and a moment.

        ``order`` (n, 3) permutes brightness, contrast and saturation. ``moment`` (n,) is the number
        of them that come before the hue: 0, 1, 2 and 3 are dealt out like cards, each to a quarter
        of the images. So each of the 24 orders has the same chance.
        """
        n = len(images)
        quarter = math.ceil(n / 4)

        def factor(reach: float) -> Tensor:
            return _uniform(max(0, 1 - reach), 1 + reach, n, like=images, generator=generator)

        def shuffled(*shape: int) -> Tensor:
            return _uniform(0, 1, *shape, like=images, generator=generator).argsort(-1)

        return {
            "brightness": factor(self.brightness),
            "contrast": factor(self.contrast),
            "saturation": factor(self.saturation),
            "hue": _uniform(-self.hue, self.hue, n, like=images, generator=generator),
            "moment": shuffled(4 * quarter)[:n] // quarter,
            "order": shuffled(n, 3),
        }

    def stages(self, parameters: Parameters) -> list[Tensor]:
        """Return seven stages: three, the hue, and three again.

        So all images turn their hue at the same stage. Of the other six stages of an image, the
        three on the wrong side of its moment do nothing.
        """
        b, c, s = (parameters[k] for k in ("brightness", "contrast", "saturation"))
        zero, one = torch.zeros_like(b), torch.ones_like(b)
        kinds = torch.stack(  # (n, 3 kinds, 3 coefficients of adjust_affine)
            [
                torch.stack([b, zero, zero], 1),
                torch.stack([c, zero, 1 - c], 1),
                torch.stack([s, 1 - s, zero], 1),
            ],
            1,
        )
        order = parameters["order"]
        steps = kinds.gather(1, order[:, :, None].expand(-1, -1, 3))
        nothing = torch.stack([one, zero, zero], 1)[:, None]
        early = torch.arange(3, device=order.device) < parameters["moment"][:, None]  # (n, 3)
        return [
            *torch.where(early[:, :, None], steps, nothing).unbind(1),
            parameters["hue"],
            *torch.where(early[:, :, None], nothing, steps).unbind(1),
        ]


grayscale = Grayscale()
