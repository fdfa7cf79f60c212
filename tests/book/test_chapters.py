"""The one reader of a chapter: what it finds, and where."""

import re

from pybtex.database import parse_file

from book_chapters import Chapter, chapters

PAGE = """\
---
file_format: mystnb
---
# Of `code`, *words* and $x$

Text {cite:p}`one, two`, and what is no citation: `{cite:p}`.

% A comment.
% :::{prf:lemma} Not here
% :::

```{code-cell} ipython3
---
mystnb:
  figure:
    name: fig-a
    caption: As {cite:t}`three` has it.
tags: [needs-7b, other]
---

# not a heading
1 + 1
```

(answer-q1)=
::::{admonition} Answer — Question 1 (1 point)
:class: answer

Since
:::{prf:lemma} Of {math}`y`
:label: lem-a

Yes.
:::
::::

## Another

```{literalinclude} losses.py
:pyobject: loss
:name: code-a
```

+++

The end.
"""


def test_what_a_page_holds():
    page = Chapter(PAGE)
    assert (page.title, page.plain_title) == ("Of `code`, *words* and $x$", "Of code, words and x")
    assert page.citations == {"one", "two", "three"}
    assert page.labels == {"fig-a", "answer-q1", "lem-a", "code-a"}
    assert [(found.kind, found.title) for found in page.claims] == [
        ("answer", "Answer — Question 1 (1 point)"),
        ("lemma", "Of {math}`y`"),
    ]
    (cell,) = page.cells
    assert cell.options["tags"] == ["needs-7b", "other"]
    assert cell.body == "# not a heading\n1 + 1"


def test_where_it_stands():
    page = Chapter(PAGE)
    found = {
        directive.label: [
            page.lines[line].strip()
            for line in (directive.start, directive.inside, directive.end - 1)
        ]
        for directive in page.directives
    }
    assert found == {
        "fig-a": ["```{code-cell} ipython3", "# not a heading", "```"],
        "answer-q1": ["(answer-q1)=", "Since", "::::"],
        "lem-a": [":::{prf:lemma} Of {math}`y`", "Yes.", ":::"],
        "code-a": ["```{literalinclude} losses.py", "```", "```"],
    }


def test_blocks_are_cut_at_cells_headings_and_breaks():
    page = Chapter(PAGE)
    title, cell, box, section, rest = page.blocks
    assert [cell] == page.cells
    assert [str(text).split()[0] for text in (title, box, section)] == ["#", "(answer-q1)=", "##"]
    assert rest == "The end."


def test_directives_are_replaced_and_the_rest_is_kept():
    page = Chapter(PAGE)
    assert page.replaced([]) == PAGE
    new = page.replaced((cell, "gone\n") for cell in [*page.cells, *page.answers])
    assert new.count("gone\n") == 2
    assert Chapter(new).labels == {"code-a"}


def test_page_without_a_heading_has_no_title():
    page = Chapter("Text.\n")
    assert page.title == page.plain_title == ""


def test_the_book_is_read_as_the_instructors(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "page.md").write_text("% instructor\n# Hers\n% student\n% # His\n% end\n")
    (page,) = chapters(tmp_path)
    assert (page.title, page.path.name) == ("Hers", "page.md")


def test_every_work_of_the_bibliography_is_cited(root):
    cited = set().union(*(page.citations for page in chapters(root / "book")))
    assert set(parse_file(root / "book" / "references.bib").entries) == cited


def test_the_front_page_says_how_long_the_pages_take(root):
    texts = [page.read_text(encoding="utf-8") for page in (root / "book").rglob("*.md")]
    minutes = sum(int(n) for text in texts for n in re.findall(r"\*\*Time\*\* (\d+) min", text))
    assert abs(minutes - 4.5 * 60) <= 20
    for page in ("README.md", "book/index.md"):
        words = " ".join((root / page).read_text(encoding="utf-8").split())
        assert "about four and a half hours" in words.lower(), page
