"""Several processes on one batch: the loss, the gradients, the views and the run of one.

This file is also the program of those processes: torchrun starts it, and what each process found
lies in a file of its own afterwards.
"""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from replearn import augmentations, fit, tasks, training
from replearn.engine import distributed, store
from replearn.shapes import ShapesDataset
from tiny import make_tiny, watch

D, BATCH = 16, 32
PROCESSES = (2, 4)
STOPPED, SAVED = 3, 2  # the step at which a training is interrupted, and its last checkpoint
NETS = {
    "autoencoder": functools.partial(training.train_autoencoder, D),
    **{
        name: functools.partial(training.train_contrastive, known.augmentation, D)
        for name, known in augmentations.SETS.items()
    },
}


def gather_without_gradient(own):
    """The famous bug, in its usual dress: the others' rows as constants, one's own put back."""
    parts = [torch.empty_like(own) for _ in range(distributed.size())]
    dist.all_gather(parts, own.detach().contiguous())
    parts[distributed.rank()] = own
    return torch.cat(parts)


def first_step(net, dtype):
    """What a training of ``net`` measures at its first step, and the gradient it goes along."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "trained", lambda task, device: task)
        task = NETS[net](device="cpu")
    nets = task.networks().to(dtype)
    nets["encoder"].centre(ShapesDataset("train").images(range(64)).to(dtype))
    images = ShapesDataset("train").images(range(BATCH)).to(dtype)
    replicas = distributed.replicate(nets)
    measures = task.measure(replicas, images, torch.Generator().manual_seed(1))
    measures["loss"].backward()
    gradient = torch.cat([p.grad.flatten() for p in nets.parameters()])
    return {**{name: value.detach() for name, value in measures.items()}, "gradient": gradient}


def trained(net, stop=None):
    """The history and the weights of a tiny run of ``net``, which step ``stop`` interrupts."""
    with pytest.MonkeyPatch.context() as patch:
        begun = watch(patch, stop)
        run = NETS[net](device="cpu")
    weights = torch.cat([p.flatten() for p in run.encoder.parameters()])
    return {"begun": begun, "weights": weights, "facts": run.facts, **run.history}


def everything():
    """What a process finds out, together with the others if there are any."""
    found = {(net, dtype): first_step(net, dtype) for net in NETS for dtype in DTYPES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "gather", gather_without_gradient)
        found["bug"] = first_step("B", torch.float64)
    for net in ("A", "autoencoder"):
        found[f"{net}, whole"] = trained(net)
    with contextlib.suppress(KeyboardInterrupt):
        trained("B", STOPPED)
    found["B, resumed"] = trained("B")
    return found


DTYPES = (torch.float32, torch.float64)


def conditions(patch):
    """Tiny trainings, without bfloat16, whose rounding would drown what is compared."""
    make_tiny(patch)
    patch.setattr(tasks, "autocast", lambda device: contextlib.nullcontext())
    patch.setattr(fit, "precision", lambda device: torch.float32)


def main(task, out):
    """Be one of the processes."""
    torch.set_num_threads(1)
    conditions(pytest.MonkeyPatch())
    out = Path(out)
    with distributed.joined("cpu"):
        rank = distributed.rank()
        os.environ["REPLEARN_RUNS"] = str(out / f"store-{rank}")  # no file is shared
        if task == "die":
            batches = fit._batches

            def deadly(*arguments):
                for step, rows in enumerate(batches(*arguments), arguments[3]):
                    if step == STOPPED and rank == int(os.environ["VICTIM"]):
                        os.kill(os.getpid(), signal.SIGKILL)
                    yield rows

            fit._batches = deadly
            trained("A")
        else:
            found = everything()
            found["size"] = distributed.size()
            with pytest.raises(ValueError, match="batch must be a multiple") as refused:
                distributed.part(distributed.size() + 1)
            found["refused"] = str(refused.value)
            found["store"] = {path.name for path in store.folder().glob("*")}
            torch.save(found, out / f"{rank}.pt")


def surroundings(**more):
    """Of a process of its own, which finds what pytest has put on the path for its tests."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", **more}


def torchrun(processes, *arguments, **environment):
    return subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(processes), *map(str, arguments)),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        env=surroundings(**environment),
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process with the whole batch finds."""
    with pytest.MonkeyPatch.context() as patch:
        conditions(patch)
        patch.setenv("REPLEARN_RUNS", str(tmp_path_factory.mktemp("alone")))
        found = {(net, dtype): first_step(net, dtype) for net in NETS for dtype in DTYPES}
        for net in ("A", "B", "autoencoder"):
            found[net] = trained(net)
        found["store"] = {path.name for path in store.folder().glob("*")}
    return found


@pytest.fixture(scope="module", params=PROCESSES)
def together(request, tmp_path_factory):
    """What each of several processes finds, by rank."""
    out = tmp_path_factory.mktemp("together")
    done = torchrun(request.param, __file__, "measure", out)
    assert done.returncode == 0, done.stderr
    return [torch.load(out / f"{r}.pt", weights_only=False) for r in range(request.param)]


def off(value, expected):
    """The relative difference, in norm."""
    return float((value - expected).norm() / expected.norm())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("net", NETS)
def test_the_step_is_that_of_one_process(alone, together, net, dtype):
    expected = alone[net, dtype]
    # The autoencoder's reconstructions are float32 whatever the weights are.
    exact = dtype == torch.float64 and net != "autoencoder"
    for found in together:
        for name, value in found[net, dtype].items():
            assert off(value, expected[name]) <= (1e-10 if exact else 1e-4), name


def test_a_gather_without_gradient_has_the_loss_and_a_fraction_of_the_gradient(alone, together):
    expected = alone["B", torch.float64]
    for found in together:
        assert off(found["bug"]["loss"], expected["loss"]) <= 1e-10
        assert off(found["bug"]["gradient"] * found["size"], expected["gradient"]) <= 1e-10


def test_processes_must_divide_the_batch(together):
    for found in together:
        p = found["size"]
        assert found["refused"] == (
            f"batch must be a multiple of the number of processes, {p}, got {p + 1}"
        )


@pytest.mark.parametrize("net", ["A", "autoencoder"])
def test_the_run_is_that_of_one_process(alone, together, net):
    for found in together:
        run = found[f"{net}, whole"]
        assert run["facts"]["processes"] == found["size"]
        assert run.keys() == alone[net].keys()
        for name, value in run.items():
            if name not in ("begun", "facts"):
                assert off(value, alone[net][name]) <= 1e-3, name


def test_all_processes_end_with_the_same_weights(together):
    first, *others = together
    for name in ("A, whole", "autoencoder, whole", "B, resumed"):
        for other in others:
            assert torch.equal(other[name]["weights"], first[name]["weights"])


def test_only_the_first_process_writes_and_under_the_key_of_one(alone, together):
    first, *others = together
    assert first["store"] == alone["store"]
    assert [other["store"] for other in others] == [set()] * len(others)


def test_all_go_on_from_the_first_ones_checkpoint(alone, together):
    for found in together:
        run = found["B, resumed"]
        assert run["begun"] == [SAVED]
        assert off(run["weights"], alone["B"]["weights"]) <= 1e-3


@pytest.mark.parametrize("victim", [0, 1])
def test_who_is_left_when_one_dies_does_not_wait(victim, tmp_path):
    """Started without torchrun, which would end the others itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    group |= {"TORCHELASTIC_RUN_ID": "none", "VICTIM": str(victim)}
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, "die", tmp_path],
            stderr=subprocess.PIPE,
            text=True,
            env=surroundings(**group, RANK=str(rank), LOCAL_RANK=str(rank)),
        )
        for rank in range(2)
    ]
    try:
        processes[victim].communicate(timeout=300)
        died = time.monotonic()
        _, complaint = processes[1 - victim].communicate(timeout=300)  # gloo would wait 1800 s
        waited = time.monotonic() - died
    finally:
        for process in processes:
            process.kill()
    assert processes[victim].returncode == -signal.SIGKILL
    assert processes[1 - victim].returncode == 1
    assert "gloo" in complaint.lower()
    print(f"waited {waited:.1f} s")


def test_torchrun_trains_from_the_shell(runs_folder):
    command = ("-m", "replearn", "train", "contrastive", "A", "--recipe", "smoke")
    done = torchrun(2, *command, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)  # printed once
    assert facts["label"] == "A"
    assert facts["processes"] == 2
    assert len(store.stored()) == 1


def test_in_one_process_nothing_happens():
    rows = torch.rand(6, 3, requires_grad=True)
    nets = torch.nn.ModuleDict({"encoder": torch.nn.Linear(3, 3)})
    with distributed.joined("cpu") as device:
        assert device == torch.device("cpu")
        assert (distributed.rank(), distributed.size()) == (0, 1)
        assert distributed.part(6) == slice(0, 6)
        assert distributed.gather(rows) is rows
        assert distributed.replicate(nets) is nets
        assert distributed.from_first(max, 2, 3) == 3


@pytest.mark.fault(
    "the first process waits for another training of the same run, for hours",
    "how long an exchange may take is read as it is told to the processes' group",
    "the others wait as long; one that dies is noticed at once",
)
def test_processes_wait_as_long_as_a_training_takes(monkeypatch):
    told = {}
    monkeypatch.setattr(distributed.dist, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(distributed.dist, "destroy_process_group", lambda: None)
    monkeypatch.setattr(distributed.dist, "init_process_group", lambda *_, **how: told.update(how))
    with distributed.joined("cpu"):
        assert told["timeout"] >= timedelta(days=1)


def test_processes_cannot_share_a_device_without_exchange(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setattr(distributed, "pick_device", torch.device)
    with (
        pytest.raises(ValueError, match=r"device .* must be one of 'cuda', 'cpu', got 'mps'"),
        distributed.joined("mps"),
    ):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
