"""The listing of a package."""

from __future__ import annotations

from bs4 import BeautifulSoup


def test_listing_names_files_and_numbers_lines(tiny_page: BeautifulSoup, tiny_latex: str) -> None:
    titles = [heading.get_text() for heading in tiny_page.select("h3 code")]
    assert titles == ["code/replearn/__init__.py", "code/replearn/tiny.py"]
    assert tiny_page.select("span.linenos")
    assert "numbers=left" in tiny_latex
