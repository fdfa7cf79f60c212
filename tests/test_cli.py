"""The shell's way in: scores as JSON, stored runs listed, one clear line for an error."""

import json
import subprocess
import sys

import pytest
import torch

from replearn import cli
from replearn.engine import store

NETS = {"autoencoder": ["autoencoder"], "B": ["contrastive", "B"]}
HOW = ["--recipe", "tiny", "--device", "cpu"]


@pytest.mark.parametrize("net", NETS)
def test_train_trains_and_prints_what_a_run_is(net, tiny, capsys):
    assert cli.main(["train", *NETS[net], *HOW]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["label"], facts["recipe"], facts["processes"]) == (net, "tiny", 1)
    (stored,) = store.stored()
    assert stored["finished"] == facts["finished"]


@pytest.mark.parametrize("net", NETS)
def test_score_prints_what_a_run_is_and_scores(net, tiny, capsys):
    assert cli.main(["score", *NETS[net], *HOW]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["label"], result["recipe"]) == (net, "tiny")
    assert set(result["sensitivity"]) == {"shape", "color", "location", "size", "rotation"}
    assert result["validation_loss"] > 0
    assert {"chip", "torch", "seconds", "finished"} <= set(result)


def test_runs_lists_what_is_stored(tiny, capsys):
    assert cli.main(["runs"]) == 0
    assert capsys.readouterr().out == ""
    cli.main(["train", "contrastive", "B", *HOW, "--seed", "3"])
    capsys.readouterr()
    assert cli.main(["runs"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert "B" in line.split()
    assert "seed 3" in line


@pytest.mark.fault(
    "Damage that nobody has noticed yet",
    "a byte of a stored run is changed, then `python -m replearn runs verify`",
    "the run is named as damaged, exit status 1, nothing is changed",
)
def test_verify_says_which_runs_are_whole(runs_folder, capsys):
    assert cli.main(["runs", "verify"]) == 0
    assert capsys.readouterr().out == f"0 of 0 runs in {runs_folder} are whole\n"
    assert not runs_folder.exists()
    facts = {"label": "B", "recipe": "tiny", "seed": 3, "seconds": 1.0, "finished": "2026-01-01"}
    for key in ("first", "second"):
        store.save(key, {"a": torch.ones(3)}, {**facts, "chip": "abacus"})
    assert cli.main(["runs", "verify"]) == 0
    assert "2 of 2 runs" in capsys.readouterr().out
    weights = runs_folder / "second" / "weights.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert cli.main(["runs", "verify"]) == 1
    first, second, total = capsys.readouterr().out.splitlines()
    assert first.startswith("first  whole    2026-01-01  B")
    assert second == "second  damaged  its checksums do not match"
    assert total.startswith("1 of 2 runs")
    assert {path.name for path in runs_folder.iterdir()} == {"first", "second"}


def test_an_error_is_one_line_and_no_traceback(tiny, capsys):
    assert cli.main(["score", "contrastive", "A", "--recipe", "tiny", "--device", "abacus"]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("replearn: device must be one of")
    assert "abacus" in complaint


def test_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "replearn", "--help"], capture_output=True, text=True, check=True
    )
    assert "score" in done.stdout
