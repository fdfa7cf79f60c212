"""Coloured shapes: a table of factors, and the images that it describes.

The data set is not 786 MB of pixels but a table of 64,000 rows (shape, colour, position, size,
angle). Images are drawn from its rows when they are needed, on whatever device needs them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from replearn.engine import loops, validation
from replearn.engine.devices import pick_device, torch_defaults

RESOLUTION = 64  # pixels a side
SHAPES = ("circle", "triangle", "square")
COLORS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "brown")
SPLITS = ("train", "val")

_constant = functools.partial(torch.tensor, dtype=torch.float32, device="cpu")

_PALETTE = _constant(
    [
        [0.90, 0.10, 0.10],  # red
        [1.00, 0.55, 0.05],  # orange
        [0.95, 0.90, 0.10],  # yellow
        [0.10, 0.70, 0.15],  # green
        [0.10, 0.85, 0.90],  # cyan
        [0.15, 0.25, 0.95],  # blue
        [0.60, 0.15, 0.75],  # purple
        [0.50, 0.28, 0.12],  # brown
    ]
)
_RGB_NOISE = 0.10  # each channel moves by at most this much around its class's colour
_SIZES = (18.0, 30.0)  # pixels: the side of a square of the same area

# Radii of a shape of area 1, so that shapes of equal size have equal areas.
_CIRCUMRADIUS = _constant([1 / math.sqrt(math.pi), math.sqrt(4 / math.sqrt(27)), math.sqrt(0.5)])
_INRADIUS = _CIRCUMRADIUS * _constant([1.0, 0.5, math.sqrt(0.5)])

# The directions in which the sides face, in radians; a triangle repeats its third.
_NORMALS = _constant([[0, 0, 0, 0], [0, 2 / 3, 4 / 3, 4 / 3], [0, 1 / 2, 1, 3 / 2]]) * math.pi


@validation.arguments
@dataclass(frozen=True)
class Factors:
    """All that an image shows, one row an image.

    Attributes:
        shape: (n,) index into :data:`SHAPES`.
        color: (n,) index into :data:`COLORS`.
        rgb: (n, 3) the colour itself, in [0, 1]: the class's, slightly perturbed.
        position: (n, 2) centre (x, y) in pixels from the upper left corner.
        size: (n,) the square root of the shape's area, in pixels.
        angle: (n,) radians in [0, 2π); without effect on a circle.
    """

    shape: Int[Tensor, " n"]
    color: Int[Tensor, " n"]
    rgb: Float[Tensor, "n 3"]
    position: Float[Tensor, "n 2"]
    size: Float[Tensor, " n"]
    angle: Float[Tensor, " n"]

    def __getitem__(self, rows: slice | Tensor) -> Factors:
        """Return the factors of ``rows`` alone."""
        return Factors(**{name: value[rows] for name, value in vars(self).items()})

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.shape)

    @classmethod
    @torch_defaults()
    def draw(cls, n: int, seed: int) -> Factors:
        """Draw ``n`` rows at random; every shape lies inside the picture as a whole.

        Examples:
            >>> factors = shapes.Factors.draw(3, seed=0)
            >>> [shapes.SHAPES[k] for k in factors.shape]
            ['square', 'circle', 'square']
            >>> factors[1:].position.shape
            torch.Size([2, 2])
        """
        generator = torch.Generator().manual_seed(seed)

        def uniform(*shape: int) -> Tensor:
            return torch.rand(*shape, generator=generator)

        shape = torch.randint(len(SHAPES), (n,), generator=generator)
        color = torch.randint(len(COLORS), (n,), generator=generator)
        rgb = (_PALETTE[color] + _RGB_NOISE * (2 * uniform(n, 3) - 1)).clamp(0, 1)
        size = _SIZES[0] + (_SIZES[1] - _SIZES[0]) * uniform(n)
        reach = (size * _CIRCUMRADIUS[shape])[:, None] + 0.5  # room for the anti-aliased rim
        position = reach + (RESOLUTION - 2 * reach) * uniform(n, 2)
        return cls(shape, color, rgb, position, size, 2 * math.pi * uniform(n))


@functools.cache  # copied once: an accelerator would have to wait for it at every step
def _outlines(device: torch.device) -> tuple[Tensor, Tensor]:
    return _INRADIUS.to(device), _NORMALS.to(device)


@validation.arguments
@torch_defaults()
def draw(factors: Factors) -> Float[Tensor, "n 3 64 64"]:
    """Draw one image a row, in [0, 1], on the factors' device.

    A pixel is covered by 0.5 − (signed distance of its centre from the outline), clipped to [0, 1]:
    the rim fades within half a pixel to either side. Each value depends on its own row and pixel
    alone, by elementwise operations, so an image is bitwise the same in every batch.

    Examples:
        >>> factors = shapes.Factors.draw(2, seed=0)
        >>> images = shapes.draw(factors)
        >>> images.shape
        torch.Size([2, 3, 64, 64])
        >>> x, y = factors.position[0].int().tolist()
        >>> bool(torch.allclose(images[0, :, y, x], factors.rgb[0]))  # its centre has its colour
        True
    """
    inradii, normals = _outlines(factors.shape.device)
    inradius = factors.size * inradii[factors.shape]
    # In float64, since float32's sin and cos may round differently with the length of the batch.
    angles = (factors.angle[:, None] + normals[factors.shape]).double()
    cos, sin = angles.cos().float(), angles.sin().float()
    circle = factors.shape == 0
    outlines = loops.Outlines(factors.rgb, factors.position, inradius, cos, sin, circle)
    paint = loops.draw if loops.supports(*outlines) else _draw
    return paint(outlines, RESOLUTION)


def _draw(outlines: loops.Outlines, side: int) -> Tensor:
    """Return what :func:`loops.draw` does, on any device and in any precision."""
    rgb, position, inradius, cos, sin, circle = outlines
    centre = torch.arange(side, device=rgb.device) + 0.5
    x = centre - position[:, :1]
    y = centre - position[:, 1:]

    def along(k: int) -> Tensor:
        return (x * cos[:, k, None])[:, None, :] + (y * sin[:, k, None])[:, :, None]

    straight = along(0)
    for k in range(1, 4):
        straight = torch.maximum(straight, along(k))
    round_ = ((x * x)[:, None, :] + (y * y)[:, :, None]).sqrt()
    distance = torch.where(circle[:, None, None], round_, straight)
    coverage = (0.5 + inradius[:, None, None] - distance).clamp(0, 1)
    return rgb[:, :, None, None] * coverage[:, None]


def _integers(indices: Sequence[int] | Tensor) -> Int[Tensor, " n"]:
    try:
        rows = torch.as_tensor(indices)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(f"indices must be integers in one row, got {indices!r}") from error
    integer = not (rows.is_floating_point() or rows.is_complex() or rows.dtype == torch.bool)
    if rows.ndim != 1 or not (integer or len(rows) == 0):  # an empty list is of no type
        raise TypeError(
            f"indices must be integers in one row, got {rows.dtype} of shape {tuple(rows.shape)}"
        )
    return rows.long()  # torch refuses short integers as an index, and takes bytes for a mask


class ShapesDataset(Dataset):
    """Coloured circles, triangles and squares on black.

    Args:
        split: ``"train"`` (the first five eighths of the rows: 40,000) or ``"val"`` (the rest).
        size: number of rows of both splits together.
        seed: of the factor table.

    Attributes:
        factors: :class:`Factors` of this split, on the CPU.

    Raises:
        TypeError, ValueError: for an unknown split, a size too small to split, a negative seed.

    Examples:
        >>> dataset = shapes.ShapesDataset("train")
        >>> len(dataset)
        40000
        >>> dataset[0].shape
        torch.Size([3, 64, 64])
        >>> shapes.COLORS[dataset.factors.color[0]]
        'red'
    """

    def __init__(self, split: str, *, size: int = 64_000, seed: int = 0) -> None:
        """Draw the table of factors; no image is drawn yet."""
        validation.one_of("split", split, SPLITS)
        validation.at_least("size", size, 8)
        validation.at_least("seed", seed, 0)
        train = size * 5 // 8
        rows = slice(0, train) if split == "train" else slice(train, size)
        self.split, self.size, self.seed = split, size, seed
        self.factors = Factors.draw(size, seed)[rows]
        self._on_device = {torch.device("cpu"): self.factors}

    def __len__(self) -> int:
        """Return the number of images of this split."""
        return len(self.factors)

    def __getitem__(self, index: int) -> Float[Tensor, "3 64 64"]:
        """Return image ``index`` of this split, in [0, 1]."""
        return self.images([index])[0]

    @torch_defaults()
    def images(
        self,
        indices: Sequence[int] | slice | Int[Tensor, " n"],
        device: torch.device | str | None = None,
    ) -> Float[Tensor, "n 3 64 64"]:
        """Draw the images of ``indices``, in [0, 1].

        Args:
            indices: integers in [−len, len), or a slice. On an accelerator their range is not
                checked, since reading the values would make the host wait for the device.
            device: where to draw; by default the device of a tensor ``indices``, else the CPU.

        Raises:
            TypeError: for anything but integers in one row.
            ValueError: for a device that this machine does not have.
            IndexError: for an index out of range.

        Examples:
            >>> dataset = shapes.ShapesDataset("val", size=80)
            >>> dataset.images([0, 5, -1]).shape
            torch.Size([3, 3, 64, 64])
            >>> dataset.images(slice(10)).shape
            torch.Size([10, 3, 64, 64])
        """
        if isinstance(indices, slice):
            indices = range(*indices.indices(len(self)))
        rows = _integers(indices)
        if rows.device.type == "cpu" and len(rows):
            low, high = int(rows.min()), int(rows.max())
            if low < -len(self) or high >= len(self):
                wrong = low if low < -len(self) else high
                raise IndexError(f"index must lie in -{len(self)} … {len(self) - 1}, got {wrong}")
        where = pick_device(device) if device is not None else rows.device
        if where not in self._on_device:
            table = {name: value.to(where) for name, value in vars(self.factors).items()}
            self._on_device[where] = Factors(**table)
        return draw(self._on_device[where][rows.to(where)])
