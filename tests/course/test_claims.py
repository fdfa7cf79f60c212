"""Claims: a false sentence stops the build, unless it is about a network that smoke trained."""

from dataclasses import dataclass

import pytest
import torch

from replearn import recipes
from replearn.course import claims


@dataclass(frozen=True)
class Run:
    """As much of a training run as a claim looks at."""

    facts: dict[str, str]
    recipe: str


A, B, C = (Run({"label": name}, "smoke") for name in "ABC")
LONG = Run({"label": "long"}, "fast")

RECIPES = pytest.mark.parametrize("recipe", ["fast", "reference", "smoke"])


@RECIPES
@pytest.mark.parametrize("on", [(), A, LONG, [A, LONG]])
def test_a_claim_that_holds_is_printed(monkeypatch, capsys, recipe, on):
    monkeypatch.setattr(recipes, "_chosen", recipe)
    claims.claim("A forgets colour.", torch.tensor(0.04) < 0.05, on=on)
    assert capsys.readouterr().out == "✓ A forgets colour.\n"


@RECIPES
@pytest.mark.parametrize("on", [(), [], LONG, [LONG, LONG]])
def test_a_claim_that_fails_stops_the_cell_in_every_build(monkeypatch, capsys, recipe, on):
    monkeypatch.setattr(recipes, "_chosen", recipe)
    for holds in (False, torch.tensor(False)):
        with pytest.raises(claims.ClaimFailed, match=r"^A forgets colour\.$"):
            claims.claim("A forgets colour.", holds, on=on)
    assert capsys.readouterr().out == ""


def test_a_claim_fails_that_does_not_say_on_what_it_rests(monkeypatch):
    monkeypatch.setattr(recipes, "_chosen", "smoke")
    with pytest.raises(claims.ClaimFailed):
        claims.claim("A forgets colour.", False)


@pytest.mark.parametrize(
    ("on", "names"),
    [
        (A, "A"),
        ([B, A], "B, A"),
        ({"a": A, "c": C}.values(), "A, C"),
        ((run for run in (A, B)), "A, B"),
        ([LONG, C], "C"),  # those that smoke trained
        ([A, B, A], "A, B"),  # each once
    ],
)
def test_a_claim_about_what_smoke_trained_is_forgiven_and_says_so(monkeypatch, capsys, on, names):
    monkeypatch.setattr(recipes, "_chosen", "fast")  # the runs tell, not the build
    claims.claim("A forgets colour.", False, on=on)
    out = capsys.readouterr().out
    assert out == f"✗ (smoke build: {names} hardly trained) A forgets colour.\n"


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("bad", [None, 3, "A", [A, "B"], {"a": A}, [[A, B]], torch.zeros(2)])
def test_only_runs_can_be_rested_on(holds, bad):
    with pytest.raises(TypeError, match=r"^on must be a TrainingRun or .*, got "):
        claims.claim("A forgets colour.", holds, on=bad)


def test_runs_are_named_as_such():
    with pytest.raises(TypeError, match="positional"):
        claims.claim("A forgets colour.", False, A)
