"""The data set: what the table says is what the pictures show, bit for bit, everywhere."""

import hashlib
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from replearn import shapes
from replearn.shapes import COLORS, SHAPES, Factors, ShapesDataset

LOOK = list(range(0, 40_000, 157))  # a sample of the training split


@pytest.fixture(scope="module")
def train():
    return ShapesDataset("train")


@pytest.fixture(scope="module")
def val():
    return ShapesDataset("val")


@pytest.fixture(scope="module")
def sample(train):
    rows = torch.tensor(LOOK)
    return train.images(rows), train.factors[rows]


def draw_one(shape, *, angle=0.0, position=(32.0, 32.0), size=20.0, rgb=(1.0, 0.5, 0.25)):
    row = SHAPES.index(shape), 0, rgb, position, size, angle
    return shapes.draw(Factors(*(torch.tensor([value]) for value in row)))[0]


def test_splits_are_the_first_and_the_last_rows_of_one_table(train, val):
    assert (len(train), len(val)) == (40_000, 24_000)
    whole = Factors.draw(64_000, 0)
    for name, value in vars(whole).items():
        assert torch.equal(getattr(train.factors, name), value[:40_000])
        assert torch.equal(getattr(val.factors, name), value[40_000:])


def test_sizes_and_seeds_can_be_chosen(train):
    assert [len(ShapesDataset(split, size=800)) for split in ("train", "val")] == [500, 300]
    other = ShapesDataset("train", seed=1)
    assert not torch.equal(other.factors.position, train.factors.position)


@pytest.mark.parametrize("split", ["train", "val"])
def test_factors_fill_their_ranges_evenly(split):
    f = ShapesDataset(split).factors
    n = len(f)
    assert (f.shape.dtype, f.color.dtype) == (torch.int64, torch.int64)
    for value, names in ((f.shape, SHAPES), (f.color, COLORS)):
        share = torch.bincount(value, minlength=len(names)) / n
        assert share.tolist() == pytest.approx([1 / len(names)] * len(names), abs=0.012)
    for low, high, value in ((*shapes._SIZES, f.size), (0, 2 * math.pi, f.angle)):
        assert low <= float(value.min()) < low + 0.01 * (high - low)
        assert high - 0.01 * (high - low) < float(value.max()) <= high
        assert float(value.mean()) == pytest.approx((low + high) / 2, rel=0.02)
    assert f.position.mean(0).tolist() == pytest.approx([32, 32], abs=0.4)
    assert 0 <= float(f.rgb.min()) <= float(f.rgb.max()) <= 1


def test_factors_are_independent_of_each_other(train):
    f = train.factors
    columns = [f.shape, f.color, *f.position.T, f.size, f.angle]
    correlation = torch.corrcoef(torch.stack([c.double() for c in columns])).fill_diagonal_(0)
    assert float(correlation.abs().max()) < 0.02


def test_colours_are_their_class_but_for_the_noise_and_never_another(train):
    f = train.factors
    palette = torch.stack([f.rgb[f.color == c].mean(0) for c in range(len(COLORS))])
    assert float((f.rgb - palette[f.color]).abs().max()) < 1.1 * shapes._RGB_NOISE
    distances = torch.cdist(f.rgb, palette)
    assert torch.equal(distances.argmin(1), f.color)
    # The nearest other class is farther than the farthest two images of one class, so that
    # "same colour" is a matter of distance alone.
    apart = torch.cdist(palette, palette).fill_diagonal_(math.inf)
    spread = max(float(torch.pdist(f.rgb[f.color == c][:500]).max()) for c in range(len(COLORS)))
    assert spread < float(apart.min())


def test_all_images_are_distinct_even_in_8_bits(train, val):
    seen = set()
    for part in (train, val):
        for start in range(0, len(part), 1000):
            eight_bits = (part.images(range(start, start + 1000)) * 255).round().byte().numpy()
            seen.update(hashlib.blake2b(image, digest_size=12).digest() for image in eight_bits)
    assert len(seen) == 64_000


def test_an_image_is_the_same_in_every_batch_order_slice_and_type_of_index(train):
    rows = [7, 39_999, 0, 123, 7, 20_001]
    batch = train.images(rows)
    assert batch.shape == (6, 3, 64, 64)
    assert batch.dtype == torch.float32
    for row, image in zip(rows, batch, strict=True):
        assert torch.equal(train[row], image)
        assert torch.equal(train[row - 40_000], image)
        assert torch.equal(train.images(slice(row, row + 1))[0], image)
    assert torch.equal(train.images(rows[::-1]), batch.flip(0))
    for kind in (torch.int32, torch.int64):
        assert torch.equal(train.images(torch.tensor(rows, dtype=kind)), batch)
    for kind in (torch.uint8, torch.int8, torch.int16):  # rows, and no mask
        some = torch.tensor([1, 0, 100], dtype=kind)
        assert torch.equal(train.images(some), train.images([1, 0, 100]))
    assert torch.equal(train.images(np.array(rows)), batch)
    assert torch.equal(train.images(tuple(rows)), batch)
    large = train.images(range(1000))
    assert torch.equal(large[[123, 7, 0]], train.images([123, 7, 0]))
    assert torch.equal(large[5::7], train.images(slice(5, 1000, 7)))


def test_no_rows_give_no_images(train):
    for nothing in ([], slice(5, 5), torch.empty(0, dtype=torch.long), range(0)):
        assert train.images(nothing).shape == (0, 3, 64, 64)


def test_another_process_draws_the_same_images(train):
    program = (
        "import hashlib, torch; from replearn.shapes import ShapesDataset; "
        "torch.set_num_threads(2); d = ShapesDataset('train'); "
        "print(hashlib.sha256(d.images(range(40, 140)).numpy().tobytes()).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()
    images = torch.stack([train[i] for i in range(40, 140)])
    assert there == hashlib.sha256(images.numpy().tobytes()).hexdigest()


def test_values_are_the_shapes_colour_or_less(sample):
    images, f = sample
    assert float(images.min()) == 0
    assert bool((images <= f.rgb[:, :, None, None]).all())
    assert torch.equal(images.amax((2, 3)), f.rgb)


def coverage(images, rgb):
    """The share of each pixel that is covered, as its colour tells."""
    return (images.sum(1) / rgb.sum(1)[:, None, None]).double()


def test_the_area_is_size_squared_whatever_the_shape(sample):
    """Hence nothing is cut off at the border either."""
    images, f = sample
    ratio = coverage(images, f.rgb).sum((1, 2)) / f.size.double() ** 2
    for shape in range(len(SHAPES)):
        mine = ratio[f.shape == shape]
        assert float(mine.mean()) == pytest.approx(1, abs=0.005)
        assert float((mine - 1).abs().max()) < 0.012


def test_the_whole_of_every_shape_is_inside(train, val):
    for f in (train.factors, val.factors):
        reach = f.size * torch.tensor([1 / math.sqrt(math.pi), 0.8774, math.sqrt(0.5)])[f.shape]
        assert bool((f.position - reach[:, None] >= 0).all())
        assert bool((f.position + reach[:, None] <= 64).all())


def test_the_centroid_is_the_position(sample):
    images, f = sample
    mass = coverage(images, f.rgb)
    at = torch.arange(64) + 0.5
    total = mass.sum((1, 2))
    x, y = (mass.sum(1) * at).sum(1) / total, (mass.sum(2) * at).sum(1) / total
    assert float((torch.stack([x, y], 1) - f.position).abs().max()) < 0.1


def test_shapes_can_be_told_apart(sample):
    """By the farthest solid pixel from the centre, in units of size."""
    images, f = sample
    at = torch.arange(64) + 0.5
    x, y = at - f.position[:, :1], at - f.position[:, 1:]
    radius = (x.square()[:, None, :] + y.square()[:, :, None]).sqrt()
    solid = coverage(images, f.rgb) > 0.5
    reach = (radius * solid).amax((1, 2)) / f.size
    assert float(reach[f.shape == 0].max()) < 0.62 < float(reach[f.shape == 2].min())
    assert float(reach[f.shape == 2].max()) < 0.73 < float(reach[f.shape == 1].min())


@pytest.mark.parametrize(("shape", "period"), [("triangle", 2 / 3), ("square", 1 / 2)])
def test_rotation_repeats_with_the_shapes_symmetry(shape, period):
    base, step = 0.3, period * math.pi
    image = draw_one(shape, angle=base)
    torch.testing.assert_close(draw_one(shape, angle=base + step), image, atol=1e-4, rtol=0)
    assert float((draw_one(shape, angle=base + step / 2) - image).abs().max()) > 0.5


def test_a_circle_has_no_angle():
    assert torch.equal(draw_one("circle", angle=0.3), draw_one("circle", angle=1.7))


@pytest.mark.parametrize("shape", ["triangle", "square"])
@pytest.mark.parametrize("angle", [0.0, 0.4, 2.5])
def test_a_side_faces_where_the_angle_points(shape, angle):
    """Along the angle the outline is as near as it gets: at the inradius."""
    image = draw_one(shape, angle=angle, rgb=(1.0, 1.0, 1.0), size=26.0)[0]
    inradius = 26 * {"triangle": 0.4387, "square": 0.5}[shape]
    for along, expected in ((inradius - 1.2, 1.0), (inradius + 1.2, 0.0)):
        x, y = 32 + along * math.cos(angle), 32 + along * math.sin(angle)
        assert float(image[int(y), int(x)]) == expected


def test_moving_by_whole_pixels_moves_the_picture():
    image = draw_one("triangle", angle=0.7, position=(30.25, 33.5))
    moved = draw_one("triangle", angle=0.7, position=(35.25, 31.5))
    assert torch.equal(moved, image.roll((-2, 5), (1, 2)))


def test_a_quarter_turn_of_the_factors_is_one_of_the_picture():
    image = draw_one("triangle", angle=0.7, position=(30.0, 36.0))
    turned = draw_one("triangle", angle=0.7 + math.pi / 2, position=(64 - 36.0, 30.0))
    torch.testing.assert_close(turned, image.rot90(-1, (1, 2)), atol=1e-4, rtol=0)


def test_it_is_a_dataset_for_a_dataloader(val):
    assert torch.equal(next(iter(DataLoader(val, batch_size=8))), val.images(range(8)))
    small = ShapesDataset("val", size=16)
    assert torch.equal(torch.stack(list(small)), small.images(range(6)))


def test_factors_can_be_cut_by_slice_and_tensor(train):
    f = train.factors
    assert len(f[10:20]) == 10
    assert torch.equal(f[torch.tensor([3, 1])].size, f.size[[3, 1]])
    assert torch.equal(f[f.shape == 1].shape.unique(), torch.tensor([1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "test"}, "split must be one of 'train', 'val', got 'test'"),
        ({"size": 7}, "size must be at least 8, got 7"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_bad_data_sets_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShapesDataset(**{"split": "train", **arguments})


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        ([0, 40_000], IndexError, r"index must lie in -40000 … 39999, got 40000"),
        ([-40_001], IndexError, "got -40001"),
        ([0.5], TypeError, r"indices must be integers in one row, got torch.float32 .*\(1,\)"),
        ([True], TypeError, r"got torch.bool of shape \(1,\)"),
        (torch.tensor([1j]), TypeError, "got torch.complex64"),
        ([[0, 1]], TypeError, r"got torch.int64 of shape \(1, 2\)"),
        (3, TypeError, r"got torch.int64 of shape \(\)"),
        (torch.empty(0, 2), TypeError, r"got torch.float32 of shape \(0, 2\)"),
        (["a"], TypeError, r"got \['a'\]"),
        (None, TypeError, "got None"),
        ([2**70], TypeError, r"got \[1180591620717411303424\]"),
    ],
)
def test_bad_indices_are_refused(train, indices, error, message):
    with pytest.raises(error, match=message):
        train.images(indices)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_an_accelerator_draws_the_same_within_rounding(train):
    rows = torch.arange(0, 40_000, 997)
    there = train.images(rows.cuda())
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), train.images(rows), atol=2e-5, rtol=0)
    assert torch.equal(train.images(rows, "cuda"), there)
