import pytest
import torch

from replearn.figures import pairs


def views(n):
    return torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(n))


def test_positive_pairs_have_one_panel_for_the_images_and_one_for_each_augmentation():
    fig = pairs.positive_pairs(views(4), {"A": (views(4), views(4)), "B": (views(4), views(4))})
    assert [ax.get_title() for ax in fig.axes] == ["image", "A: $x_i$, $y_i$", "B: $x_i$, $y_i$"]


def test_the_two_views_of_an_image_stand_in_its_row():
    first, second = torch.zeros(2, 3, 64, 64), torch.zeros(2, 3, 64, 64)
    first[1], second[1] = 0.25, 0.75
    fig = pairs.positive_pairs(views(2), {"A": (first, second)})
    picture = fig.axes[1].images[0].get_array()
    assert picture[100, 10].tolist() == pytest.approx([0.25] * 3)
    assert picture[100, 100].tolist() == pytest.approx([0.75] * 3)
    assert picture[10, 100].tolist() == [0, 0, 0]


@pytest.mark.parametrize("bad", [{}, {"A": (views(3), views(4))}])
def test_positive_pairs_wants_as_many_views_as_images(bad):
    with pytest.raises(ValueError, match=r"pairs must hold"):
        pairs.positive_pairs(views(4), bad)


def test_logits_matrix_shows_the_logits_and_frames_every_target():
    logits = torch.linspace(-1, 1, 9).reshape(3, 3)
    fig = pairs.logits_matrix(views(3), views(3), logits)
    (panel,) = [ax for ax in fig.axes if len(ax.patches) == 3]
    assert torch.equal(torch.from_numpy(panel.images[0].get_array().data), logits)
    assert panel.images[0].get_clim() == (-1, 1)
    corners = {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)) for p in panel.patches}
    assert corners == {(0, 0), (1, 1), (2, 2)}


def test_dots_and_distances_are_scattered_as_given_and_thinned():
    s = torch.linspace(-1, 1, 50)
    fig = pairs.dot_against_distance(s, (2 - 2 * s).sqrt(), shown=20)
    points = torch.as_tensor(fig.axes[0].collections[0].get_offsets().data)
    assert len(points) == 20
    assert torch.allclose(points[:, 1] ** 2, 2 - 2 * points[:, 0], atol=1e-5)
