"""Images side by side, and factors varied one at a time."""

import numpy as np
import pytest
import torch

from replearn import figures
from replearn.figures.shapes import GAP, mosaic
from replearn.shapes import Factors, ShapesDataset, draw


def test_mosaic_puts_each_image_where_it_belongs():
    images = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    picture = mosaic(images, cols=3)
    step = 8 + GAP
    assert picture.shape == (2 * step - GAP, 3 * step - GAP, 3)
    for k, image in enumerate(images):
        top, left = k // 3 * step, k % 3 * step
        shown = picture[top : top + 8, left : left + 8]
        np.testing.assert_array_equal(shown, image.permute(1, 2, 0))
    assert (picture[step:, 2 * step :] == 1).all(), "the place of a sixth image stays white"
    assert (picture[8:step] == 1).all(), "the gap between the rows is white"


def test_image_rows_labels_rows_of_different_lengths():
    rows = {"three": torch.rand(3, 3, 64, 64), "five": torch.rand(5, 3, 64, 64)}
    (ax,) = figures.image_rows(rows).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["three", "five"]
    shown = ax.images[0].get_array()
    assert shown.shape[:2] == (2 * (64 + GAP) - GAP, 5 * (64 + GAP) - GAP)
    np.testing.assert_array_equal(shown[:64, :64], rows["three"][0].permute(1, 2, 0))
    last = shown[64 + GAP :, 4 * (64 + GAP) :]
    np.testing.assert_array_equal(last, rows["five"][4].permute(1, 2, 0))


def test_image_grid_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match=r"len\(images\) must be at least 1"):
        figures.image_grid(torch.rand(0, 3, 64, 64), 2)
    with pytest.raises(ValueError, match="cols must be at least 1, got 0"):
        figures.image_grid(torch.rand(2, 3, 64, 64), 0)


def test_vary_changes_the_named_factor_alone():
    base = Factors.draw(4, seed=1)[torch.tensor([2])]
    varied = figures.vary(base, shape=torch.arange(3))
    assert varied.shape.tolist() == [0, 1, 2]
    for name in ("color", "rgb", "position", "size", "angle"):
        assert (getattr(varied, name) == getattr(base, name)).all(), name
    assert torch.equal(draw(varied)[base.shape.item()], draw(base)[0])


def test_vary_refuses_more_than_one_row_or_factors_of_different_length():
    with pytest.raises(ValueError, match=r"base must have one row .* got 4"):
        figures.vary(Factors.draw(4, seed=1), shape=torch.arange(3))
    with pytest.raises(ValueError, match=r"of one number, got 1 and \[3, 4\]"):
        figures.vary(Factors.draw(1, seed=1), shape=torch.arange(3), size=torch.arange(4.0))
    with pytest.raises(TypeError, match="hue"):
        figures.vary(Factors.draw(1, seed=1), hue=torch.arange(3))


def test_factor_distribution_shows_the_shares():
    factors = ShapesDataset("val", size=800).factors
    shapes, colors, *_ = figures.factor_distribution(factors).axes
    for ax, labels in ((shapes, factors.shape), (colors, factors.color)):
        heights = [bar.get_height() for bar in ax.patches]
        assert heights == pytest.approx((labels.bincount() / len(labels)).tolist())
