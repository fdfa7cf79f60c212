import math

import pytest
import torch

from replearn import geometry
from replearn.figures import sphere as pictures
from replearn.shapes import ShapesDataset
from replearn.theory import arrangements, tammes


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_sphere_counterexample_names_both_lengths():
    features, groups = arrangements.counterexample("ii")
    shown = texts(pictures.sphere_counterexample(features, groups))
    diameter = float(geometry.diameters(features, groups)[0])
    margin = float(geometry.margins(features, groups)[0, 1])
    assert f"diameter {diameter:.2f}" in shown
    assert f"margin {margin:.2f}" in shown


@pytest.mark.parametrize("seed", range(5))
def test_a_view_is_a_rotation_that_brings_its_direction_to_the_front(seed):
    print(f"seed {seed}")
    toward = torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    view = pictures._view(toward)
    assert torch.allclose(view @ view.T, torch.eye(3, dtype=torch.float64))
    assert float(torch.linalg.det(view)) == pytest.approx(1)
    front = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    assert torch.allclose(view @ (toward / toward.norm()), front)


def test_tammes_says_what_is_proved_and_what_is_only_found():
    points = {4: tammes.simplex(4, 3), 17: tammes.spread(17, 3)}
    fig = pictures.tammes(points)
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert titles[0] == "N = 4\n109.47°\nproved optimum"
    assert titles[1].endswith("best found")


@pytest.mark.parametrize("turned", [0, 40, 180])
def test_tammes_shows_every_point_from_every_side_hollow_where_it_is_behind(turned):
    (ax,) = pictures.tammes({6: tammes.spread(6, 3)}, turned).axes
    behind, front = ax.collections
    assert len(behind.get_offsets()) + len(front.get_offsets()) == 6
    in_the_middle = abs(front.get_offsets().data).max(1) < 1e-3
    assert in_the_middle.any() == (turned == 0)
    if turned == 0:  # one point faces us, so that of an octahedron's others one alone is hidden
        assert len(behind.get_offsets()) == 1
        assert front.get_offsets().data.min(0) == pytest.approx([-1, -1], abs=1e-3)


def test_tammes_angles_sets_the_unproved_apart():
    fig = pictures.tammes_angles({4: 109.4, 15: 53.6}, {4: 109.47, 5: 90.0})
    bars, known, others = fig.axes[0].lines
    assert list(bars.get_xdata()) == [4, 5]
    assert list(known.get_xdata()) == [4]
    assert list(others.get_xdata()) == [15]


@pytest.mark.parametrize("shared", [0, 1])
def test_overlap_plots_the_losses_and_the_largest_distances_at_both_temperatures(shared):
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    far = [(features[[0, 2]], torch.tensor([[0], [1]])), (features, torch.tensor([[1], [1]]))]
    near = [(features[[0, 1]], torch.tensor([[0], [1]])), far[1]]
    losses = {1.0: [0.1, 0.7], 0.5: [0.0, 0.7]}
    fig = pictures.overlap({1.0: far, 0.5: near}, losses, shared)
    first, second, left, right = fig.axes
    assert first.get_title() == f"{shared} of 1 shared, τ = 1"
    assert second.get_title() == f"{shared} of 1 shared, τ = 0.5"
    curves = [
        (left.lines[1:], losses.values()),
        (right.lines, ([2.0, 0.0], [2**0.5, 0.0])),
    ]
    for lines, wanted in curves:
        for curve, dot, values in zip(lines[::2], lines[1::2], wanted, strict=True):
            assert list(curve.get_ydata()) == pytest.approx(values)
            assert dot.get_xydata()[0] == pytest.approx([shared, values[shared]])
    markers = {line.get_marker() for line in right.lines}
    assert len(markers) == 2  # told apart without colour


def test_overlap_wants_a_loss_for_each_placement():
    layout = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), torch.tensor([[0], [1]])
    for losses in ({1.0: [0.1, 0.2]}, {0.5: [0.1]}):
        with pytest.raises(ValueError, match="layouts and losses must hold as many entries"):
            pictures.overlap({1.0: [layout]}, losses, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_first_group_goes_left_and_shared_samples_up(seed):
    print(f"seed {seed}")
    turn = 7 * torch.rand(1, generator=torch.Generator().manual_seed(seed))
    angles = torch.tensor([3.0, 1.5, 0.2]) + turn  # of own, shared, own
    groups = torch.tensor([[0, 1], [1, 2]])
    drawn = torch.stack([angles.cos(), angles.sin()], 1)
    for features in (drawn, drawn * torch.tensor([1.0, -1.0])):
        moved = pictures._first_left(features, groups)
        assert moved[0, 0] < moved[1, 0] < moved[2, 0]
        assert moved[1, 1] > max(moved[0, 1], moved[2, 1])
        assert torch.allclose(torch.cdist(moved, moved), torch.cdist(features, features), atol=1e-5)
    same = pictures._first_left(features[[1, 1, 1]], groups)[0]
    assert torch.allclose(same, torch.tensor([0.0, 1.0]), atol=1e-5)


def test_groups_on_circle_keeps_the_angle_and_gives_each_group_a_ring():
    features, groups = arrangements.four()["tight clusters"]
    (ax,) = pictures.groups_on_circle(features.float(), groups, torch.rand(3, 3)).axes
    radii = []
    for dots in ax.collections:
        offsets = torch.as_tensor(dots.get_offsets().data)
        ring = offsets.norm(dim=1)
        assert torch.allclose(ring, ring[:1].expand_as(ring), atol=1e-5)
        radii.append(round(float(ring[0]), 3))
        angles = torch.atan2(offsets[:, 1], offsets[:, 0])
        wanted = torch.atan2(features[:, 1], features[:, 0])
        assert all(((wanted - angle).abs() < 1e-5).any() for angle in angles)
    assert len(set(radii)) == 3


def test_around_the_circle_puts_the_nearest_image_at_each_direction():
    dataset = ShapesDataset("val")
    angles = torch.linspace(0, 2 * math.pi, 100)
    features = torch.stack([angles.cos(), angles.sin()], dim=1)
    left, right = pictures.around_the_circle(dataset, {"B": features, "A": -features}, count=8).axes
    assert (left.get_title(), right.get_title()) == ("B", "A")
    for ax, sign in ((left, 1), (right, -1)):
        assert len(ax.images) == 8
        for k, drawn in enumerate(ax.images):
            x0, x1, y0, y1 = drawn.get_extent()
            direction = torch.tensor([math.cos(math.pi * k / 4), math.sin(math.pi * k / 4)])
            middle = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
            torch.testing.assert_close(middle, direction, atol=1e-5, rtol=0)
            row = int((features @ (sign * direction)).argmax())
            wanted = dataset.images(torch.tensor([row]))[0].permute(1, 2, 0)
            torch.testing.assert_close(torch.as_tensor(drawn.get_array().data), wanted)
