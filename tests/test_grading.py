"""The autograder: full points for the reference, none for blanks, and what each mistake costs."""

import ast
import os
import sys
import zipfile

import pytest
import yaml

from mistakes import MISTAKES
from replearn import losses
from replearn.course import exercises

if not os.environ.get("CI"):
    pytest.importorskip("otter")  # in CI its absence is a failure

from otter.api import grade_submission
from otter.test_files import ExceptionTestFile

import book_student
import grader

NAMES = {"7b": "reconstruction_loss", "8a": "info_nce"}


@pytest.fixture(scope="module")
def package(root, tmp_path_factory):
    """The autograder's zip."""
    file = tmp_path_factory.mktemp("grader") / "autograder.zip"
    grader.write(root, file)
    return file


def points(root, functions):
    """The points of each question, and what the checks say, for functions by their names."""
    found, said = {}, ""
    for question in NAMES:
        tests = ExceptionTestFile.from_file(str(root / "grading" / "tests" / f"q{question}.py"))
        tests.run(functions)
        found[question] = sum(
            result.test_case.points for result in tests.test_case_results if result.passed
        )
        said += "".join(result.message for result in tests.test_case_results)
    return found, said


def test_right_answers_earn_every_point(root):
    functions = {name: getattr(losses, name) for name in NAMES.values()}
    assert points(root, functions)[0] == pytest.approx({"7b": 1, "8a": 1})


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.loss.__name__)
def test_a_mistake_loses_the_points_of_one_check_and_is_named(root, mistake):
    functions = {name: getattr(losses, name) for name in NAMES.values()}
    functions[NAMES[mistake.question]] = mistake.loss
    found, said = points(root, functions)
    lost = next(check.points for check in exercises.CHECKS if check.title == mistake.title)
    assert found == pytest.approx({"7b": 1, "8a": 1} | {mistake.question: 1 - lost})
    assert "Mistake: " in said


def test_nothing_handed_in_earns_nothing(root):
    assert points(root, {})[0] == {"7b": 0, "8a": 0}


def test_package_grades_files_as_they_are_handed_in(root, package, tmp_path):
    """The book's own losses.py, and the one that the students start from."""
    book_student.write(root, tmp_path / "tree")
    blank = tmp_path / "tree" / "code" / "replearn" / "losses.py"
    for file, earned in ((root / "code" / "replearn" / "losses.py", 1), (blank, 0)):
        results = grade_submission(str(file), str(package), quiet=True).to_dict()
        scores = {name: result["score"] for name, result in results.items() if name[0] == "q"}
        assert scores == pytest.approx({"q7b": earned, "q8a": earned})


def test_package_holds_no_solution(root, package):
    with zipfile.ZipFile(package) as files:
        held = {name: files.read(name).decode() for name in files.namelist()}
    assert {"tests/q7b.py", "tests/q8a.py", "files/replearn/course/exercises.py"} <= held.keys()
    assert held["files/replearn/losses.py"].count("is not implemented yet") == 2
    assert not any("cross_entropy" in text for text in held.values())


def test_package_asks_for_what_its_files_import(root, package):
    """For these packages alone, as pyproject.toml asks for them."""
    with zipfile.ZipFile(package) as files:
        held = {name: files.read(name).decode() for name in files.namelist()}
    imported = set()
    for name, text in held.items():
        if name.startswith("files/replearn/"):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names - {"replearn"} == set(grader.IMPORTED)
    index, *asked = grader.requirements(root).splitlines()
    assert index.startswith("--extra-index-url ")
    assert index.endswith("/cpu")
    for line in asked:
        assert f'"{line}"' in (root / "pyproject.toml").read_text()
    pip = yaml.safe_load(held["environment.yml"])["dependencies"][-1]["pip"]
    assert {index, *asked} <= set(pip)
