"""Training: reproducible, resumable, and honest about what it cannot do."""

import functools
import gc
import importlib
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import torch

from replearn import augmentations, course, fit, losses, shapes, training
from replearn.augmentations import Augmentation
from replearn.engine import store
from replearn.recipes import RECIPES, Recipe
from tiny import watch

D = 4  # latent dimensions
TRAIN = {
    "autoencoder": functools.partial(training.train_autoencoder, D),
    "contrastive": functools.partial(training.train_contrastive, augmentations.A, D),
}


def weights(run):
    nets = {"encoder": run.encoder, "decoder": run.decoder}
    return {
        f"{part}.{name}": tensor
        for part, net in nets.items()
        if net is not None
        for name, tensor in net.state_dict().items()
    }


def assert_same_run(a, b):
    first, second = {**weights(a), **a.history}, {**weights(b), **b.history}
    assert first.keys() == second.keys()
    assert [k for k in first if not torch.equal(first[k], second[k])] == []


def keys(runs_folder):
    """The keys of the runs that are stored."""
    places = (place for place in runs_folder.iterdir() if place.is_dir() and not place.suffix)
    return {place.name for place in places if not place.name.startswith(".")}


@pytest.mark.parametrize("kind", TRAIN)
def test_a_run_has_networks_history_and_facts(tiny, kind):
    run = TRAIN[kind]()
    assert run.steps == 6 == len(run.losses)
    assert run.recipe == "tiny" == run.facts["recipe"]
    assert run.facts["kind"] == kind
    assert run.seconds > 0
    assert not run.encoder.training
    assert not any(p.requires_grad or p.grad is not None for p in run.encoder.parameters())
    images = shapes.ShapesDataset("val").images(range(5))
    z = run.encoder(images)
    assert z.shape == (5, D)
    if kind == "autoencoder":
        assert set(run.history) == {"loss"}
        assert run.decoder(z).shape == images.shape
        # The first loss is that of the untrained networks on the first batch.
        assert 0.5 * run.losses[0] < losses.reconstruction_loss(images, run.decoder(z))
    else:
        assert run.decoder is None
        assert set(run.history) == {"loss", "alignment", "uniformity"}
        assert all(len(v) == 6 for v in run.history.values())
        torch.testing.assert_close(z.norm(dim=1), torch.ones(5))


def test_a_centred_encoder_starts_with_its_latents_spread(tiny, monkeypatch):
    spread = {}
    for centred in (False, True):
        plan = Recipe(steps=1, batch=64, adam=1e-9, centred=centred)
        monkeypatch.setitem(RECIPES["tiny"], "contrastive", plan)
        spread[centred] = float(TRAIN["contrastive"]().history["uniformity"][0])
    assert spread[False] > -0.1  # all but constant
    assert spread[True] < -0.5


@pytest.mark.parametrize("kind", TRAIN)
def test_the_loss_decreases(tiny, monkeypatch, kind):
    plan = Recipe(steps=80, batch=32, adam=1e-2, warmup=0.1, beta2=0.98)
    monkeypatch.setitem(RECIPES, "tiny", {"autoencoder": plan, "contrastive": plan})
    monkeypatch.setattr(fit, "_SAVE_EVERY", math.inf)
    run = TRAIN[kind]()
    first, last = run.losses[:5].mean(), run.losses[-5:].mean()
    if kind == "autoencoder":
        assert last < 0.5 * first
    else:
        assert first == pytest.approx(math.log(32), abs=0.3)
        assert last < first - 0.3


@pytest.mark.parametrize("kind", TRAIN)
def test_a_stored_run_is_the_run(tiny, monkeypatch, kind):
    trained = TRAIN[kind]()
    (key,) = keys(tiny)

    def never(*args):
        raise AssertionError("trained again")

    monkeypatch.setattr(training, "_fitted", never)
    loaded = TRAIN[kind]()
    assert_same_run(loaded, trained)
    assert loaded.facts["finished"] == trained.facts["finished"]
    images = shapes.ShapesDataset("val").images(range(5))
    assert torch.equal(loaded.encoder(images), trained.encoder(images))
    assert [facts["key"] for facts in store.stored()] == [key]


@pytest.mark.parametrize("kind", TRAIN)
def test_a_seed_decides_everything(tiny, monkeypatch, tmp_path, kind):
    torch.manual_seed(1)
    first = TRAIN[kind](seed=3)
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "elsewhere"))
    torch.manual_seed(2)  # of no consequence
    assert_same_run(TRAIN[kind](seed=3), first)
    other = TRAIN[kind](seed=4)
    assert not torch.equal(other.losses, first.losses)


def test_the_callers_random_numbers_go_on(tiny):
    torch.manual_seed(5)
    expected = torch.rand(3)
    for _ in range(2):  # trained, then loaded
        torch.manual_seed(5)
        TRAIN["contrastive"]()
        assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("seed", [0, 1])
def test_an_epoch_visits_every_row_once(seed):
    def rows(start, stop, seed=seed):
        return list(fit._batches(100, 10, seed, start, stop, torch.device("cpu")))

    whole = rows(0, 20)
    first, second = torch.cat(whole[:10]), torch.cat(whole[10:])
    for epoch in (first, second):
        assert sorted(epoch.tolist()) == list(range(100))
    assert not torch.equal(first, second)
    assert all(torch.equal(a, b) for a, b in zip(rows(7, 20), whole[7:], strict=True))
    assert not torch.equal(first, torch.cat(rows(0, 10, seed + 2)))


def squared(z, z_pos, tau):
    return (z - z_pos).square().sum(1).mean() * SCALE


SCALE = 1.0


def test_every_ingredient_makes_another_run(tiny, monkeypatch):
    train = functools.partial(training.train_contrastive, augmentations.A, D)
    train()
    variants = [
        functools.partial(train, seed=1),
        functools.partial(train, tau=0.5),
        functools.partial(train, loss=squared),
        functools.partial(train, recipe="other"),
        functools.partial(training.train_contrastive, augmentations.A, D + 1),
        functools.partial(training.train_contrastive, augmentations.B, D),
        functools.partial(training.train_autoencoder, D),
    ]
    plan = Recipe(steps=6, batch=8, adam=2e-2, warmup=0.5)
    monkeypatch.setitem(RECIPES, "other", {"contrastive": plan})
    for number, variant in enumerate(variants, start=2):
        variant()
        assert len(keys(tiny)) == number
    # The same plan under another name is the same run.
    monkeypatch.setitem(RECIPES, "alias", RECIPES["tiny"])
    train(recipe="alias")
    assert len(keys(tiny)) == len(variants) + 1


def test_a_readers_loss_is_known_by_its_code_and_its_surroundings(tiny, monkeypatch):
    train = functools.partial(training.train_contrastive, augmentations.A, D, loss=squared)
    plain = train()
    assert len(keys(tiny)) == 1
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    scaled = train()
    assert len(keys(tiny)) == 2
    assert scaled.losses[0] == pytest.approx(3 * float(plain.losses[0]), rel=1e-5)


@dataclass(frozen=True)
class Dim(Augmentation):
    by: float
    name: str = "dim"

    def sample(self, images, generator=None):
        return {"by": torch.full((len(images),), self.by)}

    def apply(self, images, parameters):
        return images * (parameters["by"][:, None, None, None] * SCALE).clamp(0, 1)


def test_a_readers_augmentation_is_known_by_its_code(tiny, monkeypatch):
    for number, augmentation in enumerate(
        (Dim(0.5), Dim(0.6), augmentations.compose(Dim(0.5), augmentations.grayscale)), start=1
    ):
        training.train_contrastive(augmentation, D)
        training.train_contrastive(augmentation, D)
        assert len(keys(tiny)) == number
    monkeypatch.setitem(globals(), "SCALE", 0.5)  # one of the constants of apply
    training.train_contrastive(Dim(0.5), D)
    assert len(keys(tiny)) == 4


@pytest.mark.fault(
    "A training interrupted by its user",
    "KeyboardInterrupt after step 1, 3 or 5 of 6",
    "goes on from the last checkpoint and ends as the uninterrupted run, bit for bit",
)
@pytest.mark.parametrize("kind", TRAIN)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_interrupted_training_ends_as_if_it_had_not_been(kind, step, tiny, monkeypatch, tmp_path):
    whole = TRAIN[kind]()
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "again"))
    with monkeypatch.context() as patch:
        watch(patch, stop=step)
        with pytest.raises(KeyboardInterrupt):
            TRAIN[kind]()
    (lock,) = (tmp_path / "again").glob("*.lock")
    assert (lock.with_suffix(".checkpoint")).exists() == (step > 1)
    resumed = TRAIN[kind]()
    assert_same_run(resumed, whole)
    assert {path.name for path in (tmp_path / "again").iterdir()} == {lock.stem, lock.name}


# Trains in a process of its own and says what it does; stops for good where it is told to.
CHILD = """
import sys, time
import pytest, torch
sys.path.insert(0, {tests!r})
from tiny import make_tiny
from replearn import augmentations, fit, training
from replearn.engine import store
make_tiny(pytest.MonkeyPatch())
stop = {stop!r}

def say(what):
    print(what, flush=True)
    if what == stop:
        time.sleep(600)

batches, write = fit._batches, store._write

def told(*args):
    for step, rows in enumerate(batches(*args), args[3]):
        say(f"step {{step}}")
        yield rows

def slow(path, *contents):
    write(path, *contents)
    with open(path, "r+b") as file:  # as if half of it were on the disk
        file.truncate(1000)
    say(f"writing {{path.name.split('.')[-1]}}")
    write(path, *contents)

fit._batches = told
store._write = slow
training.train_contrastive(augmentations.A, 4)
say("done")
"""


def child(stop="", program=CHILD, stderr=subprocess.PIPE):
    program = program.format(tests=str(Path(__file__).parent), stop=stop)
    threads = str(torch.get_num_threads())  # the order of sums depends on it
    return subprocess.Popen(
        [sys.executable, "-c", program],
        **{"stdout": subprocess.PIPE, "stderr": stderr, "text": True},
        env={**os.environ, "OMP_NUM_THREADS": threads},
    )


@pytest.mark.fault(
    "A training killed",
    "SIGKILL to its process: between two steps, with half a checkpoint or half a run written",
    "the next process goes on from the last checkpoint; weights and losses equal, bit for bit",
)
@pytest.mark.parametrize(
    ("moment", "resumes_at"),
    [("step 5", 4), ("writing draft", 0), ("writing safetensors", 6)],
    ids=["between-steps", "writing-a-checkpoint", "writing-the-run"],
)
def test_killed_training_ends_as_if_it_had_not_been(
    moment, resumes_at, tiny, monkeypatch, tmp_path
):
    with child(stop=moment) as process:
        try:
            for line in process.stdout:
                if line.strip() == moment:
                    break
            else:
                pytest.fail(process.stderr.read())
        finally:
            process.send_signal(signal.SIGKILL)
    assert keys(tiny) == set()
    begun = watch(monkeypatch)
    resumed = TRAIN["contrastive"]()
    assert begun == [resumes_at]
    (key,) = keys(tiny)
    assert {path.name for path in tiny.iterdir()} == {key, f"{key}.lock"}
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "whole"))
    assert_same_run(resumed, TRAIN["contrastive"]())


# As CHILD, with nothing in its way: a training by smoke that saves after every step.
SMOKE = """
from replearn import augmentations, fit, training
fit._LOOK_EVERY, fit._SAVE_EVERY = 1, -1.0
print("ready", flush=True)
training.train_contrastive(augmentations.A, recipe="smoke", device="cpu")
"""


@pytest.mark.soak
@pytest.mark.fault(
    "A training killed at a random moment",
    "SIGKILL, 20 times, to a training by `smoke` that saves a checkpoint after every step",
    "20 of 20 go on, or are whole already: weights and losses equal, bit for bit",
)
def test_trainings_killed_at_random_end_as_if_they_had_not_been(runs_folder, monkeypatch, tmp_path):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    train = functools.partial(
        training.train_contrastive, augmentations.A, recipe="smoke", device="cpu"
    )
    begun = watch(monkeypatch)

    def started(place):
        monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / place))
        process = child(program=SMOKE, stderr=subprocess.DEVNULL)
        assert process.stdout.readline() == "ready\n"
        return process

    with started("timed") as process:
        begin = time.monotonic()
    seconds = time.monotonic() - begin
    whole = train()  # loads it
    for turn in range(20):
        with started(f"killed {turn}") as process:
            time.sleep(choose.uniform(0, seconds))
            process.kill()
        assert_same_run(train(), whole)
        (key,) = keys(store.folder())
        assert {path.name for path in store.folder().iterdir()} == {key, f"{key}.lock"}
    print(f"of {seconds:.1f} s; went on from steps {sorted(begun)}, {20 - len(begun)} were whole")


@pytest.mark.soak
@pytest.mark.fault(
    "Long work",
    "50 short trainings, each loaded again, in one process",
    "memory, open files and temporary files stay as they were after the tenth; the store grows by "
    "the same for each",
)
def test_fifty_trainings_leave_nothing_behind(tiny, monkeypatch, tmp_path):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    me = psutil.Process()
    memory, handles, grown = [], [], []
    before = 0
    for seed in range(50):
        for kind in TRAIN:
            assert_same_run(TRAIN[kind](seed=seed), TRAIN[kind](seed=seed))
        gc.collect()
        memory.append(me.memory_info().rss / 2**20)
        handles.append(me.num_fds())
        after = sum(file.stat().st_size for file in tiny.rglob("*") if file.is_file())
        grown.append(after - before)
        before = after
    print(f"MiB {[round(m) for m in memory]}, handles {set(handles)}, bytes a turn {set(grown)}")
    early, late = sorted(memory[10:20])[5], sorted(memory[40:])[5]
    assert late - early < 0.02 * early
    assert len(set(handles[10:])) == 1
    assert max(grown) - min(grown) < 100  # digits of what run.json says
    assert list((tmp_path / "temporary").iterdir()) == []
    assert len(list(tiny.iterdir())) == 2 * 100  # the runs and their locks


@pytest.mark.fault(
    "Two processes that want the same run",
    "both are started at once",
    "one trains it, the other waits and loads it",
)
def test_two_processes_train_the_same_run_once(tiny):
    processes = [child(), child()]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    steps = [out.count("step ") for out, _ in outputs]
    assert sorted(steps) == [0, 6]
    assert len(keys(tiny)) == 1


@pytest.mark.fault(
    "A process that dies while another waits for its run",
    "SIGKILL to the one that trains, between two steps",
    "the other takes over from the checkpoint and finishes",
)
def test_a_process_whose_rival_dies_takes_over(tiny):
    with child(stop="step 3") as first:
        try:
            assert any(line == "step 3\n" for line in first.stdout), first.stderr.read()
            second = child()
            with pytest.raises(subprocess.TimeoutExpired):
                second.wait(timeout=1)
            assert len(list(tiny.glob("*.lock"))) == 1
        finally:
            first.kill()
    output, errors = second.communicate(timeout=300)
    assert output.split("\n")[:2] == ["step 2", "step 3"], errors
    assert second.returncode == 0
    assert len(keys(tiny)) == 1


@pytest.mark.fault(
    "A stored run damaged since it was trained",
    "a byte of its weights is changed",
    "set aside with a warning and trained again, to the same weights",
)
def test_a_damaged_run_is_trained_again(tiny):
    trained = TRAIN["contrastive"]()
    (key,) = keys(tiny)
    path = tiny / key / "weights.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.warns(UserWarning, match=rf"run {key} cannot be used .* set aside as"):
        again = TRAIN["contrastive"]()
    assert_same_run(again, trained)
    assert keys(tiny) == {key}


@dataclass(frozen=True)
class Black(Augmentation):
    name: str = "black"

    def sample(self, images, generator=None):
        return {}

    def apply(self, images, parameters):
        return 0 * images


def broken_after(step):
    calls = iter(range(1000))

    def loss(z, z_pos, tau):
        value = losses.info_nce(z, z_pos, tau)
        return value * math.nan if next(calls) >= step else value

    return loss


CPU_FULL = "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory"
FULL = [torch.OutOfMemoryError("CUDA out of memory. Tried 2 GiB"), RuntimeError(CPU_FULL)]


def failing_cross_entropy(step, error):
    """What the library's own loss calls, so that the run keeps its key; it fails at ``step``."""
    calls, honest = iter(range(1000)), torch.nn.functional.cross_entropy

    def cross_entropy(*args):
        if next(calls) == step:
            raise error
        return honest(*args)

    return cross_entropy


@pytest.mark.fault(
    "Memory runs out",
    "step 3 raises CUDA's OutOfMemoryError, or the RuntimeError of the CPU's allocator",
    "a MemoryError names the step, the last checkpoint and what to try; going on ends bit for bit "
    "as if nothing had been",
)
@pytest.mark.parametrize("error", FULL, ids=["cuda", "cpu"])
def test_memory_that_runs_out_stops_the_training(tiny, monkeypatch, tmp_path, error):
    with monkeypatch.context() as patch:
        patch.setattr(losses.F, "cross_entropy", failing_cross_entropy(3, error))
        message = r"memory ran out at step 3 of A; the last checkpoint is from step 2\. .*batch"
        with pytest.raises(MemoryError, match=message):
            TRAIN["contrastive"]()
    assert keys(tiny) == set()
    assert len(list(tiny.glob("*.checkpoint"))) == 1
    resumed = TRAIN["contrastive"]()
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "whole"))
    assert_same_run(resumed, TRAIN["contrastive"]())


@pytest.mark.fault(
    "The machine has too little memory for a tensor",
    "the loss asks the CPU's allocator for 2⁶⁰ bytes",
    "a MemoryError names the step and what to try",
)
def test_the_processors_own_allocator_is_understood(tiny):
    def loss(z, z_pos, tau):
        return torch.empty(2**58).sum() + losses.info_nce(z, z_pos, tau)

    with pytest.raises(MemoryError, match="memory ran out at step 0 of A"):
        training.train_contrastive(augmentations.A, D, loss=loss)


@pytest.mark.fault(
    "The GPU is lost in mid-training",
    "step 3 raises the RuntimeError of a CUDA call that fails",
    "a RuntimeError names the step and the last checkpoint; with `device='cpu'` the run goes on, "
    "and on no other device unless asked",
)
def test_a_lost_accelerator_stops_the_training(tiny, monkeypatch):
    with monkeypatch.context() as patch:
        error = RuntimeError("CUDA error: unspecified launch failure")
        patch.setattr(losses.F, "cross_entropy", failing_cross_entropy(3, error))
        message = r"the accelerator failed at step 3 of A; .* from step 2\. .*device='cpu'"
        with pytest.raises(RuntimeError, match=message):
            TRAIN["contrastive"]()
    begun = watch(monkeypatch)
    assert TRAIN["contrastive"](device="cpu").steps == 6
    assert begun == [2]


@pytest.mark.fault(
    "An error of the program itself",
    "a loss raises a RuntimeError of its own",
    "passed on as it is",
)
def test_other_errors_are_passed_on(tiny, monkeypatch):
    fails = failing_cross_entropy(1, RuntimeError("mine"))
    monkeypatch.setattr(losses.F, "cross_entropy", fails)
    with pytest.raises(RuntimeError, match=r"^mine$"):
        TRAIN["contrastive"]()


@pytest.mark.fault(
    "An encoder that learnt nothing",
    "a learning rate of 10⁻⁹ leaves it as it began: nearly constant",
    "the run is stored; a warning at the end, and whenever it is loaded, says so and what to try",
)
def test_an_encoder_that_is_constant_is_told_of(tiny, monkeypatch):
    monkeypatch.setattr(training, "_CONSTANT", -0.05)
    plan = Recipe(steps=4, batch=8, adam=1e-9, centred=False)
    monkeypatch.setitem(RECIPES["tiny"], "contrastive", plan)
    for _ in ("trained", "loaded"):
        with pytest.warns(UserWarning, match=r"of A learnt nothing.*Try more steps") as told:
            run = TRAIN["contrastive"]()
        assert told[0].filename == __file__
    assert run.losses[-1] == pytest.approx(math.log(8), abs=0.1)


def test_of_an_encoder_that_spreads_its_latents_nothing_is_told(tiny, monkeypatch, recwarn):
    monkeypatch.setattr(training, "_CONSTANT", -0.05)
    plan = Recipe(steps=2, batch=64, adam=1e-9, centred=True)
    monkeypatch.setitem(RECIPES["tiny"], "contrastive", plan)
    assert TRAIN["contrastive"]().history["uniformity"][-1] < -0.5
    assert [str(w.message) for w in recwarn if "learnt nothing" in str(w.message)] == []


@pytest.mark.fault(
    "A loss that becomes NaN",
    "a loss that is NaN from step 0, 3 or 5 on",
    "a FloatingPointError names the first such step and the last checkpoint; nothing is stored",
)
@pytest.mark.parametrize("step", [0, 3, 5])
def test_a_loss_that_is_not_finite_stops_the_training(tiny, step):
    saved = 2 * (step // 2)
    message = rf"the loss of A must stay finite, got nan at step {step}; .* from step {saved}\."
    with pytest.raises(FloatingPointError, match=message):
        training.train_contrastive(augmentations.A, D, loss=broken_after(step))
    assert keys(tiny) == set()


@pytest.mark.fault(
    "A bad argument of a training",
    "a device that is not there, an unknown recipe, a latent of no dimensions, τ = 0 …",
    "a ValueError or TypeError names the argument, what came and what is allowed",
)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"augmentation": "A"}, TypeError, "augmentation must be an Augmentation.* got 'A'"),
        ({"latent_dim": 0}, ValueError, "latent_dim must be at least 1, got 0"),
        ({"tau": 0.0}, ValueError, r"tau must be a finite number above 0, got 0\.0"),
        ({"recipe": "slow"}, ValueError, "recipe must be one of 'reference', .* got 'slow'"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"device": "toaster"}, ValueError, "device must be one of .*'cpu'.* got 'toaster'"),
    ],
)
def test_bad_arguments_are_refused(tiny, arguments, error, message):
    with pytest.raises(error, match=message):
        training.train_contrastive(**{"augmentation": augmentations.A, **arguments})
    if not arguments.keys() & {"augmentation", "tau"}:
        with pytest.raises(error, match=message):
            training.train_autoencoder(**arguments)
    assert not tiny.exists() or keys(tiny) == set()


@pytest.mark.fault(
    "A misspelt `$REPLEARN_RECIPE`", "it names no recipe", "a ValueError lists the recipes"
)
def test_an_unknown_recipe_in_the_environment_is_refused(tiny, monkeypatch):
    monkeypatch.setenv("REPLEARN_RECIPE", "quick")
    importlib.reload(course)
    with pytest.raises(ValueError, match=r"recipe must be one of .* got 'quick'"):
        training.train_autoencoder()


def test_what_is_stored_must_fit_the_task(tiny):
    task = training.Task(augmentations.A, losses.info_nce, latent_dim=D)
    run = TRAIN["contrastive"]()
    tensors = {f"history.{name}": values for name, values in run.history.items()}
    tensors |= run.encoder.state_dict(prefix="encoder.")
    cpu = torch.device("cpu")
    assert_same_run(training.as_run(task, tensors, run.facts, cpu), run)
    short = {**tensors, "encoder.linear.bias": torch.zeros(3)}
    without = {name: tensor for name, tensor in tensors.items() if "linear" not in name}
    for wrong in (short, without):
        with pytest.raises(ValueError, match=r"(?s)tensors must be the weights .*linear"):
            training.as_run(task, wrong, run.facts, cpu)
    with pytest.raises(ValueError, match="facts must hold 'seconds', a number, got None"):
        training.as_run(task, tensors, {}, cpu)
