"""The networks: layer by layer what the original experiment had."""

import itertools
import math

import pytest
import torch
from torch import nn

from replearn.networks import Decoder, Encoder
from replearn.shapes import ShapesDataset

WIDTHS = [3, 32, 64, 128, 256, 512]


def conv_parameters(widths):
    return sum(a * b * 16 + b for a, b in itertools.pairwise(widths))


@pytest.fixture
def images():
    return torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("d", [1, 2, 128])
def test_the_encoder_is_six_convolutions_and_a_linear_layer(d):
    encoder = Encoder(d)
    layers = [m for m in encoder.modules() if not list(m.children())]
    assert [type(m) for m in layers] == [nn.Conv2d] * 6 + [nn.Linear]
    for layer, a, b in zip(layers, [*WIDTHS], [*WIDTHS[1:], d], strict=False):
        assert (layer.in_channels, layer.out_channels) == (a, b)
        assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
        assert layer.bias is not None
    assert (layers[-1].in_features, layers[-1].out_features) == (d, d)
    assert sum(p.numel() for p in encoder.parameters()) == conv_parameters([*WIDTHS, d]) + d * d + d


@pytest.mark.parametrize("d", [1, 2, 128])
def test_the_decoder_is_its_mirror_image(d):
    decoder = Decoder(d)
    layers = [m for m in decoder.modules() if not list(m.children())]
    assert [type(m) for m in layers] == [nn.Linear] + [nn.ConvTranspose2d] * 6
    for layer, a, b in zip(layers[1:], [d, *WIDTHS[:0:-1]], WIDTHS[::-1], strict=True):
        assert (layer.in_channels, layer.out_channels) == (a, b)
        assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
    expected = conv_parameters([d, *WIDTHS[::-1]]) + d * d + d
    assert sum(p.numel() for p in decoder.parameters()) == expected


@pytest.mark.parametrize("normalize", [False, True])
def test_the_encoder_is_the_plain_chain_of_its_layers(images, normalize):
    torch.manual_seed(0)
    encoder = Encoder(16, normalize)
    relu = [part for layer in encoder.convolutions for part in (layer, nn.ReLU())]
    plain = nn.Sequential(*relu, nn.Flatten(), encoder.linear)
    expected = plain((images - 0.5) / 0.5)
    if normalize:
        expected = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(encoder(images), expected)


def test_the_decoder_is_the_plain_chain_of_its_layers():
    torch.manual_seed(0)
    decoder, z = Decoder(16), torch.randn(3, 16)
    relu = [part for layer in decoder.convolutions[:-1] for part in (nn.ReLU(), layer)]
    plain = nn.Sequential(
        decoder.linear, nn.Unflatten(1, (16, 1, 1)), *relu, nn.ReLU(), decoder.convolutions[-1]
    )
    images = decoder(z)
    assert images.shape == (3, 3, 64, 64)
    torch.testing.assert_close((images - 0.5) / 0.5, plain(z))


def test_layers_are_the_six_maps_and_the_latents(images):
    encoder = Encoder(16, normalize=True)
    with torch.no_grad():
        *maps, latents = encoder.layers(images)
    sides = [32, 16, 8, 4, 2, 1]
    assert [tuple(m.shape) for m in maps] == [
        (3, c, s, s) for c, s in zip([*WIDTHS[1:], 16], sides, strict=True)
    ]
    assert all(float(m.min()) >= 0 for m in maps)
    assert torch.equal(latents, encoder(images))


@pytest.mark.parametrize("d", [1, 2, 128])
def test_normalised_latents_are_unit_vectors(images, d):
    torch.manual_seed(d)
    torch.testing.assert_close(Encoder(d, normalize=True)(images).norm(dim=1), torch.ones(3))
    assert not torch.allclose(Encoder(d)(images).norm(dim=1), torch.ones(3), atol=1e-2)


def test_an_encoder_keeps_double_precision(images):
    encoder = Encoder(8, normalize=True).double()
    norms = encoder(images.double()).norm(dim=1)
    torch.testing.assert_close(norms, torch.ones(3).double(), rtol=0, atol=1e-14)


def test_gradients_reach_every_parameter(images):
    encoder, decoder = Encoder(8), Decoder(8)
    (decoder(encoder(images)) - images).square().mean().backward()
    for parameter in (*encoder.parameters(), *decoder.parameters()):
        assert float(parameter.grad.abs().sum()) > 0


def test_an_empty_batch_has_no_latents():
    assert Encoder(8)(torch.zeros(0, 3, 64, 64)).shape == (0, 8)


@pytest.mark.parametrize("network", [Encoder, Decoder])
def test_a_latent_has_a_dimension(network):
    with pytest.raises(ValueError, match="latent_dim must be at least 1, got 0"):
        network(0)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match=r"\(n, 3, 64, 64\), got \(1, 3, 32, 32\)"):
        Encoder(2)(torch.zeros(1, 3, 32, 32))
    for value in (math.nan, -math.inf, 255.0):
        with pytest.raises(ValueError, match=rf"in \[0, 1\], got values from {value:g} to"):
            Encoder(2)(torch.full((1, 3, 64, 64), value))


@pytest.mark.parametrize("latents", [torch.zeros(8), torch.zeros(2, 7), torch.zeros(2, 8, 1)])
def test_bad_latents_are_refused(latents):
    with pytest.raises(ValueError, match=r"latents must .* shape \(n, (8|d)\), got"):
        Decoder(8)(latents)


@pytest.mark.parametrize("normalize", [False, True])
def test_centring_makes_every_units_mean_zero(normalize):
    torch.manual_seed(0)
    encoder = Encoder(8, normalize)
    images = ShapesDataset("val").images(range(32))
    weights = {k: v.clone() for k, v in encoder.state_dict().items() if k.endswith("weight")}
    encoder.centre(images)
    maps = 2 * images - 1
    for convolution in encoder.convolutions:
        assert float(convolution(maps).mean((0, 2, 3)).abs().max()) < 1e-5
        maps = convolution(maps).relu()
    assert float(encoder.linear(maps.flatten(1)).mean(0).abs().max()) < 1e-5
    assert all(torch.equal(encoder.state_dict()[k], v) for k, v in weights.items())
    assert all(p.requires_grad and p.grad is None for p in encoder.parameters())
    with pytest.raises(ValueError, match="images must"):
        encoder.centre(images[:, :2])
