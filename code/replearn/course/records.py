"""What takes hours is measured once: the records in benchmarks/, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import replearn
from replearn import ruler
from replearn.engine import validation
from replearn.neighbors import FACTORS

Row = dict[str, Any]

WORDS = ("invariant", "sensitive", "not invariant", "not sensitive", "kept best")
"""What may be said of an encoder and a factor."""


@validation.arguments
def read(name: str) -> list[Row]:
    """Return the rows of ``benchmarks/<name>.json``, found from the working folder upwards.

    Raises:
        FileNotFoundError: if there is no such file; it names those that there are.
    """
    beside_the_library = Path(replearn.__file__).parents[2]
    for folder in (Path.cwd(), *Path.cwd().parents, beside_the_library):
        path = folder / "benchmarks" / f"{name}.json"
        if path.is_file():
            rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))
            return rows
    there = sorted(path.stem for path in (beside_the_library / "benchmarks").glob("*.json"))
    raise FileNotFoundError(
        f"name must be of a record in benchmarks/, one of {there}, got {name!r}"
    )


@validation.arguments
def runs(net: str, recipe: str, rows: Sequence[dict[str, Any]] | None = None) -> list[Row]:
    """Return the kept runs of a network and a recipe, one a seed, for means over seeds.

    Of a seed that several machines have trained, the run that finished last.

    Args:
        net: the network's label.
        recipe: the recipe's name.
        rows: all runs; those of quality.json if absent.
    """
    rows = read("quality") if rows is None else rows
    own = [row for row in rows if (row["label"], row["recipe"]) == (net, recipe)]
    own.sort(key=lambda row: row["finished"])
    last = {row["seed"]: row for row in own}
    return [last[seed] for seed in sorted(last)]


@validation.arguments
def settled(trace: Sequence[dict[str, Any]], factor: str) -> int | None:
    """Return the logged step from which on a factor's probe stays above half of its final score.

    None if the final score is no more than :data:`ruler.INVARIANT`: then it was not learnt.

    Args:
        trace: rows with a ``"step"``, in order, and a score of each factor.
        factor: one of :data:`neighbors.FACTORS`.

    Raises:
        ValueError: for an empty trace, or a factor that is not there.
    """
    validation.at_least("len(trace)", len(trace), 1)
    validation.one_of("factor", factor, [name for name in trace[0] if name != "step"])
    final = trace[-1][factor]
    if final <= ruler.INVARIANT:
        return None
    step = None
    for row in reversed(trace):
        if row[factor] < final / 2:
            break
        step = row["step"]
    return step


@validation.arguments
@dataclass(frozen=True)
class Statement:
    """What the book says of every run of a network, by whatever recipe.

    Attributes:
        net: the network's label in the records.
        factor: one of :data:`neighbors.FACTORS`.
        word: one of :data:`WORDS`: what :func:`ruler.word` says, what it does not, or that the
            encoder keeps no other factor better.
    """

    net: str
    factor: str
    word: str

    def __post_init__(self) -> None:
        """Check the names."""
        validation.one_of("factor", self.factor, FACTORS)
        validation.one_of("word", self.word, WORDS)

    def __str__(self) -> str:
        """Return the sentence, as tables show it."""
        return f"{self.net}: {self.factor.replace('color', 'colour')} {self.word}"

    def margin(self, scores: dict[str, float]) -> float:
        """Return how far the sensitivities of a run are from making it false; below 0, they do."""
        score = scores[self.factor]
        if self.word == "kept best":
            return score - max(scores[name] for name in FACTORS if name != self.factor)
        bound = ruler.INVARIANT if "invariant" in self.word else ruler.SENSITIVE
        return bound - score if self.word in ("invariant", "not sensitive") else score - bound


def _said(net: str, **factors: str) -> tuple[Statement, ...]:
    return tuple(
        Statement(net, factor, word.replace("_", " "))
        for factor, words in factors.items()
        for word in words.split()
    )


STATEMENTS: tuple[Statement, ...] = (
    *_said("A", color="invariant", location="sensitive", shape="sensitive"),
    *_said("A", size="sensitive", rotation="sensitive"),
    *_said("B", color="sensitive", location="invariant", shape="invariant"),
    *_said("B", size="not_sensitive", rotation="invariant"),
    *_said("C", color="sensitive", location="not_sensitive", shape="invariant"),
    *_said("C", rotation="invariant"),
    *_said("B then grayscale", shape="invariant", location="not_sensitive"),
    *_said("autoencoder", **dict.fromkeys(FACTORS, "sensitive")),
    *_said("autoencoder", location="kept_best"),
)
"""All that the book says of its encoders, whoever trained them and from whatever seed."""


@validation.arguments
@dataclass(frozen=True)
class Checked:
    """A statement against all runs of its network that are kept.

    Attributes:
        statement: what is said.
        runs: of how many runs.
        worst: the row of the run with the least margin.
        margin: that margin; the statement holds of every run if it is above 0.
    """

    statement: Statement
    runs: int
    worst: dict[str, Any]
    margin: float


@validation.arguments
def checked(
    rows: Sequence[dict[str, Any]] | None = None, statements: Sequence[Statement] = STATEMENTS
) -> tuple[Checked, ...]:
    """Hold statements against every run of both recipes that is kept in quality.json.

    Args:
        rows: those runs, if not from there.
        statements: what is said.

    Raises:
        ValueError: if no run is kept of a network that a statement is about.
    """
    rows = read("quality") if rows is None else rows
    found = []
    for statement in statements:
        own = [row for row in rows if row["label"] == statement.net]
        if not own:
            kept = sorted({row["label"] for row in rows})
            raise ValueError(f"statements must be about one of {kept}, got {statement.net!r}")
        worst = min(own, key=lambda row: statement.margin(row["sensitivity"]))
        margin = statement.margin(worst["sensitivity"])
        found.append(Checked(statement, len(own), worst, margin))
    return tuple(found)
