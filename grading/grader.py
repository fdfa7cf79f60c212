"""The autograder of the two losses, for Gradescope and for a shell: ``make grader``.

Otter-Grader runs grading/tests on the ``losses.py`` that a student hands in. Beside it lie the
public checks and what these need, from the student edition: the library's own losses are not there.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from otter.generate import main as generate
from packaging.requirements import Requirement

import book_student

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    *("__init__.py", "losses.py", "recipes.py", "course/__init__.py", "course/exercises.py"),
    *("engine/__init__.py", "engine/console.py", "engine/identity.py", "engine/owners.py"),
    "engine/validation.py",
)
IMPORTED = ("torch", "numpy", "jaxtyping")  # by these files
# A grader's machine has no GPU: without this index pip would install five gigabytes of CUDA.
CPU_WHEELS = "--extra-index-url https://download.pytorch.org/whl/cpu\n"


def requirements(root: Path) -> str:
    """What the files import, in the versions for which the library asks."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {Requirement(line).name: line for line in project["dependencies"]}
    return CPU_WHEELS + "".join(f"{asked[name]}\n" for name in IMPORTED)


def write(root: Path, grader: Path) -> None:
    """Write the autograder of the book at ``root`` into the file ``grader``, a zip."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "student"
        book_student.write(root, tree)
        library = Path(folder) / "replearn"
        for file in FILES:
            (library / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tree / "code" / "replearn" / file, library / file)
        asked = Path(folder) / "requirements.txt"
        asked.write_text(requirements(root), encoding="utf-8")
        with contextlib.chdir(folder):  # where the files lie that Otter takes along
            generate(
                tests_dir=str(root / "grading" / "tests"),
                output_path=str(grader),
                requirements=str(asked),
                files=["replearn"],
            )


if __name__ == "__main__":
    write(ROOT, Path(sys.argv[1]).resolve())
    print(f"The autograder is in {sys.argv[1]}.")
