"""Figures of what is measured at the steps of a training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from replearn.engine import validation
from replearn.figures import style
from replearn.training import Run


@validation.arguments
def running_mean(losses: Float[Tensor, " n"], window: int) -> Float[Tensor, " m"]:
    """Return the mean of each ``window`` consecutive losses.

    Examples:
        >>> figures.training.running_mean(torch.tensor([1.0, 2.0, 3.0, 4.0]), 2)
        tensor([1.5000, 2.5000, 3.5000])
    """
    validation.between("window", window, 1, len(losses))
    return losses.unfold(0, window, 1).mean(1)


@validation.arguments
@style.drawing
def loss_curve(
    runs: Mapping[str, Run], guides: Mapping[str, float] | None = None, *, log: bool = False
) -> Figure:
    """Show the training loss of each named run, step by step, and its running mean.

    Args:
        runs: one curve each.
        guides: values worth comparing with, drawn as labelled horizontal lines.
        log: whether the loss axis is logarithmic.
    """
    validation.between("len(runs)", len(runs), 1, len(style.CYCLE))
    fig, ax = style.subplots(figsize=(7.2, 3.6))
    for (name, run), color in zip(runs.items(), style.CYCLE, strict=False):
        losses = run.losses.detach().float().cpu()
        window = max(1, len(losses) // 50)
        smooth = running_mean(losses, window)
        ax.plot(range(1, len(losses) + 1), losses, color=color, alpha=0.22, linewidth=0.7)
        ends = f"{name} (at the end {smooth[-1]:.3g})"
        ax.plot(torch.arange(len(smooth)) + (window + 1) / 2, smooth, color=color, label=ends)
    for text, value in (guides or {}).items():
        ax.axhline(value, color=style.GREY, linestyle="--", linewidth=1)
        ax.annotate(
            f"{text}: {value:.2f}",
            (0.995, value),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            color=style.GREY,
            fontsize=9,
            ha="right",
        )
    if log:
        ax.set_yscale("log")
    ax.set_xlabel("training step")
    ax.set_ylabel("loss of the batch")
    ax.margins(x=0)
    style.legend_above(fig)
    return fig


@validation.arguments
@style.drawing
def alignment_and_uniformity(runs: Mapping[str, Run]) -> Figure:
    """Show running means of the alignment and uniformity of each named run's batches.

    The axis is the share of the steps done, since runs may differ in their number of steps.
    """
    validation.between("len(runs)", len(runs), 1, len(style.CYCLE))
    fig, axes = style.subplots(1, 2, figsize=(7.6, 3.2))
    for ax, measure in zip(axes, ("alignment", "uniformity"), strict=True):
        for (name, run), color, line in zip(runs.items(), style.CYCLE, style.LINES, strict=False):
            smooth = running_mean(run.history[measure], max(1, run.steps // 50))
            done = torch.linspace(0, 100, len(smooth))
            ax.plot(done, smooth, color=color, ls=line, label=name)
        ax.set_title(measure)
        ax.set_xlabel("training done (%)")
        ax.margins(x=0)
    style.legend_above(fig)
    return fig
