"""What came of an experiment that was run over several seeds: every seed is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from matplotlib.figure import Figure

from replearn.engine import validation
from replearn.figures import style
from replearn.figures.tables import HEADINGS
from replearn.neighbors import FACTORS

Seeds = Mapping[str, Sequence[float]]  # what was trained → a value a seed
Trace = Sequence[Mapping[str, float]]  # of one seed: the "step", and a score a factor


@validation.arguments
@style.drawing
def seed_dots(panels: Mapping[str, Seeds], marks: Mapping[str, float] | None = None) -> Figure:
    """Show a panel a measure and a row a training: a dot each seed, a line at their mean.

    Args:
        panels: by measure, the values of each training; all panels name the same ones.
        marks: labelled vertical lines in every panel, chance, say.

    Raises:
        ValueError: for panels of different trainings, or a training without a seed.
    """
    validation.between("len(panels)", len(panels), 1, len(FACTORS))
    names = list(next(iter(panels.values())))
    for measure, rows in panels.items():
        if list(rows) != names:
            raise ValueError(f"panels must name {names} each, got {list(rows)} in {measure!r}")
        for name, values in rows.items():
            validation.at_least(f"len(panels[{measure!r}][{name!r}])", len(values), 1)
    fig, axes = style.subplots(
        1, len(panels), sharey=True, squeeze=False, figsize=(6.4, 0.36 * len(names) + 1.3)
    )
    for ax, (measure, rows) in zip(axes[0], panels.items(), strict=True):
        for y, values in enumerate(rows.values()):
            ax.plot(values, [y] * len(values), "o", ms=6, mfc="none", mec=style.BLUE)
            mean = sum(values) / len(values)
            ax.plot([mean, mean], [y - 0.3, y + 0.3], color=style.VERMILION, lw=2)
        for label, at in (marks or {}).items():
            ax.axvline(at, color=style.GREY, ls=":", lw=1)
            ax.annotate(
                label,
                (at, 0),
                xycoords=("data", "axes fraction"),
                xytext=(3, 3),
                textcoords="offset points",
                color=style.GREY,
                size=9,
            )
        ax.set_title(measure)
        ax.set_xlim(-0.08, 1.05)
    axes[0][0].set_yticks(range(len(names)), names)
    axes[0][0].invert_yaxis()
    return fig


@validation.arguments
@style.drawing
def traces(runs: Mapping[str, Sequence[Trace]], factors: Sequence[str] = FACTORS) -> Figure:
    """Show what was known of each factor over a training: a panel a training, a curve a factor.

    Args:
        runs: by training, what each seed's scores were at the steps that were looked at: the curve
            is the mean over seeds, the band spans them.
        factors: those to show; one that was alike in all images of a training has no score there.

    Raises:
        ValueError: for a training without a seed, or seeds that were looked at at different steps.
    """
    validation.between("len(runs)", len(runs), 1, 4)
    for factor in factors:
        validation.one_of("factors", factor, FACTORS)
    cols = min(2, len(runs))
    rows = math.ceil(len(runs) / cols)
    fig, axes = style.subplots(
        rows, cols, sharey=True, squeeze=False, figsize=(2.9 * cols, 2.3 * rows + 0.5)
    )
    for spare in axes.flat[len(runs) :]:
        spare.set_axis_off()
    for ax, (name, seeds) in zip(axes.flat, runs.items(), strict=False):
        validation.at_least(f"len(runs[{name!r}])", len(seeds), 1)
        steps = [[look["step"] for look in trace] for trace in seeds]
        if any(each != steps[0] for each in steps):
            raise ValueError(f"the seeds of {name!r} must be looked at at the same steps")
        for factor, color, line in zip(factors, style.CYCLE, style.LINES, strict=False):
            if not all(factor in look for trace in seeds for look in trace):
                continue  # it was alike in all images: there was nothing to read
            scores = torch.tensor([[look[factor] for look in trace] for trace in seeds])
            ax.plot(steps[0], scores.mean(0), color=color, ls=line, label=HEADINGS[factor])
            ax.fill_between(steps[0], scores.amin(0), scores.amax(0), color=color, alpha=0.15, lw=0)
        ax.axhline(0, color=style.GREY, lw=0.5)
        ax.set_title(name)
        ax.set_ylim(-0.1, 1.03)
        ax.margins(x=0)
    for ax in axes[-1]:
        ax.set_xlabel("training step")
    for ax in axes[:, 0]:
        ax.set_ylabel("read by a linear probe")
    style.legend_above(fig)
    return fig
