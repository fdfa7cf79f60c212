"""The compiled loops against the same formulas in PyTorch."""

import dataclasses
import math
import os
import subprocess
import sys

import pytest
import torch

from replearn import augmentations as aug
from replearn import shapes
from replearn.engine import loops
from replearn.shapes import Factors, ShapesDataset

ABC = pytest.mark.parametrize("augmentation", [aug.A, aug.B, aug.C], ids=lambda a: a.name)


@pytest.fixture(params=range(3))
def generator(request):
    return torch.Generator().manual_seed(request.param)


def noise(n, side, generator):
    return torch.rand(n, 3, side, side, generator=generator)


def both(monkeypatch, what):
    """Return what ``what`` gives by the loops, and by PyTorch."""
    served = []
    with monkeypatch.context() as patch:
        supports = loops.supports
        patch.setattr(loops, "supports", lambda *tensors: served.append(supports(*tensors)) or True)
        compiled = what()
        assert served
        assert all(served)
        patch.setattr(loops, "supports", lambda *tensors: False)
        return compiled, what()


def test_drawings_are_bitwise_pytorchs_but_for_its_root(monkeypatch):
    factors = Factors.draw(500, 1)
    loops, pytorch = both(monkeypatch, lambda: shapes.draw(factors))
    straight = factors.shape > 0
    assert torch.equal(loops[straight], pytorch[straight])
    # PyTorch's square root is not rounded to the nearest number everywhere; ours is.
    torch.testing.assert_close(loops, pytorch, atol=4e-6, rtol=0)


def test_what_is_not_a_number_is_not_drawn_as_one():
    factors = Factors.draw(60, 1)
    for name in ("rgb", "position", "size"):
        values = vars(factors)[name].clone()
        values[::2] = math.nan
        images = shapes.draw(dataclasses.replace(factors, **{name: values}))
        assert bool(images[::2].isnan().flatten(1).any(1).all())
        assert not bool(images[1::2].isnan().any())


@pytest.mark.parametrize("side", [1, 5, 8, 64])
@pytest.mark.parametrize("n", [0, 1, 17])
def test_recolouring_is_pytorchs(monkeypatch, generator, n, side):
    images = noise(n, side, generator)
    images[: n // 2] = (4 * images[: n // 2]).floor() / 3  # with ties, black and grey
    images.clamp_(0, 1)
    stages = [
        2 * torch.rand(n, 3, generator=generator) - 0.5,
        3 * torch.rand(n, generator=generator) - 1.5,
        torch.tensor([[1.0, 0.0, 0.0]]).expand(n, 3),
        torch.rand(n, 3, generator=generator),
        torch.zeros(n),
    ]
    loops, pytorch = both(monkeypatch, lambda: aug.recolor(images, stages))
    torch.testing.assert_close(loops, pytorch, atol=1e-5, rtol=0)


def test_a_stage_that_changes_nothing_changes_no_bit(generator):
    images = noise(4, 64, generator)
    nothing = torch.tensor([[1.0, 0.0, 0.0]]).expand(4, 3)
    assert torch.equal(loops.recolor(images, [nothing, torch.zeros(4)]), images)


@pytest.mark.parametrize("n", [0, 1, 17])
@pytest.mark.parametrize("augmentation", [aug.B, aug.C], ids=lambda a: a.name)
def test_looking_up_shows_pytorchs_pixels(monkeypatch, generator, augmentation, n):
    images = noise(n, 64, generator)
    parameters = augmentation.sample(images, generator)
    loops, pytorch = both(monkeypatch, lambda: augmentation.apply(images, parameters))
    # A coordinate on the line between two pixels may round to either.
    assert (loops != pytorch).any(1).float().mean().nan_to_num() < 1e-4


@pytest.mark.parametrize("side", [1, 5, 64])
def test_looking_up_through_any_matrices_shows_pytorchs_pixels(monkeypatch, generator, side):
    images = noise(40, side, generator)
    stages = [
        (torch.randn(40, 3, 3, generator=generator), 2.0 * side),
        (torch.randn(40, 3, 3, generator=generator), side),
    ]
    loops, pytorch = both(monkeypatch, lambda: aug.resample(images, stages))
    assert (loops != pytorch).any(1).float().mean() < 1e-3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 1e38, -1e38, 1e-45])
def test_no_matrix_makes_it_look_outside_the_image(generator, value):
    images = 0.5 + noise(9, 16, generator) / 2
    matrices = torch.eye(3).repeat(9, 1, 1)
    for i in range(9):
        matrices[i].view(-1)[i] = value
    views = loops.look_up(images, [matrices], [16.0])
    assert bool(((views == 0) | ((views >= 0.5) & (views <= 1))).all())


@ABC
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -2e-4, 1.0002])
def test_values_out_of_range_are_refused_wherever_they_are(
    monkeypatch, generator, augmentation, value
):
    images = noise(6, 64, generator)
    parameters = augmentation.sample(images, generator)
    images.view(-1)[torch.randint(images.numel(), (), generator=generator)] = value

    def error():
        with pytest.raises(ValueError, match=r"images must lie in \[0, 1\], got values from") as e:
            augmentation.apply(images, parameters)
        return str(e.value)

    loops, pytorch = both(monkeypatch, error)
    assert loops == pytorch


@ABC
def test_a_zero_may_have_a_sign(generator, augmentation):
    images = torch.zeros(3, 3, 64, 64).neg()
    assert bool((augmentation(images, generator) == 0).all())


@ABC
def test_gradients_flow_to_the_images(generator, augmentation):
    images = noise(6, 64, generator).requires_grad_()
    parameters = augmentation.sample(images, generator)
    views = augmentation.apply(images, parameters)
    (gradient,) = torch.autograd.grad(views.sum(), images)
    assert bool((gradient != 0).any())
    with torch.no_grad():
        torch.testing.assert_close(augmentation.apply(images, parameters), views, atol=1e-5, rtol=0)


def test_they_serve_single_precision_on_the_cpu_without_gradients():
    x = torch.zeros(2)
    assert loops.supports(x, x)
    assert not loops.supports(x, x.double())
    assert not loops.supports(x.half())
    assert not loops.supports(torch.zeros(2, device="meta"))
    tracked = torch.zeros(2, requires_grad=True)
    assert not loops.supports(tracked)
    with torch.no_grad():
        assert loops.supports(tracked)


# Imports the library where no folder can be written to.
UNWRITABLE = """
import numba.core.caching
def refuse(self):
    raise OSError("read-only")
numba.core.caching._CacheLocator.ensure_cache_path = refuse
from replearn.shapes import ShapesDataset
print(float(ShapesDataset("val").images([0]).sum()))
"""


def test_loops_that_cannot_be_kept_are_compiled_anew():
    output = subprocess.run(
        [sys.executable, "-c", UNWRITABLE], capture_output=True, text=True, check=True
    ).stdout
    assert float(output) == pytest.approx(float(ShapesDataset("val").images([0]).sum()))


@pytest.mark.parametrize("shape", [(4, 3, 8, 6), (4, 3, 6, 8)])
def test_nothing_but_squares_is_looked_up(shape):
    with pytest.raises(ValueError, match=r"images must have shape \(n, 3, s, s\), got"):
        aug.resample(torch.rand(shape), [(torch.eye(3).expand(4, 3, 3), 8.0)])


@pytest.mark.parametrize("shape", [(3, 3, 3), (4, 2, 3), (4, 3)])
def test_no_other_matrices_are_looked_through(shape):
    with pytest.raises((TypeError, ValueError), match="stages must"):
        aug.resample(torch.rand(4, 3, 8, 8), [(torch.zeros(shape), 8.0)])


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (3,), (4, 1, 1), ()])
def test_no_other_stages_recolour(shape):
    with pytest.raises(ValueError, match=r"must have shape \(4,\) or \(4, 3\) for 4 images, got"):
        aug.recolor(torch.rand(4, 3, 8, 8), [torch.zeros(shape)])


def test_factors_of_unequal_length_are_refused():
    factors = Factors.draw(4, 0)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(factors, rgb=factors.rgb[:3])


DRAW = "from replearn.shapes import ShapesDataset; print(float(ShapesDataset('val')[0].sum()))"


def drawn(cache, before=""):
    """What a new process draws that keeps compiled loops in ``cache``, and its warnings."""
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    command = ["sh", "-c", f'{before} exec "$0" -c "$1"', sys.executable, DRAW]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.fault(
    "damaged files of compiled loops",
    "each of them is emptied",
    "they are compiled anew and kept, with one warning",
)
def test_damaged_compiled_loops_are_compiled_anew(tmp_path):
    picture, warned = drawn(tmp_path)
    assert not warned
    files = [*tmp_path.rglob("*.nb[ic]")]
    assert files
    for file in files:
        file.write_bytes(b"")
    again, warned = drawn(tmp_path)
    assert again == picture
    assert warned.count("compiled loops cannot be kept") == 1, warned
    assert drawn(tmp_path) == (picture, "")


@pytest.mark.fault(
    "no room for compiled loops",
    "a process may write no file of more than a kilobyte",
    "the loops work and are compiled anew each time, with one warning",
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs ulimit")
def test_without_room_for_compiled_loops_they_are_not_kept(tmp_path):
    picture, warned = drawn(tmp_path, before="ulimit -f 2;")
    assert warned.count("compiled loops cannot be kept") == 1, warned
    assert picture == drawn(tmp_path / "other")[0]
