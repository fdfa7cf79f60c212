"""The book's networks: published ones near enough to the original, whole, and of this revision."""

import hashlib
import json
import re
import shutil

import pytest
import torch

from replearn import evaluation, recipes, tasks, training
from replearn.augmentations import A
from replearn.course import trained
from replearn.engine import quantize, store
from replearn.shapes import Factors, ShapesDataset


@pytest.fixture(scope="module")
def folder(root):
    return root / "networks"


@pytest.fixture(scope="module")
def provenance(folder):
    return json.loads((folder / trained.PROVENANCE).read_text(encoding="utf-8"))


def of_80_images(patch):
    """Features of few images, so that they are there in no time."""
    val = ShapesDataset("val", size=80)
    patch.setattr(evaluation, "ShapesDataset", lambda split: val)


@pytest.fixture(scope="module")
def published_store(folder, tmp_path_factory):
    """A store of the published runs and what was said when they came there."""
    place = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPLEARN_RUNS", str(place))
        patch.setattr(recipes, "_chosen", "fast")
        patch.setattr(training, "_fitted", refuse)
        of_80_images(patch)
        origins = trained.get(folder)
    return place, origins


def refuse(*args):
    raise AssertionError("a published run is of another revision or plan: make publish")


@pytest.fixture
def unpacked(published_store, monkeypatch):
    """The published runs are in store, for the recipe of the book, and nothing can train."""
    monkeypatch.setattr(recipes, "_chosen", "fast")
    monkeypatch.setenv("REPLEARN_RUNS", str(published_store[0]))
    monkeypatch.setattr(training, "_fitted", refuse)


@pytest.mark.usefixtures("unpacked")
def test_published_runs_are_those_that_the_book_asks_for(published_store, provenance):
    """All of them, of this revision and by the plans of now, and no others."""
    keys = {name: network.task().key() for name, network in trained.networks().items()}
    assert {name: facts["key"] for name, facts in provenance.items()} == keys
    assert {facts["revision"] for facts in provenance.values()} == {tasks.REVISION}
    found = {name: told["origin"] for name, told in published_store[1].items()}
    assert found == dict.fromkeys(trained.networks(), "published")
    kinds = [facts["kind"] for facts in store.stored()]
    assert len(kinds) == 2 * len(keys)
    assert kinds.count("features") == len(keys)


@pytest.mark.usefixtures("unpacked")
def test_what_is_in_store_is_found_and_its_features_too(folder, monkeypatch, capsys):
    of_80_images(monkeypatch)
    monkeypatch.setattr(ShapesDataset, "images", None)  # nothing is embedded again
    found = trained.get(folder)
    assert {told["origin"] for told in found.values()} == {"found"}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(trained.networks())
    assert all(name in line for name, line in zip(trained.networks(), lines[1:], strict=True))


@pytest.mark.usefixtures("unpacked")
def test_published_runs_say_where_they_come_from(provenance):
    for name, network in trained.networks().items():
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
@pytest.mark.parametrize("name", trained.networks())
def test_losses_are_as_recorded(provenance, name):
    """On a part of the images."""
    network = trained.networks()[name]
    loss = evaluation.validation_loss(
        network.train(), network.augmentation, loss=network.loss, batches=4
    )
    recorded = provenance[name]["scores"]["rounded"]["validation_loss"]
    assert loss == pytest.approx(recorded, rel=0.15)


@pytest.mark.soak
@pytest.mark.usefixtures("unpacked")
@pytest.mark.parametrize("name", trained.networks())
def test_scores_are_as_recorded(provenance, name):
    """On all images; another processor rounds otherwise."""
    network = trained.networks()[name]
    scores = network.scores(network.train())
    recorded = provenance[name]["scores"]["rounded"]
    assert scores["validation_loss"] == pytest.approx(recorded["validation_loss"], rel=0.02)
    assert scores["sensitivity"] == pytest.approx(recorded["sensitivity"], abs=0.01)


def test_rounding_changed_little(provenance):
    for facts in provenance.values():
        before, after = facts["scores"]["as trained"], facts["scores"]["rounded"]
        assert after["validation_loss"] == pytest.approx(before["validation_loss"], rel=0.05)
        assert after["sensitivity"] == pytest.approx(before["sensitivity"], abs=0.02)


TWO = {name: trained.networks()[name] for name in ("autoencoder", "A")}


@pytest.fixture
def small(tiny, monkeypatch, tmp_path):
    """Two tiny networks, published in a folder; the store, after that, is empty."""
    monkeypatch.setattr(trained, "networks", lambda: TWO)
    monkeypatch.setattr(trained.Network, "scores", lambda self, run: float(run.losses[-1]))
    of_80_images(monkeypatch)
    trained.pack(tmp_path / "set")
    shutil.rmtree(tiny)
    return tmp_path / "set"


def stored_networks():
    return [facts for facts in store.stored() if facts["kind"] != "features"]


def held(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def origins(told):
    return [each["origin"] for each in told.values()]


def test_a_network_is_found_else_published_else_trained(small, monkeypatch, capsys):
    assert origins(trained.get(small)) == ["published", "published"]
    assert origins(trained.get(small)) == ["found", "found"]
    assert [facts["weights"] for facts in stored_networks()] == [trained.ROUNDED] * 2
    monkeypatch.setenv("REPLEARN_RUNS", str(small.parent / "other"))
    assert origins(trained.get(small.parent / "nothing there")) == ["trained", "trained"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [[name, "trained"] for name in TWO]
    # What was trained here stays, whatever is published.
    assert origins(trained.get(small)) == ["found", "found"]
    assert all("weights" not in facts for facts in store.stored())


def test_what_is_published_is_trained_if_so_asked(small):
    trained.get(small)
    assert origins(trained.get(small, train=True)) == ["trained", "trained"]
    assert all("weights" not in facts for facts in store.stored())
    assert origins(trained.get(small, train=True)) == ["found", "found"]


def test_what_another_process_has_trained_meanwhile_is_not_replaced(small, tiny, monkeypatch):
    """The set is read before the lock is had, and a trained run is better than a rounded one."""
    read = trained.unpacked

    def overtaken(folder, facts):
        tensors = read(folder, facts)
        store.save(facts["key"], tensors, {**facts, "label": "trained meanwhile"})
        return tensors

    monkeypatch.setattr(trained, "unpacked", overtaken)
    trained.get(small)
    labels = [facts["label"] for facts in stored_networks()]
    assert labels == ["trained meanwhile"] * 2
    assert list(tiny.glob("*.damaged")) == []


def test_a_stored_network_is_read_once_and_its_images_described_once(small, monkeypatch):
    trained.get(small)
    read, drawn, load, draw = [], [], store.load, Factors.draw
    monkeypatch.setattr(store, "load", lambda name: read.append(name) or load(name))
    monkeypatch.setattr(Factors, "draw", lambda *given: drawn.append(given) or draw(*given))
    assert origins(trained.get(small)) == ["found", "found"]
    assert len(read) == len(set(read)) == 4  # two networks and their features
    assert len(drawn) == 2


def test_a_file_name_with_nul_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="facts must name a network's file"):
        trained.unpacked(tmp_path, {"file": "A\0", "sha256": "0"})


def changed(small, **facts):
    file = small / trained.PROVENANCE
    told = json.loads(file.read_text(encoding="utf-8"))
    told["A"] |= facts
    file.write_text(json.dumps(told), encoding="utf-8")


SPOILT = {
    "another revision": (lambda s: changed(s, revision=0), "revision 0.*by revision 1"),
    "another plan": (lambda s: changed(s, key="0" * 16), "by another plan"),
    "another checksum": (lambda s: changed(s, sha256="0"), r"damaged.*A\.safetensors.*checksum"),
    "no file": (lambda s: (s / "A.safetensors").unlink(), r"damaged.*A\.safetensors"),
    "half a file": (
        lambda s: (s / "A.safetensors").write_bytes((s / "A.safetensors").read_bytes()[:999]),
        r"damaged.*A\.safetensors.*checksum",
    ),
    "no weights in it": (
        lambda s: (
            (s / "A.safetensors").write_bytes(b"none"),
            changed(s, sha256=hashlib.sha256(b"none").hexdigest()),
        ),
        "damaged",
    ),
    "half of its facts": (lambda s: changed(s, file=None), "damaged"),
}


@pytest.mark.fault(
    "A published network that is damaged, missing, or of another revision or plan",
    "a file cut, removed or changed; facts changed; then the networks are got",
    "a line says of that network what is wrong; it is trained here, the others are as published",
)
@pytest.mark.parametrize("what", SPOILT)
def test_a_network_that_cannot_be_used_is_named_and_trained(small, capsys, what):
    spoil, message = SPOILT[what]
    spoil(small)
    assert origins(trained.get(small)) == ["published", "trained"]
    out = capsys.readouterr().out
    assert re.search(rf"^  A +to be trained: .*{message}", out, re.MULTILINE), out


@pytest.mark.fault(
    "A set of published networks that cannot be read",
    "`provenance.json` is missing, cut, or of another kind; then the networks are got",
    "a line says so; all networks are trained here",
)
@pytest.mark.parametrize("content", [None, "", "{", "[]", "3", '{"A": 3}', "\udcff"])
def test_a_set_that_cannot_be_read_is_named_and_everything_trained(small, capsys, content):
    file = small / trained.PROVENANCE
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content.encode(errors="surrogateescape"))
    assert origins(trained.get(small)) == ["trained", "trained"]
    out = capsys.readouterr().out
    assert re.search(r"^  published +none: .*provenance\.json", out, re.MULTILINE)


@pytest.mark.fault(
    "No room on the disk for the networks",
    "storing a network fails with ENOSPC while the networks are got",
    "an OSError names the folder and `$REPLEARN_RUNS`; nothing half-written is left",
)
def test_a_full_disk_is_named(small, tiny, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "_write", full)
    with pytest.raises(OSError, match=r"No space left.*\$REPLEARN_RUNS may name another"):
        trained.get(small)
    assert [path.name for path in tiny.iterdir() if path.suffix != ".lock"] == []


def test_a_loss_that_is_not_written_yet_is_waited_for(small, monkeypatch, capsys):
    def blank(z, z_pos, tau):
        raise NotImplementedError("info_nce is not implemented yet: Question 8a")

    monkeypatch.setattr(trained, "networks", lambda: {**TWO, "A": trained.Network(A, blank)})
    assert list(trained.get(small)) == ["autoencoder"]
    assert "waits: info_nce is not implemented yet: Question 8a" in capsys.readouterr().out


def test_a_loss_that_nobody_can_identify_is_left_to_the_chapters(small, monkeypatch, capsys):
    def loss(z, z_pos, tau):
        return open("weights").read()

    monkeypatch.setattr(trained, "networks", lambda: {"A": trained.Network(A, loss)})
    assert trained.get(small) == {}
    assert "every chapter has to train it anew" in capsys.readouterr().out


def test_how_a_copy_came_by_its_networks_is_what_its_build_wrote(monkeypatch, tmp_path):
    monkeypatch.delenv("REPLEARN_NETWORKS", raising=False)
    assert set(trained.origins().values()) == {"found"}
    (tmp_path / "told").write_text('{"A": {"origin": "trained"}}')
    monkeypatch.setenv("REPLEARN_NETWORKS", str(tmp_path / "told"))
    assert trained.origins() == {**dict.fromkeys(trained.networks(), "found"), "A": "trained"}


def test_packing_leaves_what_is_published_alone_and_publishes_the_rest(small, monkeypatch):
    before = held(small)
    (small / "old.safetensors").write_bytes(b"")
    added = trained.Network(trained.augmentations.B, TWO["A"].loss)
    monkeypatch.setattr(trained, "networks", lambda: {**TWO, "B": added})
    with monkeypatch.context() as patch:  # one that is cut short leaves the set as it was
        patch.setattr(training, "trained", lambda task: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            trained.pack(small)
    assert held(small) == {**before, "old.safetensors": b""}
    trained.pack(small)
    after = held(small)
    provenance = json.loads(after.pop("provenance.json"))
    assert after.keys() == {facts["file"] for facts in provenance.values()}
    assert provenance.keys() == {*TWO, "B"}
    del before["provenance.json"]
    assert before.items() <= after.items()
    assert [facts["label"] for facts in stored_networks()] == ["B"]
    assert provenance["B"]["scores"].keys() == {"as trained", "rounded"}


def test_a_published_run_is_the_run_but_for_its_rounded_weights(small, tiny, monkeypatch):
    trained.get(small)
    near = {name: network.train() for name, network in TWO.items()}
    monkeypatch.setenv("REPLEARN_RUNS", str(tiny.parent / "trained"))
    for name, network in TWO.items():
        run = network.train()
        assert torch.equal(near[name].losses, run.losses)
        expected = quantize.restored(quantize.rounded(run.encoder.state_dict()))
        found = near[name].encoder.state_dict()
        assert all(torch.equal(found[weight], expected[weight]) for weight in expected)
