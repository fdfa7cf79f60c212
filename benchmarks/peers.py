"""What the book's code is measured against: the same work as others do it.

The original pipeline is the experiment that Part II retells, as such experiments are usually
written: torchvision's transforms on one image at a time, a DataLoader, float32, Adam.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import kornia.augmentation as K
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

from replearn.networks import Decoder, Encoder
from replearn.shapes import ShapesDataset

BATCH = 256
_NEAREST = InterpolationMode.NEAREST

TORCHVISION = {
    "A": [T.RandomGrayscale(0.2), T.ColorJitter(0.3, 0.3, 0.9, 0.5)],
    "B": [
        T.Pad(24),
        T.RandomRotation((0, 360), _NEAREST),
        T.RandomResizedCrop(64, (0.2, 0.6), (1, 1), _NEAREST),
    ],
    "C": [
        T.Pad(16),
        T.RandomRotation((0, 360), _NEAREST),
        T.RandomApply(
            [
                T.RandomAffine(0, (0.3, 0.3), shear=(-80, 80, -80, 80), interpolation=_NEAREST),
                T.RandomPerspective(0.6, p=1, interpolation=_NEAREST),
            ],
            p=0.7,
        ),
        T.RandomResizedCrop(64, (0.4, 0.8), (0.2, 5), _NEAREST),
        T.RandomRotation((0, 360), _NEAREST),
    ],
}


def torchvision_view(name: str) -> Callable[[Image.Image], Tensor]:
    """Return the augmentation of that name for one image, to a tensor in [−1, 1]."""
    normalise = T.Normalize([0.5] * 3, [0.5] * 3)
    return T.Compose([*TORCHVISION.get(name, []), T.ToTensor(), normalise])


def kornia_views(name: str) -> nn.Module:
    """Return the augmentation of that name for a batch in [0, 1]."""

    def crop(scale: tuple[float, float], ratio: tuple[float, float]) -> nn.Module:
        return K.RandomResizedCrop((64, 64), scale, ratio, resample="nearest")

    def turn() -> nn.Module:
        return K.RandomRotation((0.0, 360.0), resample="nearest", p=1.0)

    if name == "A":
        return nn.Sequential(K.RandomGrayscale(p=0.2), K.ColorJitter(0.3, 0.3, 0.9, 0.5, p=1.0))
    if name == "B":
        return nn.Sequential(nn.ZeroPad2d(24), turn(), crop((0.2, 0.6), (1.0, 1.0)))
    warp = K.AugmentationSequential(
        K.RandomAffine(0, (0.3, 0.3), shear=(-80, 80, -80, 80), resample="nearest", p=1.0),
        K.RandomPerspective(0.6, resample="nearest", p=1.0),
        data_keys=["input"],
    )

    class SomeWarped(nn.Module):
        """Seven images in ten are warped."""

        def forward(self, images: Tensor) -> Tensor:
            chosen = torch.rand(len(images)) < 0.7
            images[chosen] = warp(images[chosen])
            return images

    return nn.Sequential(nn.ZeroPad2d(16), turn(), SomeWarped(), crop((0.4, 0.8), (0.2, 5)), turn())


class Views(Dataset[tuple[Tensor, Tensor]]):
    """Two views of each training image, made when they are asked for."""

    def __init__(self, name: str, count: int = 40_000) -> None:
        """Hold the first ``count`` images as pictures; ``name`` is A, B, C or autoencoder."""
        images = ShapesDataset("train").images(range(count))
        self.pictures = (255 * images).round().byte().permute(0, 2, 3, 1).numpy()
        self.view = torchvision_view(name)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.pictures)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """Return a positive pair."""
        picture = Image.fromarray(np.ascontiguousarray(self.pictures[row]))
        return self.view(picture), self.view(picture)


def original_steps(name: str, images: int) -> Iterator[None]:
    """Train as the original experiment does; one item a step of 256 images, without end."""
    torch.manual_seed(0)
    encoder, decoder = Encoder(normalize=name != "autoencoder"), Decoder()
    nets = nn.ModuleList([encoder, decoder] if name == "autoencoder" else [encoder])
    optimiser = torch.optim.Adam(nets.parameters(), lr=2e-4)
    loader = DataLoader(Views(name, images), BATCH, shuffle=True, drop_last=True)
    while True:
        for first, second in loader:
            # The encoder's own input is in [0, 1].
            x, y = (first + 1) / 2, (second + 1) / 2
            if name == "autoencoder":
                loss = F.mse_loss(decoder(encoder(x)), x)
            else:
                logits = encoder(x) @ encoder(y).T / 0.07
                loss = F.cross_entropy(logits, torch.arange(len(x)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            yield


def matrix_products(batch: int, dtype: torch.dtype) -> Callable[[], None]:
    """Return a call that multiplies matrices as an encoder's step must, and does nothing else.

    For each convolution, on ``batch`` images: outputs = patches · weights, and the two products
    of its backward pass (the first needs no gradient of its input).
    """
    layers, side = [], 64
    widths = (3, 32, 64, 128, 256, 512, 128)
    for a, b in itertools.pairwise(widths):
        side //= 2
        patches = torch.randn(batch * side * side, 16 * a).to(dtype)
        layers.append((patches, torch.randn(16 * a, b).to(dtype)))

    def work() -> None:
        for k, (patches, weights) in enumerate(layers):
            outputs = patches @ weights
            patches.T @ outputs
            if k:
                outputs @ weights.T

    return work
