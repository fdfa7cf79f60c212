"""The notebooks for Colab: what becomes of MyST, and those that are committed."""

import ast
import dataclasses
import os
import re
import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbformat import v4

import book_notebooks
import book_offline
from book_chapters import parse
from books import pages, tiny_tree

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FILES = sorted(file.name for file in FOLDER.glob("*.ipynb"))
QUICK = ("setting.ipynb", "q3-distances.ipynb")
# Not by None in sys.modules: scipy and scikit-learn take what has a name there for imported.
BLOCK = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        builders = "sphinx docutils myst_nb myst_parser jupyter_book sphinx_proof"
        if name.split(".")[0] in builders.split():
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import replearn.course
"""
MYST_TOKENS = {
    *("myst_role", "myst_target", "myst_block_break", "myst_line_comment", "colon_fence"),
    *("math_block_label", "substitution_inline", "substitution_block", "front_matter"),
}


def read(file):
    return nbformat.read(FOLDER / file, 4)


def markdown(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@pytest.fixture(scope="module")
def book(root):
    return book_notebooks.Book(root)


def myst_in(text):
    """What MyST's own parser takes for more than Markdown, and links that only Sphinx follows."""
    found = [f"link to {target}" for target in re.findall(r"\]\((\S+\.md)\)", text)]
    for token in parse(text):
        for part in (token, *(token.children or ())):
            if part.type in MYST_TOKENS or (part.type == "fence" and part.info.startswith("{")):
                found.append(f"{part.type} {part.info} {part.content}")
    return found


@pytest.fixture
def written(root, tmp_path):
    """Makes a notebook of a book whose one page holds a text, and returns its Markdown cells."""

    def cells(text):
        tiny_tree(root, tmp_path, page=dedent(text) + "\n```{code-cell} ipython3\n1\n```\n")
        module = tmp_path / "code" / "replearn" / "tiny.py"
        module.write_text("A = 1\n\n\ndef twice(x):\n    return 2 * x\n")
        files = book_notebooks.notebooks(tmp_path, None)
        return markdown(nbformat.reads(files["index.ipynb"], 4))

    return cells


def plain(text):
    return dedent(text).strip()


def test_result_and_proof_become_a_quotation_and_a_paragraph(written):
    (cell,) = written(r"""
        # One

        :::{prf:lemma} Length of $\vx$
        :label: lem-a

        It holds
        that

        $$
        \norm{\vx}
        = 1 .
        $$ (eq-a)
        :::

        :::{prf:proof}
        By {eq}`eq-a` and {prf:ref}`lem-b`.
        :::

        (elsewhere)=
        :::{prf:lemma}
        :label: lem-b

        Yes.
        :::

        :::{prf:proof}
        Since

        $$ 0 = 0 . $$ (eq-b)
        :::
        """)
    assert cell == plain(r"""
        # One

        > **Lemma 1** (Length of $\mathbf{x}$)
        >
        > It holds
        > that
        >
        > $$ \lVert \mathbf{x} \rVert = 1 . \tag{1} $$

        *Proof.* By (1) and Lemma 2. ∎

        > **Lemma 2**
        >
        > Yes.

        *Proof.* Since

        $$
        0 = 0 .
        \tag{2}
        $$

        ∎
        """)


def test_figure_has_its_caption_below_and_sections_their_own_cells(written):
    cells = written(r"""
        # One

        See {numref}`fig-a`.

        ```{code-cell} ipython3
        ---
        mystnb:
          figure:
            name: fig-a
            caption: |
              A line of $\vx$.
          image: {alt: A line that rises.}
        ---
        # not a heading
        ```

        Text.

        ## Two
        """)
    caption = r"**Fig. 1.** A line of $\mathbf{x}$."
    assert cells == ["# One\n\nSee Fig. 1.", caption, "Text.", "## Two"]


def test_box_keeps_tables_and_shows_code_and_citations(written):
    box, works = written("""
        # One

        :::{admonition} Answer — Question 1
        :class: answer
        By {cite:t}`graf2021` and {cite:t}`wang2020`.

        | a | b |
        |---|---|
        | {cite:p}`wang2020,tammes1930` | `{eq}` stays |

        ```{literalinclude} ../code/replearn/tiny.py
        :pyobject: twice
        :language: python
        ```

        ```{code-block} python
        answer = 42
        ```
        :::

        ```python
        "{eq}`stays`, $too$"
        ```
        """)
    assert box == plain(r"""
        # One

        > **Answer — Question 1**
        >
        > By Graf *et al.* [GHNK21] and Wang and Isola [WI20].
        >
        > | a | b |
        > |---|---|
        > | [Tam30, WI20] | `{eq}` stays |
        >
        > ```python
        > def twice(x):
        >     return 2 * x
        > ```
        >
        > ```python
        > answer = 42
        > ```

        ```python
        "{eq}`stays`, $too$"
        ```
        """)
    assert [line[:11] for line in works.splitlines()] == [
        "## References"[:11],
        "",
        "* [GHNK21] ",
        "* [Tam30] P",
        "* [WI20] To",
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{kbd}`x`", "role 'kbd'"),
        ("{ref}`untitled`", "role 'ref'"),
        ("{eq}`eq-nowhere`", "label 'eq-nowhere'"),
        (":::{prf:lemma}\nx\n:::", "label ''"),
        ("{doc}`nowhere`", "page 'book/nowhere'"),
        ("{cite:p}`nobody1900`", "nobody1900"),
        (":::{note}\nx\n:::", "directive 'note'"),
        ("```{literalinclude} ../code/replearn/tiny.py\n```", "directive 'literalinclude'"),
    ],
)
def test_what_has_no_reading_is_named(written, text, named):
    with pytest.raises(ValueError, match=rf"^book/index: .*{re.escape(named)}"):
        written(f"# One\n\n{text}\n")


MACROS = {
    "R": r"\mathbb{R}",
    "v": r"\mathbf{v}",
    "E": r"\operatorname*{E}",
    "norm": [r"\lVert #1 \rVert", 1],
    "inner": [r"\langle #1, #2 \rangle", 2],
}


@pytest.mark.parametrize(
    ("tex", "plain"),
    [
        (r"\R^d", r"\mathbb{R}^d"),
        (r"\Re \Rightarrow \vec v", r"\Re \Rightarrow \vec v"),
        (r"\norm{\norm{\v}_2}", r"\lVert \lVert \mathbf{v} \rVert_2 \rVert"),
        (r"\norm \v + 1", r"\lVert \mathbf{v} \rVert + 1"),
        (r"\inner{\{a\}}{b^{2}}", r"\langle \{a\}, b^{2} \rangle"),
        (r"\inner ab", r"\langle a, b \rangle"),
        (r"a \\\v \\v", r"a \\\mathbf{v} \\v"),
        (r"\bar\v_i + x^\v", r"\bar{\mathbf{v}}_i + x^{\mathbf{v}}"),
        (r"\log\E_x", r"\log\operatorname*{E}_x"),
    ],
)
def test_macros_are_written_out(tex, plain):
    assert book_notebooks.expand(tex, MACROS) == plain


@pytest.mark.parametrize("tex", [r"\norm", r"\norm{x", r"\inner{a} "])
def test_macro_without_argument_is_quoted(tex):
    with pytest.raises(ValueError, match="lacks an argument"):
        book_notebooks.expand(tex, MACROS)


def test_notebooks_are_in_step_with_the_chapters(root):
    """Written anew for the repository that they name, they are the same."""
    first = read("index.ipynb").cells[0].source
    url = re.search(r"git\+(\S+)", first)
    fresh = book_notebooks.notebooks(root, url and url[1])
    committed = {file: (FOLDER / file).read_text("utf-8") for file in FILES}
    assert sorted(fresh) == FILES, "run `make notebooks`"
    assert [file for file in FILES if fresh[file] != committed[file]] == [], "run `make notebooks`"


def test_every_chapter_has_a_notebook(root):
    apart = ("book/checklist", "book/summary", "book/appendix/")
    chapters = [page for page in pages(root) if not page.startswith(apart)]
    assert sorted(f"{page.rsplit('/', 1)[-1]}.ipynb" for page in chapters) == FILES


@pytest.mark.parametrize("file", FILES)
def test_notebook_is_valid_empty_of_outputs_and_asks_for_a_gpu(file):
    notebook = read(file)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 1
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert notebook.metadata["accelerator"] == "GPU"
    assert notebook.metadata["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("file", FILES)
def test_code_parses(file):
    for cell in read(file).cells:
        if cell.cell_type == "code":
            ast.parse(TransformerManager().transform_cell(cell.source))


@pytest.mark.parametrize("file", FILES)
def test_no_myst_is_left(book, file):
    macro = re.compile(rf"\\({'|'.join(book.macros)})(?![A-Za-z])")
    for text in markdown(read(file)):
        assert myst_in(text) == []
        assert macro.findall(text) == []


def test_the_scan_for_myst_sees_it(root, book):
    for page in book.chapters:
        assert myst_in((root / f"{page}.md").read_text("utf-8")), page


@pytest.mark.parametrize("file", FILES)
def test_links_lead_to_notebooks(file):
    links = [link for text in markdown(read(file)) for link in re.findall(r"\]\((.+?)\)", text)]
    assert [link for link in links if link not in FILES] == []


def test_formulas_need_none_of_the_books_macros(browser):
    """MathJax as it comes sets every formula."""
    formulas = [
        (part.content, part.type != "math_inline")
        for file in FILES
        for text in markdown(read(file))
        for token in parse(text)
        for part in (token, *(token.children or ()))
        if part.type.startswith("math_")
    ]
    assert len(formulas) > 1000
    in_a_page = dataclasses.replace(book_offline.MATHJAX, parts=("es5/tex-mml-chtml.js",))
    script = book_offline.fetch(in_a_page) / "es5" / "tex-mml-chtml.js"
    page = browser.new_page()
    page.add_script_tag(path=str(script))
    page.evaluate("() => MathJax.startup.promise.then(() => true)")
    failed = page.evaluate(
        """formulas => formulas.filter(([tex, display]) =>
            MathJax.tex2mml(tex, {display}).includes("<merror"))""",
        formulas,
    )
    page.close()
    assert failed == []


@pytest.fixture
def shell():
    shell = InteractiveShell()
    shell.asked = []
    shell.register_magic_function(shell.asked.append, magic_name="pip")
    return shell


def test_library_is_installed_where_it_is_missing(shell, monkeypatch):
    """And the torch, torchvision and numpy that are there are asked for as they are."""
    cell = book_notebooks.INSTALL + "https://github.com/me/shapes"
    shell.run_cell(cell).raise_error()
    assert shell.asked == []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell.run_cell(cell).raise_error()
    (line,) = shell.asked
    quiet, install, *wanted = *sorted(line.split()[:2]), *line.split()[2:]
    assert (quiet, install) == ("--quiet", "install")
    kept = {f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy")}
    assert set(wanted) == {*kept, "git+https://github.com/me/shapes"}


def test_unpublished_notebook_says_what_to_do(shell, monkeypatch):
    shell.run_cell(book_notebooks.NO_REPOSITORY).raise_error()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pyproject\.toml: %pip install"):
        shell.run_cell(book_notebooks.NO_REPOSITORY).raise_error()


@pytest.mark.parametrize(
    ("given", "first"),
    [("https://github.com/me/shapes", "git+https://github.com/me/shapes"), ("", "REPO_URL=https")],
)
def test_make_tells_the_notebooks_their_repository(root, tmp_path, given, first):
    tree = tiny_tree(root, tmp_path, page="# T\n\n```{code-cell} ipython3\n1\n```\n")
    (tree / "notebooks").mkdir()
    (tree / "notebooks" / "gone.ipynb").write_text("{}")
    (tree / "Makefile").write_bytes((root / "Makefile").read_bytes())
    venv = Path(sys.executable).parent.parent
    command = ["make", "notebooks", f"VENV={venv}", "-o", f"{venv}/.installed"]
    subprocess.run([*command, f"REPO_URL={given}"], cwd=tree, check=True, capture_output=True)
    assert [file.name for file in (tree / "notebooks").iterdir()] == ["index.ipynb"]
    assert first in nbformat.read(tree / "notebooks" / "index.ipynb", 4).cells[0].source


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(file, marks=[] if file in QUICK else pytest.mark.every_notebook)
        for file in FILES
    ],
)
def test_notebook_runs_without_what_builds_the_book(root, tmp_path, file):
    notebook = read(file)
    # Importing what is blocked fails; importing the course reads $REPLEARN_RECIPE.
    notebook.cells.insert(0, v4.new_code_cell(BLOCK))
    environment = {**os.environ, "PYTHONPATH": str(root / "code")}
    NotebookClient(notebook, timeout=None).execute(cwd=str(tmp_path), env=environment)
    for cell, below in pairwise(notebook.cells):
        if cell.cell_type == "code":
            assert cell.execution_count
            shown = {kind for output in cell.outputs for kind in output.get("data", {})}
            if below.source.startswith("**Fig. "):
                assert shown & {"image/png", "application/pdf"}  # a slider's stills
