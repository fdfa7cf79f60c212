"""Augmentations against torchvision: pixel by pixel, distribution by distribution, by effect.

The oracle for a view is torchvision's own chain of functional operations, one image at a time,
fed the same parameters. A chain rounds to whole pixels at every step, one composed resampling
only once, so the two may differ where rounding does: at outlines.
"""

import itertools
import math
from collections import Counter

import pytest
import torch
import torchvision.transforms as T
import torchvision.transforms.functional as F
from scipy import stats
from torchvision.transforms import InterpolationMode

from replearn import augmentations as aug
from replearn.shapes import ShapesDataset

NEAREST = InterpolationMode.NEAREST
EXACT = InterpolationMode.NEAREST_EXACT  # at pixel centres, where NEAREST is half a pixel off
FULL_SQUARE = [[0, 0], [95, 0], [95, 95], [0, 95]]
ALL = {name: known.augmentation for name, known in aug.SETS.items()} | {"grayscale": aug.grayscale}


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    return ShapesDataset("train")


@pytest.fixture(scope="module")
def images(data):
    return data.images(range(128))


def coordinates(n, side=64):
    """Images that say where each of their pixels is: x, y (pixels), and 1 for 'inside'."""
    at = torch.arange(side) + 0.5
    rows = torch.stack([at.expand(side, side), at[:, None].expand(side, side)]) / side
    return torch.cat([rows, torch.ones(1, side, side)]).expand(n, -1, -1, -1).contiguous()


def test_grayscale_is_torchvisions(images):
    expected = F.rgb_to_grayscale(images, 3)
    torch.testing.assert_close(aug.grayscale(images), expected, atol=1e-6, rtol=0)


def jitter_order(parameters, i):
    """The four operations of row i, first applied first."""
    moment = int(parameters["moment"][i])
    order = [("brightness", "contrast", "saturation")[k] for k in parameters["order"][i]]
    return (*order[:moment], "hue", *order[moment:])


@pytest.mark.parametrize("n", [1, 3, 5, 64])
@pytest.mark.parametrize("noise", [False, True], ids=["shapes", "noise"])
def test_jitter_is_torchvisions_chain_in_the_same_order(images, n, noise):
    x = torch.rand(n, 3, 64, 64, generator=generator(n)) if noise else images[:n]
    jitter = aug.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.9, hue=0.5)
    parameters = jitter.sample(x, generator(n + 10))
    views = jitter.apply(x, parameters)
    for i in range(n):
        expected = x[i]
        for kind in jitter_order(parameters, i):
            expected = getattr(F, f"adjust_{kind}")(expected, float(parameters[kind][i]))
        torch.testing.assert_close(views[i], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_every_jitter_order_is_as_likely_as_any_other(n):
    jitter = aug.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.9, hue=0.5)
    x, draws, source = torch.zeros(n, 3, 8, 8), 7200 // n, generator(n)
    samples = [jitter.sample(x, source) for _ in range(draws)]
    for i in range(n):  # wherever in the batch
        seen = Counter(jitter_order(p, i) for p in samples)
        assert len(seen) == 24
        assert stats.chisquare(list(seen.values())).pvalue > 1e-3


def test_jitter_amounts_are_torchvisions():
    tv = T.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.9, hue=0.5)
    torch.manual_seed(0)
    ranges = (tv.brightness, tv.contrast, tv.saturation, tv.hue)
    theirs = [T.ColorJitter.get_params(*ranges)[1:] for _ in range(3000)]
    ours = aug.A.steps[1].sample(torch.zeros(3000, 3, 8, 8), generator(0))
    for i, kind in enumerate(("brightness", "contrast", "saturation", "hue")):
        assert stats.ks_2samp(ours[kind].numpy(), [p[i] for p in theirs]).pvalue > 1e-3


def test_grayscale_strikes_with_its_probability():
    x = torch.zeros(10_000, 3, 8, 8)
    share = aug.A.steps[0].sample(x, generator(0))["gray"].float().mean()
    assert float(share) == pytest.approx(0.2, abs=4 * math.sqrt(0.2 * 0.8 / 10_000))
    assert bool(aug.grayscale.sample(x)["gray"].all())


def assert_same_pixels(view, expected, side):
    """Nearly all show the same source pixel, and the others, at ties, its neighbour.

    Pixels that only one of the two shows count as different, yet not as far apart.
    """
    inside, expected_inside = view[:, 2] > 0.5, expected[:, 2] > 0.5
    both = inside & expected_inside
    apart = (view - expected)[:, :2].abs().amax(1) * side
    same = (both & (apart < 0.1)) | ~(inside | expected_inside)
    assert float(same.float().mean()) > 0.999
    assert float(apart[both].max()) <= 1.01


@pytest.mark.parametrize("seed", [0, 1])
def test_rotation_shows_the_pixels_that_torchvision_shows(seed):
    n, side = 24, 96
    angle = 2 * math.pi * torch.rand(n, generator=generator(seed))
    angle[:4] = torch.tensor([0, 0.5, 1, 1.5]) * math.pi + 1e-4
    x = coordinates(n, side)
    view = aug.resample(x, [(aug.rotation(angle, side), side)])
    degrees = angle.rad2deg().tolist()
    expected = torch.stack([F.rotate(a, b, NEAREST) for a, b in zip(x, degrees, strict=True)])
    assert_same_pixels(view, expected, side)


@pytest.mark.parametrize("seed", [0, 1])
def test_shear_and_translation_show_the_pixels_that_torchvision_shows(seed):
    n, side = 24, 96
    shear = math.radians(80) * (2 * torch.rand(n, 2, generator=generator(seed)) - 1)
    shift = (29 * (2 * torch.rand(n, 2, generator=generator(seed + 1)) - 1)).round()
    x = coordinates(n, side)
    view = aug.resample(x, [(aug.shear_and_translation(shear, shift, side), side)])
    expected = torch.stack(
        [
            F.affine(x[i], 0, shift[i].int().tolist(), 1.0, shear[i].rad2deg().tolist(), NEAREST)
            for i in range(n)
        ]
    )
    assert_same_pixels(view, expected, side)


@pytest.mark.parametrize("seed", [0, 1])
def test_perspective_shows_the_pixels_that_torchvision_shows(seed):
    n, side = 24, 96
    torch.manual_seed(seed)
    ends = [T.RandomPerspective.get_params(side, side, 0.6)[1] for _ in range(n)]
    x = coordinates(n, side)
    view = aug.resample(x, [(aug.perspective(torch.tensor(ends).float(), side), side)])
    expected = torch.stack([F.perspective(x[i], FULL_SQUARE, ends[i], NEAREST) for i in range(n)])
    assert_same_pixels(view, expected, side)


@pytest.mark.parametrize("seed", [0, 1])
def test_crop_shows_the_pixels_that_torchvision_shows(seed):
    n, side = 24, 64
    x = coordinates(n, side)
    box = aug.crop_boxes(n, side, (0.4, 0.8), (0.2, 5), x, generator(seed))
    view = aug.resample(x, [(aug.crop(box, side), side)])
    expected = torch.stack(
        [
            F.resized_crop(x[i], int(top), int(left), int(h), int(w), [side, side], EXACT)
            for i, (left, top, w, h) in enumerate(box)
        ]
    )
    assert_same_pixels(view, expected, side)


def test_identity_stages_change_nothing(images):
    n, zero = len(images), torch.zeros(len(images), 2)
    stages = [
        (aug.rotation(zero[:, 0], 64), 64),
        (aug.shear_and_translation(zero, zero, 64), 64),
        (aug.perspective(torch.tensor(FULL_SQUARE).float().expand(n, 4, 2), 96), 96),
    ]
    for stage in stages:
        assert torch.equal(aug.resample(images, [stage]), images)
    padded = [(aug.padding(n, 16, images), 64), (aug.padding(n, -16, images), 96)]
    assert torch.equal(aug.resample(images, padded[::-1]), images)


def chain_b(image, p, i, resize):
    image = F.rotate(F.pad(image, 24), math.degrees(p["angle"][i]), NEAREST)
    left, top, width, height = (int(v) for v in p["box"][i])
    return F.resized_crop(image, top, left, height, width, [64, 64], resize)


def chain_c(image, p, i, resize):
    image = F.rotate(F.pad(image, 16), math.degrees(p["angle"][i]), NEAREST)
    if p["warped"][i]:
        shear, shift = p["shear"][i].rad2deg().tolist(), p["shift"][i].int().tolist()
        image = F.affine(image, 0, shift, 1.0, shear, NEAREST)
        image = F.perspective(image, FULL_SQUARE, p["corners"][i].tolist(), NEAREST)
    left, top, width, height = (int(v) for v in p["box"][i])
    image = F.resized_crop(image, top, left, height, width, [64, 64], resize)
    return F.rotate(image, math.degrees(p["last_angle"][i]), NEAREST)


CHAINS = {"B": (aug.B, chain_b), "C": (aug.C, chain_c)}


def both_ways(name, images, seed, resize):
    augmentation, chain = CHAINS[name]
    parameters = augmentation.sample(images, generator(seed))
    expected = [chain(image, parameters, i, resize) for i, image in enumerate(images)]
    return augmentation.apply(images, parameters), torch.stack(expected)


@pytest.mark.parametrize(
    ("name", "resize", "mean", "worst"),
    [
        *(("B", EXACT, 0.012, 0.05), ("B", NEAREST, 0.022, 0.07), ("C", EXACT, 0.014, 0.06)),
        ("C", NEAREST, 0.018, 0.07),
    ],
)
def test_views_are_torchvisions_chain_but_for_outlines(images, name, resize, mean, worst):
    """``mean`` and ``worst`` are the allowed shares of differing pixels, over and among images."""
    views, expected = both_ways(name, images, 5, resize)
    differ = ((views - expected).abs().amax(1) > 1e-3).float().mean((1, 2))
    assert float(differ.mean()) < mean
    assert float(differ.max()) < worst
    # No image is empty in one and well visible in the other.
    assert not bool(((views.amax((1, 2, 3)) == 0) & (expected.gt(0).sum((1, 2, 3)) > 60)).any())
    assert not bool(((expected.amax((1, 2, 3)) == 0) & (views.gt(0).sum((1, 2, 3)) > 60)).any())


@pytest.mark.parametrize(("name", "canvas", "typical"), [("B", 0.01, 0.6), ("C", 0.015, 1.2)])
def test_views_look_where_torchvisions_chain_looks(name, canvas, typical):
    """On coordinates: the same canvas is blanked, the same place is shown, without a drift."""
    views, expected = both_ways(name, coordinates(96), 6, EXACT)
    inside, expected_inside = views[:, 2] > 0.5, expected[:, 2] > 0.5
    assert float((inside != expected_inside).float().mean()) < canvas
    # The canvases blank something, or the line above would say little.
    assert 0.1 < float(inside.float().mean()) < 0.9
    apart = ((views - expected)[:, :2] * 64).movedim(1, -1)[inside & expected_inside]
    assert float(apart.abs().mean()) < typical
    assert float(apart.mean(0).abs().max()) < 0.1


@pytest.mark.parametrize(
    ("canvas", "scale", "ratio"),
    [(112, (0.2, 0.6), (1, 1)), (96, (0.4, 0.8), (0.2, 5)), (96, (0.9, 1.0), (0.2, 5))],
    ids=["B", "C", "often-too-large"],
)
def test_crop_boxes_are_distributed_as_torchvisions(canvas, scale, ratio):
    n = 4000
    torch.manual_seed(0)
    like = torch.zeros(3, canvas, canvas)
    theirs = torch.tensor([T.RandomResizedCrop.get_params(like, scale, ratio) for _ in range(n)])
    top, left, height, width = theirs.double().unbind(1)
    box = aug.crop_boxes(n, canvas, scale, ratio, like, generator(0)).double()
    assert bool((box >= 0).all())
    assert bool((box[:, :2] + box[:, 2:] <= canvas).all())
    assert bool((box == box.round()).all())
    pairs = {
        "area": (box[:, 2] * box[:, 3], width * height),
        "ratio": (box[:, 2] / box[:, 3], width / height),
        "left": (box[:, 0], left),
        "top": (box[:, 1], top),
        "right": (box[:, 0] + box[:, 2], left + width),
    }
    for name, (ours, expected) in pairs.items():
        assert stats.ks_2samp(ours.numpy(), expected.numpy()).pvalue > 1e-3, name
    whole = [
        float(((w == canvas) & (h == canvas)).double().mean())
        for w, h in ((box[:, 2], box[:, 3]), (width, height))
    ]
    assert whole[0] == pytest.approx(whole[1], abs=4 * math.sqrt(0.5 / n))


def test_crop_falls_back_to_the_whole_canvas_when_ten_tries_fail():
    whole, like = torch.tensor([0.0, 0, 64, 64]), torch.zeros(1)
    box = aug.crop_boxes(2000, 64, (0.99, 1.0), (0.2, 5), like, generator(0))
    # A try fits if the ratio rounds to one: |log ratio| < log(64.5² / area), nearly all fail.
    assert 0.5 < float((box == whole).all(1).float().mean()) < 1
    impossible = aug.crop_boxes(50, 64, (1, 1), (4, 4), like, generator(0))
    assert torch.equal(impossible, whole.expand(50, 4))


def test_warps_are_distributed_as_torchvisions():
    n = 3000
    ours = aug.C.sample(torch.zeros(n, 3, 64, 64), generator(0))
    torch.manual_seed(0)
    bounds = ([0.0, 0.0], (0.3, 0.3), None, [-80.0, 80.0, -80.0, 80.0], [96, 96])
    affine = [T.RandomAffine.get_params(*bounds) for _ in range(n)]
    shift = torch.tensor([a[1] for a in affine]).float()
    shear = torch.tensor([a[3] for a in affine]).deg2rad()
    ends = [T.RandomPerspective.get_params(96, 96, 0.6)[1] for _ in range(n)]
    corners = torch.tensor(ends).float()
    for mine, theirs in ((ours["shift"], shift), (ours["shear"], shear)):
        for axis in (0, 1):
            sample = stats.ks_2samp(mine[:, axis].numpy(), theirs[:, axis].numpy())
            assert sample.pvalue > 1e-3
    for corner, axis in itertools.product(range(4), (0, 1)):
        mine, theirs = ours["corners"][:, corner, axis], corners[:, corner, axis]
        assert stats.ks_2samp(mine.numpy(), theirs.numpy()).pvalue > 1e-3
        assert (mine.min(), mine.max()) == (theirs.min(), theirs.max())
    assert float(ours["warped"].float().mean()) == pytest.approx(0.7, abs=0.034)
    for angle in (
        ours["angle"],
        ours["last_angle"],
        aug.B.sample(torch.zeros(n, 3, 64, 64), generator(1))["angle"],
    ):
        assert stats.kstest(angle.numpy() / (2 * math.pi), "uniform").pvalue > 1e-3


def torchvision_view(name):
    turn = T.RandomRotation((0, 360), NEAREST)
    if name == "B":
        cut = T.RandomResizedCrop(64, (0.2, 0.6), (1, 1), NEAREST)
        return T.Compose([T.Pad(24), turn, cut])
    warp = [
        T.RandomAffine(0, (0.3, 0.3), shear=(-80, 80, -80, 80), interpolation=NEAREST),
        T.RandomPerspective(0.6, p=1, interpolation=NEAREST),
    ]
    cut = T.RandomResizedCrop(64, (0.4, 0.8), (0.2, 5), NEAREST)
    return T.Compose([T.Pad(16), turn, T.RandomApply(warp, 0.7), cut, turn])


@pytest.mark.parametrize(("name", "low", "high"), [("B", 0.003, 0.012), ("C", 0.015, 0.04)])
def test_as_many_views_are_empty_as_with_torchvision(data, name, low, high):
    n, many = 800, 4000
    torch.manual_seed(0)
    chain = torchvision_view(name)
    theirs = sum(float(chain(image).amax()) == 0 for image in data.images(range(n))) / n
    g = generator(0)
    batches = [CHAINS[name][0](data.images(range(k, k + 500)), g) for k in range(0, many, 500)]
    ours = float(torch.cat([b.amax((1, 2, 3)) == 0 for b in batches]).float().mean())
    error = math.sqrt(ours * (1 - ours) * (1 / n + 1 / many))
    assert abs(ours - theirs) < 3.5 * error
    assert low < ours < high


def lit(images):
    return images.amax(1) > 0


def test_a_leaves_shape_position_size_and_angle(images):
    views = aug.A(images, generator(3))
    # Contrast adds the same grey to every pixel: what stands out of the corner's colour is lit.
    haze = views[:, :, :1, :1]
    stands_out = (views - haze).abs().amax(1) > 1e-3
    solid = images.amax(1) > 0.9 * images.amax((1, 2, 3))[:, None, None]
    assert float((stands_out & lit(images)).sum() / stands_out.sum()) == 1
    # A colour may turn so dark, or so like the haze, that little of it is left; not often.
    kept = (stands_out & solid).sum((1, 2)) / solid.sum((1, 2))
    assert float((kept > 0.99).float().mean()) > 0.95
    assert float((views - images).abs().amax((1, 2, 3)).min()) > 1e-3  # and something changed


def assert_no_new_color(images, views):
    for image, view in zip(images, views, strict=True):
        colors = {tuple(c) for c in image.flatten(1).T.tolist()} | {(0.0, 0.0, 0.0)}
        assert {tuple(c) for c in view.flatten(1).T.tolist()} <= colors


def test_b_leaves_colour_and_area_up_to_zoom(data, images):
    parameters = aug.B.sample(images, generator(4))
    views = aug.B.apply(images, parameters)
    assert_no_new_color(images[:24], views[:24])
    zoom = 64 / parameters["box"][:, 2]
    border = torch.cat([views[:, :, [0, -1]].flatten(1), views[..., [0, -1]].flatten(1)], 1)
    uncut = border.amax(1) == 0
    uncut &= views.amax((1, 2, 3)) > 0
    assert int(uncut.sum()) > 20
    area, before = (x.sum((1, 2, 3)) / data.factors.rgb[:128].sum(1) for x in (views, images))
    ratio = (area / before / zoom**2)[uncut]
    assert float(ratio.mean()) == pytest.approx(1, abs=0.01)
    assert float((ratio - 1).abs().max()) < 0.15
    assert 0.73 < float(zoom.min()) < float(zoom.max()) < 1.29


def test_c_leaves_colour(images):
    views = aug.C(images, generator(5))
    assert_no_new_color(images[:24], views[:24])


@pytest.mark.parametrize("name", ALL)
def test_views_are_images(images, name):
    before = images.clone()
    views = ALL[name](images, generator(0))
    assert torch.equal(images, before)
    assert views.shape == images.shape
    assert views.dtype == images.dtype
    assert float(views.min()) >= 0
    assert float(views.max()) <= 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_any_batch_size_will_do(images, name, n):
    assert ALL[name](images[:n]).shape == images[:n].shape


@pytest.mark.parametrize("name", ["A", "B", "C"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_show_the_same_view(images, name, dtype):
    x = images[:16]
    parameters = ALL[name].sample(x, generator(0))
    view = ALL[name].apply(x.to(dtype), parameters)
    assert view.dtype == dtype
    expected = ALL[name].apply(x.to(dtype).float(), parameters)
    tolerance = 1e-5 if dtype == torch.float64 else 0.06  # saturation and hue magnify rounding
    torch.testing.assert_close(view.float(), expected, atol=tolerance, rtol=0)
    bright = torch.ones(64, 3, 64, 64, dtype=dtype)  # their sum is beyond float16
    assert ALL[name](bright).shape == bright.shape


@pytest.mark.parametrize("name", ALL)
def test_views_of_some_rows_are_theirs_among_all(images, name):
    augmentation, source = ALL[name], generator(1)
    whole = augmentation(images, source)
    for rows in (slice(0, 32), slice(32, 37), slice(127, 128)):
        part = generator(1)
        assert torch.equal(augmentation(images, part, rows), whole[rows])
        assert torch.equal(part.get_state(), source.get_state())  # what follows is the same too


@pytest.mark.parametrize("name", ALL)
def test_a_view_can_be_replayed(images, name):
    augmentation = ALL[name]
    x = images[:32]
    views = augmentation(x, generator(1))
    assert torch.equal(views, augmentation(x, generator(1)))
    parameters = augmentation.sample(x, generator(1))
    assert torch.equal(views, augmentation.apply(x, parameters))
    if name != "grayscale":
        assert not torch.equal(views, augmentation(x, generator(2)))


@pytest.mark.parametrize("name", ALL)
def test_a_view_depends_on_its_own_image_alone(images, name):
    augmentation, x = ALL[name], images[:32]
    parameters = augmentation.sample(x, generator(1))
    views = augmentation.apply(x, parameters)
    for i in (0, 13, 31):
        others = images[64:96].clone()
        others[i] = x[i]
        assert torch.equal(augmentation.apply(others, parameters)[i], views[i])


@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_equal_images_get_different_views(images, name):
    # Row 5's colour is not grey, so that every draw shows.
    views = ALL[name](images[5:6].expand(16, -1, -1, -1), generator(0))
    distinct = {view.numpy().tobytes() for view in views}
    assert len(distinct) >= 13  # grey or empty views may coincide


def test_strides_do_not_matter(images):
    x = images[:8]
    for name in ("A", "B", "C"):
        parameters = ALL[name].sample(x, generator(0))
        expected = ALL[name].apply(x, parameters)
        for odd in (x.to(memory_format=torch.channels_last), x.mT.contiguous().mT):
            torch.testing.assert_close(ALL[name].apply(odd, parameters), expected)


def test_compose_applies_in_order(images):
    x = images[:8]
    both = aug.compose(aug.B, aug.compose(aug.A, aug.grayscale))
    assert both.name == "B then A then grayscale"
    source = generator(1)
    parameters = both.sample(x, generator(1))
    b, a = aug.B.sample(x, source), aug.A.sample(x, source)
    expected = aug.grayscale(aug.A.apply(aug.B.apply(x, b), a))
    assert torch.equal(both.apply(x, parameters), expected)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (torch.zeros(2, 3, 8, 8).byte(), TypeError, "floating-point tensor, got .*int8"),
        (torch.zeros(2, 1, 8, 8), ValueError, r"\(n, 3, s, s\), got \(2, 1, 8, 8\)"),
        (torch.zeros(2, 3, 8, 9), ValueError, r"\(n, 3, s, s\), got \(2, 3, 8, 9\)"),
        (torch.full((1, 3, 8, 8), math.nan), ValueError, r"lie in \[0, 1\], got .*nan"),
        (torch.full((1, 3, 8, 8), 255.0), ValueError, r"lie in \[0, 1\], got .* 255"),
        (torch.full((1, 3, 8, 8), -0.1), ValueError, r"lie in \[0, 1\], got .* -0.1"),
    ],
)
@pytest.mark.parametrize("name", ["A", "C"])
def test_bad_images_are_refused(images, error, message, name):
    with pytest.raises(error, match=message):
        ALL[name](images)


def test_bad_compositions_are_refused():
    with pytest.raises(ValueError, match="steps must hold at least one augmentation"):
        aug.compose()
    with pytest.raises(TypeError, match="steps must be augmentations, got 'A'"):
        aug.compose(aug.A, "A")


class Mirror(aug.Augmentation):
    """A reader's own, which calls nothing that looks at the values."""

    name = "mirror"

    def sample(self, images, generator=None):
        return {}

    def apply(self, images, parameters):
        return images.flip(-1)


@pytest.mark.parametrize(
    "augmentation", [Mirror(), aug.compose(Mirror(), aug.A), aug.compose(aug.B, Mirror())]
)
@pytest.mark.parametrize("value", [-0.1, 255.0, math.nan])
def test_an_augmentation_of_ones_own_is_given_nothing_out_of_range(augmentation, value):
    images = torch.full((2, 3, 8, 8), 0.5)
    images[1, 2, 3, 4] = value
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
        augmentation(images)
    assert augmentation(torch.full((2, 3, 8, 8), 0.5)).shape == images.shape
