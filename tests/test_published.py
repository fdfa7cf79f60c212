"""Runs in small files: near enough to the original, of the sources that are there, and whole."""

import hashlib
import json
import re
import shutil

import pytest
import torch

from replearn import evaluation, published, runs, training
from replearn.shapes import ShapesDataset
from tiny import FACTS

WEIGHTS = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
TENSORS = {
    "history.loss": torch.linspace(3, 1, 7),
    "encoder.weight": WEIGHTS * torch.logspace(-3, 3, 5).view(-1, 1, 1, 1),
    "encoder.bias": torch.arange(5.0),
}


# --- rounding -------------------------------------------------------------------------------


def test_no_weight_moves_by_more_than_half_a_step_of_its_row():
    small = published.rounded(TENSORS)
    back = published.restored(small)
    assert back.keys() == TENSORS.keys()
    assert small["encoder.weight"].dtype == torch.int8
    weights, moved = TENSORS["encoder.weight"], back["encoder.weight"] - TENSORS["encoder.weight"]
    step = weights.flatten(1).abs().amax(1) / 127
    assert (moved.flatten(1).abs().amax(1) <= 0.5001 * step).all()
    assert (moved.flatten(1).abs().amax(1) >= 0.2 * step).all()  # the scale is the row's own


def test_vectors_and_the_largest_of_a_row_stay_as_they_are():
    back = published.restored(published.rounded(TENSORS))
    for name in ("history.loss", "encoder.bias"):
        assert torch.equal(back[name], TENSORS[name])
    largest = [tensors["encoder.weight"].flatten(1).abs().amax(1) for tensors in (back, TENSORS)]
    torch.testing.assert_close(*largest)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_rounded(value):
    with pytest.raises(ValueError, match=r"tensors\['w'\] must be finite"):
        published.rounded({"w": torch.full((2, 3), value)})


def test_a_row_of_zeros_stays_one():
    back = published.restored(published.rounded({"w": torch.zeros(2, 3)}))
    assert torch.equal(back["w"], torch.zeros(2, 3))


# --- a file ---------------------------------------------------------------------------------


@pytest.fixture
def packed(store, tmp_path):
    """The file of a packed run, whose store is empty again."""
    runs.save("run", TENSORS, FACTS)
    published.pack("run", tmp_path / "file")
    shutil.rmtree(store)
    return tmp_path / "file"


def test_an_unpacked_run_is_the_run_but_for_its_rounded_weights(packed):
    assert published.unpack(packed) == "run"
    tensors, facts = runs.load("run")
    expected = published.restored(published.rounded(TENSORS))
    assert tensors.keys() == expected.keys()
    assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert {name: facts[name] for name in FACTS} == FACTS
    assert facts["weights"] == "rounded to 8 bits"


def test_what_is_in_store_is_left_alone(packed):
    runs.save("run", TENSORS, FACTS)
    published.unpack(packed)
    tensors, facts = runs.load("run")
    assert torch.equal(tensors["encoder.weight"], TENSORS["encoder.weight"])
    assert "weights" not in facts


def test_a_run_that_is_not_there_is_not_packed(store, tmp_path):
    with pytest.raises(ValueError, match=r"name must be that of a run in .*, got 'run'"):
        published.pack("run", tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no weights", "cut", "no run"])
def test_a_file_of_something_else_is_refused(packed, store, content):
    if content == "cut":
        content = packed.read_bytes()[:-1]
    elif content == "no run":
        content = published.safetensors.torch.save(TENSORS)
    packed.write_bytes(content)
    with pytest.raises(ValueError, match=f"file must be a packed run, got {packed}"):
        published.unpack(packed)
    assert not store.exists()


# --- the published set ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(root):
    return root / "binder" / "published"


@pytest.fixture(scope="module")
def provenance(folder):
    return json.loads((folder / published.PROVENANCE).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def published_store(folder, tmp_path_factory):
    """A store of the published runs."""
    place = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLEARN_RUNS", str(place))
        assert published.main(["unpack", str(folder)]) == 0
    return place


@pytest.fixture
def unpacked(published_store, monkeypatch):
    """The published runs are in store, for the recipe of the book, and nothing can train."""

    def train(*args):
        raise AssertionError("a published run is of other sources: make publish")

    monkeypatch.setenv("REPLEARN_RECIPE", "fast")
    monkeypatch.setenv("REPLEARN_RUNS", str(published_store))
    monkeypatch.setattr(training, "_optimise", train)


@pytest.mark.usefixtures("unpacked")
def test_published_runs_are_those_that_the_sources_ask_for(provenance):
    """All of them, and no others."""
    keys = {name: network.train().facts["key"] for name, network in published.NETWORKS.items()}
    assert {name: facts["key"] for name, facts in provenance.items()} == keys
    assert runs.survey().keys() == set(keys.values())


@pytest.mark.usefixtures("unpacked")
def test_features_are_computed_once_for_all(folder, monkeypatch):
    val = ShapesDataset("val", size=80)
    monkeypatch.setattr(evaluation, "ShapesDataset", lambda split: val)
    before = runs.survey().keys()
    assert published.main(["embed", str(folder)]) == 0
    new = [runs.load(key) for key in runs.survey().keys() - before]
    assert len(new) == len(published.NETWORKS)
    assert {facts["kind"] for _, facts in new} == {"features"}
    monkeypatch.setattr(ShapesDataset, "images", None)  # nothing is embedded again
    assert published.main(["embed", str(folder)]) == 0
    for key in runs.survey().keys() - before:
        shutil.rmtree(runs.folder() / key)


@pytest.mark.usefixtures("unpacked")
def test_unpacked_runs_say_where_they_come_from(provenance):
    for name, network in published.NETWORKS.items():
        facts = network.train().facts
        assert facts["weights"] == "rounded to 8 bits"
        for fact in ("chip", "finished", "seconds", "recipe", "seed", "plan"):
            assert facts[fact] == provenance[name][fact]


def test_published_files_are_small_and_as_recorded(folder, provenance):
    files = {file.name: file.read_bytes() for file in folder.glob("*.safetensors")}
    sums = {facts["file"]: facts["sha256"] for facts in provenance.values()}
    assert {name: hashlib.sha256(data).hexdigest() for name, data in files.items()} == sums
    assert sum(map(len, files.values())) <= 40e6


@pytest.mark.usefixtures("unpacked")
@pytest.mark.parametrize("name", published.NETWORKS)
def test_losses_are_as_recorded(provenance, name):
    """On a part of the images."""
    network = published.NETWORKS[name]
    loss = evaluation.validation_loss(
        network.train(), network.augmentation, loss=network.loss, batches=4
    )
    recorded = provenance[name]["scores"]["rounded"]["validation_loss"]
    assert loss == pytest.approx(recorded, rel=0.15)


@pytest.mark.soak
@pytest.mark.usefixtures("unpacked")
@pytest.mark.parametrize("name", published.NETWORKS)
def test_scores_are_as_recorded(provenance, name):
    """On all images; another processor rounds otherwise."""
    scores = published.NETWORKS[name].scores()
    recorded = provenance[name]["scores"]["rounded"]
    assert scores["validation_loss"] == pytest.approx(recorded["validation_loss"], rel=0.02)
    assert scores["sensitivity"] == pytest.approx(recorded["sensitivity"], abs=0.01)


def test_rounding_changed_little(provenance):
    for facts in provenance.values():
        before, after = facts["scores"]["as trained"], facts["scores"]["rounded"]
        assert after["validation_loss"] == pytest.approx(before["validation_loss"], rel=0.05)
        assert after["sensitivity"] == pytest.approx(before["sensitivity"], abs=0.02)


@pytest.mark.fault(
    "A damaged file among the published runs",
    "one bit of a file's weights is changed, then `python -m replearn.published unpack`",
    "a message names the file; its run is not stored",
)
def test_a_damaged_file_is_named(folder, provenance, store, tmp_path, capsys):
    damaged = provenance["autoencoder"]["file"]
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    data = bytearray((tmp_path / damaged).read_bytes())
    data[-1] ^= 1
    (tmp_path / damaged).write_bytes(data)
    assert published.main(["unpack", str(tmp_path)]) == 1
    assert re.search(rf"{damaged} must have the checksum .* autoencoder", capsys.readouterr().err)
    assert runs.survey() == {}


def test_packing_all_packs_what_the_book_asks_for_and_scores_it(tiny, tmp_path, monkeypatch):
    networks = {name: published.NETWORKS[name] for name in ("autoencoder", "A")}
    monkeypatch.setattr(published, "NETWORKS", networks)
    monkeypatch.setattr(
        published.Network, "scores", lambda self: {"loss": float(self.train().losses[-1])}
    )
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "old.safetensors").write_bytes(b"")
    assert published.main(["pack", str(tmp_path / "set")]) == 0
    provenance = json.loads((tmp_path / "set" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance.keys() == networks.keys()
    assert {file.name for file in (tmp_path / "set").iterdir()} == {
        "provenance.json",
        *(facts["file"] for facts in provenance.values()),
    }
    # One that is cut short leaves the set as it was.
    before = {file: file.read_bytes() for file in (tmp_path / "set").iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(published.Network, "train", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            published.main(["pack", str(tmp_path / "set")])
    assert {file: file.read_bytes() for file in (tmp_path / "set").iterdir()} == before
    for name, network in networks.items():
        scores = provenance[name]["scores"]
        assert scores["as trained"] == scores["rounded"] == network.scores()
    assert all("weights" not in facts for facts in runs.stored())  # the store keeps the originals
    # What is published is neither trained nor written again, but what is not.
    monkeypatch.setenv("REPLEARN_RUNS", str(tmp_path / "empty"))
    added = published.Network(published.augmentations.B)
    monkeypatch.setattr(published, "NETWORKS", {**networks, "B": added})
    assert published.main(["pack", str(tmp_path / "set")]) == 0
    assert {file: file.read_bytes() for file in before if file.suffix != ".json"}.items() <= (
        before.items()
    )
    more = json.loads((tmp_path / "set" / "provenance.json").read_text(encoding="utf-8"))
    assert {name: more[name] for name in networks} == provenance
    assert more.keys() == {*networks, "B"}
    trained_here = [facts["label"] for facts in runs.stored() if "weights" not in facts]
    assert trained_here == ["B"]


def test_a_network_that_the_book_does_not_have_is_named(tmp_path, capsys):
    (tmp_path / "provenance.json").write_text('{"gone": {}}')
    assert published.main(["embed", str(tmp_path)]) == 1
    assert "network must be one of 'autoencoder'" in capsys.readouterr().err


@pytest.mark.parametrize("error", [MemoryError, FloatingPointError, RuntimeError, OSError])
def test_a_training_that_fails_ends_with_its_message(tmp_path, monkeypatch, capsys, error):
    def fail(self):
        raise error("the last checkpoint is kept")

    monkeypatch.setattr(published.Network, "train", fail)
    assert published.main(["pack", str(tmp_path)]) == 1
    assert "the last checkpoint is kept" in capsys.readouterr().err
