"""Maps: two principal components, a dot an image, coloured by what is asked."""

import math

import pytest
import torch

from replearn import figures
from replearn.figures.maps import BY, principal_components
from replearn.shapes import ShapesDataset

FACTORS = ShapesDataset("val", size=1600).factors
CODES = torch.randn(len(FACTORS), 5, generator=torch.Generator().manual_seed(0))


def test_components_are_those_of_the_largest_variance():
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(1)))[0]
    stretched = CODES * torch.tensor([1.0, 9.0, 0.1, 3.0, 0.1])
    two, share = principal_components(stretched @ turn + 7)
    centred = stretched - stretched.mean(0)
    expected = torch.linalg.svd(centred, full_matrices=False)
    torch.testing.assert_close(two.norm(dim=0), expected.S[:2], rtol=1e-4, atol=0)
    assert share == pytest.approx(float(expected.S[:2].square().sum() / expected.S.square().sum()))
    for k in range(2):  # the axes of the stretch, but for their sign
        cosine = torch.nn.functional.cosine_similarity(two[:, k], expected.U[:, k], dim=0)
        assert abs(float(cosine)) == pytest.approx(1, abs=1e-4)
    again, _ = principal_components(-(stretched @ turn))
    torch.testing.assert_close(again.abs(), two.abs(), rtol=1e-3, atol=1e-3)


def test_a_constant_has_no_variance_to_share():
    two, share = principal_components(torch.ones(4, 3))
    assert two.abs().max() == 0
    assert math.isnan(share)


@pytest.mark.parametrize("by", BY)
def test_dots_have_the_value_of_their_image(by):
    fig = figures.feature_map({"one": CODES, "two": CODES.flip(1)}, FACTORS, by)
    one, two, key = fig.axes
    assert [ax.get_title() for ax in (one, two)] == ["one", "two"]
    assert key.get_title() == by
    shown = FACTORS.shape > 0 if by == "rotation" else torch.ones(len(FACTORS), dtype=torch.bool)
    expected = {
        "colour": FACTORS.color,
        "shape": FACTORS.shape,
        "location": FACTORS.position[:, 0],
        "size": FACTORS.size,
        "rotation": FACTORS.angle / (2 * math.pi / torch.tensor([1.0, 3, 4])[FACTORS.shape]) % 1,
    }[by][shown]
    dots = one.collections[0]
    torch.testing.assert_close(torch.as_tensor(dots.get_array().data).float(), expected.float())
    where = torch.as_tensor(dots.get_offsets().data).float()
    torch.testing.assert_close(where, principal_components(CODES)[0][shown])


def test_maps_of_nothing_are_refused():
    with pytest.raises(ValueError, match="by must be one of"):
        figures.feature_map({"one": CODES}, FACTORS, "color")
    with pytest.raises(ValueError, match="equally many"):
        figures.feature_map({"one": CODES[1:]}, FACTORS)
    with pytest.raises(ValueError, match="features"):
        principal_components(torch.zeros(3, 1))
