"""What a build tells while it runs: each page when it is done, and signs of life."""

import logging
import os
import re
import shutil
import subprocess
import threading
import time

import pytest

import book_offline
import book_progress
from books import NOTEBOOK, build, tiny_tree

CELL = "\n```{{code-cell}} ipython3\n{}\n```\n"
SLEEP = CELL.format("import time; time.sleep(2)")

DONE = re.compile(r"^  \[ ?(\d+)/(\d+)\] (.+?) +(executed|cached|read) +(\d+\.\d) s$", re.MULTILINE)
SIGN = re.compile(r"^ +… (.+), (\d+) s$", re.MULTILINE)


def page(*cells):
    return NOTEBOOK + "# Which `cell`, and *where* is $x$?\n" + "".join(cells)


def hurried(tree):
    """The book whose builds give signs of life all the time."""
    file = tree / "book" / "_ext" / "book_progress.py"
    text = file.read_text(encoding="utf-8")
    assert "\nPAUSE = 15.0 " in text
    file.write_text(text.replace("\nPAUSE = 15.0 ", "\nPAUSE = 0.2 "), encoding="utf-8")
    return tree


def told(result):
    """What was said of the pages: number, of how many, title, how it came."""
    assert result.code == 0, result.output[-3000:]
    return [match[:4] for match in DONE.findall(result.output)]


def test_every_page_read_is_told_in_a_line(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page(CELL.format("1")))
    toc = "format: jb-book\nroot: book/index\nchapters:\n- file: book/second\n"
    (tree / "_toc.yml").write_text(toc)
    (tree / "book" / "second.md").write_text("# {math}`2` [links](https://a.org)\n")
    title = "Which cell, and where is x?"

    first = build(tree)
    assert told(first) == [("1", "2", title, "executed"), ("2", "2", "2 links", "read")]
    assert "reading sources" not in first.output
    assert "notebook using" not in first.output
    assert "writing output" in first.output, "Sphinx is heard again after reading"

    assert told(build(tree, "--builder", "latex")) == [], "it reads nothing"

    index = tree / "book" / "index.md"
    index.write_text(index.read_text() + "\nMore text.\n")
    assert told(build(tree)) == [("1", "1", title, "cached")]


def test_slow_page_says_at_which_cell_it_is(root, tmp_path):
    result = build(hurried(tiny_tree(root, tmp_path, page(CELL.format("1"), SLEEP))))
    assert [how for *_, how in told(result)] == ["executed"]
    signs = [said for said, _ in SIGN.findall(result.output)]
    assert "Which cell, and where is x?: cell 2 of 2" in signs
    assert result.output.rindex("…") < result.output.index("executed")


def test_error_of_a_cell_is_whole(root, tmp_path):
    result = build(hurried(tiny_tree(root, tmp_path, page(SLEEP, CELL.format("1 / 0")))))
    assert result.code != 0
    assert SIGN.search(result.output)
    *_, last = SIGN.finditer(result.output)
    error = result.output[last.end() :]
    for part in ("Executing notebook failed: CellExecutionError", "1 / 0", "ZeroDivisionError"):
        assert part in error
    assert not DONE.search(result.output)


def test_no_sign_of_life_outlives_an_error():
    threads, begun = threading.active_count(), time.monotonic()

    def fail():
        with book_progress.alive(lambda: "failing"):
            assert threading.active_count() == threads + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert threading.active_count() == threads
    assert time.monotonic() - begun < book_progress.PAUSE / 3


def test_slow_fetch_is_told(tmp_path, monkeypatch, caplog):
    def slow(*args, **kwargs):
        assert caplog.messages == ["fetching mathjax@3.2.2, once for all builds"]
        time.sleep(0.5)
        return subprocess.CompletedProcess([], 1, stdout="", stderr="no route to host")

    monkeypatch.setattr(book_offline, "store", lambda package: tmp_path / package.version)
    monkeypatch.setattr(book_progress, "PAUSE", 0.1)
    monkeypatch.setattr(shutil, "which", lambda *args, **kwargs: "npm")
    monkeypatch.setattr(subprocess, "run", slow)
    monkeypatch.setattr(logging.getLogger("sphinx"), "propagate", True)
    caplog.set_level(logging.INFO, "sphinx")
    with pytest.raises(Exception, match="no route"):
        book_offline.fetch(book_offline.MATHJAX)
    assert SIGN.fullmatch(caplog.messages[1]).groups() == ("mathjax@3.2.2", "0")


def typeset(root, folder, latexmk, sleep=""):
    """Its exit code, words and seconds with these programs in the place of TeX's and of sleep."""
    for name, script in (("latexmk", latexmk), ("sleep", sleep)):
        if script:
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
    (folder / "latex").mkdir()
    begun = time.monotonic()
    done = subprocess.run(
        ["sh", str(root / "book" / "_latex" / "typeset.sh"), str(folder / "latex")],
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout, time.monotonic() - begun


def test_slow_typesetting_says_at_which_page_it_is(root, tmp_path):
    work = f"echo '[1] (x) [27] [2' > ../print/book.log; {shutil.which('sleep')} 2"
    code, output, _ = typeset(root, tmp_path, work, f"exec {shutil.which('sleep')} 0.2")
    assert code == 0
    assert "          … page 27" in output.splitlines()


@pytest.mark.parametrize("code", [0, 1])
def test_typesetting_ends_with_its_signs_of_life(root, tmp_path, code):
    ended, output, seconds = typeset(root, tmp_path, f"exit {code}")
    assert (ended, "…" in output) == (code, False)
    assert seconds < 10, "whoever reads what it says waits for the last one that can speak"
