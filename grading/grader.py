"""The autograder of the two losses, for Gradescope and for a shell: ``make grader``.

Otter-Grader runs grading/tests on the ``losses.py`` that a student hands in. Beside it lie the
public checks and what these need, from the student edition: the library's own losses are not there.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from otter.generate import main as generate

import book_student

ROOT = Path(__file__).resolve().parent.parent
FILES = (
    *("__init__.py", "losses.py", "course/__init__.py", "course/exercises.py"),
    *("engine/__init__.py", "engine/identity.py", "engine/validation.py"),
)


def write(root: Path, grader: Path) -> None:
    """Write the autograder of the book at ``root`` into the file ``grader``, a zip."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "student"
        book_student.write(root, tree)
        library = Path(folder) / "replearn"
        for file in FILES:
            (library / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tree / "code" / "replearn" / file, library / file)
        with contextlib.chdir(folder):  # where the files lie that Otter takes along
            generate(
                tests_dir=str(root / "grading" / "tests"),
                output_path=str(grader),
                requirements=str(root / "grading" / "requirements.txt"),
                files=["replearn"],
            )


if __name__ == "__main__":
    write(ROOT, Path(sys.argv[1]).resolve())
    print(f"The autograder is in {sys.argv[1]}.")
