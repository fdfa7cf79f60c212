"""The repository as a whole: what stands where, and that nothing shadows what it should not."""

import ast
import code
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STANDARD = Path(sysconfig.get_paths()["stdlib"])


def test_code_is_the_standard_librarys(root):
    assert Path(code.__file__).parent == STANDARD
    assert not (root / "code" / "__init__.py").exists()
    where = subprocess.run(
        [sys.executable, "-c", "import code; print(code.__file__)"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).parent == STANDARD


def test_library_knows_nothing_of_the_book(root):
    """No module imports Sphinx or reads the book's folder."""
    for file in (root / "code" / "replearn").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        }
        assert not imported & {"sphinx", "docutils", "jupyter_book", "myst_nb"}, file


def test_environment_is_read_by_the_course_and_the_store_alone(root):
    """What else depends on a setting of the reader's takes it as an argument."""
    library = root / "code" / "replearn"
    reads = re.compile(r"environ\W+(get\W+)?REPLEARN|getenv\W+REPLEARN")
    found = {
        file.relative_to(library).as_posix()
        for file in library.rglob("*.py")
        if reads.search(file.read_text(encoding="utf-8"))
    }
    assert found == {"course/__init__.py", "course/trained.py", "engine/store.py"}


def test_make_help_names_every_target(root):
    text = (root / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]+):", text, re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert sorted(targets) == sorted(" ".join(phony).split())
    shown = subprocess.run(
        ["make", "help"], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert re.findall(r"^  make (\S+) +\S", shown, re.MULTILINE) == targets
    for target in targets:
        plan = subprocess.run(["make", "-n", target], cwd=root, capture_output=True, text=True)
        assert plan.returncode == 0, plan.stderr


@pytest.mark.fault(
    "A machine without TeX, or without a browser for the tests",
    "the program is not found, and nor is apt",
    "`make` fails and names the packages to install",
)
@pytest.mark.parametrize(
    ("packages", "tool"), [("binder/apt.txt", "latexmk"), ("tests/apt.txt", "chromium|chrome")]
)
def test_a_missing_tool_is_named_and_fails(root, tmp_path, packages, tool):
    for there in ("sh", "grep", "tr", "cat"):
        found = subprocess.run(["which", there], capture_output=True, text=True, check=True)
        (tmp_path / there).symlink_to(found.stdout.strip())
    result = subprocess.run(
        [str(tmp_path / "sh"), "binder/ensure.sh", packages, tool],
        cwd=root,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    for package in (root / packages).read_text().split():
        assert package in result.stdout


def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_citation_is_of_this_version(root):
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project(root)["version"]


def test_requirements_keep_what_is_there(root):
    """Readers' torch, torchvision and numpy stay: lower bounds only, no numpy version at all."""
    wanted = {r.name: r.specifier for r in map(Requirement, project(root)["dependencies"])}
    assert {part.operator for specifier in wanted.values() for part in specifier} == {">="}
    assert not wanted["numpy"]


def pinned(file):
    """The version of each package that ``file`` pins, whatever machine it is for."""
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", file.read_text(), re.MULTILINE)
    found = {canonicalize_name(name): version for name, version in pins}
    assert len(found) == len(pins), f"{file.name} pins a package twice"
    return found


def test_constraints_pin_what_pyproject_asks_for(root):
    """Every extra's requirements as well, each within its range; setuptools for our own."""
    constrained = pinned(root / "constraints.txt")
    extras = project(root)["optional-dependencies"].values()
    for asked in (project(root)["dependencies"], *extras, ["setuptools"]):
        for requirement in map(Requirement, asked):
            version = constrained[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement}: run `make lock`"


def test_lock_has_checksums_of_what_is_constrained(root):
    """All that make installs, at the constraints' versions, and with the checksums of its files."""
    locked = pinned(root / "requirements.lock")
    assert locked.items() <= pinned(root / "constraints.txt").items()
    extras = project(root)["optional-dependencies"]
    wanted = [*project(root)["dependencies"], *extras["docs"], *extras["test"], "setuptools"]
    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= locked.keys()
    entries = re.split(r"\n(?=\w)", (root / "requirements.lock").read_text())
    checked = [entry for entry in entries if "--hash=sha256:" in entry]
    assert len(checked) == len(locked)


def test_no_other_file_names_a_version_of_a_package(root):
    """Versions stand in pyproject.toml; what `make lock` writes follows from it."""
    for file in (*root.glob("*requirements*.txt"), *root.glob("*/*requirements*.txt")):
        assert not re.search(r"^[^#]*[=<>~]=", file.read_text(), re.MULTILINE), file
