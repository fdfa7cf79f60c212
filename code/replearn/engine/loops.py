"""The loops over pixels, compiled for the processor at hand.

PyTorch passes over a whole batch once for every operation, and a batch of images is larger than the
processor's cache. These loops finish one image, drawn, recoloured or looked up, before they begin
the next. They use one thread, which is done before others would have woken up. :mod:`shapes` and
:mod:`augmentations` state the same formulas in PyTorch, for every other device and precision, and
for gradients.

The compiler may neither fuse nor reorder operations, so equal arguments give bitwise equal images
on every processor and in every batch.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit
from numba.core.caching import FunctionCache
from torch import Tensor

from replearn.engine import validation

LUMA = (0.2989, 0.587, 0.114)
"""What red, green and blue weigh in a grey value: ITU-R 601-2, as in torchvision and PIL."""

inlined = njit(error_model="numpy", inline="always")  # as in NumPy, 1/0 is infinity


class _Kept(FunctionCache):
    """Compiled loops on disk. A damaged file or a full disk costs a compilation, and a warning."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # what a truncated file raises is anybody's guess
            self._warn(error)
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        warnings.warn(
            f"compiled loops cannot be kept in {self.cache_path} "
            f"({type(error).__name__}: {error}): they are compiled anew, which takes seconds; "
            "$NUMBA_CACHE_DIR may name another folder",
            stacklevel=2,
        )


def compiled(loop: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``loop`` when it is first called, and keep it on disk for the next process."""
    dispatcher = njit(error_model="numpy")(loop)
    with contextlib.suppress(RuntimeError):  # there is no folder to keep it in
        dispatcher._cache = _Kept(loop)  # type: ignore[attr-defined]
    return dispatcher


_ZERO, _HALF, _ONE, _TWO, _THREE, _FOUR, _FIVE, _SIX = map(np.float32, (0, 0.5, 1, 2, 3, 4, 5, 6))
_RED, _GREEN, _BLUE = map(np.float32, LUMA)
_ROUNDING = np.float32(validation.ROUNDING)


def supports(*tensors: Tensor) -> bool:
    """Return whether these loops take such tensors: float32 or bool, on the CPU, no gradients."""
    return all(
        tensor.device.type == "cpu"
        and tensor.dtype in (torch.float32, torch.bool)
        and not (tensor.requires_grad and torch.is_grad_enabled())
        for tensor in tensors
    )


def _run(kernel: Callable[..., Any], result: Tensor, *arguments: Tensor) -> Any:
    return kernel(result.numpy(), *(argument.contiguous().numpy() for argument in arguments))


def _views(kernel: Callable[..., bool], images: Tensor, *tables: Tensor) -> Tensor:
    views = images.new_empty(images.shape)
    if not _run(kernel, views, images, *tables):
        validation.pixels("images", images)
    return views


@compiled
def _fits(image):
    """Return whether an image lies in [0, 1]; looking at it also brings it into the cache."""
    values, fits = image.reshape(-1), True
    for p in range(values.size):
        fits &= np.abs(_clip(values[p]) - values[p]) <= _ROUNDING
    return fits


@inlined
def _centres(side):
    """Return the coordinates of the pixels' centres along a row, or a column."""
    return np.arange(side).astype(np.float32) + _HALF


# --- drawing --------------------------------------------------------------------------------


class Outlines(NamedTuple):
    """What an image is drawn from, one row an image.

    Attributes:
        rgb: (n, 3) the colour, in [0, 1].
        position: (n, 2) the centre, in pixels from the upper left corner.
        inradius: (n,) how far the sides are from the centre, or the circle's rim is; in pixels.
        cos, sin: (n, 4) of the directions in which the sides face.
        circle: (n,) whether it is a circle, which has no sides.
    """

    rgb: Tensor
    position: Tensor
    inradius: Tensor
    cos: Tensor
    sin: Tensor
    circle: Tensor


def draw(outlines: Outlines, side: int) -> Tensor:
    """Return the images of :func:`shapes.draw`, (n, 3, side, side)."""
    images = outlines.rgb.new_empty(len(outlines.rgb), 3, side, side)
    _run(_draw, images, *outlines)
    return images


@compiled
def _draw(images, rgb, position, inradius, cos, sin, circle):
    side = images.shape[-1]
    centre, coverage = _centres(side), np.empty(side, np.float32)
    for i in range(len(images)):
        x, rim = centre - position[i, 0], _HALF + inradius[i]
        cos_0, cos_1, cos_2, cos_3 = cos[i]
        sin_0, sin_1, sin_2, sin_3 = sin[i]
        for row in range(side):
            y = centre[row] - position[i, 1]
            if circle[i]:
                for column in range(side):
                    distance = np.sqrt(x[column] * x[column] + y * y)
                    coverage[column] = _clip(rim - distance)
            else:
                y_0, y_1, y_2, y_3 = y * sin_0, y * sin_1, y * sin_2, y * sin_3
                for column in range(side):
                    distance = _most(
                        _most(x[column] * cos_0 + y_0, x[column] * cos_1 + y_1),
                        _most(x[column] * cos_2 + y_2, x[column] * cos_3 + y_3),
                    )
                    coverage[column] = _clip(rim - distance)
            for channel in range(3):
                for column in range(side):
                    images[i, channel, row, column] = rgb[i, channel] * coverage[column]


@inlined
def _clip(x):
    return _least(_most(x, _ZERO), _ONE)


# Unlike Python's own max and min, these compile to one instruction for many pixels. A NaN in a
# stays; a NaN in b is ignored.
@inlined
def _most(a, b):
    return b if b > a else a


@inlined
def _least(a, b):
    return b if b < a else a


# --- colour ---------------------------------------------------------------------------------


def recolor(images: Tensor, stages: Sequence[Tensor]) -> Tensor:
    """Return the views of :func:`augmentations.recolor`."""
    # Each stage has four numbers: the coefficients of adjust_affine, then the turn of the hue.
    table = images.new_zeros(len(images), len(stages), 4)
    for j, stage in enumerate(stages):
        if stage.ndim == 1:
            table[:, j, 0], table[:, j, 3] = 1, stage
        else:
            table[:, j, :3] = stage
    return _views(_recolor, images, table)


@compiled
def _recolor(views, images, stages):
    for i in range(len(images)):
        if not _fits(images[i]):
            return False
        views[i] = images[i]
        # Unpacking (red, green, blue = …) would hide from the compiler that planes are contiguous.
        planes = views[i].reshape(3, -1)
        red, green, blue = planes[0], planes[1], planes[2]
        for j in range(stages.shape[1]):
            scale, gray, mean_gray, turn = stages[i, j]
            if scale != 1 or gray != 0 or mean_gray != 0:
                _adjust_affine(red, green, blue, scale, gray, mean_gray)
            if turn != 0:
                _adjust_hue(red, green, blue, turn)
    return True


@compiled
def _adjust_affine(red, green, blue, scale, gray, mean_gray):
    shift = _ZERO
    if mean_gray != 0:
        shift = mean_gray * _mean_luma(red, green, blue)
    for p in range(red.size):
        by = shift + gray * _luma(red[p], green[p], blue[p])
        red[p] = _clip(by + scale * red[p])
        green[p] = _clip(by + scale * green[p])
        blue[p] = _clip(by + scale * blue[p])


@inlined
def _luma(red, green, blue):
    return _RED * red + _GREEN * green + _BLUE * blue


@compiled
def _mean_luma(red, green, blue):
    # 64 partial sums: the processor adds several at once, and rounding errors stay smaller.
    sums = np.zeros(64, np.float32)
    whole = red.size - red.size % 64
    for first in range(0, whole, 64):
        for k in range(64):
            sums[k] += _luma(red[first + k], green[first + k], blue[first + k])
    for p in range(whole, red.size):
        sums[p - whole] += _luma(red[p], green[p], blue[p])
    return sums.sum() / np.float32(red.size)


@compiled
def _adjust_hue(red, green, blue, turn):
    for p in range(red.size):
        r, g, b = red[p], green[p], blue[p]
        value = _most(_most(r, g), b)
        chroma = value - _least(_least(r, g), b)
        ahead, sector = r - g, _FOUR
        if value == g:
            ahead, sector = b - r, _TWO
        if value == r:
            ahead, sector = g - b, _ZERO
        hue = ahead / (chroma if chroma > 0 else _ONE) + sector + _SIX * turn
        red[p] = _channel(hue + _FIVE, value, chroma)
        green[p] = _channel(hue + _THREE, value, chroma)
        blue[p] = _channel(hue + _ONE, value, chroma)


@inlined
def _channel(hue, value, chroma):
    t = hue - _SIX * np.floor(hue / _SIX)
    return value - chroma * _clip(_least(t, _FOUR - t))


# --- geometry -------------------------------------------------------------------------------


def look_up(images: Tensor, chains: Sequence[Tensor], canvases: Sequence[float]) -> Tensor:
    """Return the views of :func:`augmentations.resample`.

    Args:
        images: (n, 3, s, s).
        chains: one (n, 3, 3) for each canvas; it takes a point of the view to the point of the
            canvas that is shown there. The last canvas is the image itself.
        canvases: the canvases' sides, in pixels.
    """
    matrices = torch.stack(list(chains), 1)
    sides = images.new_tensor(canvases).expand(len(images), -1)
    return _views(_look_up, images, matrices, sides)


@compiled
def _look_up(views, images, chains, sides):
    side = views.shape[-1]
    centre, pixel = _centres(side), np.empty(side, np.uint32)
    for i in range(len(images)):
        if not _fits(images[i]):
            return False
        views[i] = 0
        planes = images[i].reshape(3, -1)
        red, green, blue = planes[0], planes[1], planes[2]
        x, y, w = chains[i, -1]
        first, stop = _inside(chains[i], sides[i], centre)
        for row in range(side):
            at = centre[row]
            x_0, y_0, w_0 = x[1] * at + x[2], y[1] * at + y[2], w[1] * at + w[2]
            for k in range(first[row], stop[row]):
                depth = w_0 + w[0] * centre[k]
                source_row = _pixel((y_0 + y[0] * centre[k]) / depth, side)
                source_column = _pixel((x_0 + x[0] * centre[k]) / depth, side)
                pixel[k] = source_row * np.int32(side) + source_column
            for k in range(first[row], stop[row]):
                p = pixel[k]
                views[i, 0, row, k] = red[p]
                views[i, 1, row, k] = green[p]
                views[i, 2, row, k] = blue[p]
    return True


@inlined
def _pixel(coordinate, side):
    # Rounding can put an inside point just outside, and 0/0 is a NaN: clipping makes both a pixel.
    return np.int32(_least(_most(_ZERO, coordinate), np.float32(side - 1)))


@compiled
def _inside(chain, sides, centre):
    """Return, for each row, the first column and the last + 1 that lie on every canvas."""
    side = len(centre)
    left, right = np.zeros(side, np.float32), np.full(side, np.float32(side))
    for j in range(len(sides)):
        for wall in range(4):
            a, b, c = chain[j, wall % 2]
            if wall >= 2:
                p, q, r = chain[j, 2]
                a, b, c = sides[j] * p - a, sides[j] * q - b, sides[j] * r - c
            for row in range(side):
                rest = b * centre[row] + c
                if a > 0:
                    left[row] = _most(left[row], -rest / a)
                elif a < 0:
                    right[row] = _least(right[row], -rest / a)
                elif rest < 0:
                    right[row] = 0
    first = np.ceil(np.minimum(left, np.float32(side)) - _HALF)
    stop = np.floor(np.maximum(right, _ZERO) - _HALF) + _ONE
    return first.astype(np.uint32), stop.astype(np.uint32)  # unsigned: never a negative index
