"""The base of all augmentations: parameters are sampled for each image, and then applied."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from replearn.engine import validation
from replearn.engine.devices import torch_defaults

Images = Float[Tensor, "n 3 h w"]
Parameters = dict[str, Tensor]


class Augmentation:
    """A random change of images: ``sample`` its parameters, ``apply`` them, or call it for both."""

    name: str

    def __init_subclass__(cls) -> None:
        """Make every augmentation, also a reader's, ignore the caller's settings of PyTorch."""
        for name in {"sample", "apply"} & vars(cls).keys():
            setattr(cls, name, torch_defaults()(vars(cls)[name]))

    def sample(self, images: Images, generator: torch.Generator | None = None) -> Parameters:
        """Draw the parameters, on the images' device: tensors with one row for each image."""
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
            generator: on the images' device; torch's default generator if absent.
            rows: return the views of these images alone; they are the same as among all views.

        Raises:
            TypeError, ValueError: for anything but square RGB images in [0, 1]. The values are
                checked on a CPU alone.

        Examples:
            >>> images = shapes.ShapesDataset("val", size=80).images([0, 1])
            >>> first, second = (augmentations.B(images) for _ in range(2))  # positive pairs
            >>> first.shape == images.shape, torch.equal(first, second)
            (True, False)
        """
        validation.images("images", images)
        if not _checks_itself(self):
            _check_range(images)
        if not isinstance(rows, slice):
            raise TypeError(f"rows must be a slice, got {rows!r}")
        parameters = self.sample(images, generator)
        return self.apply(images[rows], {name: value[rows] for name, value in parameters.items()})


def _checks_itself(augmentation: Augmentation) -> bool:
    """Return whether :func:`recolor` or :func:`resample` comes first: both check the images."""
    steps = getattr(augmentation, "steps", None)
    if steps is not None:
        return bool(steps) and _checks_itself(steps[0])
    return type(augmentation).__module__.startswith(f"{__package__}.")


def _check_range(images: Images) -> None:
    """Raise ValueError for values outside [0, 1], if the images are on a CPU."""
    if images.device.type == "cpu":  # reading the values would stall an accelerator
        validation.pixels("images", images)


def _uniform(
    low: float, high: float, *shape: int, like: Tensor, generator: torch.Generator | None
) -> Tensor:
    """Draw float32 numbers uniformly from [low, high), on the device of ``like``."""
    unit = torch.rand(*shape, device=like.device, dtype=torch.float32, generator=generator)
    return low + (high - low) * unit
