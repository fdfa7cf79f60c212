"""What can go wrong in a build: it fails, or it mends; never does it end well with a wrong page."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest
from sphinx.config import Config

import book_builds
from books import BIN, NOTEBOOK, Result, build, run, tiny_tree

HEADER = f"{NOTEBOOK}# T\n\n"
FAILING = HEADER + "```{code-cell} ipython3\n1 / 0\n```\n"
WRONG = (
    HEADER
    + """\
{ref}`no-label` {numref}`no-figure` {eq}`no-formula` {prf:ref}`no-theorem` {cite:p}`nobody1900`
[a page](no-page.md) [a heading](#no-heading) {doc}`no-document` {norole}`x`

```{figure} no-picture.svg
:alt: A picture that is not there.
```

```{nodirective}
```

```{code-cell} ipython3
:tags: [skip-execution]
1
```

:::{note}
```{code-cell} ipython3
1
```
:::
"""
)
WARNINGS = (
    *("undefined label: 'no-label'", "undefined label: 'no-figure'", "not found: no-formula"),
    *("label 'no-theorem' not found", '"nobody1900"', "'no-page.md'", "'no-heading'"),
    *("unknown document: 'no-document'", '"norole"', "not readable: book/no-picture.svg"),
    *("'nodirective'", "a cell was not executed", "unexpected `code-cell`"),
)


def failing_twice(tree):
    for _ in range(2):
        result = build(tree)
        assert result.code != 0
        yield result


def test_tiny_book_builds(tiny_book):
    assert tiny_book.code == 0, tiny_book.output[-3000:]


@pytest.mark.fault(
    "A failing cell",
    "a chapter divides by zero; the book is built twice",
    "both builds fail and show the error; no page is published",
)
def test_failing_cell_fails_every_build(root, tmp_path):
    for result in failing_twice(tiny_tree(root, tmp_path, page=FAILING)):
        assert "ZeroDivisionError" in result.output
        assert list(result.html.rglob("*.html")) == []


@pytest.mark.fault(
    "A warning: a missing figure, a broken reference, an unknown role, a cell that is not executed",
    "a page with thirteen of them is built twice",
    "both builds fail and name each",
)
def test_every_warning_fails_every_build(root, tmp_path):
    for result in failing_twice(tiny_tree(root, tmp_path, page=WRONG)):
        assert [told for told in WARNINGS if told not in result.output] == []


def files(folder):
    """What a site consists of."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "offline" not in file.parts
    }


def assert_same_site(one, other):
    first, second = files(one.html), files(other.html)
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert "book/index.html" in first
    assert any(name.endswith(".svg") for name in first if name.startswith("_images"))


@pytest.mark.fault(
    "A stale cache",
    "a module of the library is edited between two builds",
    "the chapters are executed anew and show the new value",
)
def test_editing_the_library_executes_anew(root, tmp_path):
    tree = tiny_tree(root, tmp_path)
    first = build(tree)
    assert "value 1" in (first.html / "book/index.html").read_text()
    module = tree / "code" / "replearn" / "tiny.py"
    module.write_text(module.read_text().replace("VALUE = 1", "VALUE = 2"))
    second = build(tree)
    assert "value 2" in (second.html / "book/index.html").read_text()
    assert len(list((tree / "_build" / ".jupyter_cache").iterdir())) == 2


THEOREM = """
:::{{prf:theorem}}
:label: thm-{0}

{0}
:::
"""


def updated(result):
    """What Sphinx says of the pages that it read."""
    (line,) = re.findall(r"updating environment: (.*)", re.sub(r"\x1b\[[\d;]*m", "", result.output))
    return line


@pytest.mark.fault(
    "A stale page",
    "a theorem is added to a page that another refers to; then a file of tests is",
    "the edited page is read again, and the other has the new number; then all are read again",
)
def test_pages_follow_what_they_refer_to(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page="# One\n\nSee {prf:ref}`thm-old`.\n")
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: book/second\n"
    (tree / "_toc.yml").write_text(toc)
    (tree / "book" / "second.md").write_text("# Two\n" + THEOREM.format("old"))
    first = build(tree)
    assert first.code == 0, first.output
    assert "Theorem 1" in (first.html / "book/index.html").read_text()

    theorems = THEOREM.format("new") + THEOREM.format("old")
    (tree / "book" / "second.md").write_text("# Two\n" + theorems)
    second = build(tree)
    assert updated(second) == "0 added, 1 changed, 0 removed"
    assert "Theorem 2" in (second.html / "book/index.html").read_text()

    assert updated(build(tree)) == "0 added, 0 changed, 0 removed"
    (tree / "tests").mkdir()
    (tree / "tests" / "test_new.py").write_text("")
    assert "book_surroundings" in updated(build(tree))


@pytest.mark.fault(
    "Two builds of one book at once",
    "both are started together",
    "one waits for the other; both end well, with the same site as one build alone",
)
def test_two_builds_at_once_are_two_builds(root, tmp_path, tiny_book):
    tree = tiny_tree(root, tmp_path)
    both = [started(tree), started(tree)]
    outputs = [process.communicate(timeout=600)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert sum("Waiting for another build" in output for output in outputs) == 1
    assert_same_site(Result(tree, 0, ""), tiny_book)


def test_the_folder_that_a_waiting_build_makes_anew_is_taken(tmp_path, monkeypatch):
    """Sphinx makes the output folder, if it is missing, before it comes to wait."""
    out = tmp_path / "_build" / "html"
    (out / "old").mkdir(parents=True)
    remove = shutil.rmtree

    def removed_and_made(path, **options):
        remove(path, **options)
        path.mkdir()

    monkeypatch.setattr(book_builds, "_held", None)
    monkeypatch.setattr(shutil, "rmtree", removed_and_made)
    book_builds.begin(SimpleNamespace(outdir=out), Config())
    assert list(out.iterdir()) == []


def started(tree):
    """A build under way, in a group of processes of its own."""
    return subprocess.Popen(
        [str(BIN / "jupyter-book"), "build", ".", "-W", "--keep-going"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree / "code"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.fault(
    "A killed build",
    "the mark of one under way, half a page, half a figure, half an executed chapter, a page that "
    "is no longer of the book",
    "the next build makes the site anew, as if nothing had been",
)
def test_what_a_killed_build_left_is_not_published(tmp_path, tiny_book):
    tree = tmp_path / "tree"
    shutil.copytree(tiny_book.tree, tree)
    inside = tree / "_build"
    halves = [inside / "html" / "book" / "index.html", *(inside / "jupyter_execute").glob("*.svg")]
    halves += (inside / ".jupyter_cache").rglob("base.ipynb")
    assert len(halves) >= 3
    for file in halves:
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])
    (inside / "html" / "book" / "gone.html").write_text("old")
    book_builds.mark(inside).touch()
    again = build(tree)
    assert again.code == 0, again.output[-3000:]
    assert_same_site(again, tiny_book)
    assert not book_builds.mark(inside).exists()


def test_whole_chapters_outlive_a_killed_build(tmp_path, tiny_book):
    inside = tmp_path / "_build"
    shutil.copytree(tiny_book.tree / "_build", inside)
    (kept,) = (inside / ".jupyter_cache").iterdir()
    broken = inside / ".jupyter_cache" / "broken"
    broken.mkdir()
    (broken / "global.db").write_bytes(b"SQLite")
    book_builds.clear(inside)
    assert {path.name for path in inside.iterdir()} <= {".jupyter_cache", ".ipython", ".lock"}
    assert list((inside / ".jupyter_cache").iterdir()) == [kept]
    assert list(kept.rglob("base.ipynb"))


@pytest.mark.fault(
    "A command of a build that fails",
    "under the lock of the build's folder",
    "its exit status is passed on",
)
def test_a_command_runs_alone_and_its_status_is_passed_on(root, tmp_path):
    program = [str(BIN / "python"), str(root / "book" / "_ext" / "book_builds.py"), str(tmp_path)]
    assert run([*program, "sh", "-c", "exit 3"], root).code == 3
    assert run([*program, "true"], root).code == 0


@pytest.mark.soak
@pytest.mark.fault(
    "A build killed at a random moment",
    "SIGKILL to all its processes, 20 times, each followed by a build",
    "20 of 20 are built as if nothing had been, file by file",
)
def test_builds_killed_at_random_are_mended(root, tmp_path, tiny_book):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    begun = time.monotonic()
    assert build(tiny_tree(root, tmp_path / "timed")).code == 0
    seconds = time.monotonic() - begun
    tree = tiny_tree(root, tmp_path / "killed")
    for turn in range(20):
        if turn % 2:  # at the start, or where a whole build was
            shutil.rmtree(tree / "_build")
        with started(tree) as process:
            time.sleep(choose.uniform(0.1, 1) * seconds)
            os.killpg(process.pid, signal.SIGKILL)
        again = build(tree)
        assert again.code == 0, again.output[-3000:]
        assert_same_site(again, tiny_book)


@pytest.mark.soak
@pytest.mark.fault(
    "A figure that changes from build to build",
    "the whole book, built twice from nothing by the recipe `smoke`",
    "every picture of the site is the same file both times",
)
def test_figures_of_two_clean_builds_are_the_same(root, tmp_path):
    runs = tmp_path / "runs"
    pictures = []
    for name in ("one", "two"):
        tree = tmp_path / name
        shutil.copytree(root, tree, ignore=shutil.ignore_patterns("_build", ".*", "__pycache__"))
        done = build(tree, REPLEARN_RUNS=str(runs))
        assert done.code == 0, done.output[-6000:]
        pictures.append(files(done.html / "_images"))
    first, second = pictures
    assert len(first) > 30
    assert first == second
