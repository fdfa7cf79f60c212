"""Scores of encoders: as bars beside what was predicted, and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from replearn import ruler
from replearn.engine import validation
from replearn.evaluation import LAYERS
from replearn.figures import style
from replearn.figures.tables import HEADINGS, Predictions, Scores, number
from replearn.neighbors import FACTORS
from replearn.shapes import COLORS, SHAPES

_RING: dict[str, Any] = {
    "marker": "o",
    "mfc": "none",
    "mec": style.VERMILION,
    "mew": 1.5,
    "linestyle": "",
}
_TARGETS = {"invariant": 0, "sensitive": 1}  # "partly" predicts no number


@validation.arguments
@style.drawing
def sensitivity_bars(scores: Scores, predictions: Predictions | None = None) -> Figure:
    """Show a panel for each factor, a bar for each encoder, and predictions as open circles.

    Dotted lines are the bounds of *invariant* and *sensitive*, of :mod:`replearn.ruler`.
    """
    validation.complete("scores", scores, FACTORS)
    predictions = predictions or {}
    names = list(scores)
    fig, axes = style.subplots(
        1, len(FACTORS), sharey=True, sharex=True, figsize=(8.0, 0.42 * len(names) + 1.2)
    )
    for ax, factor in zip(axes, FACTORS, strict=True):
        values = [scores[name][factor] for name in names]
        ax.barh(range(len(names)), values, color=style.SKY, height=0.62)
        for y, (name, value) in enumerate(zip(names, values, strict=True)):
            ax.text(1.5, y, number(value), va="center", ha="right", size=style.SMALL)
            prediction = predictions.get(name, {}).get(factor)
            if prediction in _TARGETS:
                ax.plot(_TARGETS[prediction], y, clip_on=False, **_RING)
        for bound in (ruler.INVARIANT, ruler.SENSITIVE):
            ax.axvline(bound, color=style.GREY, ls=":", lw=1, zorder=0)
        ax.set_title(HEADINGS[factor])
        ax.set_xlim(-0.08, 1.5)
        ax.set_xticks([0, 1])
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    fig.supxlabel("sensitivity: 0 is chance, 1 is fully kept", size=10)
    if predictions:
        key = Line2D([], [], label="predicted", **_RING)
        fig.legend(handles=[key], loc="outside upper right", frameon=False)
    return fig


@validation.arguments
@style.drawing
def layer_accuracy(accuracies: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Show how often the nearest neighbour has the same colour, and shape, layer by layer.

    Args:
        accuracies: by encoder, what :func:`replearn.evaluation.layer_accuracies` returns.
    """
    validation.between("len(accuracies)", len(accuracies), 1, len(style.CYCLE))
    fig, axes = style.subplots(1, 2, sharey=True, figsize=(8.0, 3.4))
    chances = {"color": 1 / len(COLORS), "shape": 1 / len(SHAPES)}
    validation.complete("accuracies", accuracies, tuple(chances))
    for ax, (factor, chance) in zip(axes, chances.items(), strict=True):
        ax.axhline(chance, color=style.GREY, lw=1, ls=":", label="chance")
        for (name, values), color, marker in zip(
            accuracies.items(), style.CYCLE, style.MARKERS, strict=False
        ):
            ax.plot(values[factor], color=color, marker=marker, ms=5, label=name)
        ax.set_title(f"same {HEADINGS[factor]}")
        ax.set_xticks(range(len(LAYERS)), LAYERS, rotation=45, ha="right")
        ax.set_ylim(0, 1.02)
    axes[0].set_ylabel("share of nearest neighbours")
    style.legend_above(fig)
    return fig


@validation.arguments
@style.drawing
def layer_probes(
    scores: Mapping[str, Sequence[Mapping[str, float]]],
    factors: Sequence[str] = ("color", "location", "shape"),
) -> Figure:
    """Show what a probe reads of each factor, layer by layer: a panel a factor, a curve an encoder.

    A curve that leaves its panel downwards goes where the probe is worse than a guess.

    Args:
        scores: by encoder, for every one of :data:`replearn.evaluation.LAYERS` what
            :func:`replearn.probes.probe` returns.
        factors: those to show.

    Raises:
        ValueError: for an encoder without a score of each factor at each layer.
    """
    validation.between("len(scores)", len(scores), 1, len(style.CYCLE))
    validation.between("len(factors)", len(factors), 1, len(FACTORS))
    for name, layers in scores.items():
        if len(layers) != len(LAYERS):
            raise ValueError(
                f"scores must have {len(LAYERS)} layers, got {len(layers)} of {name!r}"
            )
        validation.complete("scores", dict(zip(LAYERS, layers, strict=True)), tuple(factors))
    fig, axes = style.subplots(
        1, len(factors), sharey=True, squeeze=False, figsize=(2.9 * len(factors), 3.4)
    )
    for ax, factor in zip(axes[0], factors, strict=True):
        ax.axhline(0, color=style.GREY, lw=1, ls=":", label="a guess")
        for (name, layers), color, marker in zip(
            scores.items(), style.CYCLE, style.MARKERS, strict=False
        ):
            read = [layer[factor] for layer in layers]
            ax.plot(read, color=color, marker=marker, ms=5, label=name)
        ax.set_title(HEADINGS[factor])
        ax.set_xticks(range(len(LAYERS)), LAYERS, rotation=45, ha="right")
        ax.set_ylim(-0.1, 1.03)
    axes[0][0].set_ylabel("read by a linear probe")
    style.legend_above(fig)
    return fig
