"""What is said to be lost, blurred or kept is so in the views themselves."""

import pytest
import torch

from replearn import augmentations
from replearn.shapes import ShapesDataset
from replearn.theory import invariances

SETS = {
    "A": augmentations.A,
    "B": augmentations.B,
    "C": augmentations.C,
    "B∘grayscale": augmentations.compose(augmentations.B, augmentations.grayscale),
}


def correlation(first, second):
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


@pytest.fixture(scope="module", params=list(SETS))
def measured(request):
    """Correlations of hue, brightness, place and coloured area between an image and its view."""
    images = ShapesDataset("val").images(range(1500))
    views = SETS[request.param](images, torch.Generator().manual_seed(0))
    seen = (views > 0.2).any(1).sum((1, 2)) > 20  # enough pixels to speak of
    images, views = images[seen], views[seen]

    def statistics(batch):
        rgb = batch.amax((2, 3))
        mass = batch.sum(1) + 1e-6
        area = (batch.amax(1) > 0.2).double().sum((1, 2))
        at = torch.arange(64.0)
        place = torch.stack([(mass.sum(k) * at).sum(1) / mass.sum((1, 2)) for k in (1, 2)], 1)
        grey = rgb.mean(1)
        return {"hue": rgb - grey[:, None], "grey": grey, "place": place, "area": area}

    before, after = statistics(images), statistics(views)
    shares = {name: correlation(before[name], after[name]) for name in before}
    return request.param, shares


def test_location_is_lost_exactly_where_predicted(measured):
    name, kept = measured
    lost = invariances.predicted(name)["location"] == "invariant"
    assert abs(kept["place"]) < 0.15 if lost else kept["place"] > 0.95


def test_hue_is_lost_exactly_where_predicted(measured):
    name, kept = measured
    expected = {"sensitive": (0.95, 1.01), "partly": (-0.1, 0.1), "invariant": (-0.1, 0.1)}
    low, high = expected[invariances.predicted(name)["color"]]
    assert low < torch.tensor(kept["hue"]).nan_to_num(0) < high
    if invariances.predicted(name)["color"] == "partly":
        assert kept["grey"] > 0.5  # the brightness is what remains of the colour


def test_size_is_blurred_exactly_where_predicted(measured):
    name, kept = measured
    if invariances.predicted(name)["size"] == "partly":
        assert 0.2 < kept["area"] < 0.95
    else:
        assert kept["area"] > 0.95


def test_unknown_set_is_refused():
    with pytest.raises(ValueError, match="augmentation must be one of 'A', 'B', 'C'"):
        invariances.predicted("D")
