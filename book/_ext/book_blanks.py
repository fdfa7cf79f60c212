"""What a student has yet to write: answers that are empty, and cells that wait for her losses.

In the student edition two functions of code/replearn/losses.py raise NotImplementedError. A cell
tagged ``needs-7b`` or ``needs-8a`` cannot run before she writes the one that this question asks
for, so until then it is shown and not run, and a figure's place is held by a frame that says so.
Numbers, captions and references are those of the finished book from the start.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent.parent

EMPTY = "*your answer*"  # what stands where a student is to write

# The function of losses.py that a question asks for.
ASKED = {"7b": "reconstruction_loss", "8a": "info_nce"}

_CELL = re.compile(
    r"^```\{code-cell\}.*\n(?P<head>---\n(?:.*\n)*?---\n|(?::.*\n)*)(?P<code>(?:.*\n)*?)```$", re.M
)
_INCLUDED = re.compile(r"^```\{literalinclude\}.*\n(?P<options>(?::.*\n)+)```$", re.M)


def unwritten(losses: Path) -> dict[str, str]:
    """Return the names of the functions of a file that are not written yet, by question."""
    if not losses.exists():  # a book of another library
        return {}
    functions = {
        node.name: node
        for node in ast.parse(losses.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    return {
        question: name
        for question, name in ASKED.items()
        if name in functions and "NotImplementedError" in ast.unparse(functions[name].body[-1])
    }


def waits_for(cell: re.Match[str], missing: dict[str, str]) -> str | None:
    """Return the question that a cell waits for, if any."""
    tags = re.search(r"\btags:.*", cell["head"])
    needs = re.findall(r"\bneeds-(\w+)", tags[0]) if tags else []
    return next((question for question in needs if question in missing), None)


def waiting(page: str, missing: dict[str, str]) -> set[str]:
    """Return the labels of what is to be attached from a page and is not there yet."""
    heads = [cell["head"] for cell in _CELL.finditer(page) if waits_for(cell, missing)]
    heads += [
        code["options"]
        for code in _INCLUDED.finditer(page)
        if any(f":pyobject: {name}\n" in code["options"] for name in missing.values())
    ]
    return {label for head in heads for label in re.findall(r"\bname: ([\w-]+)", head)}


def held(page: str, missing: dict[str, str]) -> str:
    """Return the page with the cells that wait shown but not run."""
    told: set[str] = set()

    def hold(cell: re.Match[str]) -> str:
        question = waits_for(cell, missing)
        if question is None:
            return cell[0]
        parts = [f"```python\n{cell['code']}```"]
        if question not in told:
            told.add(question)
            parts.insert(
                0,
                ":::{admonition} Not run yet\n:class: attention\n"
                f"What follows needs `{missing[question]}` of `code/replearn/losses.py`, Question "
                f"{question}. Write it, and the next build runs it.\n:::",
            )
        if "figure:" in cell["head"]:
            head = re.sub(rf"\bneeds-{question}\b", "remove-input", cell["head"])
            plain = f"The plot appears here once Question {question} is written."
            parts.append(
                f"```{{code-cell}} ipython3\n{head}from replearn import figures\n\n"
                f"figures.placeholder({plain!r})\n```"
            )
        return "\n\n".join(parts)

    return _CELL.sub(hold, page)


def hold_cells(app: Sphinx, docname: str, source: list[str]) -> None:
    """Hold the cells of a page that is being read."""
    missing = unwritten(ROOT / "code" / "replearn" / "losses.py")
    if missing:
        source[0] = held(source[0], missing)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("source-read", hold_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
