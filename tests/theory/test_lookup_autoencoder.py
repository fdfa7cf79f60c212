"""The memorising autoencoders: exact where they must be, free where they may be."""

from itertools import product

import pytest
import torch

from replearn import losses
from replearn.shapes import ShapesDataset
from replearn.theory import lookup_autoencoder as lookup


@pytest.fixture(scope="module")
def data():
    train, val = (ShapesDataset(split, size=800) for split in ("train", "val"))
    return train.images(range(120)), train.factors[:120], val.images(range(80)), val.factors[:80]


@pytest.mark.parametrize("arrange", [lookup.grouped, lookup.interleaved])
def test_lookup_reconstructs_the_training_images_exactly(data, arrange):
    images, factors, unseen, _ = data
    codes = arrange(factors.color)
    auto = lookup.LookupAutoencoder(images, codes, lookup.always(codes[0]))
    assert torch.equal(auto.encode(images), codes)
    assert losses.reconstruction_loss(images, auto.decode(auto.encode(images))) == 0
    mixed = torch.cat([unseen[:3], images[5:7]])
    expected = torch.cat([codes[0].expand(3, 1), codes[5:7]])
    assert torch.equal(auto.encode(mixed), expected)


def test_rules_place_unseen_images_as_they_say(data):
    images, factors, unseen, held_out = data
    codes = lookup.grouped(factors.color)
    same = lookup.same_as_nearest_color(images, codes)(unseen)
    assert torch.equal((same / 2).floor().long()[:, 0], held_out.color)
    below = lookup.below_all(images, factors.color, codes)(unseen)
    assert torch.equal(below[:, 0], codes.min() - 1 - held_out.color)


def test_rgb_reads_the_colour_that_was_drawn(data):
    images, factors, _, _ = data
    torch.testing.assert_close(lookup.rgb(images), factors.rgb)


@pytest.mark.parametrize("seed", range(3))
def test_arrangements_keep_their_distances(seed):
    colors = torch.randint(8, (60,), generator=torch.Generator().manual_seed(seed))
    same = colors[:, None] == colors
    apart = ~torch.eye(60, dtype=torch.bool)
    gaps = {f: (f(colors) - f(colors).T).abs() for f in (lookup.grouped, lookup.interleaved)}
    assert gaps[lookup.grouped][same].max() < 1 < gaps[lookup.grouped][~same].min()
    assert gaps[lookup.interleaved][same & apart].min() >= 1
    first = torch.stack([(colors == c).nonzero()[0, 0] for c in colors.unique()])
    assert gaps[lookup.interleaved][first][:, first].max() <= 7 / 8


def test_ordered_triples_agrees_with_a_loop():
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(4, (14, 2), generator=generator).double()  # small integers: many ties
    colors = torch.randint(3, (14,), generator=generator)
    held = [
        (codes[x] - codes[y]).norm() < (codes[x] - codes[z]).norm()
        for x, y, z in product(range(14), repeat=3)
        if x != y and colors[x] == colors[y] != colors[z]
    ]
    assert lookup.ordered_triples(codes, colors) == pytest.approx(sum(held) / len(held))


def test_decides_is_being_a_function_of():
    evidence = torch.tensor([[0, 1], [0, 1], [2, 2], [3, 0]])
    assert lookup.decides(evidence, torch.tensor([5, 5, 5, 7]))
    assert not lookup.decides(evidence, torch.tensor([5, 6, 5, 7]))
    assert lookup.decides(torch.zeros(4), torch.ones(4))


def test_bad_tables_are_refused(data):
    images, factors, _, _ = data
    codes = lookup.grouped(factors.color)
    rule = lookup.always(codes[0])
    with pytest.raises(ValueError, match=r"codes must be .* of shape \(n, d\), got .* \(119, 1\)"):
        lookup.LookupAutoencoder(images, codes[1:], rule)
    with pytest.raises(ValueError, match="codes must all be distinct, got 1 of 120"):
        lookup.LookupAutoencoder(images, torch.zeros_like(codes), rule)
    with pytest.raises(ValueError, match="images must all be distinct, got 119 of 120"):
        lookup.LookupAutoencoder(torch.cat([images[:119], images[:1]]), codes, rule)


def test_evidence_must_have_numbers():
    with pytest.raises(ValueError, match=r"evidence must hold .* got shape \(5, 0\)"):
        lookup.decides(torch.empty(5, 0), torch.arange(5))
