"""One right call of every public function and class of the library, for the tests of wrong ones.

The annotations of its parameters say what is right, and NAMED and OWN what they leave open.
"""

import contextlib
import importlib
import inspect
import math
import os
import pkgutil
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import replearn
from replearn import augmentations, losses, neighbors, networks, shapes, training
from replearn.course import records
from replearn.engine import loops, owners, tiles, validation
from replearn.figures import style
from replearn.theory import arrangements, tammes
from tiny import make_tiny


def public():
    """Every function and class by module and name, but _private, exceptions and protocols."""
    found = {}
    for info in pkgutil.walk_packages(replearn.__path__, "replearn."):
        if info.name != "replearn.__main__":
            module = importlib.import_module(info.name)
            for name, thing in inspect.getmembers(module, callable):
                no_call = {BaseException, typing.Protocol} & {*getattr(thing, "__mro__", ())}
                own = getattr(thing, "__module__", "") == info.name
                defined = inspect.isclass(thing) or inspect.isfunction(thing)
                called = not no_call and name != "load_ipython_extension"  # which IPython calls
                if own and defined and called and not name.startswith("_"):
                    found[f"{info.name.removeprefix('replearn.')}.{name}"] = thing
    return found


PUBLIC = public()


GENERATOR = torch.Generator().manual_seed(0)
CIRCLE, GROUPS = arrangements.four()["tight clusters"]
DATA = shapes.ShapesDataset("val", size=64)
FACTORS = DATA.factors[:4]
TASK = training.Task(augmentations.A, losses.info_nce, "smoke", latent_dim=4)
MEASURES = {"loss": torch.rand(60), "alignment": torch.rand(60), "uniformity": torch.rand(60)}
FACTS = {"label": "A", "recipe": "tiny", "seed": 0, "seconds": 1.0, "finished": "2026", "chip": ""}
FACTS |= {"file": "B", "sha256": ""}  # as a published network's say
RUN = training.Run(networks.Encoder(4, normalize=True), None, MEASURES, "smoke", 1.0, FACTS)
Z = nn.functional.normalize(torch.randn(16, 4, generator=GENERATOR), dim=1)
CODES = torch.rand(16, 1, generator=GENERATOR, dtype=torch.float64)
IMAGES = torch.rand(16, 3, 8, 8, generator=GENERATOR)
with pytest.MonkeyPatch.context() as patch:  # as narrow as those of a test
    make_tiny(patch)
    WEIGHTS = dict(TASK.networks().state_dict())
SCORES = {"A": dict.fromkeys(("color", "location", "shape", "size", "rotation"), 0.5)}
SIZES = {"d": 4, "C": 4, "N": 3, "m": 3, "c": 3, "h": 8, "w": 8}  # by letter; the others 16


def drawn(shape="a"):
    return style.placeholder(shape)


# What is right where an annotation asks for it: the first that fits, those of the name before all.
NAMED = {
    "answer": (math.dist,),
    "arguments": (["runs"],),
    "augmentation": (augmentations.A, "A"),
    "canvas": (64, 64.0),
    "cases": ({"a": (CIRCLE, GROUPS)},),
    "changed": (torch.arange(3),),
    "choices": (("a", "b"),),
    "codes": (CODES,),
    "condition": ("i",),
    "controls": (("a", "b"),),
    "description": ({"a": 1},),
    "device": ("cpu",),
    "draw": (drawn,),
    "exercise": ("one-quiz",),
    "facts": (FACTS,),
    "features": (CIRCLE, {"A": CIRCLE}),
    "function": (drawn,),
    "groups": (GROUPS,),
    "holds": (True,),
    "i": (0,),
    "images": (IMAGES,),
    "indices": ([0, 1],),
    "kwargs": ({},),
    "like": (IMAGES,),
    "loss": (losses.info_nce,),
    "net": ("A",),
    "on": ([RUN],),
    "predictions": ({"A": dict.fromkeys(SCORES["A"], "partly")},),
    "question": ("7b",),
    "recipe": ("tiny",),
    "resolution": (64.0,),
    "rgb": (torch.rand(3, 3),),
    "scores": (SCORES,),
    "size": (64,),
    "split": ("val",),
    "starts": (1,),
    "tolerance": (1e-9,),
    "weights": ([nn.Parameter(torch.rand(3, 3))],),
}
SOME = (Z, augmentations.A, DATA, FACTORS, RUN, RUN.encoder, RUN.history, TASK, TASK.plan)
SOME += (losses.info_nce, torch.device("cpu"), GENERATOR, slice(None), Path(os.devnull))
SOME += (TASK.networks(), nn.Sequential(nn.Linear(2, 2)), torch.float32, *style.subplots())

# By function or class, what it takes otherwise.
SPHERE = dict(zip(("features", "groups"), arrangements.counterexample("ii"), strict=True))
ROWS = torch.rand(24, 3, generator=GENERATOR)  # one for each image of DATA
OWN = {
    "AugmentationSet": {"erased": frozenset({"color"}), "blurred": frozenset(), "plans": {}},
    "Captured": {"step": abs},
    "Check": {"run": print},
    "Classifier": {"facts": {"label": "classifier"}},
    "Factors": dict(vars(FACTORS)),
    "Frames": {"labels": {}},
    "LookupAutoencoder": {"unseen": lambda images: CODES[: len(images)]},
    "Run": dict(vars(RUN)),
    "as_run": {"tensors": WEIGHTS},
    "frames": {"labels": {}},
    "live": {"labels": {}},
    "check": {"loss": losses.reconstruction_loss},
    "circle_densities": {
        "features": {"A": CIRCLE},
        "pairs": {"A": torch.rand(16)},
        "rgb": torch.rand(len(CIRCLE), 3),
    },
    "collapse": {"features": Z, "labels": torch.arange(16) % 4, "class_vectors": Z[:4]},
    "class_pairs_on_circle": {"labels": torch.arange(16) % 4},
    "compose": {"steps": augmentations.A},
    "concordance": {"u": CIRCLE, "v": CIRCLE.flip(0)},
    "confidence": {"dots": Z @ Z.T},
    "contrastive_loss": {"groups": GROUPS[:, :2]},
    "contrastive_idea": {"images": IMAGES[:3]},
    "decides": {"label": torch.arange(16) % 2},
    "Checked": {"statement": records.Statement("A", "color", "invariant"), "worst": {}},
    "Statement": {"net": "A", "factor": "color", "word": "invariant"},
    "checked": {
        "rows": [{"label": "A", "sensitivity": SCORES["A"]}],
        "statements": [records.Statement("A", "color", "invariant")],
    },
    "feature_map": {"features": {"A": ROWS}, "factors": DATA.factors},
    "fit": {"measure": TASK.measure, "dataset": TASK.dataset},
    "from_first": {"function": abs, "arguments": 3},
    "identify": {"thing": losses.info_nce},
    "info_nce_on_circle": {"z": Z[:, :2], "z_pos": Z[:, :2].flip(0)},
    "layer_probes": {"scores": {"A": [SCORES["A"]] * 8}, "factors": ("color",)},
    "layer_accuracy": {"accuracies": {"A": {"color": [0.5] * 8, "shape": [0.5] * 8}}},
    "logits_matrix": {"logits": torch.rand(16, 16)},
    "loss_ruler": {"marks": {"a": 1.0, "b": 2.0}, "measured": "a"},
    "median_distances": {"labels": torch.tensor([0, 0, 1])},
    "minimize_contrastive": {"groups": torch.tensor([[0, 1], [2, 3]])},
    "nn_compare": {"features": {"a": ROWS}},
    "nn_visualize": {"features": ROWS},
    "density": {"unit": CIRCLE, "at": CIRCLE},
    "onto_circle": {"z": Z[:, :2]},
    "optima_against_floor": {"optima": {(3, 2): 0.5}},
    "overlap": {
        "layouts": {1.0: [(CIRCLE, GROUPS[:2])] * 2},
        "losses": {1.0: [0.3, 0.4]},
        "shared": 1,
    },
    "pop_prefixed": {"prefix": "a.", "tensors": {"a.b": Z}},
    "query_rows": {"n": 24},
    "recolor": {"stages": [torch.rand(16, 3), torch.rand(16)]},
    "resample": {"stages": [(torch.eye(3).expand(16, 3, 3).contiguous(), 64.0)]},
    "ideal": {"factors": DATA.factors, "kept": ("color", "location")},
    "interval": {"features": ROWS, "factors": DATA.factors, "draws": 2},
    "probe": {
        **dict(zip(("train_features", "train_factors"), (ROWS, DATA.factors), strict=True)),
        **dict(zip(("features", "factors"), (ROWS, DATA.factors), strict=True)),
        "model": "linear",
        "wanted": ("shape", "size"),
    },
    "principal_components": {"features": ROWS},
    "probed": {"encoder": neighbors.pixels, "model": "linear", "known": 60, "asked": 60},
    "read": {"name": "quality"},
    "runs": {"rows": [{"label": "A", "recipe": "tiny", "seed": 0, "finished": "2026"}]},
    "settled": {"trace": [{"step": 0, **SCORES["A"]}], "factor": "color"},
    "seeds_table": {"scores": {"A": [SCORES["A"]]}},
    "sensitivity": {"features": ROWS, "factors": DATA.factors},
    "show": {"picture": np.zeros((4, 4, 3)), "side": 4},
    "sphere_counterexample": SPHERE,
    "Table": {"header": ("a", "b"), "rows": (("1", "2"),)},
    "tammes": {"configurations": {4: tammes.spread(4, 3)}},
    "traces": {"runs": {"A": [[{"step": 0, **SCORES["A"]}]]}, "factors": ("color",)},
    "train_autoencoder": {"loss": losses.reconstruction_loss},
    "train_classifier": {"loss": nn.functional.cross_entropy, "labels": torch.arange(24) % 3},
    "vary": {"base": FACTORS[:1]},
}


METHODS = {  # that take a reader's tensors, beside the names
    **{
        f"augmentations.{one.name}": one
        for one in (augmentations.A, augmentations.B, augmentations.C)
    },
    "networks.Encoder.forward": networks.Encoder(2).forward,
    "networks.Encoder.centre": networks.Encoder(2).centre,
    "networks.Decoder.forward": networks.Decoder(4).forward,
    "shapes.ShapesDataset.images": DATA.images,
}


def fits(value, hint):
    """Whether a function may be given ``value`` that annotates ``hint``."""

    def take(it):
        pass

    take.__annotations__ = {"it": hint}
    try:
        validation.arguments(take)(value)
    except (TypeError, ValueError):
        return False
    return True


def options_of(hint):
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def right(name, hint, default=None):
    """What the parameter ``name`` may be: known to fit, its default, or made from the hint."""
    options = options_of(hint)
    for known in NAMED.get(name, ()):
        if fits(known, hint):
            return known
    if isinstance(default, bool | str):
        return default
    if float in options:
        return 0.5 if default is None else float(default)
    if hasattr(options[0], "dim_str"):
        return tensor(options[0])
    if options[0] in (int, str, bool):
        return {int: 2, str: "a", bool: False}[options[0]]
    origin, inside = typing.get_origin(options[0]), typing.get_args(options[0])
    if origin is tuple:
        return tuple(right(name, one) for one in inside if one is not Ellipsis)
    if origin in (Mapping, dict):
        return {right("", inside[0]): right(name, inside[1])}
    if origin is not None and origin is not Callable and issubclass(origin, Iterable):
        return [right(name, inside[0])]
    for known in SOME:
        if fits(known, options[0]):
            return known
    raise LookupError(f"NAMED or OWN must have a right {name}: {hint}")


def tensor(hint):
    """Of the dtype and shape that ``hint`` asks for; unit rows, if it calls them of d numbers."""
    letters = [letter.lstrip("*#") for letter in hint.dim_str.split()]
    sizes = [int(one) if one.isdigit() else SIZES.get(one, 16) for one in letters]
    if hint.dtype.__name__ == "Int":
        return (torch.arange(math.prod(sizes)) % 4).reshape(sizes)
    if letters[-1] == "d":
        return nn.functional.normalize(torch.randn(sizes, generator=GENERATOR), dim=-1)
    return torch.rand(sizes, generator=GENERATOR)


def hints_of(thing):
    function = thing.__init__ if inspect.isclass(thing) else thing
    if isinstance(thing, augmentations.Augmentation):
        function = type(thing).__call__
    return typing.get_type_hints(inspect.unwrap(function))


def parameters(thing):
    return inspect.signature(thing).parameters


def right_call(name, thing):
    hints, own = hints_of(thing), OWN.get(name.split(".")[-1], {})
    found = {}
    for one, parameter in parameters(thing).items():
        default = None if parameter.default is inspect.Parameter.empty else parameter.default
        found[one] = own[one] if one in own else right(one, hints.get(one, typing.Any), default)
    return found


# Tested by themselves; the callers of the last three check what they pass on.
ELSEWHERE = {module.__name__ for module in (validation, loops, tiles, owners)}
CALLS = {
    name: (thing, right_call(name, thing))
    for name, thing in {**PUBLIC, **METHODS}.items()
    if parameters(thing) and getattr(thing, "__module__", "") not in ELSEWHERE
}


def call(thing, given):
    positional = []
    named = {}
    kinds = {name: parameter.kind for name, parameter in parameters(thing).items()}
    first = inspect.Parameter.VAR_POSITIONAL in kinds.values()  # what stands before it is by place
    for name, value in given.items():
        if kinds[name] is inspect.Parameter.VAR_KEYWORD:
            named |= {} if value == {} else {"shape": value}
        elif first:
            positional.append(value)
        else:
            named[name] = value
        if isinstance(value, torch.Generator):
            value.manual_seed(0)
    result = thing(*positional, **named)
    if isinstance(result, contextlib.AbstractContextManager):
        with result:
            pass
    return next(result) if isinstance(result, Iterator) else result
