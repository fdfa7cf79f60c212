"""The examples in docstrings print what they show, and every function of a student's has one."""

import doctest
import importlib

import pytest
import torch

from calls import PUBLIC
from replearn import augmentations, networks, shapes
from replearn.course.claims import claim

# What an example takes for granted: torch, and the modules that chapters import.
MODULES = ("augmentations", "classification", "figures", "geometry", "losses", "neighbors")
MODULES += (
    "networks",
    "probes",
    "recipes",
    "ruler",
    "shapes",
    "training",
    "theory.arrangements",
    "theory.circle",
)
MODULES += ("theory.invariances", "theory.known_factor", "theory.lookup_autoencoder")
MODULES += ("theory.minimizers", "theory.tammes")
NAMES = {name.rpartition(".")[2]: importlib.import_module(f"replearn.{name}") for name in MODULES}
NAMES |= {"torch": torch, "claim": claim}

# Rooms in which every function has an example, and those that a student calls elsewhere.
ROOMS = ("losses", "geometry", "neighbors", "networks", "classification", "theory.tammes")
ROOMS += ("probes", "ruler")
ROOMS += ("theory.arrangements", "theory.minimizers", "theory.known_factor")
CALLED = ("shapes.draw", "shapes.ShapesDataset", "training.train_autoencoder")
CALLED += ("training.train_contrastive", "augmentations.sets.compose", "course.claims.claim")
METHODS = {
    "augmentations.base.Augmentation.__call__": augmentations.Augmentation.__call__,
    "networks.Encoder.layers": networks.Encoder.layers,
    "shapes.Factors.draw": shapes.Factors.draw,
    "shapes.ShapesDataset.images": shapes.ShapesDataset.images,
}
EXAMPLES = {
    name: thing for name, thing in {**PUBLIC, **METHODS}.items() if ">>> " in (thing.__doc__ or "")
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_prints_what_it_shows(name, request):
    if name.startswith(("training.", "classification.train")):
        request.getfixturevalue("tiny")  # narrow networks, and a store of their own
    example = doctest.DocTestParser().get_doctest(
        EXAMPLES[name].__doc__, dict(NAMES), name, name, None
    )
    printed: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=printed.append)
    assert not printed, "".join(printed)


def test_every_function_of_a_student_has_an_example():
    returned = ("Classifier",)  # what a call gives back
    asked = {
        name for name in PUBLIC if name.rpartition(".")[0] in ROOMS and not name.endswith(returned)
    }
    assert asked | {*CALLED, *METHODS} <= EXAMPLES.keys()
