"""How the chapters run: the cache that knows what they depend on, the networks, the figures."""

import json
import os
import shutil
from pathlib import Path

import pytest
from sphinx.errors import ExtensionError

import book_execution
from replearn.course import trained


@pytest.fixture
def sources(tmp_path, root):
    for file in ("requirements.txt", "requirements.lock", "pyproject.toml"):
        shutil.copy(root / file, tmp_path / file)
    package = tmp_path / "code" / "replearn"
    package.mkdir(parents=True)
    (package / "module.py").write_text("A = 1\n")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.md").write_text("measured = 'benchmarks/shown.json'\n")
    return tmp_path


def changed(tree, file):
    """Whether a change of a file changes the fingerprint, which else stays."""
    before = book_execution.fingerprint(tree)
    assert book_execution.fingerprint(tree) == before
    path = tree / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write("# changed\n")
    return book_execution.fingerprint(tree) != before


@pytest.mark.fault(
    "A cache of chapters that ran with another library, measurements, requirements, or recipe",
    "a module, a table of results or a list of requirements changes; so does `$REPLEARN_RECIPE`",
    "the cache has another name, so that every chapter is executed anew",
)
@pytest.mark.parametrize(
    "file",
    [
        *("code/replearn/module.py", "code/replearn/sub/new.py", "requirements.txt"),
        *("requirements.lock", "pyproject.toml", "benchmarks/shown.json"),
    ],
)
def test_fingerprint_follows_the_sources(sources, file):
    assert changed(sources, file)


def test_fingerprint_leaves_out_measurements_that_no_page_shows(sources):
    assert not changed(sources, "benchmarks/other.json")


def test_fingerprint_follows_the_recipe(sources, monkeypatch):
    monkeypatch.setenv("REPLEARN_RECIPE", "fast")
    fast = book_execution.fingerprint(sources)
    monkeypatch.setenv("REPLEARN_RECIPE", "smoke")
    assert book_execution.fingerprint(sources) != fast
    monkeypatch.delenv("REPLEARN_RECIPE")
    assert book_execution.fingerprint(sources) == fast, "fast is the default"


def test_fingerprint_follows_the_networks(sources, monkeypatch, tmp_path):
    before = book_execution.fingerprint(sources)
    monkeypatch.setattr(os, "environ", {**os.environ})
    book_execution.note_networks(tmp_path / "told.json", {"A": {"origin": "found", "key": "1"}})
    found = book_execution.fingerprint(sources)
    book_execution.note_networks(tmp_path / "told.json", {"A": {"origin": "found", "key": "2"}})
    assert len({before, found, book_execution.fingerprint(sources)}) == 3


def test_a_network_keeps_the_origin_it_had_in_the_first_build(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", {**os.environ})
    told = {"A": {"origin": "trained", "key": "1", "finished": "2026"}}
    book_execution.note_networks(tmp_path / "told.json", told)
    book_execution.note_networks(tmp_path / "told.json", {"A": {**told["A"], "origin": "found"}})
    assert json.loads((tmp_path / "told.json").read_text()) == told
    later = {"A": {**told["A"], "origin": "found", "finished": "2027"}}
    book_execution.note_networks(tmp_path / "told.json", later)
    assert json.loads((tmp_path / "told.json").read_text()) == later


@pytest.mark.parametrize(("given", "trains"), [("", False), ("0", False), ("1", True)])
def test_training_is_asked_for_by_one_word(monkeypatch, given, trains):
    monkeypatch.setenv("TRAIN", given)
    assert book_execution.trains() == trains


@pytest.mark.fault(
    "A build that is asked to train in a word that it does not know",
    "`TRAIN=yes make book`",
    "an error names the word and what is allowed, before any page is read",
)
def test_another_word_than_one_is_refused(root, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAIN", "yes")
        with pytest.raises(ExtensionError, match="TRAIN must be 1 or 0, or left out, got 'yes'"):
            book_execution.get_networks(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "The user's folder of networks cannot be written, and no other is named",
    "storing fails with EROFS while the book is built",
    "a line says so; the build keeps its networks in its own folder, and the book is built",
)
def test_a_store_that_cannot_be_written_is_replaced_by_the_builds_own(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop("REPLEARN_RUNS", None)

    def get(folder, train):
        if "REPLEARN_RUNS" not in os.environ:
            raise OSError(30, "Read-only file system: the folder of runs must be writable")
        return {"A": {"origin": "published"}}

    monkeypatch.setattr(trained, "get", get)
    book_execution.get_networks(tmp_path)
    assert os.environ["REPLEARN_RUNS"] == str(tmp_path / "runs")
    assert "keeps its networks in" in capsys.readouterr().out
    # One that was named is not replaced.
    monkeypatch.setattr(trained, "get", lambda folder, train: (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(ExtensionError):
        book_execution.get_networks(tmp_path)


def test_figures_are_vectors(tiny_book, tiny_page, tiny_latex):
    image = tiny_page.select_one("figure img")
    assert image is not None
    assert image["src"].endswith(".svg")
    assert image["alt"] == "A rising line."
    assert list(tiny_book.latex.glob("*.pdf"))
    assert ".png}" not in tiny_latex


def test_page_shows_no_progress_bar(tiny_page):
    assert "value 1 3" in tiny_page.get_text()
    assert "progress" not in tiny_page.select_one("div.cell_output").get_text()
    assert not tiny_page.select('script[type*="widget"]')


@pytest.mark.parametrize("chosen", ["nets", "../nets"])
def test_pages_of_every_folder_share_the_store_that_was_chosen(tmp_path, monkeypatch, chosen):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLEARN_RUNS", chosen)
    book_execution.keep_one_store()
    monkeypatch.chdir("/")  # as a kernel runs elsewhere
    assert Path(os.environ["REPLEARN_RUNS"]) == (tmp_path / chosen).resolve()


def test_where_no_store_was_chosen_none_is_put(monkeypatch):
    monkeypatch.delenv("REPLEARN_RUNS", raising=False)
    book_execution.keep_one_store()
    assert "REPLEARN_RUNS" not in os.environ
