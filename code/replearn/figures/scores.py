"""Sensitivities of encoders: as a table, and as bars beside what was predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replearn.figures import style
from replearn.predictions import FACTORS

Scores = Mapping[str, Mapping[str, float]]  # encoder → factor → sensitivity
Predictions = Mapping[str, Mapping[str, str]]  # encoder → factor → "sensitive" or "invariant"

_HEADINGS = {"color": "colour"}


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, shown as a table on pages, in notebooks and in print."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def _repr_markdown_(self) -> str:
        rule = (":--", *(":-:" for _ in self.header[1:]))
        lines = (self.header, rule, *self.rows)
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def score_table(scores: Scores, predictions: Predictions | None = None) -> Table:
    """Tabulate the sensitivity of each encoder to each factor, after its prediction where one is.

    0 is chance, 1 is fully kept.
    """
    predictions = predictions or {}

    def cell(encoder: str, factor: str) -> str:
        score = f"{scores[encoder][factor]:.2f}".replace("-0.00", "0.00").replace("-", "−")
        prediction = predictions.get(encoder, {}).get(factor)
        return f"{prediction}: {score}" if prediction else score

    header = ("encoder", *(_HEADINGS.get(factor, factor) for factor in FACTORS))
    return Table(
        header, tuple((encoder, *(cell(encoder, f) for f in FACTORS)) for encoder in scores)
    )


def sensitivity_bars(scores: Scores, predictions: Predictions | None = None) -> Figure:
    """Show a panel for each factor, a bar for each encoder, predictions as open circles at 0 or 1."""
    predictions = predictions or {}
    names = list(scores)
    fig, axes = style.subplots(
        1, len(FACTORS), sharey=True, sharex=True, figsize=(8.6, 0.42 * len(names) + 1.2)
    )
    for ax, factor in zip(axes, FACTORS, strict=True):
        values = [scores[name][factor] for name in names]
        ax.barh(range(len(names)), values, color=style.SKY, height=0.62)
        for y, (name, value) in enumerate(zip(names, values, strict=True)):
            ax.text(max(value, 0) + 0.04, y, f"{value:.2f}".replace("-", "−"), va="center", size=8)
            if factor in predictions.get(name, {}):
                target = float(predictions[name][factor] == "sensitive")
                ax.plot(target, y, "o", mfc="none", mec=style.VERMILION, mew=1.5, clip_on=False)
        ax.set_title(_HEADINGS.get(factor, factor))
        ax.set_xlim(-0.06, 1.3)
        ax.set_xticks([0, 1])
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    fig.supxlabel("sensitivity: 0 is chance, 1 is fully kept", size=10)
    if predictions:
        circle = {"marker": "o", "mfc": "none", "mec": style.VERMILION, "mew": 1.5, "ls": ""}
        fig.legend(handles=[Line2D([], [], label="predicted", **circle)], loc="outside lower right")
    return fig
