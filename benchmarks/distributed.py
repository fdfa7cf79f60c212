"""What processes send each other in a training step, kept beside this file as distributed.json.

    python benchmarks/distributed.py

Trains an encoder on A with the batch of the fast recipe, for a few steps on 2 and on 4 processes of
this machine, and reads from the kernel what went over the network, headers and all. Whatever else
talks on the network is counted too: on Linux `unshare --net --map-root-user` gives the command one
of its own, once `ip link set lo up` has opened it. No times: processes that share one machine's
cores do not say how long a step takes on a machine each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from replearn import augmentations, training
from replearn.engine import distributed
from replearn.engine.devices import machine
from replearn.recipes import RECIPES

RESULTS = Path(__file__).with_name("distributed.json")
PROCESSES = (2, 4)
SHORT, LONG = 2, 6  # steps of two runs, whose difference leaves out what starting costs


def main() -> None:
    """Measure with each number of processes, and write the results."""
    results = []
    for processes in PROCESSES:
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        with tempfile.TemporaryDirectory() as store:
            done = subprocess.run(
                [*launch, "--nproc-per-node", str(processes), __file__],
                env={**os.environ, "REPLEARN_RUNS": store},
                stdout=subprocess.PIPE,
                check=True,
            )
        results.append(json.loads(done.stdout))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def measure() -> None:
    """Be one of the processes; the first prints what all of them sent in a step."""
    plan = RECIPES["fast"]["contrastive"]
    with distributed.joined("cpu") as device:
        sent = []
        for steps in (SHORT, LONG):
            RECIPES["counted"] = {"contrastive": replace(plan, steps=steps)}
            before = bytes_sent()
            run = training.train_contrastive(augmentations.A, recipe="counted", device=device)
            sent.append(bytes_sent() - before)
        if distributed.rank() == 0:
            result = {
                "processes": distributed.size(),
                "batch": plan.batch,
                "latent_dim": run.encoder.latent_dim,
                "parameters": sum(p.numel() for p in run.encoder.parameters()),
                "bytes_per_step": round((sent[1] - sent[0]) / (LONG - SHORT)),
                "date": datetime.now(UTC).date().isoformat(),
                **machine(device),
            }
            print(json.dumps(result))


def bytes_sent() -> int:
    """Return how many bytes left through the network interfaces since the machine started."""
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()[2:]
    return sum(int(line.split(":")[1].split()[8]) for line in lines)


if __name__ == "__main__":
    measure() if "TORCHELASTIC_RUN_ID" in os.environ else main()
