"""Random views of images, a whole batch at once: what contrastive learning calls similar.

An augmentation is a callable ``(images, generator=None) -> views`` on images (n, 3, h, w) in
[0, 1]; every image gets its own parameters, drawn on the images' device. Parameters are sampled
apart from being applied, so that a view can be replayed and tested.

Parameters and conventions are torchvision's: ``RandomGrayscale``, ``ColorJitter``, ``Pad``,
``RandomRotation``, ``RandomAffine``, ``RandomPerspective`` and ``RandomResizedCrop``, all with
nearest-neighbour sampling and black outside.
"""

from replearn.augmentations.base import Augmentation, Images, Parameters
from replearn.augmentations.color import (
    ColorJitter,
    Grayscale,
    Recoloring,
    adjust_affine,
    adjust_hue,
    grayscale,
    luma,
    recolor,
)
from replearn.augmentations.sets import SETS, A, AugmentationSet, B, C, Compose, compose, plan
from replearn.augmentations.warp import (
    RotateAndCrop,
    WarpAndCrop,
    crop,
    crop_boxes,
    padding,
    perspective,
    resample,
    rotation,
    shear_and_translation,
)
