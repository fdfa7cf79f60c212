"""The faults that tests provoke, as the marker ``fault`` on each of these tests tells them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple


class Fault(NamedTuple):
    """A fault that a test provokes: what, how, what then happens, the test, whether it soaks."""

    what: str
    how: str
    then: str
    test: str
    file: Path
    soak: bool


def faults(folder: Path) -> list[Fault]:
    """Return what the marker ``fault`` says of each test below ``folder`` that carries it.

    Raises:
        ValueError: for a marker of anything but three texts.
    """
    found = []
    for file in sorted(folder.rglob("test_*.py")):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for test in (node for node in body if isinstance(node, ast.FunctionDef)):
            for mark in test.decorator_list:
                if not ast.unparse(mark).startswith("pytest.mark.fault"):
                    continue
                texts = [ast.literal_eval(text) for text in getattr(mark, "args", ())]
                if [type(text) for text in texts] != [str] * 3 or not all(texts):
                    raise ValueError(f"{file.name}: {test.name} must have a fault of three texts")
                what, how, then = texts
                soak = "pytest.mark.soak" in map(ast.unparse, test.decorator_list)
                found.append(Fault(what, how, then, test.name, file, soak))
    return found
