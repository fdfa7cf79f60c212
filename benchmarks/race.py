"""Contestants that run in turn, so that what disturbs one disturbs all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

Contestant = Callable[[], float]  # does its work, returns the seconds that it took
Row = dict[str, Any]


def timed(work: Callable[[], object]) -> Contestant:
    """Return a contestant that does ``work`` once."""

    def contestant() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return contestant


def race(case: str, contestants: Mapping[str, Contestant], rounds: int, **facts: Any) -> Row:
    """Let each contestant warm up once, then run them in turn, ``rounds`` times.

    The row holds the median, the least and the most of each one's seconds, and of its ratio to the
    first one, ours, within a round: a machine that slows down slows both.
    """
    for contestant in contestants.values():
        contestant()
    laps = [{name: contestant() for name, contestant in contestants.items()} for _ in range(rounds)]
    ours = next(iter(contestants))
    row: Row = {"case": case, **facts, "threads": torch.get_num_threads(), "rounds": rounds}
    row["seconds"] = {name: spread([lap[name] for lap in laps]) for name in contestants}
    row["ratio"] = {
        name: spread([lap[name] / lap[ours] for lap in laps])
        for name in contestants
        if name != ours
    }
    print(
        case, {name: f"{ratio['median']:.2f}" for name, ratio in row["ratio"].items()}, flush=True
    )
    return row


def spread(values: list[float]) -> dict[str, float]:
    """Return the median and the extremes, to four digits."""
    found = {"median": statistics.median(values), "least": min(values), "most": max(values)}
    return {name: float(f"{value:.4g}") for name, value in found.items()}
