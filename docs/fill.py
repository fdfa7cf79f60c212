"""Fill in the tables of the pages beside this file: ``make docs``.

A table stands between two comments, ``<!-- table of NAME -->`` and ``<!-- end -->``. Its rows are
read from the tests, the published networks, and what the scripts of ``benchmarks`` measured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from faults import Fault, faults

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent

_TABLE = re.compile(r"(<!-- table of ([^>]+) -->\n).*?(<!-- end -->)", re.S)


def measured(name: str) -> Any:
    """Return what ``benchmarks/NAME.py`` measured."""
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text(encoding="utf-8"))


def counted(step: dict[str, int]) -> int:
    """Return the bytes of a ring: float32 gradients twice, both views' features three times."""
    gradients = 4 * step["parameters"]
    features = 4 * 2 * step["batch"] * step["latent_dim"]
    return (step["processes"] - 1) * (2 * gradients + 3 * features)


def table(header: str, rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    cells = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in rows]
    rule = "---|" * (header.count("|") + 1)
    return "\n".join([f"| {header} |", f"|{rule}", *(f"| {row} |" for row in cells)]) + "\n"


def machines(rows: Iterable[dict[str, Any]]) -> str:
    """Return a line that says where and when the rows were measured."""
    told = {
        f"{row['chip']}, {row['threads']} thread{'s' * (row['threads'] > 1)}, {row['precision']}, "
        f"{row['date'][:10]}"
        for row in rows
    }
    return f"\nMeasured on {'; '.join(sorted(told))}.\n"


def the_faults() -> str:
    """Each fault beside the name of its test."""

    def where(fault: Fault) -> str:
        file = fault.file.relative_to(ROOT).as_posix()
        return f"`{fault.test}` in `{file}`" + " (`make soak`)" * fault.soak

    rows = ((*fault[:3], where(fault)) for fault in faults(ROOT / "tests"))
    return table("fault | how the test provokes it | what happens | test", rows)


def other_code() -> str:
    """How many times as long other code takes."""
    raced = measured("bench")
    rows = (
        (case, other, *(f"{ratio[which]:.2f}" for which in ("median", "least", "most")))
        for case, row in raced.items()
        for other, ratio in row["ratio"].items()
    )
    header = "work | other code | times as long | at least | at most"
    return table(header, rows) + machines(raced.values())


def whole_trainings() -> str:
    """The time of whole trainings, and of the original pipeline's."""
    rows = (
        (
            case.removeprefix("training "),
            *(f"{seconds / 60:,.1f} min" for seconds in row["whole_seconds"].values()),
            f"{row['whole_ratio']:.0f}",
        )
        for case, row in measured("bench").items()
        if "whole_steps" in row
    )
    return table("training | ours | original pipeline | times as long", rows)


def growth() -> str:
    """Time and memory by the number of images, pairs and rows, on a processor."""
    grown = measured("growth")
    digits = partial(np.format_float_positional, precision=3, fractional=False, trim="-")
    rows = (
        (
            case,
            size,
            digits(row["seconds"]["median"]),
            f"{digits(1e6 * row['seconds']['median'] / int(size.replace(',', '')))} µs",
            f"{row['peak_mb'] / 1000:.2f} GB",
        )
        for case, sizes in grown.items()
        if isinstance(sizes, dict)
        for size, row in sizes.items()
    )
    return table("work, by size | size | seconds | per size | memory", rows) + machines([grown])


def gpu_trainings() -> str:
    """Seconds of each training on a GPU."""
    gpu = measured("gpu")
    trained = gpu["seconds of a training"]
    nets = list(trained["fast"])
    cold = gpu["seconds of all four networks, their scores and pictures, cold"]
    rows = [
        (recipe, *(f"{trained[recipe][net]['median']:.1f}" for net in nets)) for recipe in trained
    ]
    return (
        table(" | ".join(["seconds", *nets]), rows)
        + f"\nAll four, their scores and pictures, from the start of Python: {cold:.0f} s.\n"
        + machines([gpu])
    )


def gpu_steps() -> str:
    """Milliseconds of the parts of a step on a GPU, and what part of the chip they use."""
    gpu = measured("gpu")
    parts = gpu["milliseconds of a step's parts"]
    batches = list(parts)
    rows = [(part, *(f"{parts[b][part]:.2f}" for b in batches)) for part in parts[batches[0]]]
    rate = gpu["rate"][batches[-1]]
    share = rate["forward and backward, TFLOP/s"] / rate["product of 8192² matrices, TFLOP/s"]
    return (
        table(" | ".join(["milliseconds of a step", *(f"{b} pairs" for b in batches)]), rows)
        + f"\nForward and backward with {batches[-1]} pairs reach {share:.0%} of the rate of large "
        "matrix products.\n"
    )


def gpu_growth() -> str:
    """Milliseconds of a step of B by the number of images and of pairs."""
    rows = (
        (f"{number} {what}", f"{row['median']:.1f}")
        for what, sizes in measured("gpu")["growth"].items()
        for number, row in sizes.items()
    )
    return table("a step of B with | milliseconds", rows)


def binder() -> str:
    """Time and memory of every chapter on Binder."""
    lent = measured("binder")
    rows = ((page, f"{row['seconds']:.0f}", f"{row['GB']:.2f} GB") for page, row in lent.items())
    return table("chapter | seconds | memory at most", rows) + machines(lent.values())


def bytes_sent() -> str:
    """The bytes of a training step, as counted and as sent."""
    sent = measured("distributed")
    rows = (
        (
            str(step["processes"]),
            str(step["batch"]),
            f"{counted(step) / 1e6:.2f} MB",
            f"{step['bytes_per_step'] / 1e6:.2f} MB",
            f"{step['bytes_per_step'] / counted(step) - 1:.1%}",
        )
        for step in sent
    )
    return table("processes | pairs | counted | sent | more", rows) + machines(sent)


def rounding() -> str:
    """Loss and sensitivities of the published networks, before and after their rounding."""
    packed = json.loads((ROOT / "networks" / "provenance.json").read_text(encoding="utf-8"))

    def row(net: str) -> tuple[str, ...]:
        before, after = (packed[net]["scores"][when] for when in ("as trained", "rounded"))
        moved = max(
            abs(after["sensitivity"][factor] - kept)
            for factor, kept in before["sensitivity"].items()
        )
        losses = (f"{scores['validation_loss']:.4f}" for scores in (before, after))
        return (net, *losses, f"{moved:.4f}")

    return table("network | loss | rounded | most moved sensitivity", map(row, packed))


TABLES = {
    "faults": the_faults,
    "other code": other_code,
    "whole trainings": whole_trainings,
    "growth": growth,
    "trainings on a GPU": gpu_trainings,
    "a step's parts on a GPU": gpu_steps,
    "growth on a GPU": gpu_growth,
    "chapters on Binder": binder,
    "bytes sent": bytes_sent,
    "what rounding costs": rounding,
}


def filled(page: str) -> str:
    """Return a page with its tables as they are now."""
    return _TABLE.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", page)


if __name__ == "__main__":
    for file in DOCS.glob("*.md"):
        file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")
