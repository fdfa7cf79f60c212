"""Views that move pixels: chains of homographies, and one look-up."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from replearn.augmentations.base import Augmentation, Images, Parameters, _check_range, _uniform
from replearn.engine import loops, validation
from replearn.engine.devices import torch_defaults

# Points are homogeneous columns (x, y, 1), in pixels from the upper left corner; the centre of the
# first pixel is (0.5, 0.5). A stage is a 3 × 3 matrix that takes a point of its output to the point
# of its input that is shown there: the direction that resampling needs.

Homography = Float[Tensor, "n 3 3"]


def _matrix(rows: list[list[Tensor | float]]) -> Homography:
    like = next(entry for row in rows for entry in row if isinstance(entry, Tensor))
    constant = functools.cache(functools.partial(torch.full_like, like))
    full = [
        entry if isinstance(entry, Tensor) else constant(entry) for row in rows for entry in row
    ]
    return torch.stack(full, -1).unflatten(-1, (3, 3))


@validation.arguments
def rotation(angle: Float[Tensor, " n"], canvas: float) -> Homography:
    """Return the turn by ``angle`` radians, counter-clockwise as seen, about the canvas's centre.

    Examples:
        >>> quarter = augmentations.rotation(torch.tensor([torch.pi / 2]), canvas=64)
        >>> quarter[0] @ torch.tensor([32.0, 32.0, 1.0])  # the centre stays
        tensor([32., 32.,  1.])
    """
    cos, sin, c = angle.cos(), angle.sin(), canvas / 2
    x, y = c * cos, c * sin
    return _matrix(
        [
            [cos, -sin, c - x + y],
            [sin, cos, c - y - x],
            [0.0, 0.0, 1.0],
        ]
    )


@validation.arguments
def shear_and_translation(
    shear: Float[Tensor, "n 2"], shift: Float[Tensor, "n 2"], canvas: float
) -> Homography:
    """Return the shear by two angles (radians) about the centre, then a shift (pixels)."""
    (p, q), (x, y), c = shear.tan().unbind(1), shift.unbind(1), canvas / 2
    dx, dy = c + x, c + y
    return _matrix(
        [
            [1 + p * q, p, c - (1 + p * q) * dx - p * dy],
            [q, torch.ones_like(q), c - q * dx - dy],
            [0.0, 0.0, 1.0],
        ]
    )


@validation.arguments
def perspective(corners: Float[Tensor, "n 4 2"], canvas: float) -> Homography:
    """Return the pull of the corners of a square of side ``canvas − 1`` to ``corners``.

    The corners come clockwise, beginning with (0, 0). Heckbert (1989), "Fundamentals of texture
    mapping and image warping", section 2.2.3, gives the matrix from the square to the
    quadrilateral. Resampling needs its inverse; the adjugate is the inverse up to scale.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corner.unbind(-1) for corner in corners.unbind(1))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area
    forward = _matrix(
        [
            [x1 - x0 + g * x1, x3 - x0 + h * x3, x0],
            [y1 - y0 + g * y1, y3 - y0 + h * y3, y0],
            [g, h, 1.0],
        ]
    )
    u, v, w = forward.unbind(-1)
    side = canvas - 1
    return torch.stack(
        [side * v.cross(w, dim=-1), side * w.cross(u, dim=-1), u.cross(v, dim=-1)], 1
    )


@validation.arguments
def crop(box: Float[Tensor, "n 4"], resolution: float) -> Homography:
    """Return the enlargement of a box (left, top, width, height) to ``resolution`` pixels a side.

    Examples:
        >>> homography = augmentations.crop(torch.tensor([[16.0, 16.0, 32.0, 32.0]]), resolution=64)
        >>> homography[0] @ torch.tensor([64.0, 64.0, 1.0])  # the view's lower right corner
        tensor([48., 48.,  1.])
    """
    left, top, width, height = box.unbind(1)
    return _matrix(
        [
            [width / resolution, 0.0, left],
            [0.0, height / resolution, top],
            [0.0, 0.0, 1.0],
        ]
    )


@validation.arguments
def padding(n: int, pad: float, like: Tensor) -> Homography:
    """Return the padding by ``pad`` pixels on every side, for ``n`` images."""
    validation.at_least("n", n, 0)
    matrix = torch.eye(3, device=like.device, dtype=like.dtype)
    matrix[:2, 2] = -pad
    return matrix.expand(n, 3, 3)


@validation.arguments
@torch_defaults()
def resample(images: Images, stages: list[tuple[Homography, float]]) -> Images:
    """Show images through a chain of homographies by one nearest-neighbour look-up.

    Args:
        images: (n, 3, s, s) in [0, 1].
        stages: the last applied comes first. Each is a homography from its output to its input,
            and the side of the input's canvas. What leaves a canvas on the way is black, as after
            separate resamplings.

    Raises:
        TypeError, ValueError: for other images; their values are checked on a CPU alone.

    A canvas is convex, so it meets each row of the view in an interval. Its ends follow from the
    four conditions 0 ≤ X/W ≤ side and 0 ≤ Y/W ≤ side, which are linear along the row.
    """
    validation.images("images", images)
    if not stages:
        raise ValueError("stages must hold at least one homography, got none")
    n, side = len(images), images.shape[-1]
    chains: list[Homography] = []  # from the view to each canvas
    for homography, _ in stages:
        if len(homography) != n:
            raise ValueError(
                f"stages must hold a matrix for each of {n} images, got {len(homography)}"
            )
        chains.append(homography @ chains[-1] if chains else homography)
    if loops.supports(images, *chains):
        return loops.look_up(images, chains, [canvas for _, canvas in stages])
    _check_range(images)
    # Where does each row of the view lie on every canvas? From column `left` to column `right`.
    at = torch.arange(side, device=images.device, dtype=torch.float32) + 0.5
    left = torch.full((n, side), -math.inf, device=images.device)
    right = torch.full((n, side), math.inf, device=images.device)
    for chain, (_, canvas) in zip(chains, stages, strict=True):
        x, y, w = chain.unbind(1)
        walls = torch.stack([x, y, canvas * w - x, canvas * w - y], 1)  # ≥ 0 inside
        slope = walls[:, :, 0, None]
        rest = walls[:, :, 1, None] * at + walls[:, :, 2, None]
        root = -rest / slope
        never = (slope == 0) & (rest < 0)
        left = torch.maximum(
            left,
            torch.where((slope > 0) | never, torch.where(never, math.inf, root), -math.inf).amax(1),
        )
        right = torch.minimum(right, torch.where(slope < 0, root, math.inf).amin(1))

    # Look up the nearest pixel there, and leave the rest black.
    def along(row: int) -> Tensor:  # a linear function of the pixel, (n, side, side)
        a, b, c = chains[-1][:, row].unbind(-1)
        return torch.addcmul((b[:, None] * at + c[:, None])[:, :, None], a[:, None, None], at)

    x, y, w = along(0), along(1), along(2)
    inside = (at >= left[:, :, None]) & (at <= right[:, :, None])
    # Inside, coordinates are ≥ 0, so truncation rounds down. Outside, any pixel will do.
    column = (x / w).nan_to_num_(0).clamp_(0, side - 1).int()
    row = (y / w).nan_to_num_(0).clamp_(0, side - 1).int()
    start = torch.arange(n, device=images.device, dtype=torch.int32)[:, None, None] * (side * side)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)
    shown = pixels.index_select(0, (start + row * side + column).flatten())
    shown = shown.view(n, side, side, 3) * inside[..., None]
    return shown.permute(0, 3, 1, 2)


@validation.arguments
def crop_boxes(
    n: int,
    canvas: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    like: Tensor,
    generator: torch.Generator | None,
) -> Float[Tensor, "n 4"]:
    """Draw boxes (left, top, width, height) inside a canvas, as torchvision does.

    The area is uniform in ``scale`` (shares of the canvas), the aspect ratio log-uniform in
    ``ratio``. The first of ten tries that fits is the box; if none does, the whole canvas is.
    """
    validation.at_least("n", n, 0)
    validation.at_least("canvas", canvas, 1)
    validation.interval("scale", scale, 0, 1)
    validation.interval("ratio", ratio, 0, math.inf)
    area = canvas**2 * _uniform(*scale, n, 10, like=like, generator=generator)
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = _uniform(low, high, n, 10, like=like, generator=generator).exp()
    tries = torch.stack([area * aspect, area / aspect], 1).sqrt().round()  # (n, 2, 10) sides
    fits = ((tries > 0) & (tries <= canvas)).all(1, keepdim=True).int()
    fit, first = fits.max(2, keepdim=True)  # whether one fits, and the first that does
    sides = torch.where(fit > 0, tries.gather(2, first.expand(-1, 2, -1)), float(canvas))[..., 0]
    offset = (_uniform(0, 1, n, 2, like=like, generator=generator) * (canvas + 1 - sides)).floor()
    return torch.cat([offset, sides], 1)


@validation.arguments
@dataclass(frozen=True)
class RotateAndCrop(Augmentation):
    """Pad, rotate by any angle, enlarge a random square.

    Args:
        pad: pixels added on every side before the rotation, so that no corner is lost.
        scale: the least and the largest area of the square, as shares of the padded canvas.

    Examples:
        >>> turn = augmentations.RotateAndCrop(pad=24, scale=(0.2, 0.6))
        >>> images = torch.rand(4, 3, 64, 64)
        >>> {name: tuple(value.shape) for name, value in turn.sample(images).items()}
        {'angle': (4,), 'box': (4, 4)}
    """

    pad: int
    scale: tuple[float, float]
    name: str = "rotate_and_crop"

    def __post_init__(self) -> None:
        """Check the ranges."""
        validation.at_least("pad", self.pad, 0)
        validation.interval("scale", self.scale, 0, 1)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw ``angle`` (n,) in radians and ``box`` (n, 4) in pixels."""
        n, canvas = len(images), images.shape[-1] + 2 * self.pad
        return {
            "angle": _uniform(0, 2 * math.pi, n, like=images, generator=generator),
            "box": crop_boxes(n, canvas, self.scale, (1, 1), images, generator),
        }

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the views."""
        side = images.shape[-1]
        canvas = side + 2 * self.pad
        turn = rotation(parameters["angle"], canvas)
        # One stage suffices: the box lies within its canvas, and the image within the padded one.
        chain = padding(len(images), self.pad, turn) @ turn @ crop(parameters["box"], side)
        return resample(images, [(chain, side)])


@validation.arguments
@dataclass(frozen=True)
class WarpAndCrop(Augmentation):
    """Pad, rotate, shear and tilt, enlarge a random rectangle, rotate.

    Args:
        pad: pixels added on every side.
        p: chance of shear, translation and perspective (all three or none).
        translate: the largest shift, as a share of the canvas.
        shear: the largest shear angle along each axis, in degrees.
        distortion: how far a corner moves at most, as a share of half the canvas.
        scale: the least and the largest area of the crop, as shares of the padded canvas.
        ratio: the least and the largest ratio of its width to its height.
    """

    pad: int
    p: float
    translate: float
    shear: float
    distortion: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    name: str = "warp_and_crop"

    def __post_init__(self) -> None:
        """Check the ranges."""
        validation.at_least("pad", self.pad, 0)
        for name in ("p", "translate", "distortion"):
            validation.between(name, getattr(self, name), 0, 1)
        validation.between("shear", self.shear, 0, 89)
        validation.interval("scale", self.scale, 0, 1)
        validation.interval("ratio", self.ratio, 0, math.inf)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the angles, whether to warp, and shear, shift, corners and box, one row an image."""
        n, canvas = len(images), images.shape[-1] + 2 * self.pad

        def draw(low: float, high: float, *shape: int) -> Tensor:
            return _uniform(low, high, *shape, like=images, generator=generator)

        reach = self.translate * canvas
        inward = draw(0, 1, n, 4, 2).mul(int(self.distortion * (canvas // 2)) + 1).floor()
        corner = torch.arange(4, device=inward.device)  # clockwise from the upper left one
        far = torch.stack([(corner == 1) | (corner == 2), corner >= 2], 1).to(inward.dtype)
        limit = math.radians(self.shear)
        return {
            "angle": draw(0, 2 * math.pi, n),
            "warped": draw(0, 1, n) < self.p,
            "shear": draw(-limit, limit, n, 2),
            "shift": draw(-reach, reach, n, 2).round(),
            "corners": far * (canvas - 1) + (1 - 2 * far) * inward,
            "box": crop_boxes(n, canvas, self.scale, self.ratio, images, generator),
            "last_angle": draw(0, 2 * math.pi, n),
        }

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the views."""
        side = images.shape[-1]
        canvas = side + 2 * self.pad
        turn = rotation(parameters["angle"], canvas)
        warped = parameters["warped"][:, None, None]
        nothing = torch.eye(3, device=turn.device)
        lean = shear_and_translation(parameters["shear"], parameters["shift"], canvas)
        tilt = perspective(parameters["corners"], canvas)
        return resample(
            images,
            [
                (rotation(parameters["last_angle"], side), side),
                (torch.where(warped, tilt, nothing) @ crop(parameters["box"], side), canvas),
                (torch.where(warped, lean, nothing), canvas),
                (padding(len(images), self.pad, turn) @ turn, side),
            ],
        )
