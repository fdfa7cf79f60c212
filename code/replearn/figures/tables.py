"""Tables: of factors, and of what encoders keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replearn.engine import validation
from replearn.neighbors import FACTORS
from replearn.shapes import COLORS, SHAPES, Factors

Scores = Mapping[str, Mapping[str, float]]  # encoder → factor → sensitivity
Predictions = Mapping[
    str, Mapping[str, str]
]  # encoder → factor → "sensitive", "partly", "invariant"

HEADINGS = {factor: factor for factor in FACTORS} | {"color": "colour"}


@validation.arguments
@dataclass(frozen=True)
class Table:
    """Rows of text under a header, shown as a table on pages, in notebooks and in print."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def _repr_markdown_(self) -> str:
        rule = (":--", *(":-:" for _ in self.header[1:]))
        lines = (self.header, rule, *self.rows)
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(score: float) -> str:
    """Write a sensitivity, perhaps NaN, with two decimals and a true minus sign."""
    if not isinstance(score, int | float):
        raise TypeError(f"score must be a number, got {score!r}")
    return f"{score:.2f}".replace("-0.00", "0.00").replace("-", "−")


@validation.arguments
def score_table(scores: Scores, predictions: Predictions | None = None) -> Table:
    """Tabulate the sensitivity of each encoder to each factor, after its prediction where one is.

    0 is chance, 1 is fully kept.
    """
    validation.complete("scores", scores, FACTORS)
    predictions = predictions or {}

    def cell(encoder: str, factor: str) -> str:
        score = number(scores[encoder][factor])
        prediction = predictions.get(encoder, {}).get(factor)
        return f"{prediction}: {score}" if prediction else score

    header = ("encoder", *(HEADINGS[factor] for factor in FACTORS))
    return Table(
        header, tuple((encoder, *(cell(encoder, f) for f in FACTORS)) for encoder in scores)
    )


@validation.arguments
def seeds_table(scores: Mapping[str, Sequence[Mapping[str, float]]]) -> Table:
    """Tabulate scores of networks that were trained from several seeds: least–greatest.

    Args:
        scores: by row, one score a factor for every seed. Their number has a column.

    Raises:
        ValueError: for a row without a seed, or a seed without a score of each factor.
    """
    rows = []
    for name, seeds in scores.items():
        validation.at_least(f"len(scores[{name!r}])", len(seeds), 1)
        validation.complete("scores", {f"{name} {k}": one for k, one in enumerate(seeds)}, FACTORS)
        spans = []
        for factor in FACTORS:
            values = [one[factor] for one in seeds]
            ends = dict.fromkeys((number(min(values)), number(max(values))))  # alike: one
            spans.append("–".join(ends))
        rows.append((name, str(len(seeds)), *spans))
    return Table(("network", "seeds", *(HEADINGS[factor] for factor in FACTORS)), tuple(rows))


@validation.arguments
def prediction_table(predictions: Predictions) -> Table:
    """Tabulate what each encoder is predicted to be for each factor."""
    validation.complete("predictions", predictions, FACTORS)
    header = ("encoder", *(HEADINGS[factor] for factor in FACTORS))
    rows = ((name, *(line[f] for f in FACTORS)) for name, line in predictions.items())
    return Table(header, tuple(rows))


@validation.arguments
def factor_table(factors: Factors) -> Table:
    """Tabulate factors, one image a row: positions and sizes in pixels, angles in degrees."""
    header = ("shape", "colour", "centre (x, y)", "size", "angle")
    rows = (
        (
            SHAPES[factors.shape[i]],
            COLORS[factors.color[i]],
            f"({factors.position[i, 0]:.1f}, {factors.position[i, 1]:.1f})",
            f"{factors.size[i]:.1f}",
            f"{round(math.degrees(factors.angle[i])) % 360}°",
        )
        for i in range(len(factors))
    )
    return Table(header, tuple(rows))
