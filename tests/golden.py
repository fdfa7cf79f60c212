"""What the library computes, in a few hundred numbers: ``python tests/golden.py`` writes them anew.

A tensor is told by its norm and by its components along a few fixed random directions, as shares of
the norm: no change of it leaves all of them alone. What is drawn at random is drawn from seeds.
"""

import json
import math
from pathlib import Path
from unittest import mock

import torch

from replearn import augmentations, fit, losses, neighbors, networks, tasks, training
from replearn.engine import devices, muon
from replearn.recipes import RECIPES, Recipe
from replearn.shapes import ShapesDataset

FILE = Path(__file__).with_suffix(".json")

# How far a number may move, as a share of its tensor's norm: well above what another processor's
# rounding does, well below what a coefficient does that is changed by 1e-3. What was measured
# stands in tests/test_golden.py.
TOLERANCE = {
    "images": 1e-5,
    "parameters": 1e-5,
    "colours": 1e-5,
    "geometry": 1e-2,  # nearest neighbours: a pixel may fall to its neighbour
    "networks": 1e-5,
    "losses": 1e-9,
    "muon": 5e-5,
    "rates": 1e-9,
    "features": 1e-4,
    "training": 5e-4,  # of a few steps' change of the weights, which magnifies rounding
}

# Short plans of every kind: with Muon and without, centred and not. Of the sets of augmentations A
# will do, whose views are continuous in all numbers.
SHORT = Recipe(steps=6, batch=16, adam=1e-3, muon=0.02, warmup=0.5, beta2=0.98, centred=True)
PLAIN = Recipe(steps=6, batch=16, adam=2e-4)
TRAININGS = {
    "autoencoder": (None, losses.reconstruction_loss, SHORT),
    "A": (augmentations.A, losses.info_nce, SHORT),
    "A, plain": (augmentations.A, losses.info_nce, PLAIN),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def told(tensor, directions=3):
    """Its norm, and its components along random directions as shares of the norm."""
    flat = tensor.detach().double().flatten()
    norm = float(flat.norm())
    along = torch.randn(directions, len(flat), generator=seeded(), dtype=torch.float64) @ flat
    return [norm, *(along / (norm or 1)).tolist()]


def measured():
    """Every number by its group and name, in float32 on one thread, whatever the processor has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    in_float32 = mock.Mock(return_value=torch.float32)
    try:
        with mock.patch.object(devices, "precision", in_float32):
            return {group: numbers() for group, numbers in GROUPS.items()}
    finally:
        torch.set_num_threads(threads)


def _images():
    found = {}
    for split in ("train", "val"):
        dataset = ShapesDataset(split)
        found[split] = told(dataset.images(range(32)))
        for name, values in vars(dataset.factors).items():
            found[f"{split}, {name}"] = told(values[:32])
    return found


SETS = {"A": augmentations.A, "B": augmentations.B, "C": augmentations.C}


def _some():
    return ShapesDataset("train").images(range(32))


def _parameters():
    many = torch.zeros(1, 3, 64, 64).expand(4096, -1, -1, -1)  # rounded to pixels, few would tell
    return {
        f"{name}, {key}": told(values)
        for name, augmentation in SETS.items()
        for key, values in augmentation.sample(many, seeded()).items()
    }


def _views(names):
    return {name: told(SETS[name](_some(), seeded())) for name in names}


def _colours():
    return {**_views("A"), "grayscale": told(augmentations.grayscale(_some(), seeded()))}


def _networks():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = networks.Encoder().double()
        onto_sphere = networks.Encoder(normalize=True).double()
        decoder = networks.Decoder().double()
    images = _some().double()
    found = {
        "encoder": told(encoder(images)),
        "normalised": told(onto_sphere(images)),
        "decoder": told(decoder(encoder(images))),
    }
    onto_sphere.centre(images)
    return {**found, "centred": told(onto_sphere(images))}


def _features():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder = networks.Encoder()
    return {"embedded": told(neighbors.embed(encoder, ShapesDataset("val"), 32))}


def _losses():
    z, z_pos = torch.nn.functional.normalize(
        torch.randn(2, 16, 8, generator=seeded(), dtype=torch.float64), dim=-1
    )
    images = torch.rand(2, 4, 3, 8, 8, generator=seeded(), dtype=torch.float64)
    groups = torch.tensor([[0, 1], [2, 3], [4, 5]])
    values = {
        "info_nce": losses.info_nce(z, z_pos),
        "info_nce, tau": losses.info_nce(z, z_pos, 0.5),
        "reconstruction": losses.reconstruction_loss(*images),
        "contrastive": losses.contrastive_loss(z, groups),
        "alignment": losses.alignment(z, z_pos),
        "uniformity": losses.uniformity(z),
    }
    return {name: [float(value)] for name, value in values.items()}


def _muon():
    matrix = torch.randn(32, 48, generator=seeded())
    weight = torch.nn.Parameter(torch.randn(8, 4, 4, 4, generator=seeded()))
    optimiser = muon.Muon([weight], lr=0.02)
    for turn in range(2):
        weight.grad = torch.randn(weight.shape, generator=seeded(turn))
        optimiser.step()
    return {"orthogonalised": told(muon.orthogonalize(matrix)), "two steps": told(weight)}


def _rates():
    plan = RECIPES["fast"]["contrastive"]
    return {"one cycle": [plan.schedule(step) for step in (0, 30, 59, 60, 300, 598)]}


class InFloat64(ShapesDataset):
    """The images in float64: a few steps in float32 magnify rounding to what a change would do."""

    def images(self, indices, device=None):
        return super().images(indices, device).double()


def _trainings():
    found = {}
    for name, (augmentation, loss, plan) in TRAININGS.items():
        task = training.Task(augmentation, loss, plan, 16, seed=1, dataset=InFloat64("train"))
        with mock.patch.object(networks, "_WIDTHS", (3, 8, 8, 16, 16, 32)):  # enough, and quick
            nets = task.networks().double()
        if plan.centred:
            task.centre(nets)
        before = [weight.detach().clone() for weight in nets.parameters()]
        with mock.patch.object(fit, "precision", mock.Mock(return_value=torch.float64)):
            history, _ = fit.fit(
                *(nets, task.measure, plan, task.dataset),
                seed=task.seed,
                device=torch.device("cpu"),
                label=name,
                key=None,
            )
        for measure, values in history.items():
            found[f"{name}: {measure}"] = values.tolist()
        for (weight, new), old in zip(nets.named_parameters(), before, strict=True):
            found[f"{name}: {weight}"] = told(new - old, directions=1)
    return found


GROUPS = {
    "images": _images,
    "parameters": _parameters,
    "colours": _colours,
    "geometry": lambda: _views("BC"),
    "networks": _networks,
    "losses": _losses,
    "muon": _muon,
    "rates": _rates,
    "features": _features,
    "training": _trainings,
}


def moved(old, new):
    """How far each number has moved, as a share of its tensor's norm, by group and name."""
    far = {}
    for group, numbers in old.items():
        for name, values in numbers.items():
            now = new.get(group, {}).get(name, [])
            if len(now) != len(values):
                far[group, name] = math.inf
                continue
            size = abs(values[0]) or 1.0  # the norm; the others are shares of it already
            far[group, name] = max(
                abs(a - b) / (size if k == 0 else 1)
                for k, (a, b) in enumerate(zip(values, now, strict=True))
            )
    return far


def main():
    numbers = measured()
    record = {"revision": tasks.REVISION, "numbers": numbers}
    FILE.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
