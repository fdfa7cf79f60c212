"""Cells that wait for a loss: how they are held, and what waits with them."""

import book_blanks
from book_chapters import Chapter

PAGE = """\
```{code-cell} ipython3
:tags: [needs-7b]
run = train()
```

```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-one, caption: One.}
tags: [needs-7b]
---
run.show()
```

```{code-cell} ipython3
:tags: [needs-8a]
other()
```

```{literalinclude} losses.py
:pyobject: reconstruction_loss
:name: code-q7b
```
"""


def test_cells_that_need_a_missing_loss_are_shown_and_not_run():
    held = book_blanks.held(PAGE, {"7b": "reconstruction_loss"})
    assert held.count("Not run yet") == 1
    assert "```python\nrun = train()\n```" in held
    assert "```python\nrun.show()\n```" in held
    assert "tags: [remove-input]\n---\nfrom replearn import figures" in held
    assert "Question 7b is written" in held
    assert "name: fig-one" in held
    assert ":tags: [needs-8a]\nother()" in held
    assert book_blanks.held(PAGE, {}) == PAGE


def test_what_waits_to_be_attached_is_known():
    page = Chapter(PAGE)
    assert book_blanks.waiting(page, {"7b": "reconstruction_loss"}) == {"fig-one", "code-q7b"}
    assert book_blanks.waiting(page, {"8a": "info_nce"}) == set()
