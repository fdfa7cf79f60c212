"""The store of runs: whole or absent, never stale, never trusted without its checksum."""

import os
import pickle
import random
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
import torch

from replearn.engine import store
from tiny import FACTS

TENSORS = {"a": torch.arange(12.0).view(3, 4), "b": torch.ones(5, dtype=torch.int64)}


@pytest.fixture
def run(runs_folder):
    store.save("run", TENSORS, FACTS)
    return runs_folder / "run"


def assert_unusable(name="run"):
    """The run counts as absent, is set aside with a warning, and can be stored anew."""
    with pytest.warns(UserWarning, match=rf"run {name} cannot be used \(.+\); set aside as .+"):
        assert store.load(name) is None
    assert not (store.folder() / name).exists()
    assert (store.folder() / f"{name}.damaged").is_dir()
    assert store.survey() == {}
    assert store.load(name) is None
    store.save(name, TENSORS, FACTS)
    assert_whole(name)


def assert_whole(name="run"):
    tensors, facts = store.load(name)
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[k], TENSORS[k]) for k in TENSORS)
    assert {k: facts[k] for k in FACTS} == FACTS


def test_runs_live_where_the_environment_says_or_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for chosen in (str(tmp_path / "x"), "~/x"):
        monkeypatch.setenv("REPLEARN_RUNS", chosen)
        assert store.folder() == tmp_path / "x"
    monkeypatch.setenv("REPLEARN_RUNS", "")
    nothing = store.folder()
    monkeypatch.delenv("REPLEARN_RUNS")
    assert store.folder() == nothing
    assert "replearn" in nothing.parts
    assert nothing.name == "runs"


def test_a_run_comes_back_as_it_was_stored(run):
    assert_whole()
    files = {path.name for path in run.iterdir()}
    assert files == {"SHA256SUMS", "run.json", "weights.safetensors"}
    assert "Zähler — π" in (run / "run.json").read_text(encoding="utf-8")
    assert {path.name for path in run.parent.iterdir()} == {"run"}
    assert run.stat().st_mode & 0o555 == 0o555, "others may read it"


def test_what_is_not_there_is_none(runs_folder):
    assert store.load("run") is None
    assert store.load_checkpoint("run") is None
    assert store.stored() == []


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_the_checksums_can_be_checked_by_hand(run):
    check = ["sha256sum", "--check", "SHA256SUMS"]
    assert subprocess.run(check, cwd=run, capture_output=True).returncode == 0
    (run / "run.json").write_text("{}")
    assert subprocess.run(check, cwd=run, capture_output=True).returncode == 1


def test_nothing_is_pickled(run):
    store.save_checkpoint("other", TENSORS, 3)
    files = [path for path in run.parent.rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())


PICKLING = re.compile(
    r"pickle|marshal|shelve|dill|joblib|multiprocessing|np\.load|object_list|_object\("
    r"|(?<!safetensors\.)torch\.(?:load|save)\("
)


@pytest.mark.parametrize("folder", ["code", "book", "benchmarks", "notebooks"])
def test_no_code_of_the_book_pickles(root, folder):
    """Nor does it call what pickles: torch's collectives of objects, a pool of processes."""
    files = [file for kind in ("py", "md", "ipynb") for file in (root / folder).rglob(f"*.{kind}")]
    assert files
    found = [(file.name, PICKLING.findall(file.read_text("utf-8"))) for file in files]
    assert [(name, words) for name, words in found if words] == []


def test_stored_lists_whole_runs_oldest_first(run):
    store.save("early", TENSORS, {**FACTS, "finished": "2025-01-01T00:00:00+00:00"})
    store.save("broken", TENSORS, FACTS)
    (run.parent / "broken" / "weights.safetensors").write_bytes(b"")
    store.save_checkpoint("under-way", TENSORS, 3)
    assert [facts["key"] for facts in store.stored()] == ["early", "run"]


def spoil(path, damage, seed):
    """Damage a file at a random place."""
    choose, data = random.Random(f"{path.name} {damage} {seed}"), bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: choose.randrange(len(data))]
    elif damage == "flip":
        data[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
    elif damage == "empty":
        data = bytearray(len(data))
    elif damage == "longer":
        data += b"\n"
    path.write_bytes(data)
    if damage == "missing":
        path.unlink()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["run.json", "weights.safetensors", "SHA256SUMS"])
@pytest.mark.parametrize("damage", ["missing", "cut", "flip", "empty", "longer"])
def test_damage_is_noticed(run, name, damage, seed):
    spoil(run / name, damage, seed)
    assert_unusable()


@pytest.mark.fault(
    "A run written by an older version",
    "its format has another number",
    "set aside with a warning that names both formats; trained again",
)
def test_another_format_is_not_read(run, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(store, "_FORMAT", store._FORMAT - 1)
        store.save("old", TENSORS, FACTS)
    with pytest.warns(UserWarning, match=r"its format must be \d, got \d"):
        assert store.load("old") is None
    assert_whole()


@pytest.mark.fault(
    "A file of another program, checksummed in due form",
    "`run.json` holds JSON of another kind, or lacks what a run has",
    "set aside with a warning that names what is missing; trained again",
)
@pytest.mark.parametrize(
    "facts",
    ["[]", "null", "{}", '"text"', '{"format": 3}', '{"format": 3, "key": "run", "label": 7}'],
)
def test_foreign_files_with_right_checksums_are_not_read(run, facts):
    (run / "run.json").write_text(facts)
    (run / "SHA256SUMS").write_text(store._checksums(run))
    assert_unusable()


@pytest.mark.fault(
    "Another run under this run's name",
    "the folder of a whole run is renamed",
    "set aside with a warning: its key must be the folder's name",
)
def test_a_run_under_anothers_name_is_not_read(run):
    store.save("other", TENSORS, FACTS)
    run.rename(run.parent / "run.moved")
    (run.parent / "other").rename(run)
    with pytest.warns(UserWarning, match="its key must be 'run', got 'other'"):
        assert store.load("run") is None


@pytest.mark.fault(
    "Weights of another format",
    "a pickle of `torch.save` in the place of `weights.safetensors`, checksums right",
    "set aside with a warning; nothing is unpickled",
)
def test_foreign_weights_are_not_read(run):
    torch.save(TENSORS, run / "weights.safetensors")
    (run / "SHA256SUMS").write_text(store._checksums(run))
    assert_unusable()


@pytest.mark.fault(
    "A file where a run's folder should be",
    "a text file of the run's name",
    "set aside with a warning; trained again",
)
def test_a_file_in_the_runs_place_is_set_aside(runs_folder):
    runs_folder.mkdir()
    (runs_folder / "run").write_text("not a folder")
    with pytest.warns(UserWarning, match="run run cannot be used"):
        assert store.load("run") is None
    store.save("run", TENSORS, FACTS)
    assert_whole()


def test_a_second_damaged_run_replaces_the_first_set_aside(run):
    for _ in range(2):
        (run / "run.json").write_text("")
        assert_unusable()
    assert len(list(run.parent.iterdir())) == 2


@pytest.mark.fault(
    "A damaged run",
    "100 times a random file of a run or checkpoint is cut at random, or up to 8 bits are flipped",
    "100 of 100 detected by checksum, set aside with a warning, none used, no crash",
)
def test_of_a_hundred_damaged_files_none_is_used(runs_folder):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    for _ in range(100):
        store.save("run", TENSORS, FACTS)
        store.save_checkpoint("under-way", TENSORS, 3)
        files = [*(runs_folder / "run").iterdir(), runs_folder / "under-way.checkpoint"]
        path = choose.choice(sorted(files))
        data = bytearray(path.read_bytes())
        if choose.random() < 0.5:
            data = data[: choose.randrange(len(data))]
        else:
            for bit in choose.sample(range(8 * len(data)), choose.randint(1, 8)):
                data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.warns(UserWarning, match="cannot be used") as warned:
            found = store.load("run"), store.load_checkpoint("under-way")
        assert len(warned) == 1
        assert [what is None for what in found].count(True) == 1
        assert (found[0] is None) == (path.parent.name == "run")


def test_a_survey_says_of_each_run_whether_it_is_whole_and_changes_nothing(run):
    for name in ("cut", "old"):
        store.save(name, TENSORS, FACTS)
    (run.parent / "cut" / "weights.safetensors").write_bytes(b"")
    store.save_checkpoint("under-way", TENSORS, 3)
    before = {path: path.stat().st_mtime_ns for path in run.parent.rglob("*")}
    found = store.survey()
    assert found.keys() == {"cut", "old", "run"}
    assert found["run"]["label"] == "A"
    assert "checksums do not match" in str(found["cut"])
    assert {path: path.stat().st_mtime_ns for path in run.parent.rglob("*")} == before


PARTS = {"weights": (store, "_write"), "facts": (store.json, "dumps")}
PARTS |= {"checksums": (store, "_checksums"), "rename": (Path, "rename")}


@pytest.mark.fault(
    "The disk is full when a run is stored",
    "the write of each part fails with ENOSPC",
    "an OSError names the folder and `$REPLEARN_RUNS`; nothing is left but the checkpoint",
)
@pytest.mark.parametrize("part", PARTS)
def test_a_failure_while_storing_leaves_nothing(runs_folder, monkeypatch, part):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    store.save_checkpoint("run", TENSORS, 3)
    with monkeypatch.context() as patch:
        patch.setattr(*PARTS[part], full)
        with pytest.raises(OSError, match=rf"No space left.*{runs_folder}.*\$REPLEARN_RUNS"):
            store.save("run", TENSORS, FACTS)
    assert {path.name for path in runs_folder.iterdir()} == {"run.checkpoint"}  # to go on from
    store.save("run", TENSORS, FACTS)
    assert {path.name for path in runs_folder.iterdir()} == {"run"}


def test_facts_that_are_no_json_leave_nothing(runs_folder):
    with pytest.raises(TypeError):
        store.save("run", TENSORS, {"label": object()})
    assert list(runs_folder.iterdir()) == []


@pytest.mark.fault(
    "A process killed while it stored a run",
    "half a run in a hidden folder, half a checkpoint",
    "not listed, not read, and removed when the run is stored",
)
def test_what_a_killed_process_left_is_swept_up(run):
    leftover = run.parent / ".run-abc"
    leftover.mkdir()
    (leftover / "weights.safetensors").write_bytes(b"half")
    (run.parent / "run.draft").write_bytes(b"half")
    (run.parent / ".other-abc").mkdir()  # another run's, perhaps being written
    assert [facts["key"] for facts in store.stored()] == ["run"]
    store.save("run", TENSORS, FACTS)
    assert {p.name for p in run.parent.iterdir()} == {"run", "run.damaged", ".other-abc"}


def test_a_checkpoint_comes_back_as_it_was_saved(runs_folder):
    for step in (2, 4):
        store.save_checkpoint("run", {**TENSORS, "step": torch.tensor(step)}, step)
    tensors, step = store.load_checkpoint("run")
    assert step == 4 == int(tensors["step"])
    assert torch.equal(tensors["a"], TENSORS["a"])
    assert [path.name for path in runs_folder.iterdir()] == ["run.checkpoint"]


@pytest.mark.fault(
    "A damaged or foreign checkpoint",
    "cut at random, a bit flipped at random, or another run's",
    "removed with a warning; trained from the start",
)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("damage", ["cut", "flip", "foreign", "moved"])
def test_a_damaged_checkpoint_is_not_used(runs_folder, damage, seed):
    store.save_checkpoint("run", TENSORS, 3)
    path = runs_folder / "run.checkpoint"
    if damage == "moved":
        store.save_checkpoint("other", TENSORS, 3)
        (runs_folder / "other.checkpoint").replace(path)
    elif damage == "foreign":
        path.write_bytes(store.safetensors.torch.save(TENSORS, {"step": str(seed)}))
    else:
        spoil(path, damage, seed)
    with pytest.warns(UserWarning, match=r"checkpoint .+ cannot be used \(.+\); starting anew"):
        assert store.load_checkpoint("run") is None
    assert not path.exists()


@pytest.mark.fault(
    "The disk is full when a checkpoint is saved",
    "half of it is written, then ENOSPC",
    "an OSError names the folder; the half is removed, the last checkpoint kept",
)
def test_a_failure_while_saving_a_checkpoint_keeps_the_last(runs_folder, monkeypatch):
    store.save_checkpoint("run", TENSORS, 3)

    def half(path, *contents):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_write", half)
        with pytest.raises(OSError, match=rf"No space left.*{runs_folder}.*\$REPLEARN_RUNS"):
            store.save_checkpoint("run", TENSORS, 5)
    assert [path.name for path in runs_folder.iterdir()] == ["run.checkpoint"]
    assert store.load_checkpoint("run")[1] == 3
    store.save("run", TENSORS, FACTS)
    assert {path.name for path in runs_folder.iterdir()} == {"run"}


def test_a_lock_lets_one_in_at_a_time(runs_folder):
    order = []

    def second():
        with store.lock("run"):
            order.append("second")

    with store.lock("run"):
        thread = threading.Thread(target=second)
        thread.start()
        with store.lock("other"):  # runs do not wait for other runs
            order.append("first")
        thread.join(timeout=0.2)
        assert thread.is_alive()
        order.append("still first")
    thread.join(timeout=10)
    assert order == ["first", "still first", "second"]


@pytest.mark.fault(
    "another process that does not let go of a run",
    "its lock is held",
    "who waits says so, for what, and which file to remove if nobody is there",
)
def test_waiting_for_a_lock_is_said(runs_folder, monkeypatch, capsys):
    monkeypatch.setattr(store, "_PATIENCE", 0.05)

    def come_and_go():
        with store.lock("run"):
            pass

    waiting = threading.Thread(target=come_and_go)
    with store.lock("run"):
        waiting.start()
        waiting.join(0.5)
        assert waiting.is_alive()
    waiting.join(10)
    assert not waiting.is_alive()
    said = capsys.readouterr().err
    assert said.count("waiting for another process that has run run") == 1
    assert str(runs_folder / "run.lock") in said


def test_a_key_is_a_function_of_the_description():
    description = {"kind": "contrastive", "tau": 0.07, "recipe": {"steps": 6}, "code": ["α"]}
    key = store.key(description)
    assert len(key) == 16
    assert int(key, 16) >= 0
    assert store.key(dict(reversed(description.items()))) == key
    for change in ({"tau": 0.08}, {"recipe": {"steps": 7}}, {"code": ["β"]}, {"more": 1}):
        assert store.key({**description, **change}) != key


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
def test_a_checkpoint_that_was_loaded_is_not_held(runs_folder):
    store.save_checkpoint("run", {"w": torch.zeros(100_000)}, 3)
    loaded = store.load_checkpoint("run")
    assert loaded is not None
    assert "run.checkpoint" not in Path("/proc/self/maps").read_text()


NAMED = {
    "lock": store.lock,
    "load": store.load,
    "load_checkpoint": store.load_checkpoint,
    "save": lambda name: store.save(name, TENSORS, FACTS),
    "save_checkpoint": lambda name: store.save_checkpoint(name, TENSORS, 3),
}


@pytest.mark.fault(
    "A run's name that leads out of the store",
    "empty, `..`, with a slash, absolute, with a null byte",
    "a ValueError names it and what is allowed; nothing is moved, made or read",
)
@pytest.mark.parametrize("name", ["", ".", "..", "../run", "a/b", "/tmp/run", "run\0", "run\n"])
def test_a_name_stays_in_the_store(run, name):
    before = sorted(run.parent.parent.rglob("*"))
    for call in NAMED.values():
        with pytest.raises(ValueError, match="name must be made of letters, digits, _ and -, got"):
            call(name)
    assert sorted(run.parent.parent.rglob("*")) == before
    assert_whole()


WRITES = {
    "lock": lambda: store.lock("run"),
    "save": lambda: store.save("run", TENSORS, FACTS),
    "save_checkpoint": lambda: store.save_checkpoint("run", TENSORS, 3),
}


@pytest.mark.fault(
    "A read-only folder of runs",
    "its mode is 0o555 (for root, whom no mode stops: the system's calls fail with EACCES)",
    "a PermissionError names the folder and `$REPLEARN_RUNS`; what is stored stays whole",
)
@pytest.mark.parametrize("write", WRITES)
def test_a_read_only_folder_is_an_error_that_names_it(run, monkeypatch, write):
    def denied(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    message = rf"Permission denied.*{run.parent}.*\$REPLEARN_RUNS"
    run.parent.chmod(0o555)
    try:
        with monkeypatch.context() as patch:
            if os.geteuid() == 0:
                patch.setattr(tempfile, "mkdtemp", denied)
                patch.setattr(os, "open", denied)
                patch.setattr(Path, "write_bytes", denied)
            with pytest.raises(PermissionError, match=message):
                WRITES[write]()
        assert_whole()
    finally:
        run.parent.chmod(0o755)


def test_what_to_do_is_said_once(run, monkeypatch):
    def denied(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", denied)
    (run / "run.json").write_text("damaged")
    for write in (lambda: store.load("run"), WRITES["save"]):
        with pytest.raises(PermissionError) as raised:
            write()
        assert str(raised.value).count("$REPLEARN_RUNS") == 1


@pytest.mark.fault(
    "A folder of runs that cannot be made",
    "`$REPLEARN_RUNS` lies below a file",
    "an OSError names the folder and `$REPLEARN_RUNS`",
)
@pytest.mark.parametrize("write", WRITES)
def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path, monkeypatch, write):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "file" / "runs"))
    with pytest.raises(OSError, match=rf"{tmp_path}/file/runs; \$REPLEARN_RUNS may name another"):
        WRITES[write]()
    assert store.load("run") is None
    assert store.survey() == {}


@pytest.mark.fault(
    "A missing folder of runs",
    "`$REPLEARN_RUNS` names a folder three levels below one that exists",
    "made when something is stored; reading makes nothing",
)
def test_a_missing_folder_is_made_by_writing_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "a" / "b" / "c"))
    assert store.load("run") is None
    assert store.survey() == {}
    assert list(tmp_path.iterdir()) == []
    store.save("run", TENSORS, FACTS)
    assert_whole()


@pytest.mark.fault(
    "A user without a home folder",
    "no home is found and `$REPLEARN_RUNS` is not set",
    "a FileNotFoundError names `$REPLEARN_RUNS`; no folder called ~ is made",
)
def test_without_a_home_the_variable_is_named(tmp_path, monkeypatch):
    for name in ("REPLEARN_RUNS", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as where no home is found
    monkeypatch.chdir(tmp_path)
    for write in WRITES.values():
        with pytest.raises(FileNotFoundError, match=r"home folder .*\$REPLEARN_RUNS"):
            write()
    assert list(tmp_path.iterdir()) == []
