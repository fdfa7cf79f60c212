"""Why B forgets the shape: trainings that take the shortcuts away, kept beside this file.

    python benchmarks/shape.py                            # every experiment, seeds 0 to 2: hours
    python benchmarks/shape.py supervised --seeds 0 1     # some of them

Every network is the book's encoder, trained by the recipe ``fast`` on two views a pair; a pair's
two images agree in some factors alone, all others are drawn anew. At logged steps probes say what
the encoder knows of each factor of upright images that it has not seen. One row a run, in
shape.json, written as runs end.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from replearn import augmentations, losses, neighbors, probes, shapes
from replearn import fit as fit_module
from replearn.augmentations import Augmentation
from replearn.engine.devices import autocast, machine, pick_device
from replearn.fit import Measures, fit
from replearn.networks import Encoder
from replearn.recipes import RECIPES, Recipe
from replearn.shapes import SPLITS, Factors, ShapesDataset, draw
from rows import keep

RESULTS = Path(__file__).with_name("shape.json")
OWN = ("experiment", "seed", "chip")  # what tells rows apart
EVERYTHING = frozenset({"shape", "color", "location", "size", "rotation"})
FAST = replace(RECIPES["fast"]["contrastive"], steps=300)
LOGGED = (0, 10, 20, 30, 40, 50, 75, 100, 125, 150, 175, 200, 250, 300, 350, 400)
SCORED = 24_000  # validation images, as everywhere
PROBED = 2_000, 1_000  # training images that probes learn from, validation images they are asked

B, C = augmentations.B, augmentations.C
GRAY_B = augmentations.SETS["B∘grayscale"].augmentation


@dataclass(frozen=True)
class Experiment:
    """A training.

    Attributes:
        views: makes each view of an image.
        shared: the factors in which the two images of a pair agree; with all five the two are one.
        objective: ``"pairs"``: a view finds its partner's among the batch's;
            ``"drawings"``: the partner is a plain drawing of the shape, grey, upright, central;
            ``"all of the shape"``: every view of the shape is a partner (Khosla et al. 2020);
            ``"labels"``: a linear layer tells the shape of one view from its label.
        fixed: the factors that are the same in all images; in those that probes see, the colour
            alone.
        drawn: for how many steps the partner is such a drawing, before it is what was said.
        tau: temperature; of labels, none.
        plan: how it is optimised.
    """

    views: Augmentation
    shared: frozenset[str] = EVERYTHING
    objective: str = "pairs"
    fixed: frozenset[str] = frozenset()
    drawn: int = 0
    tau: float = 0.07
    plan: Recipe = field(default=FAST)


SHAPE, PALE = frozenset({"shape"}), frozenset({"color"})
BRIEF, LATER = replace(FAST, steps=200), replace(FAST, steps=400)
EXPERIMENTS: dict[str, Experiment] = {
    # Is the shape hard?
    "supervised": Experiment(B, SHAPE, "labels", plan=BRIEF),
    "supervised, C": Experiment(C, SHAPE, "labels", plan=BRIEF),
    # What tells the images of a batch apart, less and less, until it is the shape alone.
    "one colour": Experiment(B, fixed=frozenset({"color"})),
    "one colour, size": Experiment(B, fixed=frozenset({"color", "size"})),
    "one colour, size, place": Experiment(B, fixed=frozenset({"color", "size", "location"})),
    # The same, if what is not shared differs instead.
    "shape": Experiment(B, SHAPE),
    # What could help, if anything does: temperature, batch, more partners, ones that stand still.
    "shape, tau 0.5": Experiment(B, SHAPE, tau=0.5),
    "shape, batch 512": Experiment(B, SHAPE, plan=replace(FAST, batch=512, steps=100)),
    "shape, all partners": Experiment(B, SHAPE, "all of the shape"),
    "shape, plain partners": Experiment(B, SHAPE, "drawings"),
    "shape, plain partners first": Experiment(B, SHAPE, drawn=250, plan=LATER),
    "B, plain partners first": Experiment(B, drawn=250, plan=LATER),
    "shape, plain partners, grey": Experiment(GRAY_B, SHAPE, "drawings"),
}


COLUMNS = {
    "shape": ("shape",),
    "color": ("color", "rgb"),
    "location": ("position",),
    "size": ("size",),
    "rotation": ("angle",),
}


def alike(factors: Factors, fixed: frozenset[str]) -> Factors:
    """Return ``factors`` with the ``fixed`` ones as of a middling blue shape in the middle."""
    n = len(factors)
    middle = {
        "color": torch.full((n,), 5),
        "rgb": torch.tensor([0.15, 0.25, 0.95]).expand(n, 3),
        "position": torch.full((n, 2), 32.0),
        "size": torch.full((n,), 24.0),
    }
    same = {name: middle[name] for factor in fixed for name in COLUMNS[factor]}
    return Factors(**{**vars(factors), **same})


def partners(first: Factors, shared: frozenset[str], seed: int) -> Factors:
    """Return rows that agree with ``first`` in the ``shared`` factors, and are else drawn anew."""
    other = dict(vars(Factors.draw(len(first), seed)))
    for factor in shared:
        for name in COLUMNS[factor]:
            other[name] = getattr(first, name)
    # A larger partner near the border moves inwards, until the whole of it fits.
    reach = (other["size"] * shapes._CIRCUMRADIUS[other["shape"]])[:, None] + 0.5
    other["position"] = other["position"].maximum(reach).minimum(shapes.RESOLUTION - reach)
    return Factors(**other)


def drawings() -> Tensor:
    """Return one plain grey picture of each shape, (3, 3, 64, 64): upright, central, middling."""
    three = torch.ones(3)
    return draw(
        Factors(
            torch.arange(3),
            torch.zeros(3, dtype=torch.long),
            three[:, None].expand(3, 3) * 0.6,
            torch.full((3, 2), 32.0),
            24 * three,
            0 * three,
        )
    )


def measure_of(
    experiment: Experiment,
) -> Callable[[nn.ModuleDict, Tensor, torch.Generator], Measures]:
    """Return what a step of ``experiment`` measures."""

    def measure(nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        b, seed = len(images), generator.initial_seed()
        fresh = Factors.draw(b, 2 * seed)  # no image is seen twice
        first = alike(fresh, experiment.fixed)
        second = partners(first, experiment.shared, 2 * seed + 1)
        views = experiment.views(draw(first), generator)
        labels = first.shape
        if experiment.objective == "labels":
            with autocast(images.device):
                logits = nets["head"](nets["encoder"](views))
            right = (logits.argmax(1) == labels).float().mean()
            return {"loss": F.cross_entropy(logits.float(), labels), "accuracy": right}
        drawn = seed % fit_module._SEEDS < experiment.drawn  # the step that it is
        if drawn or experiment.objective == "drawings":
            others = drawings()[labels]
        else:
            others = experiment.views(draw(second), generator)
        with autocast(images.device):
            z, z_pos = nets["encoder"](torch.cat([views, others])).chunk(2)
        watched = {"alignment": losses.alignment(z, z_pos), "uniformity": losses.uniformity(z)}
        watched = {name: value.detach() for name, value in watched.items()}
        if experiment.objective == "all of the shape":
            same = (labels[:, None] == labels).float()
            logs = F.log_softmax(z @ z_pos.T / experiment.tau, dim=1)
            return {"loss": -((same * logs).sum(1) / same.sum(1)).mean(), **watched}
        return {"loss": losses.info_nce(z, z_pos, experiment.tau), **watched}

    return measure


def look(encoder: Encoder, fixed: frozenset[str], model: str = "linear") -> dict[str, float]:
    """Return what a probe reads of each factor that varies, from the encoder as it is now."""
    encoder.eval()
    sides: list[Any] = []
    for split, count in zip(SPLITS, PROBED, strict=True):
        factors = alike(ShapesDataset(split).factors[:count], fixed & PALE)
        sides += [features(encoder, factors), factors]
    encoder.train()
    varying = tuple(name for name in neighbors.FACTORS if name not in fixed & PALE)
    if not bool((sides[0] != sides[0][:1]).any()):
        return dict.fromkeys(varying, 0.0)  # a constant encoder
    return probes.probe(*sides, model, wanted=varying)


@torch.no_grad()
def features(encoder: Encoder, factors: Factors) -> Tensor:
    """Return the features of the images that ``factors`` describe, on the CPU in float32."""
    some = []
    for rows in torch.arange(len(factors)).split(500):
        with autocast(torch.device("cpu")):
            some.append(encoder(draw(factors[rows])).float())
    return torch.cat(some)


def run(name: str, seed: int) -> dict[str, Any]:
    """Train one network of an experiment; return its row."""
    experiment = EXPERIMENTS[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = Encoder(normalize=experiment.objective != "labels")
        nets = nn.ModuleDict({"encoder": encoder})
        if experiment.objective == "labels":
            nets["head"] = nn.Linear(encoder.latent_dim, len(shapes.SHAPES))
    some = draw(alike(Factors.draw(512, seed), experiment.fixed))
    encoder.centre(experiment.views(some, torch.Generator().manual_seed(seed)))
    step, measure, trace = 0, measure_of(experiment), []

    def looked(nets: nn.ModuleDict, images: Tensor, generator: torch.Generator) -> Measures:
        nonlocal step
        if step in LOGGED:
            trace.append({"step": step, **look(encoder, experiment.fixed)})
        step += 1
        return measure(nets, images, generator)

    device = pick_device("cpu")
    plan, label = experiment.plan, f"{name}, seed {seed}"
    data = ShapesDataset("train")
    history, seconds = fit(
        nets, looked, plan, data, seed=seed, device=device, label=label, key=None
    )
    factors = alike(ShapesDataset("val").factors[:SCORED], experiment.fixed & PALE)
    codes = features(encoder.eval(), factors)
    scores = neighbors.sensitivity(codes, factors)
    scores = {name: score for name, score in scores.items() if name not in experiment.fixed & PALE}
    every = max(1, plan.steps // 100)
    return {
        "experiment": name,
        "views": experiment.views.name,
        "shared": sorted(experiment.shared),
        "fixed": sorted(experiment.fixed),
        "objective": experiment.objective,
        "drawn": experiment.drawn,
        "tau": experiment.tau,
        "plan": asdict(plan),
        "seed": seed,
        "seconds": seconds,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        **machine(device),
        "history": {
            "step": list(range(every // 2, plan.steps - every // 2, every)),
            **{k: means(v, every) for k, v in history.items()},
        },
        "trace": [*trace, {"step": plan.steps, **look(encoder, experiment.fixed)}],
        "probes": {model: look(encoder, experiment.fixed, model) for model in probes.PROBES},
        "sensitivity": scores,
    }


def means(values: Tensor, every: int) -> list[float]:
    """Return the mean of every few steps, to four digits."""
    return [float(f"{float(some.mean()):.4g}") for some in values.split(every)]


def main() -> None:
    """Run what is asked for, and keep each row as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiments", nargs="*", metavar="experiment", default=[*EXPERIMENTS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    for seed in options.seeds:
        for name in options.experiments:
            keep(RESULTS, run(name, seed), OWN)


if __name__ == "__main__":
    main()
