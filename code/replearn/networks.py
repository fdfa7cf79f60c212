"""The encoder and the decoder: six convolutions down to one pixel, and back."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from replearn.engine import validation

RESOLUTION = 64  # pixels a side: six halvings reach one
_WIDTHS = (3, 32, 64, 128, 256, 512)


class Encoder(nn.Module):
    """Images to latents: six 4 × 4 convolutions of stride 2 with ReLU, then a linear layer.

    Args:
        latent_dim: d, the number of components of a latent.
        normalize: divide each latent by its norm, so that it lies on the unit sphere.

    Raises:
        ValueError: for ``latent_dim`` below 1.

    Examples:
        >>> encoder = networks.Encoder(latent_dim=128, normalize=True)
        >>> z = encoder(torch.rand(2, 3, 64, 64))
        >>> z.shape
        torch.Size([2, 128])
        >>> bool(torch.allclose(z.norm(dim=1), torch.ones(2)))
        True
    """

    @validation.arguments
    def __init__(self, latent_dim: int = 128, normalize: bool = False) -> None:
        """Create the layers with PyTorch's default initialisation."""
        validation.at_least("latent_dim", latent_dim, 1)
        super().__init__()
        widths = (*_WIDTHS, latent_dim)
        self.latent_dim, self.normalize = latent_dim, normalize
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, kernel_size=4, stride=2, padding=1)
            for a, b in itertools.pairwise(widths)
        )
        self.linear = nn.Linear(latent_dim, latent_dim)

    def layers(self, images: Float[Tensor, "n 3 64 64"]) -> list[Tensor]:
        """Return what each layer computes: six feature maps after ReLU, then the latents.

        Examples:
            >>> maps = networks.Encoder().layers(torch.rand(2, 3, 64, 64))
            >>> [tuple(each.shape[1:]) for each in maps]
            [(32, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2), (128, 1, 1), (128,)]
        """
        validation.images("images", images, side=RESOLUTION)
        _one_precision("images", images, self.linear)
        if images.device.type == "cpu":  # reading the values would stall an accelerator
            validation.pixels("images", images)
        maps = [(images - 0.5) / 0.5]
        for convolution in self.convolutions:
            maps.append(F.relu(convolution(maps[-1])))
        latents = self.linear(maps[-1].flatten(1))
        if self.normalize:
            at_least_float32 = torch.promote_types(latents.dtype, torch.float32)
            latents = F.normalize(latents.to(at_least_float32), dim=1)
        return [*maps[1:], latents]

    @torch.no_grad()
    @validation.arguments
    def centre(self, images: Float[Tensor, "n 3 64 64"]) -> None:
        """Shift every bias so that each unit has mean 0 over ``images``, before its ReLU.

        At first the latents of all images are nearly parallel, because the black background, which
        they share, outweighs what tells them apart. Centring removes the shared part, so training
        need not. Krähenbühl et al. (2016), "Data-dependent initializations of
        convolutional neural networks", rescale the weights as well.
        """
        _one_precision("images", images, self.linear)
        validation.pixels("images", images)
        maps = (images - 0.5) / 0.5
        for convolution in self.convolutions:
            convolution.get_parameter("bias").sub_(convolution(maps).mean((0, 2, 3)))
            maps = F.relu(convolution(maps))
        self.linear.bias.sub_(self.linear(maps.flatten(1)).mean(0))

    def forward(self, images: Float[Tensor, "n 3 64 64"]) -> Float[Tensor, "n d"]:
        """Return the latents of ``images`` in [0, 1]; unit vectors if ``normalize``.

        Raises:
            TypeError, ValueError: for anything but images of that shape, or a value that is not in
                [0, 1] (on the CPU).
        """
        return self.layers(images)[-1]


class Decoder(nn.Module):
    """Latents to images: the encoder's mirror image.

    Args:
        latent_dim: d, the number of components of a latent.

    Raises:
        ValueError: for ``latent_dim`` below 1.

    Examples:
        >>> decoder = networks.Decoder(latent_dim=128)
        >>> decoder(torch.randn(2, 128)).shape
        torch.Size([2, 3, 64, 64])
    """

    @validation.arguments
    def __init__(self, latent_dim: int = 128) -> None:
        """Create the layers with PyTorch's default initialisation."""
        validation.at_least("latent_dim", latent_dim, 1)
        super().__init__()
        widths = (latent_dim, *reversed(_WIDTHS))
        self.latent_dim = latent_dim
        self.linear = nn.Linear(latent_dim, latent_dim)
        self.convolutions = nn.ModuleList(
            nn.ConvTranspose2d(a, b, kernel_size=4, stride=2, padding=1)
            for a, b in itertools.pairwise(widths)
        )

    @validation.arguments
    def forward(self, latents: Float[Tensor, "n d"]) -> Float[Tensor, "n 3 64 64"]:
        """Return the images that ``latents`` stand for; near [0, 1], not clipped to it.

        Raises:
            TypeError, ValueError: for latents of another precision or shape.
        """
        _one_precision("latents", latents, self.linear)
        if latents.shape[1] != self.latent_dim:
            raise ValueError(
                f"latents must have shape (n, {self.latent_dim}), got {tuple(latents.shape)}"
            )
        maps = F.relu(self.linear(latents))[:, :, None, None]
        for convolution in self.convolutions[:-1]:
            maps = F.relu(convolution(maps))
        return 0.5 + 0.5 * self.convolutions[-1](maps)


def _one_precision(name: str, value: Tensor, layer: nn.Linear) -> None:
    if not torch.is_autocast_enabled(value.device.type):  # autocast casts both
        validation.one_precision(**{name: value, "weights": layer.weight})
