"""Every public name of the library, given what it should not be: a clear error or a right result.

Each name has one call that is right. From the annotations of its parameters follow the wrong ones:
another type, dtype, number of dimensions, a number out of range, values that are not finite,
tensors that are empty, huge, strided or without values. One parameter at a time is replaced.
"""

import contextlib
import importlib
import inspect
import math
import os
import pkgutil
import random
import re
import signal
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
import torch
from torch import nn

import replearn
from replearn import (
    augmentations,
    checks,
    classification,
    geometry,
    losses,
    networks,
    shapes,
    training,
)
from replearn.figures import style, tables

ERRORS = (ValueError, TypeError, IndexError, FloatingPointError)
SECONDS = 60  # that a call may take; the slowest takes one
SLOW = ("cli.score", "cli.train", "evaluation.scores", "training.train_autoencoder")
SLOW += ("training.train_contrastive",)  # each call is a training, or encodes thousands of images
MORE = 30  # random values of every argument, beyond those that its annotation suggests


def public() -> dict[str, Callable]:
    """Every function and class without an underscore but exceptions, by module and name."""
    found = {}
    for info in pkgutil.walk_packages(replearn.__path__, "replearn."):
        if info.name != "replearn.__main__":
            module = importlib.import_module(info.name)
            for name, thing in inspect.getmembers(module, callable):
                raised = inspect.isclass(thing) and issubclass(thing, BaseException)
                own = getattr(thing, "__module__", "") == info.name
                defined = inspect.isclass(thing) or inspect.isfunction(thing)
                if own and defined and not raised and not name.startswith("_"):
                    found[f"{info.name.removeprefix('replearn.')}.{name}"] = thing
    return found


PUBLIC = public()


# --- right calls ----------------------------------------------------------------------------

GENERATOR = torch.Generator().manual_seed(0)
Z = torch.nn.functional.normalize(torch.randn(16, 4, generator=GENERATOR), dim=1)
Z3 = torch.nn.functional.normalize(torch.randn(16, 3, generator=GENERATOR), dim=1)
CIRCLE, GROUPS = geometry.arrangements()["tight clusters"]
SPHERE = geometry.counterexample("ii")
IMAGES = torch.rand(4, 3, 8, 8, generator=GENERATOR)
PICTURES = torch.rand(2, 3, 64, 64, generator=GENERATOR)
ANGLES = torch.rand(4, generator=GENERATOR)
LABELS = torch.arange(16) % 4
COLORS = torch.arange(4) % 2
CODES = torch.rand(4, 1, generator=GENERATOR, dtype=torch.float64)
DATA = shapes.ShapesDataset("val", size=64)
FACTORS = DATA.factors[:4]
RUN = training.Run(
    networks.Encoder(4, normalize=True),
    None,
    {"loss": torch.rand(60), "alignment": torch.rand(60), "uniformity": torch.rand(60)},
    "smoke",
    1.0,
    {"label": "A", "seed": 0},
)
TASK = training.Task(augmentations.A, losses.info_nce, "smoke", latent_dim=4)
SCORES = {"A": dict.fromkeys(("color", "location", "shape", "size", "rotation"), 0.5)}
FACTS = {"label": "A", "recipe": "tiny", "seed": 0, "seconds": 1.0, "finished": "2026", "chip": ""}


def drawn(shape: str = "a") -> matplotlib.figure.Figure:
    return style.placeholder(shape)


RIGHT: dict[str, dict[str, object]] = {
    "augmentations.Augmentation": {},
    "augmentations.ColorJitter": {
        "brightness": 0.3,
        "contrast": 0.3,
        "saturation": 0.9,
        "hue": 0.5,
        "name": "jitter",
    },
    "augmentations.Compose": {"steps": (augmentations.A, augmentations.B), "name": "AB"},
    "augmentations.Grayscale": {"p": 0.5, "name": "gray"},
    "augmentations.RotateAndCrop": {"pad": 24, "scale": (0.2, 0.6), "name": "r"},
    "augmentations.WarpAndCrop": {
        "pad": 16,
        "p": 0.7,
        "translate": 0.3,
        "shear": 80,
        "distortion": 0.6,
        "scale": (0.4, 0.8),
        "ratio": (0.2, 5),
        "name": "w",
    },
    "augmentations.adjust_affine": {
        "images": IMAGES,
        "scale": ANGLES,
        "gray": ANGLES,
        "mean_gray": ANGLES,
    },
    "augmentations.adjust_hue": {"images": IMAGES, "turn": ANGLES},
    "augmentations.compose": {"steps": augmentations.A},
    "augmentations.crop": {"box": torch.rand(4, 4), "resolution": 64.0},
    "augmentations.crop_boxes": {
        "n": 4,
        "canvas": 64,
        "scale": (0.2, 0.6),
        "ratio": (1.0, 1.0),
        "like": IMAGES,
        "generator": None,
    },
    "augmentations.luma": {"images": IMAGES},
    "augmentations.padding": {"n": 4, "pad": 2.0, "like": IMAGES},
    "augmentations.perspective": {"corners": torch.rand(4, 4, 2), "canvas": 64.0},
    "augmentations.recolor": {"images": IMAGES, "stages": [torch.rand(4, 3), ANGLES]},
    "augmentations.resample": {
        "images": IMAGES,
        "stages": [(torch.eye(3).expand(4, 3, 3).contiguous(), 64.0)],
    },
    "augmentations.rotation": {"angle": ANGLES, "canvas": 64.0},
    "augmentations.shear_and_translation": {
        "shear": torch.rand(4, 2),
        "shift": torch.rand(4, 2),
        "canvas": 64.0,
    },
    "capture.Captured": {"step": abs, "generator": torch.Generator()},
    "circle.concordance": {"u": CIRCLE, "v": CIRCLE.flip(0)},
    "circle.info_nce_on_circle": {"z": Z[:, :2], "z_pos": Z[:, :2].flip(0), "tau": 0.1},
    "circle.onto_circle": {"z": Z[:, :2]},
    "classification.accuracy": {"logits": Z, "labels": LABELS},
    "classification.balanced_batches": {
        "labels": LABELS,
        "per_class": 2,
        "generator": torch.Generator(),
    },
    "classification.Classifier": {
        "network": nn.Sequential(nn.Linear(2, 2)),
        "losses": torch.rand(4),
        "recipe": "smoke",
        "facts": {"label": "classifier"},
    },
    "classification.dual_encoder_accuracy": {"first": Z[None], "second": Z},
    "classification.train_classifier": {
        "loss": nn.functional.cross_entropy,
        "dataset": DATA,
        "labels": torch.arange(24) % 3,
        "steps": 1,
        "per_class": 2,
        "lr": 1e-3,
        "seed": 0,
    },
    "cli.main": {"arguments": ["runs"]},
    "cli.score": {"net": "A", "recipe": "smoke", "seed": 0, "device": "cpu"},
    "cli.train": {"net": "A", "recipe": "smoke", "seed": 0, "device": "cpu"},
    "devices.autocast": {"device": torch.device("cpu")},
    "devices.machine": {"device": torch.device("cpu")},
    "devices.pick_device": {"device": "cpu"},
    "devices.precision": {"device": torch.device("cpu")},
    "distributed.from_first": {"function": abs, "arguments": 3},
    "distributed.gather": {"own": Z},
    "distributed.joined": {"device": "cpu"},
    "distributed.part": {"batch": 4},
    "distributed.replicate": {"nets": nn.ModuleDict({"encoder": nn.Linear(2, 2)})},
    "evaluation.features": {"run": RUN},
    "evaluation.layer_accuracies": {"encoder": RUN.encoder, "dataset": DATA, "limit": 4},
    "evaluation.scores": {
        "run": RUN,
        "augmentation": augmentations.A,
        "loss": losses.info_nce,
    },
    "evaluation.validation_loss": {
        "run": RUN,
        "augmentation": augmentations.A,
        "loss": losses.info_nce,
        "tau": 0.1,
        "batches": 1,
        "batch": 4,
        "seed": 0,
    },
    "evidence.TrainingRun": {},
    "evidence.claim": {"sentence": "One is one.", "holds": True, "on": [RUN]},
    "exercises.Check": {"question": "7b", "points": 0.5, "title": "a", "run": print},
    "exercises.check": {"question": "7b", "loss": losses.reconstruction_loss},
    "figures.geometry.arrangements": {"cases": {"a": (CIRCLE, GROUPS)}, "cols": 1},
    "figures.geometry.features_on_circle": {"cases": {"a": (CIRCLE, GROUPS)}, "cols": 1},
    "figures.geometry.around_the_circle": {
        "dataset": DATA,
        "features": {"A": CIRCLE},
        "count": 3,
    },
    "figures.geometry.cleared_arc": {"width": 70.0},
    "figures.geometry.criteria": {"cases": {"a": (CIRCLE, GROUPS)}, "rgb": torch.rand(3, 3)},
    "figures.geometry.diameter_and_margin": {"features": CIRCLE, "groups": GROUPS, "i": 0, "j": 1},
    "figures.geometry.groups_on_circle": {
        "features": CIRCLE,
        "groups": GROUPS,
        "rgb": torch.rand(3, 3),
    },
    "figures.geometry.overlap": {
        "layouts": [(CIRCLE, GROUPS[:2]), (CIRCLE, GROUPS[:2])],
        "losses": [0.3, 0.4],
        "shared": 1,
    },
    "figures.geometry.read_off": {"features": CIRCLE, "groups": GROUPS},
    "figures.geometry.sphere_counterexample": {"features": SPHERE[0], "groups": SPHERE[1]},
    "figures.geometry.tammes": {"configurations": {4: geometry.tammes(4, 3)}, "turned": 10.0},
    "figures.geometry.tammes_angles": {"found": {4: 109.0}, "proved": {4: 109.5}},
    "figures.losses.approach_to_limit": {"negatives": [1, 2], "values": [0.5, 0.4], "limit": 0.3},
    "figures.losses.confidence": {"dots": Z @ Z.T, "scale": 2.0},
    "figures.losses.floor_curves": {"taus": (1.0,), "ns": (2,)},
    "figures.losses.loss_against_scale": {
        "scales": torch.rand(5),
        "curves": {"a": torch.rand(5)},
        "floors": {"a": 3},
        "bottom": 1e-8,
    },
    "figures.losses.loss_curves": {"curves": {"a": torch.rand(5)}, "guess": 1.0},
    "figures.losses.loss_ruler": {"marks": {"a": 1.0, "b": 2.0}, "measured": "a"},
    "figures.losses.optima_against_floor": {"optima": {(3, 2): 0.5}, "tau": 1.0},
    "figures.neighbors.nn_compare": {
        "dataset": DATA,
        "features": {"a": torch.rand(24, 3)},
        "query": 0,
        "num_nn": 2,
        "desc": "",
    },
    "figures.neighbors.nn_describe": {"dataset": DATA, "features": Z, "query": 1, "num_nn": 3},
    "figures.neighbors.nn_visualize": {
        "dataset": DATA,
        "features": torch.rand(24, 3),
        "num_nn": 2,
        "desc": "",
    },
    "figures.neighbors.query_rows": {"n": 24, "count": 8},
    "figures.pairs.dot_against_distance": {
        "dots": torch.rand(3, 4),
        "distances": torch.rand(3, 4),
        "shown": 5,
    },
    "figures.pairs.logits_matrix": {
        "anchors": IMAGES,
        "candidates": IMAGES,
        "logits": torch.rand(4, 4),
    },
    "figures.pairs.positive_pairs": {"images": IMAGES, "pairs": {"A": (IMAGES, IMAGES)}},
    "figures.scores.layer_accuracy": {
        "accuracies": {"A": {"color": [0.5] * 8, "shape": [0.5] * 8}}
    },
    "figures.scores.sensitivity_bars": {"scores": SCORES, "predictions": None},
    "figures.shapes.factor_distribution": {"factors": DATA.factors},
    "figures.shapes.image_grid": {"images": IMAGES, "cols": 2, "desc": ""},
    "figures.shapes.image_rows": {"rows": {"a": IMAGES}, "desc": ""},
    "figures.shapes.mosaic": {"images": IMAGES, "cols": 2},
    "figures.shapes.show": {
        "ax": style.subplots()[1],
        "picture": np.zeros((4, 4, 3)),
        "side": 4,
        "rows": ("a",),
    },
    "figures.shapes.vary": {"base": FACTORS[:1], "changed": torch.arange(3)},
    "figures.style.legend_above": {"fig": style.subplots()[0]},
    "figures.style.placeholder": {"sentence": "Soon."},
    "figures.style.subplots": {"rows": 1, "cols": 1, "kwargs": {}},
    "figures.tables.Table": {"header": ("a", "b"), "rows": (("1", "2"),)},
    "figures.tables.factor_table": {"factors": FACTORS},
    "figures.tables.number": {"score": 0.5},
    "figures.tables.prediction_table": {"predictions": {"A": dict.fromkeys(SCORES["A"], "partly")}},
    "figures.tables.score_table": {"scores": SCORES, "predictions": None},
    "figures.training.alignment_and_uniformity": {"runs": {"A": RUN}},
    "figures.training.loss_curve": {"runs": {"A": RUN}, "guides": {"b": 1.0}, "log": False},
    "figures.training.running_mean": {"losses": torch.rand(9), "window": 3},
    "fit.channels_last": {"nets": TASK.networks(), "device": torch.device("cpu")},
    "fit.fit": {
        "nets": TASK.networks(),
        "measure": TASK.measure,
        "plan": TASK.plan,
        "dataset": TASK.dataset,
        "seed": 0,
        "device": torch.device("cpu"),
        "label": "A",
        "key": "run",
    },
    "fit.pop_prefixed": {"prefix": "a.", "tensors": {"a.b": Z}},
    "fit.prefixed": {"prefix": "a.", "tensors": {"b": Z}},
    "geometry.accuracy": {"features": CIRCLE, "groups": GROUPS, "tolerance": 1e-9},
    "geometry.anchor_distances": {"features": CIRCLE, "groups": GROUPS},
    "geometry.components": {"groups": GROUPS},
    "geometry.counterexample": {"condition": "i"},
    "geometry.diameters": {"features": CIRCLE, "groups": GROUPS},
    "geometry.margins": {"features": CIRCLE, "groups": GROUPS},
    "geometry.perfect_accuracy": {"features": CIRCLE, "groups": GROUPS, "tolerance": 1e-9},
    "geometry.satisfies": {
        "features": CIRCLE,
        "groups": GROUPS,
        "condition": "i",
        "tolerance": 1e-9,
    },
    "geometry.shrunk": {"features": CIRCLE, "groups": GROUPS, "factor": 0.5},
    "geometry.simplex": {"n": 3, "d": 2},
    "geometry.smallest_angle": {"points": Z},
    "geometry.tammes": {"n": 4, "d": 3},
    "geometry.turned": {"features": CIRCLE, "group": GROUPS[0], "degrees": 10.0},
    "guides.constant_encoder": {"batch": 8},
    "guides.ideal_encoder": {"batch": 8, "values": 4},
    "lookup.LookupAutoencoder": {
        "images": IMAGES,
        "codes": CODES,
        "unseen": lambda images: CODES[: len(images)],
    },
    "lookup.always": {"code": CODES[0]},
    "lookup.below_all": {"images": IMAGES, "colors": COLORS, "codes": CODES},
    "lookup.decides": {"evidence": CODES, "label": COLORS},
    "lookup.grouped": {"colors": COLORS},
    "lookup.interleaved": {"colors": COLORS},
    "lookup.ordered_triples": {"codes": CODES, "colors": COLORS},
    "lookup.rgb": {"images": IMAGES},
    "lookup.same_as_nearest_color": {"images": IMAGES, "codes": CODES},
    "identity.identify": {"thing": losses.info_nce},
    "identity.yours": {"function": drawn},
    "losses.alignment": {"z": Z, "z_pos": Z.flip(0), "alpha": 2.0},
    "losses.contrastive_floor": {"n": 3, "tau": 1.0},
    "losses.contrastive_loss": {"features": CIRCLE, "groups": GROUPS[:, :2], "tau": 1.0},
    "losses.cross_entropy_as_dual_encoder": {
        "outputs": Z,
        "labels": LABELS,
        "class_vectors": Z[:4],
    },
    "losses.dual_encoder_loss": {"first": Z[None], "second": Z},
    "losses.easy_floor": {"n": 3, "tau": 1.0},
    "losses.info_nce": {"z": Z, "z_pos": Z.flip(0), "tau": 0.1},
    "losses.reconstruction_loss": {"images": IMAGES, "reconstructions": IMAGES.flip(0)},
    "losses.uniformity": {"z": Z, "t": 2.0},
    "muon.Muon": {
        "weights": [nn.Parameter(torch.rand(3, 3))],
        "lr": 0.1,
        "momentum": 0.9,
        "dtype": torch.float32,
    },
    "muon.orthogonalize": {"matrix": Z},
    "neighbors.embed": {"encoder": RUN.encoder, "dataset": DATA, "limit": 4},
    "neighbors.nearest": {"queries": Z[:4], "bank": Z, "k": 2, "exclude_self": False},
    "neighbors.pixels": {"images": PICTURES},
    "neighbors.sensitivity": {"features": torch.rand(24, 3), "factors": DATA.factors, "k": 10},
    "networks.Decoder": {"latent_dim": 2},
    "networks.Encoder": {"latent_dim": 2, "normalize": True},
    "optima.minimize_contrastive": {
        "groups": torch.tensor([[0, 1], [2, 3]]),
        "d": 2,
        "tau": 1.0,
        "starts": 1,
        "seed": 0,
    },
    "optima.minimize_info_nce": {"n": 2, "d": 2, "tau": 1.0, "starts": 1, "seed": 0},
    "predictions.predicted": {"augmentation": "A"},
    "published.Network": {"augmentation": augmentations.A, "loss": losses.info_nce},
    "published.get": {"folder": Path(os.devnull), "train": False},
    "published.pack": {"folder": Path(os.devnull)},
    "published.restored": {"small": {"a": Z}},
    "published.rounded": {"tensors": {"a": Z}},
    "published.unpacked": {"folder": Path(os.devnull), "facts": {"file": "B", "sha256": ""}},
    "recipes.Recipe": {
        "steps": 6,
        "batch": 32,
        "adam": 1e-3,
        "muon": 0.02,
        "warmup": 0.1,
        "beta2": 0.9,
        "centred": False,
    },
    "runs.key": {"description": {"a": 1}},
    "runs.load": {"name": "run"},
    "runs.load_checkpoint": {"name": "run"},
    "runs.lock": {"name": "run"},
    "runs.remove": {"name": "run"},
    "runs.save": {"name": "run", "tensors": {"a": Z}, "facts": FACTS},
    "runs.save_checkpoint": {"name": "run", "tensors": {"a": Z}, "step": 3},
    "shapes.Factors": dict(vars(FACTORS)),
    "shapes.ShapesDataset": {"split": "val", "size": 64, "seed": 0},
    "shapes.draw": {"factors": FACTORS},
    "training.Run": dict(vars(RUN)),
    "training.Task": {
        "augmentation": augmentations.A,
        "loss": losses.info_nce,
        "recipe": "tiny",
        "latent_dim": 4,
        "tau": 0.1,
        "seed": 0,
        "dataset": DATA,
    },
    "training.as_run": {
        "task": TASK,
        "tensors": dict(TASK.networks().state_dict()),
        "facts": {"seconds": 1.0},
        "device": torch.device("cpu"),
    },
    "training.train_autoencoder": {
        "latent_dim": 4,
        "loss": losses.reconstruction_loss,
        "recipe": "tiny",
        "seed": 0,
        "device": "cpu",
    },
    "training.train_contrastive": {
        "augmentation": augmentations.A,
        "latent_dim": 4,
        "tau": 0.1,
        "loss": losses.info_nce,
        "recipe": "tiny",
        "seed": 0,
        "device": "cpu",
    },
    "widgets.Frames": {"draw": drawn, "choices": ("a", "b")},
    "widgets.frames": {"draw": drawn, "choices": ("a", "b")},
    "widgets.live": {"draw": drawn, "button": None, "controls": ("a", "b")},
}

# Methods that take a reader's tensors, beside the names.
METHODS: dict[str, tuple[Callable, dict[str, object]]] = {
    "augmentations.A": (
        augmentations.A,
        {"images": IMAGES, "generator": None, "rows": slice(None)},
    ),
    "augmentations.B": (
        augmentations.B,
        {"images": IMAGES, "generator": None, "rows": slice(None)},
    ),
    "augmentations.C": (
        augmentations.C,
        {"images": IMAGES, "generator": None, "rows": slice(None)},
    ),
    "networks.Encoder.forward": (networks.Encoder(2).forward, {"images": PICTURES}),
    "networks.Encoder.centre": (networks.Encoder(2).centre, {"images": PICTURES}),
    "networks.Decoder.forward": (networks.Decoder(4).forward, {"latents": Z}),
    "shapes.ShapesDataset.images": (DATA.images, {"indices": [0, 1], "device": "cpu"}),
}

CALLS = {name: (PUBLIC[name], right) for name, right in RIGHT.items() if right} | METHODS


def test_every_public_name_is_here():
    without = {name for name, thing in PUBLIC.items() if not _parameters(thing)}
    # Tested by themselves, below and in test_kernels; the latter's arguments whoever calls guards.
    elsewhere = {name for name in PUBLIC if name.startswith(("checks.", "kernels."))}
    assert RIGHT.keys() - without == PUBLIC.keys() - without - elsewhere
    for name, (thing, right) in CALLS.items():
        assert right.keys() == _parameters(thing).keys(), name


def _parameters(thing: Callable) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(thing).parameters


def _call(thing: Callable, given: Mapping[str, object]) -> object:
    positional: list[object] = []
    named: dict[str, object] = {}
    kinds = {name: parameter.kind for name, parameter in _parameters(thing).items()}
    first = inspect.Parameter.VAR_POSITIONAL in kinds.values()  # what stands before it is by place
    for name, value in given.items():
        kind = kinds[name]
        if first and kind is not inspect.Parameter.VAR_KEYWORD:
            positional.append(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            named |= {} if value == {} else {"shape": value}
        else:
            named[name] = value
        if isinstance(value, torch.Generator):
            value.manual_seed(0)
    result = thing(*positional, **named)
    if isinstance(result, contextlib.AbstractContextManager):
        with result:
            pass
    return next(result) if isinstance(result, Iterator) else result


# --- wrong ones -----------------------------------------------------------------------------

RATES = ("tau", "alpha", "t", "lr", "adam")  # floats that must be above 0
COUNTS = ("steps", "batch", "batches", "limit", "k", "num_nn", "starts", "window", "cols", "count")
COUNTS += ("per_class", "latent_dim", "n", "d", "values")  # ints that must not be below 0
ONLY_LIKE = ("like",)  # of which no value counts
# What is finite of an infinity too: clipped, a maximum, a ReLU.
FINITE = (
    "augmentations.adjust_affine",
    "augmentations.recolor",
    "lookup.rgb",
    "networks.Decoder.forward",
)
EMPTY = ("geometry.turned",)  # changes nothing if nothing is to be changed


def wrong(name: str, hint: object, value: object, choose: random.Random) -> Iterable[object]:
    """What ``name`` must not be: an error has to say so."""
    inside = typing.get_args(hint)
    options = inside if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if hint in (inspect.Parameter.empty, typing.Any, object):
        return
    yield object()
    if type(None) not in options:
        yield None
    if isinstance(value, torch.Tensor) and not any(o is torch.Tensor for o in options):
        yield from ("text", value.numpy(), value.to(torch.complex64))
        if "Real" in str(hint):
            return
        yield value > 0
        if value.is_floating_point():
            yield value.long()
            yield torch.empty(value.shape, device="meta")
        else:
            yield value.float()
        if "..." not in str(hint) and "*" not in str(hint):
            yield value[None].expand(choose.randint(1, 3), *value.shape)
            yield value[0]
            yield value.flatten()[0]
    elif float in options:
        yield from ("1", 1j, [1.0])
        if name != "score":  # which may be NaN: nothing was there to be compared
            yield from (math.nan, math.inf, -math.inf, True)
    elif int in options:
        yield from ("1", 1.5, 1j, [1], math.nan, math.inf, True)
    elif str in options:
        yield from (3, b"bytes", ["text"])
    elif bool in options:
        yield from ("yes", 3, [True])
    elif isinstance(value, Mapping | list | tuple):
        yield from (3, 0.5, True)
        parts = list(value.values() if isinstance(value, Mapping) else value)
        kinds = {dict: lambda v: {k: object() for k in v}, list: lambda v: [object()] * len(v)}
        if parts and object not in typing.get_args(hint) and typing.Any not in inside:
            yield kinds.get(type(value), lambda v: (object(),) * len(v))(value)
    if name in RATES and isinstance(value, float):
        yield 0.0
    if name in RATES or (name in (*COUNTS, "seed") and isinstance(value, int)):
        yield from (-1, -choose.randint(2, 10**6))


def doubtful(name: str, value: object, choose: random.Random) -> Iterable[tuple[str, object]]:
    """What may be refused or answered rightly."""
    if name in COUNTS and isinstance(value, int):
        yield "empty", 0
    if not isinstance(value, torch.Tensor) or name in ONLY_LIKE:
        return
    yield "strided", torch.stack([value, value], -1)[..., 0]
    yield "transposed", value.mT.contiguous().mT if value.ndim > 1 else value.flip(0).flip(0)
    yield "empty", value[:0]
    if value.is_floating_point():
        yield "double", value.double()
        for kind, number in (("nan", math.nan), ("inf", math.inf), ("inf", -math.inf)):
            changed = value.clone()
            changed.view(-1)[choose.randrange(value.numel())] = number
            yield kind, changed
        yield "huge", value * 1e30
        yield "negative", -value - 1
    else:
        yield "short", value.to(torch.int16)
        yield "negative", value - choose.randint(100, 1000)
        yield "huge", value + 2**40


def fuzzed(value: object, choose: random.Random) -> tuple[str, object] | None:
    """``value`` changed at random, and what that asks of the result; None if it has no such."""
    if isinstance(value, torch.Tensor):
        return choose.choice((reshaped, rearranged, spoilt))(value, choose)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return fuzzed_part(value, choose)
    if isinstance(value, str):
        letters = "aB3 _-./\\%{}\n\0é∞"
        return "any", "".join(choose.choices(letters, k=choose.randrange(9)))
    if isinstance(value, int):
        return "any", choose.randint(-9, 9)  # a larger one may rightly take hours and all memory
    return "any", choose.choice((-1, 1)) * 10 ** choose.uniform(-300, 300)


def fuzzed_part(value: object, choose: random.Random) -> tuple[str, object] | None:
    """A sequence or mapping of which one part is changed at random, doubled or left out."""
    if not isinstance(value, list | tuple | dict) or not value:
        return None
    parts = dict(value if isinstance(value, dict) else enumerate(value))
    key = choose.choice(list(parts))
    found = fuzzed(parts[key], choose)
    if found is None or choose.random() < 0.2:
        del parts[key]
    else:
        parts[key] = found[1]
    return "any", parts if isinstance(value, dict) else type(value)(parts.values())


def reshaped(value: torch.Tensor, choose: random.Random) -> tuple[str, torch.Tensor]:
    """Of random sizes; some of them that it had."""
    sizes = [choose.choice((*value.shape, *range(6))) for _ in range(choose.randrange(5))]
    return "any", value.flatten()[:1].expand(math.prod(sizes)).reshape(sizes).clone()


def rearranged(value: torch.Tensor, choose: random.Random) -> tuple[str, torch.Tensor]:
    """The same, otherwise in memory, or in another precision."""
    order = choose.sample(range(value.ndim), value.ndim)
    back = [order.index(k) for k in range(value.ndim)]
    room = value.permute(order).repeat_interleave(2, -1) if value.ndim else value
    moved = (room[..., choose.randrange(2) :: 2] if value.ndim else room).permute(back)
    if choose.random() < 0.5:
        return "strided", moved
    return "double", moved.double() if value.is_floating_point() else moved.int()


def spoilt(value: torch.Tensor, choose: random.Random) -> tuple[str, torch.Tensor]:
    """Other numbers: all scaled, or some replaced."""
    if not value.is_floating_point():
        return "any", value + choose.randint(-9, 9)
    if choose.random() < 0.5:
        return "any", value * choose.choice((-1, 1)) * 10 ** choose.uniform(-37, 37)
    number = choose.choice((math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, 3e38))
    changed = value.clone()
    for _ in range(choose.randint(1, 3)):
        changed.view(-1)[choose.randrange(value.numel())] = number
    return "nan" if math.isnan(number) else "inf" if math.isinf(number) else "any", changed


def numbers(result: object) -> np.ndarray:
    """All numbers in a result."""
    if isinstance(result, torch.Tensor):
        return result.detach().double().flatten().numpy()
    if isinstance(result, bool | int | float):
        return np.array([float(result)])
    if isinstance(result, shapes.Factors | training.Run | classification.Classifier):
        result = vars(result)
    if isinstance(result, str):
        return np.empty(0)
    parts = result.values() if isinstance(result, Mapping) else result
    some = [numbers(part) for part in parts] if isinstance(parts, Iterable) else []
    return np.concatenate([np.empty(0), *some])


DRAWN = (matplotlib.figure.Figure, tables.Table, np.ndarray, str)


def judged(kind: str, result: object, right: object) -> bool:
    """Whether a result of a doubtful argument is one that can be right."""
    if isinstance(result, DRAWN) or callable(result):
        return True  # a number that is none leaves a gap; what a function returns is asked later
    found, expected = numbers(result), numbers(right)
    if kind in ("strided", "transposed", "short", "double"):
        same = found.shape == expected.shape
        return same and np.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
    if kind == "empty":
        return not len(found) or not np.isfinite(found).all()
    if kind in ("nan", "inf"):
        return not np.isfinite(found).all()
    return True


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Nothing may hang."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {SECONDS} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def hints_of(thing: Callable) -> dict[str, object]:
    function = thing.__init__ if inspect.isclass(thing) else thing
    if isinstance(thing, augmentations.Augmentation):
        function = type(thing).__call__
    return typing.get_type_hints(inspect.unwrap(function))


def cases(name: str, choose: random.Random) -> Iterator[tuple[str, str, object]]:
    """(kind, parameter, value) of every bad argument of a name."""
    thing, right = CALLS[name]
    hints = hints_of(thing)
    for parameter, value in right.items():
        hint = hints.get(parameter, typing.Any)
        for bad in wrong(parameter, hint, value, choose):
            yield "wrong", parameter, bad
        for kind, bad in doubtful(parameter, value, choose):
            yield kind, parameter, bad


def random_cases(name: str, choose: random.Random) -> Iterator[tuple[str, str, object]]:
    """(kind, parameter, value) of random arguments of a name."""
    for parameter, value in CALLS[name][1].items():
        for _ in range(2 if name in SLOW else MORE):
            found = None if parameter in ONLY_LIKE else fuzzed(value, choose)
            if found is not None:
                yield found[0], parameter, found[1]


def complaint(name: str, kind: str, parameter: str, bad: object, plain: object) -> str | None:
    """What is to be said against what a name makes of a bad argument."""
    thing, right = CALLS[name]
    shown = checks._what(bad)
    try:
        with limited():
            result = _call(thing, {**right, parameter: bad})
    except SystemExit as stop:  # after argparse has said what is wrong
        return (
            None
            if name.endswith(".main") and stop.code == 2
            else f"{parameter} = {shown}: {stop!r}"
        )
    except (*ERRORS, AssertionError) as error:
        # Where a size no longer fits that of another argument, either may be named.
        named = right if kind == "empty" else (parameter,)
        if any(re.search(rf"\b{one}\b", str(error)) for one in named):
            return None
        # A part of an argument, or what follows from it, has a name of its own.
        if kind == "any" and re.search(r"\S must .*got ", str(error), re.DOTALL):
            return None
        return f"{parameter} = {shown} ({kind}): {type(error).__name__} without its name: {error}"
    except Exception as error:
        return f"{parameter} = {shown} ({kind}): {type(error).__name__}: {error}"
    if kind == "wrong":
        return f"{parameter} = {shown}: passed, {checks._what(result)}"
    if name in {"inf": FINITE, "empty": EMPTY}.get(kind, ()) or judged(kind, result, plain):
        return None
    return f"{parameter} = {shown} ({kind}): {checks._what(result)}, not what it should be"


@pytest.mark.fault(
    "A bad argument of any public function or class",
    "one argument at a time of another type, dtype, shape or layout; empty, huge, negative, NaN, "
    "infinite: thousands, generated from the annotations",
    "a ValueError, TypeError or IndexError that names the argument, or a right result; none hangs",
)
@pytest.mark.parametrize("name", CALLS)
def test_bad_arguments_are_refused_or_answered_rightly(name, tiny):
    assert complaints(name, cases) == []


@pytest.mark.soak
@pytest.mark.fault(
    "Random arguments of any public function or class",
    "one argument at a time: sizes, layouts, numbers, texts, NaN and infinities drawn at random, "
    "in a table or a sequence too; more than five thousand",
    "a ValueError, TypeError or IndexError that names an argument, or a right result; none hangs",
)
@pytest.mark.parametrize("name", CALLS)
def test_random_arguments_are_refused_or_answered_rightly(name, tiny):
    assert complaints(name, random_cases) == []


def complaints(name: str, make: Callable) -> list[str]:
    """What is to be said against what ``name`` makes of arguments that ``make`` makes."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    thing, right = CALLS[name]
    some = list(make(name, random.Random(seed)))
    plain = None
    if any(kind not in ("wrong", "any") for kind, _, _ in some):
        torch.manual_seed(0)
        plain = _call(thing, right)
    found = []
    for kind, parameter, bad in some:
        torch.manual_seed(0)
        found.append(complaint(name, kind, parameter, bad, plain))
    return [c for c in found if c]


def test_the_bad_arguments_are_many():
    for make, least in ((cases, 3500), (random_cases, 5000)):
        choose = random.Random(0)
        count = sum(1 for name in CALLS for _ in make(name, choose))
        print(f"{make.__name__}: {count}")
        assert count >= least


# --- the checks themselves, which are told the name -----------------------------------------

CHECKS: dict[str, list[Callable[[], object]]] = {
    "arguments": [lambda: checks.arguments(lambda x: x)(y=1)],
    "at_least": [lambda b=b: checks.at_least("x", b, 1) for b in (0, -1, 1.5, "1", None, True)],
    "between": [lambda b=b: checks.between("x", b, 0, 1) for b in (-0.1, 1.1, math.nan, math.inf)],
    "complete": [lambda: checks.complete("x", {"row": {"a": 1}}, ("a", "b"))],
    "finite": [
        lambda b=b: checks.finite("x", torch.tensor([1.0, b])) for b in (math.nan, math.inf)
    ],
    "group_table": [
        lambda b=b: checks.group_table(b, 4)
        for b in (torch.zeros(2), torch.zeros(2, 2), [[0], [1, 2]], [[0]], [[0], [4]], [[-1], [0]])
    ],
    "images": [
        lambda b=b: checks.images("x", b)
        for b in (None, "x", torch.zeros(3, 8, 8), torch.zeros(1, 3, 8, 8).long())
    ],
    "interval": [
        lambda b=b: checks.interval("x", b, 0, 1)
        for b in ((0.5, 0.2), (0, 1), (0.5, 2), (1, math.nan))
    ],
    "labels": [
        lambda b=b: checks.labels("x", torch.tensor(b).long(), 3) for b in ([], [-1, 0], [0, 3])
    ],
    "one_precision": [lambda: checks.one_precision(x=Z, y=Z.double())],
    "matrix": [
        lambda b=b: checks.matrix("x", b)
        for b in (None, [[1.0]], torch.zeros(2), torch.zeros(0, 2))
    ],
    "one_of": [lambda b=b: checks.one_of("x", b, ("a", "b")) for b in ("c", None, 3, [])],
    "positive": [lambda b=b: checks.positive("x", b) for b in (0, -1, math.nan, math.inf)],
    "unit_rows": [
        lambda b=b: checks.unit_rows("x", b)
        for b in (torch.zeros(2, 2), torch.full((2, 2), math.nan), torch.eye(2) * 1.1, None)
    ],
    "within": [
        lambda b=b: checks.within("x", torch.tensor([b]), 0, 1) for b in (-0.1, 1.1, math.nan)
    ],
}


def test_every_check_is_here():
    assert CHECKS.keys() == {
        name.removeprefix("checks.") for name in PUBLIC if name.startswith("checks.")
    }


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_names_the_argument(name):
    for call in CHECKS[name]:
        with pytest.raises(ERRORS, match=r"\bx\b|'x'|groups"):
            call()
