"""The table of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

import book_faults
from books import pages


def test_faults_are_read_from_their_tests(tmp_path: Path) -> None:
    """Every marker in the tests is a fault of three texts, and there are many."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "test_a.py").write_text(
        '@pytest.mark.fault("a", "b" " c", "d")\n@other\ndef test_it():\n    pass\n\n'
        '@pytest.mark.soak\n@pytest.mark.fault("e", "f", "g")\ndef test_long():\n    pass\n'
    )
    file = tmp_path / "sub" / "test_a.py"
    assert book_faults.faults(tmp_path) == [
        ("a", "b c", "d", "test_it", file, False),
        ("e", "f", "g", "test_long", file, True),
    ]


@pytest.mark.parametrize("arguments", ["", "()", '("a", "b")', '("a", "b", "")', '("a", "b", 3)'])
def test_a_fault_that_does_not_say_all_is_named(tmp_path: Path, arguments: str) -> None:
    (tmp_path / "test_a.py").write_text(
        f"@pytest.mark.fault{arguments}\ndef test_it():\n    pass\n"
    )
    with pytest.raises(ValueError, match="test_it must have a fault of three texts"):
        book_faults.faults(tmp_path)


def test_the_table_of_faults_is_complete(root: Path) -> None:
    """It has every marker, each fault once, and at least 25 of them."""
    found = book_faults.faults(root / "tests")
    marked = sum(
        file.read_text(encoding="utf-8").count("\n@pytest.mark.fault(\n")
        for file in (root / "tests").rglob("test_*.py")
    )
    assert len(found) == marked >= 25
    assert len({fault.what for fault in found}) == len(found)
    assert "book/appendix/faults" in pages(root)
