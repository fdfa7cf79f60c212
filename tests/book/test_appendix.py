"""What the appendix lists: the files of the library."""

from books import build, tiny_tree


def test_listing_names_files_and_numbers_lines(tiny_page, tiny_latex):
    titles = [heading.get_text() for heading in tiny_page.select("h3 code")]
    assert titles == ["code/replearn/__init__.py", "code/replearn/tiny.py"]
    assert tiny_page.select("span.linenos")
    assert "numbers=left" in tiny_latex


def test_print_lists_the_files_that_it_is_told_to(tiny_latex):
    assert r"code/replearn/tiny.py" in tiny_latex
    assert r"code/replearn/\_\_init\_\_.py" not in tiny_latex


def test_file_to_be_printed_must_be_there(root, tmp_path):
    listing = "# Title\n\n```{package-listing} ../code/replearn\n:root: ..\n:print: a.py\n```\n"
    result = build(tiny_tree(root, tmp_path, page=listing))
    assert result.code != 0
    assert "package-listing: no " in result.output
