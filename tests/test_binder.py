"""What Binder makes of the repository, as far as can be said without a container."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import replearn

TOOL = Path(sys.executable).with_name("jupyter-repo2docker")


@pytest.fixture(scope="module")
def recipe(root, tmp_path_factory):
    """The Dockerfile that repo2docker writes for what Binder reads, without building it."""
    tree = tmp_path_factory.mktemp("binder")
    shutil.copytree(root / "binder", tree / "binder")
    for file in ("constraints.txt", "pyproject.toml", "README.md"):
        shutil.copy(root / file, tree)
    command = [TOOL, "--no-build", "--debug", str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_python_is_one_that_the_library_takes(root, recipe):
    asked = re.search(r"environment-2epy-2d3-2e(\d+)", recipe)
    assert asked
    least = re.search(r'requires-python = ">=3\.(\d+)"', (root / "pyproject.toml").read_text())
    assert int(asked[1]) >= int(least[1])


def test_packages_of_the_system_are_installed(root, recipe):
    wanted = (root / "binder" / "apt.txt").read_text().split()
    line = re.search(r"apt-get install --yes --no-install-recommends (.*?) &&", recipe)
    assert sorted(wanted) == sorted(line[1].split())


def test_library_is_installed_then_the_networks_unpacked(root, recipe):
    """In this order, by the user whose cache folder holds the runs."""
    steps = re.search(
        r"COPY --chown=\S+ src/ \$\{REPO_DIR\}/.*"
        r"USER \$\{NB_USER\}.*"
        r'RUN \S+/pip install --no-cache-dir -r "binder/requirements\.txt".*'
        r"RUN \./binder/postBuild",
        recipe,
        re.DOTALL,
    )
    assert steps
    asked = (root / "binder" / "requirements.txt").read_text()
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = re.search(r"^-e \.\[(.*)\]$", asked, re.MULTILINE)[1].split(",")  # pip forgives others
    assert set(extras) <= project["optional-dependencies"].keys()


def test_every_chapter_starts_in_the_precision_of_the_stored_features(root, recipe):
    assert 'R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in recipe
    done = subprocess.run(
        [root / "binder" / "start", "sh", "-c", "echo $ATEN_CPU_CAPABILITY"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "avx2"


QUICK = """
import os
import sys
from replearn import cli, evaluation
assert os.environ["ATEN_CPU_CAPABILITY"] == "avx2"  # as `start` asks for
assert sys.argv[1:3] == ["-m", "replearn"]
evaluation.features = lambda run: None
sys.exit(cli.main(sys.argv[3:]))
"""


def test_after_the_build_chapters_open_as_notebooks_and_networks_are_in_store(root, tmp_path):
    """postBuild itself, in a home of its own, but for the minutes in which it embeds the images."""
    (tmp_path / "quick.py").write_text(QUICK)
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "quick.py"} "$@"\n')
    python.chmod(0o755)
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "REPLEARN_RUNS": ""}
    config = tmp_path / "config"
    paths = {
        "PATH": f"{python.parent}:{TOOL.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(replearn.__file__).parent.parent),
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTERLAB_SETTINGS_DIR": str(config / "lab"),
    }
    done = subprocess.run(
        [root / "binder" / "postBuild"],
        cwd=root,
        env={**os.environ, **home, **paths, "REPLEARN_RECIPE": "fast"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    packed = json.loads((root / "networks" / "provenance.json").read_text(encoding="utf-8"))
    stored = {path.name for path in (tmp_path / "cache" / "replearn" / "runs").glob("*/")}
    assert {facts["key"] for facts in packed.values()} == stored
    settings = [
        file.read_text()
        for file in tmp_path.rglob("*")
        if file.suffix in (".json", ".jupyterlab-settings")
    ]
    assert any('"markdown": "Jupytext Notebook"' in text for text in settings)
