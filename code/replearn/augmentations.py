"""Random views of images, a whole batch at once: what contrastive learning calls similar.

An augmentation is a callable ``(images, generator=None) -> views`` on images (n, 3, h, w) in
[0, 1]; every image gets its own parameters, drawn on the images' device. Parameters are sampled
apart from being applied, so that a view can be replayed and tested.

Parameters and conventions are torchvision's: ``RandomGrayscale``, ``ColorJitter``, ``Pad``,
``RandomRotation``, ``RandomAffine``, ``RandomPerspective`` and ``RandomResizedCrop``, all with
nearest-neighbour sampling and black outside.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from replearn import checks, kernels
from replearn.devices import torch_defaults

Images = Float[Tensor, "n 3 h w"]
Parameters = dict[str, Tensor]


class Augmentation:
    """Base of all augmentations: ``sample`` parameters, ``apply`` them, or do both by a call."""

    name: str

    def __init_subclass__(cls) -> None:
        """Keep the caller's settings of PyTorch out of every augmentation, a reader's included."""
        for name in {"sample", "apply"} & vars(cls).keys():
            setattr(cls, name, torch_defaults()(vars(cls)[name]))

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw parameters for each image, on the images' device: tensors of one row an image."""
        raise NotImplementedError

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the views that ``parameters`` describe, in [0, 1], same shape as ``images``."""
        raise NotImplementedError

    def __call__(
        self,
        images: Images,
        generator: torch.Generator | None = None,
        rows: slice = slice(None),
    ) -> Images:
        """Return one random view of each image.

        Args:
            images: (n, 3, s, s) in [0, 1].
            generator: on the images' device, for replay; torch's default one if absent.
            rows: make the views of these images alone, the same ones as among all.

        Raises:
            TypeError, ValueError: for anything but square RGB images in [0, 1]; only a CPU looks
                at the values.
        """
        checks.images("images", images)
        if not _checks_itself(self):
            _check_range(images)
        if not isinstance(rows, slice):
            raise TypeError(f"rows must be a slice, got {rows!r}")
        parameters = self.sample(images, generator)
        return self.apply(images[rows], {name: value[rows] for name, value in parameters.items()})


def _checks_itself(augmentation: Augmentation) -> bool:
    """Return whether :func:`recolor` or :func:`resample`, which check, read the images first."""
    if isinstance(augmentation, Compose):
        return bool(augmentation.steps) and _checks_itself(augmentation.steps[0])
    return type(augmentation).__module__ == __name__


def _check_range(images: Images) -> None:
    if images.device.type == "cpu":  # an accelerator would have to wait for it at every step
        checks.within("images", images, 0, 1)


def _uniform(
    low: float, high: float, *shape: int, like: Tensor, generator: torch.Generator | None
) -> Tensor:
    unit = torch.rand(*shape, device=like.device, dtype=torch.float32, generator=generator)
    return low + (high - low) * unit


# --- colour ---------------------------------------------------------------------------------


@checks.arguments
def luma(images: Images) -> Float[Tensor, "n 1 h w"]:
    """Return the grey value of each pixel."""
    red, green, blue = kernels.LUMA
    return (red * images[:, 0] + green * images[:, 1] + blue * images[:, 2])[:, None]


@checks.arguments
def adjust_affine(
    images: Images,
    scale: Float[Tensor, " n"],
    gray: Float[Tensor, " n"],
    mean_gray: Float[Tensor, " n"],
) -> Images:
    """Return ``scale·x + gray·luma(x) + mean_gray·mean(luma(x))``, clipped to [0, 1].

    Brightness b is (b, 0, 0), saturation s is (s, 1 − s, 0), contrast c is (c, 0, 1 − c).
    """
    scale, gray, mean_gray = (p[:, None, None, None] for p in (scale, gray, mean_gray))
    grey = luma(images)
    shift = gray * grey + mean_gray * grey.mean((2, 3), keepdim=True)
    return torch.addcmul(shift, scale, images).clamp_(0, 1)


@checks.arguments
def adjust_hue(images: Images, turn: Float[Tensor, " n"]) -> Images:
    """Turn each image's hue by ``turn`` of the colour circle (1 is once around).

    Goes through hue, chroma and value; in HSV, channel k of hue h (in sixths) is
    ``value − chroma·clip(min(t, 4 − t), 0, 1)`` with ``t = (k + h) mod 6``, k = 5, 3, 1.
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


@checks.arguments
@torch_defaults()
def recolor(images: Images, stages: list[Tensor]) -> Images:
    """Change colours stage by stage.

    Args:
        images: (n, 3, h, w) in [0, 1].
        stages: first applied first, of each image: (n, 3), the coefficients of
            :func:`adjust_affine`, or (n,), the turn of :func:`adjust_hue`.

    Raises:
        ValueError: for other shapes, or values outside [0, 1], which only a CPU looks at.
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
    if kernels.serve(images, *stages):
        return kernels.recolor(images, stages)
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
    """Base of the augmentations that change colours alone: they say by which ``stages``."""

    def stages(self, parameters: Parameters) -> list[Tensor]:
        """Return what :func:`recolor` has to do."""
        raise NotImplementedError

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Return the recoloured images."""
        return recolor(images, self.stages(parameters))


@checks.arguments
@dataclass(frozen=True)
class Grayscale(Recoloring):
    """Replace an image by its luma, with probability ``p``."""

    p: float = 1.0
    name: str = "grayscale"

    def __post_init__(self) -> None:
        """Check the range of the chance."""
        checks.between("p", self.p, 0, 1)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw ``gray`` (n,): whether each image loses its colour."""
        coin = _uniform(0, 1, len(images), like=images, generator=generator)
        return {"gray": coin < self.p}

    def stages(self, parameters: Parameters) -> list[Tensor]:
        """Return the one stage: saturation 0 where ``gray`` says so."""
        gray = parameters["gray"].float()
        return [torch.stack([1 - gray, gray, torch.zeros_like(gray)], 1)]


@checks.arguments
@dataclass(frozen=True)
class ColorJitter(Recoloring):
    """Brightness, contrast, saturation and hue changed by random amounts in a random order.

    Args:
        brightness, contrast, saturation: factors lie within 1 ± this, and above 0.
        hue: largest turn either way, as a share of the colour circle.
    """

    brightness: float
    contrast: float
    saturation: float
    hue: float
    name: str = "jitter"

    def __post_init__(self) -> None:
        """Check the ranges of the amounts."""
        for name in ("brightness", "contrast", "saturation"):
            checks.between(name, getattr(self, name), 0)
        checks.between("hue", self.hue, 0, 0.5)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the four amounts (n,), and the order: a permutation and a moment.

        ``order`` (n, 3) permutes brightness, contrast and saturation; ``moment`` (n,), how many
        of them come before the hue, is dealt out like cards, a quarter of the images each. Every
        order has chance 1/24.
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
        """Return the stages.

        All turn their hue at once: each image goes through three stages before and three after
        it, of which three do nothing.
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


# --- geometry -------------------------------------------------------------------------------
#
# Points are homogeneous columns (x, y, 1) in pixels from the upper left corner, pixel centres at
# +0.5. Every stage is a 3 × 3 matrix that takes a point of its output to the point of its input
# that is shown there, as resampling needs it.

Homography = Float[Tensor, "n 3 3"]


def _matrix(rows: list[list[Tensor | float]]) -> Homography:
    like = next(entry for row in rows for entry in row if isinstance(entry, Tensor))
    constant = functools.cache(functools.partial(torch.full_like, like))
    full = [
        entry if isinstance(entry, Tensor) else constant(entry) for row in rows for entry in row
    ]
    return torch.stack(full, -1).unflatten(-1, (3, 3))


@checks.arguments
def rotation(angle: Float[Tensor, " n"], canvas: float) -> Homography:
    """Turn by ``angle`` radians, counter-clockwise as seen, about the canvas's centre."""
    cos, sin, c = angle.cos(), angle.sin(), canvas / 2
    x, y = c * cos, c * sin
    return _matrix(
        [
            [cos, -sin, c - x + y],
            [sin, cos, c - y - x],
            [0.0, 0.0, 1.0],
        ]
    )


@checks.arguments
def shear_and_translation(
    shear: Float[Tensor, "n 2"], shift: Float[Tensor, "n 2"], canvas: float
) -> Homography:
    """Shear by two angles (radians) about the centre, then move by ``shift`` pixels."""
    (p, q), (x, y), c = shear.tan().unbind(1), shift.unbind(1), canvas / 2
    dx, dy = c + x, c + y
    return _matrix(
        [
            [1 + p * q, p, c - (1 + p * q) * dx - p * dy],
            [q, torch.ones_like(q), c - q * dx - dy],
            [0.0, 0.0, 1.0],
        ]
    )


@checks.arguments
def perspective(corners: Float[Tensor, "n 4 2"], canvas: float) -> Homography:
    """Pull the corners of a square of side ``canvas − 1`` to ``corners``, clockwise from 0, 0.

    Heckbert (1989), "Fundamentals of texture mapping and image warping", section 2.2.3, gives
    the square-to-quadrilateral matrix; its adjugate, the inverse up to scale, is what we need.
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


@checks.arguments
def crop(box: Float[Tensor, "n 4"], resolution: float) -> Homography:
    """Enlarge the box (left, top, width, height) to ``resolution`` pixels a side."""
    left, top, width, height = box.unbind(1)
    return _matrix(
        [
            [width / resolution, 0.0, left],
            [0.0, height / resolution, top],
            [0.0, 0.0, 1.0],
        ]
    )


@checks.arguments
def padding(n: int, pad: float, like: Tensor) -> Homography:
    """Add ``pad`` pixels on every side."""
    checks.at_least("n", n, 0)
    matrix = torch.eye(3, device=like.device, dtype=like.dtype)
    matrix[:2, 2] = -pad
    return matrix.expand(n, 3, 3)


@checks.arguments
@torch_defaults()
def resample(images: Images, stages: list[tuple[Homography, float]]) -> Images:
    """Show images through a chain of homographies by one nearest-neighbour look-up.

    Args:
        images: (n, 3, s, s) in [0, 1].
        stages: last applied first: a homography from its output to its input, and the side of
            the input's canvas. What leaves a canvas on the way is black, as a chain of separate
            resamplings would leave it.

    Raises:
        TypeError, ValueError: for other images; only a CPU looks at their values.

    A canvas is convex, so it meets each row of the view in an interval: the conditions
    0 ≤ X/W ≤ side are linear along the row, and four numbers a stage and row decide them.
    """
    checks.images("images", images)
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
    if kernels.serve(images, *chains):
        return kernels.look_up(images, chains, [canvas for _, canvas in stages])
    _check_range(images)
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

    def along(row: int) -> Tensor:  # a linear function of the pixel, (n, side, side)
        a, b, c = chains[-1][:, row].unbind(-1)
        return torch.addcmul((b[:, None] * at + c[:, None])[:, :, None], a[:, None, None], at)

    x, y, w = along(0), along(1), along(2)
    inside = (at >= left[:, :, None]) & (at <= right[:, :, None])
    # Truncation is floor here, since what is inside is ≥ 0; what is outside is never looked at.
    column = (x / w).nan_to_num_(0).clamp_(0, side - 1).int()
    row = (y / w).nan_to_num_(0).clamp_(0, side - 1).int()
    start = torch.arange(n, device=images.device, dtype=torch.int32)[:, None, None] * (side * side)
    pixels = images.permute(0, 2, 3, 1).reshape(-1, 3)
    shown = pixels.index_select(0, (start + row * side + column).flatten())
    shown = shown.view(n, side, side, 3) * inside[..., None]
    return shown.permute(0, 3, 1, 2)


@checks.arguments
def crop_boxes(
    n: int,
    canvas: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    like: Tensor,
    generator: torch.Generator | None,
) -> Float[Tensor, "n 4"]:
    """Draw boxes (left, top, width, height) inside a canvas, as torchvision does.

    Area uniform in ``scale`` (shares of the canvas), aspect ratio log-uniform in ``ratio``; ten
    tries to fit, else the whole canvas.
    """
    checks.at_least("n", n, 0)
    checks.at_least("canvas", canvas, 1)
    checks.interval("scale", scale, 0, 1)
    checks.interval("ratio", ratio, 0, math.inf)
    area = canvas**2 * _uniform(*scale, n, 10, like=like, generator=generator)
    low, high = math.log(ratio[0]), math.log(ratio[1])
    aspect = _uniform(low, high, n, 10, like=like, generator=generator).exp()
    tries = torch.stack([area * aspect, area / aspect], 1).sqrt().round()  # (n, 2, 10) sides
    fits = ((tries > 0) & (tries <= canvas)).all(1, keepdim=True).int()
    fit, first = fits.max(2, keepdim=True)  # whether any does, and the first that does
    sides = torch.where(fit > 0, tries.gather(2, first.expand(-1, 2, -1)), float(canvas))[..., 0]
    offset = (_uniform(0, 1, n, 2, like=like, generator=generator) * (canvas + 1 - sides)).floor()
    return torch.cat([offset, sides], 1)


@checks.arguments
@dataclass(frozen=True)
class RotateAndCrop(Augmentation):
    """Pad, rotate by any angle, enlarge a random square.

    Args:
        pad: pixels added on every side before the rotation, so that corners survive.
        scale: least and largest area of the crop, as shares of the padded canvas.
    """

    pad: int
    scale: tuple[float, float]
    name: str = "rotate_and_crop"

    def __post_init__(self) -> None:
        """Check the ranges."""
        checks.at_least("pad", self.pad, 0)
        checks.interval("scale", self.scale, 0, 1)

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
        # The box lies within its canvas, and the image within the padded one: no other walls.
        chain = padding(len(images), self.pad, turn) @ turn @ crop(parameters["box"], side)
        return resample(images, [(chain, side)])


@checks.arguments
@dataclass(frozen=True)
class WarpAndCrop(Augmentation):
    """Pad, rotate, shear and tilt, enlarge a random rectangle, rotate.

    Args:
        pad: pixels added on every side.
        p: chance of shear, translation and perspective (all three or none).
        translate: largest shift, as a share of the canvas.
        shear: largest shear angle along each axis, in degrees.
        distortion: how far a corner moves at most, as a share of half the canvas.
        scale, ratio: of the crop's area and of its width to its height.
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
        checks.at_least("pad", self.pad, 0)
        for name in ("p", "translate", "distortion"):
            checks.between(name, getattr(self, name), 0, 1)
        checks.between("shear", self.shear, 0, 89)
        checks.interval("scale", self.scale, 0, 1)
        checks.interval("ratio", self.ratio, 0, math.inf)

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the angles, whether to warp, and shear, shift, corners and box, one row an image."""
        n, canvas = len(images), images.shape[-1] + 2 * self.pad

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return _uniform(low, high, *shape, like=images, generator=generator)

        reach = self.translate * canvas
        inward = uniform(0, 1, n, 4, 2).mul(int(self.distortion * (canvas // 2)) + 1).floor()
        corner = torch.arange(4, device=inward.device)  # clockwise from the upper left one
        far = torch.stack([(corner == 1) | (corner == 2), corner >= 2], 1).to(inward.dtype)
        limit = math.radians(self.shear)
        return {
            "angle": uniform(0, 2 * math.pi, n),
            "warped": uniform(0, 1, n) < self.p,
            "shear": uniform(-limit, limit, n, 2),
            "shift": uniform(-reach, reach, n, 2).round(),
            "corners": far * (canvas - 1) + (1 - 2 * far) * inward,
            "box": crop_boxes(n, canvas, self.scale, self.ratio, images, generator),
            "last_angle": uniform(0, 2 * math.pi, n),
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


# --- combinations ---------------------------------------------------------------------------


@checks.arguments
@dataclass(frozen=True)
class Compose(Augmentation):
    """One augmentation after the other."""

    steps: tuple[Augmentation, ...]
    name: str = ""

    def __post_init__(self) -> None:
        """Name the whole after its parts, first applied first, if it has no name."""
        if not self.name:
            object.__setattr__(self, "name", " then ".join(step.name for step in self.steps))

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the parameters of every step; keys carry the step's number."""
        return {
            f"{i}.{key}": value
            for i, step in enumerate(self.steps)
            for key, value in step.sample(images, generator).items()
        }

    def apply(self, images: Images, parameters: Parameters) -> Images:
        """Apply every step in turn; neighbouring recolourings as one."""
        waiting: list[Tensor] = []
        for i, step in enumerate(self.steps):
            own = {
                k.split(".", 1)[1]: v for k, v in parameters.items() if k.split(".", 1)[0] == str(i)
            }
            if isinstance(step, Recoloring):
                waiting += step.stages(own)
            else:
                images = step.apply(recolor(images, waiting), own)
                waiting = []
        return recolor(images, waiting)


def compose(*steps: Augmentation) -> Compose:
    """Return the augmentation that applies ``steps`` in the order given.

    Raises:
        ValueError: without steps.
        TypeError: for a step that is not an :class:`Augmentation`.
    """
    if not steps:
        raise ValueError("steps must hold at least one augmentation, got none")
    for step in steps:
        if not isinstance(step, Augmentation):
            raise TypeError(f"steps must be augmentations, got {step!r}")
    return Compose(steps)


grayscale = Grayscale()

A = Compose(
    (Grayscale(p=0.2), ColorJitter(brightness=0.3, contrast=0.3, saturation=0.9, hue=0.5)), name="A"
)
"""Colours changed: what stays is shape, position, size and angle."""

B = RotateAndCrop(pad=24, scale=(0.2, 0.6), name="B")
"""Rotated, moved, zoomed by 0.74 to 1.28: what stays is shape and colour."""

C = WarpAndCrop(
    pad=16,
    p=0.7,
    translate=0.3,
    shear=80,
    distortion=0.6,
    scale=(0.4, 0.8),
    ratio=(0.2, 5),
    name="C",
)
"""B's changes, sheared, tilted and stretched as well: what stays is colour."""

BY_NAME = {augmentation.name: augmentation for augmentation in (grayscale, A, B, C)}
"""The augmentations that have a name of their own."""
