"""Seconds and memory of every chapter as on Binder, kept beside this file as binder.json.

    python benchmarks/binder.py                  # every chapter, half an hour at most
    python benchmarks/binder.py setting verdict  # these

A chapter is its notebook, executed in a process of its own: on one core, with no GPU and no more
than AVX2, hence in float32. In store are the published networks with their features, as postBuild
puts them there, and nothing else. Another build of torch than Binder's, with CUDA, takes some
hundred megabytes more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("binder.json")
NOTEBOOKS = ROOT / "notebooks"
PUBLISHED = ROOT / "networks"

CONDITIONS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "REPLEARN_RECIPE": "fast",
}

_REPORT = """
import json as _json
from replearn.engine import devices as _devices
_status = open("/proc/self/status").read()
_peak = int(_status.split("VmHWM:")[1].split()[0]) * 1024
print(_json.dumps([_peak, _devices.machine(_devices.pick_device())]))
"""


def main() -> None:
    """Execute what is asked for, and add it to the results."""
    names = sorted(file.stem for file in NOTEBOOKS.glob("*.ipynb"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="*", choices=[*names, []], metavar="CHAPTER")
    chapters = parser.parse_args().chapters or names
    with tempfile.TemporaryDirectory() as folder, on_one_core():
        image = Path(folder) / "image"
        began = time.perf_counter()
        python = [sys.executable, "-m", "replearn", "networks", str(PUBLISHED)]
        subprocess.run(python, env=environment(image), check=True)
        print(f"unpacked and embedded in {time.perf_counter() - began:.0f} s", flush=True)
        for name in chapters:
            load = os.getloadavg()[0]
            notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
            place = Path(folder) / name
            place.mkdir()
            shutil.copytree(image, place / "runs")
            keep(name, {**execute(notebook, place), "load before": round(load, 2)})


def environment(store: Path) -> dict[str, str]:
    """Binder's, with this store of runs."""
    own = {"REPLEARN_RUNS": str(store), "PYTHONPATH": str(ROOT / "code")}
    return {**os.environ, **CONDITIONS, **own}


def execute(notebook: NotebookNode, folder: Path) -> dict[str, Any]:
    """Execute ``notebook`` in place in ``folder``, with its runs; return what it took, and where.

    Raises:
        CellExecutionError: if a cell fails, such as a claim that does not hold.
    """
    report = v4.new_code_cell(_REPORT)
    notebook.cells.append(report)
    began = time.perf_counter()
    NotebookClient(notebook, timeout=None).execute(
        cwd=str(folder), env=environment(folder / "runs")
    )
    seconds = time.perf_counter() - began
    notebook.cells.pop()
    peak, machine = json.loads(report.outputs[0].text)
    return {
        "seconds": round(seconds, 1),
        "GB": round(peak / 1e9, 2),
        **machine,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@contextlib.contextmanager
def on_one_core() -> Iterator[None]:
    """Keep this process, and those that it starts, on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def keep(chapter: str, result: dict[str, Any]) -> None:
    """Put ``result`` in the place of the chapter's older one."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept = dict(sorted({**kept, chapter: result}.items()))
    RESULTS.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(chapter, result, flush=True)


if __name__ == "__main__":
    main()
