"""Losses over the steps of a training."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from replearn.figures import style
from replearn.training import Run


def running_mean(losses: Float[Tensor, " n"], window: int) -> Float[Tensor, " m"]:
    """Return the mean of each ``window`` consecutive losses."""
    return losses.unfold(0, window, 1).mean(1)


def loss_curve(
    runs: Mapping[str, Run], guides: Mapping[str, float] | None = None, *, log: bool = False
) -> Figure:
    """Show the training loss of each named run, step by step, and its running mean.

    Args:
        runs: one curve each.
        guides: values worth comparing with, drawn as labelled horizontal lines.
        log: whether the loss axis is logarithmic.
    """
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
    fig.legend(loc="outside upper center", ncols=len(runs), frameon=False)
    return fig
