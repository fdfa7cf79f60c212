"""Which cells are folded, and what their output becomes."""

import pytest
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Parser
from docutils.utils import new_document

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


def test_a_list_alone_is_no_output_stream():
    """The style of what a program prints would lie over the list's own."""
    document = new_document("page", get_default_settings(Parser))
    document += nodes.literal_block("", "✓ It is so.", classes=["output", "stream"])
    book_folds.CheckedSentences(document).run()
    (alone,) = document.children
    assert alone["classes"] == ["checked"]
