"""Who hands the book in: what is read, what is refused, and the title page."""

import dataclasses

import pytest
import yaml
from pypdf import PdfReader
from sphinx.errors import ExtensionError

import book_submission
from books import build, run, tiny_tree, typeset


def test_without_a_submission_the_page_is_neutral(tmp_path):
    assert book_submission.read(tmp_path / "submission.yml", {}) == book_submission.Submission()


def test_example_of_a_submission_is_well_formed(root):
    example = root / "submission.example.yml"
    submission = book_submission.read(example, {})
    assert submission.author == "Your Name"
    assert len(submission.collaborators) == 2
    keys = [field.name for field in dataclasses.fields(book_submission.Submission)]
    assert list(yaml.safe_load(example.read_text())) == keys, "the example shows every key"


def test_command_line_wins_over_the_file(tmp_path):
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


def test_make_passes_names_on_letter_by_letter(root):
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
def test_bad_submission_is_named(tmp_path, text, named):
    file = tmp_path / "submission.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExtensionError, match=named):
        book_submission.read(file, {})


def test_accents_are_composed():
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
def test_name_in_latex(text, latex):
    assert book_submission.as_latex(text) == latex


NAMES = (
    r"Zoë & Co 100% $5 #1 _{x} ~ ^ \ [y] -- ''",
    "Nguyễn Thị Ánh",
    "Ελένη Παπαδοπούλου",
    "Дмитрий Менделеев",
    "דָּוִד בן־גוריון",
    "محمد الخوارزمي",
)


def test_title_page_holds_every_name(root, tmp_path):
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
    sizes = {(int(page.mediabox.width), int(page.mediabox.height)) for page in pdf.pages}
    assert sizes == {(612, 792)}
    text = "".join(page.extract_text() for page in pdf.pages)
    squeezed = "".join(text.split())
    left_to_right = [*NAMES[:4], *crowd]
    assert [name for name in left_to_right if "".join(name.split()) not in squeezed] == []
    log = (done.print / "representation-learning.log").read_text("utf-8", "replace")
    assert "Missing character" not in log
    assert "Overfull" not in log


def test_bad_submission_stops_every_build(root, tmp_path):
    tree = tiny_tree(root, tmp_path, page="# Title\n\nText.\n")
    (tree / "submission.yml").write_text("autor: A Name\n")
    for options in ((), ("--builder", "latex")):
        result = build(tree, *options)
        assert result.code != 0
        assert "submission.yml: key 'autor'" in result.output
