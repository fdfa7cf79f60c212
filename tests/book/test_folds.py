"""Which cells are folded, and what their output becomes."""

import pytest
from docutils import nodes

import book_folds


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import torch\nfrom replearn import losses", "imports"),
        ("claim('It is so.', True)", "check"),
        ("assert 1 == 1", "check"),
        ("widgets.frames(draw, k=range(3))", "frames"),
        ("widgets.live(draw, k=(0, 3, 1))", "live"),
        ("import torch\ntorch.ones(1)", None),
        ("%time\nx = 1", None),
    ],
)
def test_cell_is_known_by_what_it_calls(source, kind):
    assert book_folds.kind(book_folds._plain(source)) == kind


def test_checked_sentences_become_a_list():
    text = "loss 0.5\n✓ It is low.\n✗ It is high.\nend"
    block = nodes.literal_block(text, text, classes=["output", "stream"])
    printed, checked, last = book_folds._parted(block, text.splitlines())
    assert printed.astext() == "loss 0.5"
    assert [item.astext() for item in checked] == ["✓ It is low.", "✗ It is high."]
    assert last.astext() == "end"
