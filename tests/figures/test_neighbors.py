"""The neighbour plots show the right images in the right order."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from replearn import figures
from replearn.figures.neighbors import query_rows
from replearn.figures.shapes import GAP
from replearn.shapes import COLORS, SHAPES, ShapesDataset


@pytest.fixture(scope="module")
def data():
    dataset = ShapesDataset("val", size=160)
    features = torch.randn(len(dataset), 5, generator=torch.Generator().manual_seed(3))
    return dataset, features


def tiles(ax):
    """The images that a mosaic shows, row by row."""
    picture, step = np.asarray(ax.images[0].get_array()), 64 + GAP
    return [
        [picture[top : top + 64, left : left + 64] for left in range(0, picture.shape[1], step)]
        for top in range(0, picture.shape[0], step)
    ]


def expected(dataset, row):
    return dataset[int(row)].permute(1, 2, 0).numpy()


def test_nn_visualize_shows_eight_queries_and_their_neighbours_near_to_far(data):
    dataset, features = data
    left, right = figures.nn_visualize(dataset, features, num_nn=4, desc="a title").axes
    queries = query_rows(len(features))
    distances = torch.cdist(features[queries], features)
    distances[torch.arange(8), queries] = torch.inf
    for q, (shown, neighbours) in enumerate(zip(tiles(left), tiles(right), strict=True)):
        np.testing.assert_array_equal(shown[0], expected(dataset, queries[q]))
        for image, row in zip(neighbours, distances[q].argsort()[:4], strict=True):
            np.testing.assert_array_equal(image, expected(dataset, row))
    assert left.figure.get_suptitle() == "a title"


def test_queries_are_distinct_and_the_same_for_every_encoder(data):
    dataset, features = data
    shown = [tiles(figures.nn_visualize(dataset, f, 2).axes[0]) for f in (features, -(features**3))]
    np.testing.assert_array_equal(*shown)
    assert len(query_rows(60).unique()) == 8


def test_a_query_with_doubles_is_not_its_own_neighbour(data):
    dataset, features = data
    features = features.clone()
    features[:] = features[0]  # all at distance 0: the query need not come first
    queries = query_rows(len(features))
    _, right = figures.nn_visualize(dataset, features, num_nn=3).axes
    for q, neighbours in zip(queries, tiles(right), strict=True):
        assert len(neighbours) == 3
        assert all(not np.array_equal(image, expected(dataset, q)) for image in neighbours)


def test_nn_compare_shows_one_row_an_encoder(data):
    dataset, features = data
    left, right = figures.nn_compare(
        dataset, {"one": features, "other": features[:, :1]}, query=7, num_nn=3
    ).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["one", "other"]
    for codes, neighbours in zip((features, features[:, :1]), tiles(right), strict=True):
        distances = (codes - codes[7]).norm(dim=1)
        distances[7] = torch.inf
        for image, row in zip(neighbours, distances.argsort()[:3], strict=True):
            np.testing.assert_array_equal(image, expected(dataset, row))


def test_nn_compare_counts_what_neighbours_share(data):
    dataset, _ = data
    factors = dataset.factors
    by_color = torch.nn.functional.one_hot(factors.color).float()
    by_place = factors.position / 64
    codes = {"color": by_color, "place": by_place}
    _, right = figures.nn_compare(dataset, codes, query=7, num_nn=3).axes
    (said,) = right.child_axes
    color, place = [label.get_text().split("\n") for label in said.get_yticklabels()]
    assert color[0] == "colour 3/3"
    apart = (factors.position - factors.position[7]).norm(dim=1)
    apart[7] = torch.inf
    near = apart.argsort()[:3]
    shared = int((factors.shape[near] == factors.shape[7]).sum())
    assert place[1:] == [f"shape {shared}/3", f"{apart[near].mean():.0f} px away"]


def test_nn_describe_shows_the_nearest_and_says_their_factors(data):
    dataset, features = data
    left, right = figures.nn_describe(dataset, features, query=7, num_nn=3).axes
    distances = (features - features[7]).norm(dim=1)
    distances[7] = torch.inf
    near = distances.argsort()[:3]
    (query,), (shown,) = tiles(left), tiles(right)
    for image, row in zip([*query, *shown], [7, *near], strict=True):
        np.testing.assert_array_equal(image, expected(dataset, row))
    said = [label.get_text().split("\n") for label in right.get_xticklabels()]
    factors = dataset.factors
    for row, (color, shape, size, _, place) in zip(near, said, strict=True):
        assert COLORS[factors.color[row]] in color
        assert (r"\mathbf" in color) == bool(factors.color[row] == factors.color[7])
        assert SHAPES[factors.shape[row]] in shape
        assert (r"\mathbf" in shape) == bool(factors.shape[row] == factors.shape[7])
        assert size.startswith(f"{factors.size[row]:.0f} px")
        assert place == "({:.0f}, {:.0f})".format(*factors.position[row])


@pytest.mark.parametrize(
    ("shape", "degrees", "said"),
    [
        ("circle", 200, "–"),
        ("triangle", 200, "80°"),
        ("square", 200, "20°"),
        ("triangle", 239.8, "0°"),
    ],
)
def test_nn_describe_turns_a_shape_no_further_than_its_symmetry(data, shape, degrees, said):
    dataset, features = ShapesDataset("val", size=160), data[1]
    dataset.factors.shape[7] = SHAPES.index(shape)
    dataset.factors.size[7] = 20.0
    dataset.factors.angle[7] = math.radians(degrees)
    left, _ = figures.nn_describe(dataset, features, query=7).axes
    (label,) = left.get_xticklabels()
    assert label.get_text().split("\n")[2:4] == ["20 px", said]


@pytest.mark.parametrize("draw", [figures.nn_visualize, partial(figures.nn_describe, query=7)])
def test_more_features_than_images_are_refused(data, draw):
    dataset, features = data
    with pytest.raises(ValueError, match="features must be at most 60, got 120"):
        draw(dataset, torch.cat([features, features]))


def test_more_codes_of_one_encoder_than_images_are_refused(data):
    dataset, features = data
    codes = {"few": features, "many": torch.cat([features, features])}
    with pytest.raises(ValueError, match=r"features\['many'\] must be at most 60, got 120"):
        figures.nn_compare(dataset, codes, 7)
    # instructor
    around = {"many": torch.nn.functional.normalize(torch.randn(61, 2), dim=1)}
    with pytest.raises(ValueError, match=r"len\(features\['many'\]\) must .* 60.*, got 61"):
        figures.around_the_circle(dataset, around)
    # end
