"""How the tests build books: the whole one, and one of a single page."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

BIN = Path(sys.executable).parent

# What no page, run or print may tell, in the environment of the build.
SECRETS = {"USER": "name-of-a-user", "LOGNAME": "name-of-a-user", "A_TOKEN": "a-secret-token"}

# Begins every Python of a build: notes an address that is not this machine's, and refuses it.
WATCH = """
import sys

HERE = ("localhost", "127.0.0.1", "::1", "", None)

def look(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo"):
        where = arguments[1] if event == "socket.connect" else arguments
        if isinstance(where, tuple) and where[0] not in HERE:  # else a file's name
            with open({log!r}, "a") as log:
                print(where[0], sys.argv, file=log)
            raise OSError("the network is not to be asked")

sys.addaudithook(look)
"""


def pages(root):
    """The pages of the table of contents, its root first."""
    return list(parse_toc_yaml(root / "_toc.yml"))


PAGES = pages(Path(__file__).resolve().parents[2])

# What moves a page's pictures.
CONTROL = ".frames-controls input, .frames-controls button:nth-of-type(2)"


@dataclass(frozen=True)
class Result:
    """A finished command: where, what it said, and its exit code."""

    tree: Path
    code: int
    output: str

    @property
    def html(self):
        """The pages' folder."""
        return self.tree / "_build" / "html"

    @property
    def latex(self):
        """The folder of what is typeset."""
        return self.tree / "_build" / "latex"

    @property
    def print(self):
        """The folder of what typesetting makes of it."""
        return self.tree / "_build" / "print"


def front_page(result):
    """The first page of a book."""
    return BeautifulSoup((result.html / "book" / "index.html").read_text("utf-8"), "html.parser")


def run(command, tree, **environment):
    """Run a command in a tree whose own library is the one that is imported."""
    own = {"PYTHONPATH": str(tree / "code"), "REPLEARN_RECIPE": "smoke", "OMP_NUM_THREADS": "1"}
    together = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, cwd=tree, env={**os.environ, **own, **environment}, **together)
    return Result(tree, done.returncode, done.stdout)


# How a page with cells begins.
NOTEBOOK = "---\nfile_format: mystnb\nkernelspec: {name: python3, display_name: Python 3}\n---\n"

TINY_PAGE = (
    NOTEBOOK
    + r"""# A tiny book about $\vx$

The first paragraph, with $\norm{\vx}$ in it (and ($\vx$): in brackets).

:::{prf:theorem} Bold Greek
:label: thm-tiny

$\vmu = \boldsymbol{\mu}$.
:::

:::{prf:proof}
Obvious.
:::

(answer-tiny)=
:::{admonition} Answer — Question 0 (0 points)
:class: answer
Yes.
:::

```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-tiny, caption: A line.}
  image: {alt: A rising line.}
---
from replearn import tiny
from matplotlib.figure import Figure
import matplotlib.pyplot as plt

from tqdm.auto import tqdm

print("value", tiny.VALUE, sum(tqdm([1, 2], desc="progress")))
with plt.rc_context():  # in which the library makes figures; they are drawn outside of it
    figure, axes = plt.subplots()
axes.plot([0, 1])
plt.close(figure)
figure
```

By {prf:ref}`thm-tiny`.

## Listing

```{package-listing} ../code/replearn
:root: ..
:print: tiny.py
```

## Works

{cite:p}`tammes1930`

```{bibliography}
```
"""
)


def tiny_tree(root, tree, page=TINY_PAGE):
    """A book of one page and a library of one module under the real configuration."""
    for folder in ("_ext", "_static", "_latex"):
        shutil.copytree(root / "book" / folder, tree / "book" / folder)
    for file in ("_config.yml", "requirements.txt", "requirements.lock", "pyproject.toml"):
        shutil.copy(root / file, tree / file)
    for file in ("macros.yml", "references.bib"):
        shutil.copy(root / "book" / file, tree / "book" / file)
    (tree / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    (tree / "book" / "index.md").write_text(page, encoding="utf-8")
    (tree / "code" / "replearn").mkdir(parents=True)
    (tree / "code" / "replearn" / "__init__.py").write_text('"""A package."""\n')
    (tree / "code" / "replearn" / "tiny.py").write_text('"""A module."""\n\nVALUE = 1\n')
    return tree


def typeset(tree):
    """XeLaTeX on what the LaTeX builder wrote, as the Makefile calls it."""
    return run(["sh", "book/_latex/typeset.sh", "_build/latex"], tree)


def build(tree, *options, **environment):
    """`jupyter-book build` with the strict settings of the Makefile."""
    command = [str(BIN / "jupyter-book"), "build", ".", "-W", "--keep-going", *options]
    return run(command, tree, **environment)
