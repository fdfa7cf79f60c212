"""The store of runs: whole or absent, never stale, never trusted without its checksum."""

import json
import os
import pickle
import random
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import torch

from replearn import runs

TENSORS = {"a": torch.arange(12.0).view(3, 4), "b": torch.ones(5, dtype=torch.int64)}
FACTS = {"label": "A", "finished": "2026-01-01T00:00:00+00:00", "chip": "Zähler — π"}


@pytest.fixture
def run(store):
    runs.save("run", TENSORS, FACTS)
    return store / "run"


def assert_unusable(name="run"):
    """The run counts as absent, is set aside with a warning, and can be stored anew."""
    with pytest.warns(UserWarning, match=rf"run {name} cannot be used \(.+\); set aside as .+"):
        assert runs.load(name) is None
    assert not (runs.folder() / name).exists()
    assert (runs.folder() / f"{name}.damaged").is_dir()
    assert runs.stored() == []
    assert runs.load(name) is None
    runs.save(name, TENSORS, FACTS)
    assert_whole(name)


def assert_whole(name="run"):
    tensors, facts = runs.load(name)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[k], TENSORS[k]) for k in TENSORS)
    assert {k: facts[k] for k in FACTS} == FACTS


# --- where, and what is in it ---------------------------------------------------------------


def test_runs_live_where_the_environment_says_or_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "x"))
    assert runs.folder() == tmp_path / "x"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for nothing in ("", None):
        if nothing is None:
            monkeypatch.delenv("REPLEARN_RUNS")
        else:
            monkeypatch.setenv("REPLEARN_RUNS", nothing)
        assert runs.folder().name == "runs"
        assert "replearn" in runs.folder().parts


def test_a_run_comes_back_as_it_was_stored(run):
    assert_whole()
    assert {path.name for path in run.iterdir()} == {
        "SHA256SUMS",
        "run.json",
        "weights.safetensors",
    }
    assert {path.name for path in run.parent.iterdir()} == {"run"}


def test_what_is_not_there_is_none(store):
    assert runs.load("run") is None
    assert runs.load_checkpoint("run") is None
    assert runs.stored() == []


def test_others_may_read_what_is_stored(run):
    assert run.stat().st_mode & 0o555 == 0o555


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_the_checksums_can_be_checked_by_hand(run):
    check = ["sha256sum", "--check", "SHA256SUMS"]
    assert subprocess.run(check, cwd=run, capture_output=True).returncode == 0
    (run / "run.json").write_text("{}")
    assert subprocess.run(check, cwd=run, capture_output=True).returncode == 1


def test_nothing_is_pickled(run):
    runs.save_checkpoint("other", TENSORS, 3)
    files = [path for path in run.parent.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())
    for module in Path(runs.__file__).parent.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        assert "pickle" not in text
        assert "torch.load(" not in text
        assert "torch.save(" not in text.replace("safetensors.torch.save(", "")


def test_stored_lists_whole_runs_oldest_first(run):
    runs.save("early", TENSORS, {**FACTS, "finished": "2025-01-01T00:00:00+00:00"})
    runs.save("broken", TENSORS, FACTS)
    (run.parent / "broken" / "weights.safetensors").write_bytes(b"")
    runs.save_checkpoint("under-way", TENSORS, 3)
    assert [facts["key"] for facts in runs.stored()] == ["early", "run"]


# --- damage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.json", "weights.safetensors", "SHA256SUMS"])
def test_a_missing_file_is_noticed(run, name):
    (run / name).unlink()
    assert_unusable()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["run.json", "weights.safetensors", "SHA256SUMS"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "longer"])
def test_damage_is_noticed(run, name, damage, seed):
    choose, path = random.Random(f"{name} {damage} {seed}"), run / name
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: choose.randrange(len(data))]
    elif damage == "flip":
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    elif damage == "empty":
        data = bytearray(len(data))
    else:
        data += b"\n"
    path.write_bytes(data)
    assert_unusable()


def test_another_format_is_not_read(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(runs, "_FORMAT", runs._FORMAT - 1)
        runs.save("old", TENSORS, FACTS)
    with pytest.warns(UserWarning, match=r"its format must be \d, got \d"):
        assert runs.load("old") is None
    assert_whole()


@pytest.mark.parametrize("facts", ["[]", "null", "{}", '"text"'])
def test_foreign_files_with_right_checksums_are_not_read(run, facts):
    (run / "run.json").write_text(facts)
    (run / "SHA256SUMS").write_text(runs._checksums(run))
    assert_unusable()


def test_foreign_weights_are_not_read(run):
    torch.save(TENSORS, run / "weights.safetensors")
    (run / "SHA256SUMS").write_text(runs._checksums(run))
    assert_unusable()


def test_a_file_in_the_runs_place_is_set_aside(store):
    store.mkdir()
    (store / "run").write_text("not a folder")
    with pytest.warns(UserWarning, match="run run cannot be used"):
        assert runs.load("run") is None
    runs.save("run", TENSORS, FACTS)
    assert_whole()


def test_a_second_damaged_run_replaces_the_first_set_aside(run):
    for _ in range(2):
        (run / "run.json").write_text("")
        assert_unusable()
    assert len(list(run.parent.iterdir())) == 2


# --- half-written ---------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["weights", "facts", "checksums", "rename"])
def test_a_failure_while_storing_leaves_nothing(store, monkeypatch, part):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    runs.save_checkpoint("run", TENSORS, 3)
    with monkeypatch.context() as patch:
        if part == "weights":
            patch.setattr(runs, "_write", full)
        elif part == "facts":
            patch.setattr(runs.json, "dumps", full)
        elif part == "checksums":
            patch.setattr(runs, "_checksums", full)
        else:
            patch.setattr(Path, "rename", full)
        with pytest.raises(OSError, match="No space left"):
            runs.save("run", TENSORS, FACTS)
    assert {path.name for path in store.iterdir()} == {"run.checkpoint"}  # to go on from
    runs.save("run", TENSORS, FACTS)
    assert {path.name for path in store.iterdir()} == {"run"}


def test_facts_that_are_no_json_leave_nothing(store):
    with pytest.raises(TypeError):
        runs.save("run", TENSORS, {"label": object()})
    assert list(store.iterdir()) == []


def test_what_a_killed_process_left_is_swept_up(run):
    leftover = run.parent / ".run-abc"
    leftover.mkdir()
    (leftover / "weights.safetensors").write_bytes(b"half")
    (run.parent / "run.draft").write_bytes(b"half")
    (run.parent / ".other-abc").mkdir()  # another run's, perhaps being written
    assert [facts["key"] for facts in runs.stored()] == ["run"]
    runs.save("run", TENSORS, FACTS)
    assert {p.name for p in run.parent.iterdir()} == {"run", "run.damaged", ".other-abc"}


# --- checkpoints ----------------------------------------------------------------------------


def test_a_checkpoint_comes_back_as_it_was_saved(store):
    for step in (2, 4):
        runs.save_checkpoint("run", {**TENSORS, "step": torch.tensor(step)}, step)
    tensors, step = runs.load_checkpoint("run")
    assert step == 4 == int(tensors["step"])
    assert torch.equal(tensors["a"], TENSORS["a"])
    assert [path.name for path in store.iterdir()] == ["run.checkpoint"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damage", ["cut", "flip", "foreign"])
def test_a_damaged_checkpoint_is_not_used(store, damage, seed):
    runs.save_checkpoint("run", TENSORS, 3)
    choose, path = random.Random(f"{damage} {seed}"), store / "run.checkpoint"
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: choose.randrange(len(data))]
    elif damage == "flip":
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    else:
        data = bytearray(runs.safetensors.torch.save(TENSORS, {"step": str(seed)}))
    path.write_bytes(data)
    with pytest.warns(UserWarning, match=r"checkpoint .+ cannot be used \(.+\); starting anew"):
        assert runs.load_checkpoint("run") is None
    assert not path.exists()


def test_a_failure_while_saving_a_checkpoint_keeps_the_last(store, monkeypatch):
    runs.save_checkpoint("run", TENSORS, 3)

    def half(path, *contents):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_write", half)
        with pytest.raises(OSError, match="No space left"):
            runs.save_checkpoint("run", TENSORS, 5)
    assert runs.load_checkpoint("run")[1] == 3
    runs.save("run", TENSORS, FACTS)
    assert {path.name for path in store.iterdir()} == {"run"}


# --- one at a time --------------------------------------------------------------------------


def test_a_lock_lets_one_in_at_a_time(store):
    order = []

    def second():
        with runs.lock("run"):
            order.append("second")

    with runs.lock("run"):
        thread = threading.Thread(target=second)
        thread.start()
        with runs.lock("other"):  # runs do not wait for other runs
            order.append("first")
        thread.join(timeout=0.2)
        assert thread.is_alive()
        order.append("still first")
    thread.join(timeout=10)
    assert order == ["first", "still first", "second"]


# --- keys -----------------------------------------------------------------------------------


def test_a_key_is_a_function_of_the_description():
    description = {"kind": "contrastive", "tau": 0.07, "recipe": {"steps": 6}, "code": ["α"]}
    key = runs.key(description)
    assert len(key) == 16
    assert int(key, 16) >= 0
    assert runs.key(dict(reversed(description.items()))) == key
    for change in ({"tau": 0.08}, {"recipe": {"steps": 7}}, {"code": ["β"]}, {"more": 1}):
        assert runs.key({**description, **change}) != key


def written(folder, text, name="room"):
    """The namespace of a module of this text, in a file, as ``inspect`` needs it."""
    path = folder / f"{name}.py"
    path.write_text(text)
    space = {"__name__": name}
    exec(compile(text, str(path), "exec"), space)
    return space


BARE = """
def loss(z, z_pos, tau):
    return scale * helper(z - z_pos) / tau

def helper(x):
    return x * x

scale = 2
"""

DRESSED = '''
"""A module."""
# A comment.
def loss(z,  z_pos, tau):  # another
    """Say what it does."""
    return (scale * helper(z - z_pos)
            / tau)

unrelated = "changed"

def helper(x):
    """Square."""

    return x*x

scale = 1 + 1
'''


def source_of_loss(tmp_path, text, name):
    return runs.source(written(tmp_path, text, name)["loss"])


def test_comments_docstrings_and_layout_do_not_count(tmp_path):
    bare, dressed = (source_of_loss(tmp_path, t, n) for t, n in ((BARE, "a"), (DRESSED, "b")))
    assert bare == dressed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/ tau", "* tau"),  # its own code
        ("x * x", "x * x * x"),  # a function it calls
        ("scale = 2", "scale = 3"),  # a value it uses
        ("scale = 2", "scale = '2'"),
        ("tau):", "tau=1):"),
    ],
)
def test_code_counts_and_so_does_what_it_uses(tmp_path, old, new):
    assert old in BARE
    changed = BARE.replace(old, new)
    assert source_of_loss(tmp_path, BARE, "a") != source_of_loss(tmp_path, changed, "b")


def test_what_a_function_closes_over_counts(tmp_path):
    text = "def make(w):\n    def loss(a, b):\n        return w * (a - b)\n    return loss\n"
    make = written(tmp_path, text)["make"]
    assert runs.source(make(2.0)) == runs.source(make(2.0))
    assert runs.source(make(2.0)) != runs.source(make(3.0))
    long = torch.arange(5000.0)
    other = long.clone()
    other[2500] = -1  # where a tensor's repr says "..."
    assert runs.source(make(long)) != runs.source(make(other))


def test_functions_that_call_each_other_have_a_source(tmp_path):
    text = "def loss(a):\n    return even(a)\n\ndef even(a):\n    return a and loss(a - 1)\n"
    assert source_of_loss(tmp_path, text, "mutual").count("def ") == 2


def test_a_modules_source_is_its_code():
    text = runs.source(runs)
    assert "def save(" in text
    assert "Store a finished run" not in text  # a docstring
    assert "perhaps" not in text
    assert "# " not in text


@pytest.mark.parametrize("thing", [len, 3, "loss", torch.nn.MSELoss(), lambda a, b: a])
def test_what_has_no_source_of_its_own_is_refused(thing):
    with pytest.raises(ValueError, match="must be readable, defined with def, got"):
        runs.source(thing)


def test_a_function_without_a_file_is_refused():
    space = {}
    exec("def loss(a, b): return a", space)
    with pytest.raises(ValueError, match="must be readable, defined with def, got <function loss"):
        runs.source(space["loss"])


def test_facts_are_readable_json(run):
    facts = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert facts["chip"] == FACTS["chip"]
    assert "Zähler — π" in (run / "run.json").read_text(encoding="utf-8")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_an_error_that_names_it(run):
    run.parent.chmod(0o555)
    try:
        with pytest.raises(PermissionError, match=str(run.parent)):
            runs.save("other", TENSORS, FACTS)
        assert_whole()
    finally:
        run.parent.chmod(0o755)
