"""The student edition: ``make student`` writes a tree of its own, without what it asks for.

Where the editions differ, the files themselves say so: see book_editions.py. A boxed answer needs
no mark: its box is emptied, unless it holds a part for students. student/tree.yml lists the files,
and for the library the functions, that they get; their pages are those of their table of contents.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import yaml
from pybtex.database import BibliographyData, parse_file
from sphinx_external_toc.parsing import parse_toc_yaml

import book_blanks
import book_notebooks
from book_chapters import ROOT, Chapter, Directive, chapters
from book_editions import MARK, edition


def emptied(page: str) -> str:
    """Return a page with empty boxes for answers, each a cell of its own in a notebook."""
    chapter = Chapter(page)

    def empty(box: Directive) -> str:
        marked = any(map(MARK.fullmatch, box.body.splitlines()))
        lines = chapter.lines[box.start : box.end]
        if not marked:
            lines[box.inside - box.start : -1] = [f"{book_blanks.EMPTY}\n"]
        return "".join(["+++\n\n", *lines, "\n+++\n"])

    return chapter.replaced((box, empty(box)) for box in chapter.answers)


def blanked(source: str, name: str, question: str) -> str:
    """Return a module in which a function has its docstring for a body, and a blank to fill."""
    (node,) = (each for each in ast.parse(source).body if name in _defined(each))
    assert isinstance(node, ast.FunctionDef)
    lines = source.splitlines(keepends=True)
    blank = (
        f"    # FIXME: Question {question}, at most five lines in place of this one.\n"
        f'    raise NotImplementedError("{name} is not implemented yet: Question {question}")\n'
    )
    return "".join([*lines[: node.body[0].end_lineno], blank, *lines[node.end_lineno :]])


def pruned(source: str, names: list[str]) -> str:
    """Return a module with no more than ``names`` and whatever of the module they use.

    Raises:
        ValueError: for a name that the module does not define.
    """
    body = ast.parse(source).body
    homes = {name: statement for statement in body for name in _defined(statement)}
    todo, used = list(names), {"annotations"}  # the last of __future__
    while todo:
        name = todo.pop()
        if name in homes and name not in used:
            used.add(name)
            todo += [node.id for node in ast.walk(homes[name]) if isinstance(node, ast.Name)]
    if missing := set(names) - used:
        raise ValueError(f"there is no {', '.join(sorted(missing))}")

    lines = source.splitlines()
    text, end = "", 0
    for statement in body:
        start = _start(statement, lines)
        code = "\n".join(lines[start : statement.end_lineno])
        if isinstance(statement, ast.Import | ast.ImportFrom):
            statement.names = [one for one in statement.names if _bound(one) in used]
            code = ast.unparse(statement)
        if statement is body[0] or used & set(_defined(statement)):
            text += ("\n" if "" in lines[end:start] else "") + f"{code}\n"
            end = statement.end_lineno or start
    return text


def _defined(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            yield from map(_bound, aliases)
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _start(statement: ast.stmt, lines: list[str]) -> int:
    """The line, from 0, where a statement begins, with its decorators and the comment above it."""
    decorators = getattr(statement, "decorator_list", [])
    start = min([statement.lineno, *(each.lineno for each in decorators)]) - 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return start


def cited(bibliography: Path, pages: list[Chapter]) -> str:
    """Return the works of a file that the pages cite, in BibTeX."""
    keys = {key for page in pages for key in page.citations}
    entries = parse_file(bibliography).entries
    kept = BibliographyData({key: entries[key] for key in entries if key in keys})
    return kept.to_string("bibtex")


def write(root: Path, tree: Path) -> None:
    """Write the student edition of the book at ``root`` into the new folder ``tree``.

    Raises:
        ValueError: names the file whose marks are out of place, or that refers to what is gone.
    """
    wanted = yaml.safe_load((root / "student" / "tree.yml").read_text(encoding="utf-8"))
    files = [file for pattern in wanted["files"] for file in sorted(root.glob(pattern))]
    for file in [file for file in files if file.is_file()]:
        _put(tree, file.relative_to(root), file, _students)
    for file in sorted((root / "student").glob("*.md")):
        _put(tree, file.relative_to(root / "student"), file, _students)

    pages = [Path(f"{page}.md") for page in parse_toc_yaml(tree / "_toc.yml")]
    for page in pages:
        _put(tree, page, root / page, lambda text: _students(emptied(text)))
    written = [Chapter.read(tree / page) for page in pages]
    references = Path("book", "references.bib")
    (tree / references).write_text(cited(root / references, written), encoding="utf-8")

    for name, kept in wanted["library"].items():
        file = root / "code" / "replearn" / name
        _put(tree, file.relative_to(root), file, partial(_library, kept))
    for tidy in (("check", "--select=I", "--fix"), ("format",)):
        command = [sys.executable, "-m", "ruff", *tidy, "--no-cache", "--quiet", "."]
        subprocess.run(command, cwd=tree, check=True)

    answers, left = (
        {box.label for chapter in some for box in chapter.answers}
        for some in (chapters(root / "book"), written)
    )
    if lost := answers - left:
        raise ValueError(f"no place is left for the answers {', '.join(sorted(map(str, lost)))}")

    book_notebooks.write(tree, os.environ.get("REPO_URL") or None)


def _students(text: str) -> str:
    return edition(text, "student")


def _library(kept: list[str] | str, source: str) -> str:
    source = _students(source)
    for question, name in book_blanks.ASKED.items():
        if f"\ndef {name}(" in source:
            source = blanked(source, name, question)
    return source if kept == "all" else pruned(source, list(kept))


def _put(tree: Path, name: Path, file: Path, change: Callable[[str], str]) -> None:
    target = tree / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture
        shutil.copy(file, target)
        return
    try:
        target.write_text(change(text), encoding="utf-8")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    shutil.copymode(file, target)


def main() -> None:
    """Write the student edition into the folder that the command names."""
    tree = Path(sys.argv[1]).resolve()
    if tree.exists():
        sys.exit(f"{tree} is there already; remove it, or name another: make student STUDENT=...")
    try:
        write(ROOT, tree)
    except ValueError as error:
        sys.exit(f"student edition: {error}")
    print(f"The student edition is in {tree}; its README.md says what to do with it.")


if __name__ == "__main__":
    main()
