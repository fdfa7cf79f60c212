"""Lines come out on any terminal, whatever it can write."""

import io
import os
import subprocess
import sys

import pytest

from replearn.engine.console import say


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("✓ A forgets the colour.", "utf-8", "✓ A forgets the colour.\n"),
        ("✓ A forgets the colour.", "cp1252", "[holds] A forgets the colour.\n"),
        ("✗ naïve", "cp1252", "[fails] naïve\n"),
        ("✗ naïve", "ascii", "[fails] na\\xefve\n"),
        ("runs in /home/李", "cp1252", "runs in /home/\\u674e\n"),
        ("plain", "cp932", "plain\n"),
    ],
)
def test_what_a_stream_cannot_write_is_spelled_out(text, encoding, expected, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)
    say(text)
    assert stream.buffer.getvalue().decode(encoding) == expected


@pytest.mark.fault(
    "a terminal whose code page has no tick, as on Windows",
    "Python is told that its output is written in cp1252",
    "`[holds]` stands for the tick; what else cannot be written is spelled out",
)
@pytest.mark.parametrize(
    "program",
    [
        "from replearn.course import exercises; exercises.check('7b')",
        "from replearn.course.claims import claim; claim('x ≤ y', True)",
        "import sys; from replearn.cli import main; sys.exit(main(['runs', 'verify']))",
    ],
)
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_programs_survive_a_code_page(program, encoding, tmp_path):
    surroundings = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "0",
        "REPLEARN_RUNS": str(tmp_path / "Läufe 李"),
    }
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=surroundings, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode(encoding)
