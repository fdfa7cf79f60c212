"""Maps: two principal components, a dot an image, coloured by what is asked."""

import math

import pytest
import torch

from replearn import evaluation, figures
from replearn.figures.maps import BY
from replearn.shapes import ShapesDataset

FACTORS = ShapesDataset("val", size=1600).factors
CODES = torch.randn(len(FACTORS), 5, generator=torch.Generator().manual_seed(0))


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
    torch.testing.assert_close(where, evaluation.principal_components(CODES)[0][shown])


def test_maps_of_nothing_are_refused():
    with pytest.raises(ValueError, match="by must be one of"):
        figures.feature_map({"one": CODES}, FACTORS, "color")
    with pytest.raises(ValueError, match="equally many"):
        figures.feature_map({"one": CODES[1:]}, FACTORS)
