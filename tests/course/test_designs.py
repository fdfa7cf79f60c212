"""The design exercise, solved: a view leaves where the shape is, and nothing else."""

import pytest
import torch

from replearn.course.designs import AroundItself, only_location
from replearn.shapes import ShapesDataset

VAL = ShapesDataset("val", size=4000)
INSIDE = (VAL.factors.position - 32).abs().amax(1) < 8  # far enough from the border to stay whole
ROWS = INSIDE.nonzero()[:300, 0]


def seen(views):
    """Centre (n, 2), and size (n,), of what the views show."""
    at = torch.arange(64) + 0.5
    shown = (views.amax(1) > 0.02).float()
    area = shown.sum((1, 2))
    return torch.stack([shown.sum(1) @ at, shown.sum(2) @ at], 1) / area[:, None], area.sqrt()


def test_the_place_stays():
    views = AroundItself()(VAL.images(ROWS), torch.Generator().manual_seed(0))
    centre, _ = seen(views)
    assert float((centre - VAL.factors.position[ROWS]).norm(dim=1).quantile(0.95)) < 1


def test_the_size_is_drawn_whatever_it_was():
    views = AroundItself()(VAL.images(ROWS), torch.Generator().manual_seed(0))
    _, size = seen(views)
    before = VAL.factors.size[ROWS]
    assert abs(float(torch.corrcoef(torch.stack([before, size]))[0, 1])) < 0.15
    assert float(size.std()) > 3


def test_without_stretch_or_turn_the_image_comes_back():
    images, size = VAL.images(ROWS), VAL.factors.size[ROWS]
    same = {"angles": torch.zeros(len(ROWS), 2), "extents": size[:, None].expand(-1, 2)}
    views = AroundItself().apply(images, same)
    assert float((views - images).abs().mean()) < 0.01


def test_colours_change_too_and_empty_images_stay_empty():
    views = only_location(VAL.images(ROWS), torch.Generator().manual_seed(0))
    rgb = views.amax((2, 3))
    assert float((rgb - VAL.factors.rgb[ROWS]).abs().mean()) > 0.1
    nothing = torch.zeros(2, 3, 64, 64)
    assert torch.equal(AroundItself()(nothing), nothing)


@pytest.mark.parametrize("extents", [(0, 5), (9, 5), (float("nan"), 5)])
def test_lengths_that_are_none_are_refused(extents):
    with pytest.raises(ValueError, match="extents"):
        AroundItself(extents)
