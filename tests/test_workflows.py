"""What GitHub runs is what this repository has: commands, files and shells that exist."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parent.parent / ".github" / "workflows").glob("*.yml"))


def steps(workflow):
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_shell_is_sound(workflow):
    for script in (step["run"] for step in steps(workflow) if "run" in step):
        plain = re.sub(r"\$\{\{.*?\}\}", "value", script)
        done = subprocess.run(["bash", "-n"], input=plain, capture_output=True, text=True)
        assert done.returncode == 0, f"{script}\n{done.stderr}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_target_of_make_and_every_file_exists(workflow, root):
    targets = re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.M)
    script = "\n".join(step["run"] for step in steps(workflow) if "run" in step)
    for target in re.findall(r"\bmake ([a-z]+)", script):
        assert target in targets
    for path in re.findall(r"(?:--ignore|-r) (\S+)", script):
        assert (root / path).exists()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_may_write_unless_it_says_so_or_runs_for_ever(workflow):
    about = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert about["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in about["jobs"].values())
