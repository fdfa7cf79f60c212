"""What the library computes is what it computed when its revision was last raised.

Measured on an AMD EPYC, as the largest change of any number of a group:

- by other instructions (PyTorch's AVX2 or none, oneDNN's SSE4.1 or off): colours, images and
  geometry 0, losses 2e-16, features 1e-7, networks 3e-7, muon 1e-6, training 1e-5;
- by a coefficient changed by one part in a thousand (of 28 tried: in LUMA, a row of a drawing, the
  range of a view, a default of a loss, Adam, Muon, the schedule, a layer …): at least six times the
  tolerance of some group.
"""

import json
import math

import pytest

import golden
from replearn import losses, shapes, tasks, training
from replearn.engine import muon

RECORD = json.loads(golden.FILE.read_text(encoding="utf-8"))


def changed():
    """The numbers that have moved by more than their group's tolerance, the farthest first."""
    far = golden.moved(RECORD["numbers"], golden.measured())
    beyond = {place: by for place, by in far.items() if by > golden.TOLERANCE[place[0]]}
    return sorted(beyond, key=lambda place: -beyond[place])


def test_what_is_computed_has_not_changed():
    assert RECORD["revision"] == tasks.REVISION, (
        "tests/golden.json is of another revision: write it anew by `python tests/golden.py`"
    )
    places = [": ".join(place) for place in changed()]
    assert places == [], (
        f"what the library computes has changed ({'; '.join(places[:5])} …): raise the revision "
        "(tasks.REVISION, then `python tests/golden.py` and `make publish`), or restore the "
        "numbers"
    )


def a_thousandth_more(*values):
    return tuple(1.001 * value for value in values)


@pytest.mark.parametrize(
    ("group", "module", "name", "value"),
    [
        ("images", shapes, "_SIZES", a_thousandth_more(*shapes._SIZES)),
        ("networks", training.Encoder, "centre", lambda self, images: None),
        ("muon", muon, "_A", 1.001 * muon._A),
        ("losses", losses.contrastive_loss.__wrapped__, "__defaults__", (1.001,)),
    ],
)
def test_a_coefficient_changed_by_a_thousandth_is_noticed(monkeypatch, group, module, name, value):
    monkeypatch.setattr(module, name, value)
    far = golden.moved({group: RECORD["numbers"][group]}, {group: golden.GROUPS[group]()})
    assert max(far.values()) > 4 * golden.TOLERANCE[group]


def test_a_number_that_is_gone_counts_as_moved():
    moved = golden.moved({"muon": {"x": [1.0, 2.0]}}, {"muon": {"x": [1.0]}})
    assert moved == {("muon", "x"): math.inf}
