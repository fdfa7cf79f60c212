"""The pages on the screen: what their heads say, and formulas with their punctuation."""

from docutils.core import publish_doctree

import book_launch
import book_pages
from books import front_page


def test_description_is_the_first_paragraph_cut_at_a_word():
    words = "word " * 100
    doctree = publish_doctree(
        f"Title\n=====\n\n.. note:: Not this.\n\n{words}\n\nNor this.\n",
        settings_overrides={"doctitle_xform": False},
    )
    text = book_pages.description(doctree)
    assert text.startswith("word word")
    assert text.endswith("word…")
    assert len(text) <= book_pages.LENGTH
    assert book_pages.description(publish_doctree("Title\n=====\n\n* item\n")) == ""


def test_shared_link_shows_title_and_description(tiny_book):
    page = front_page(tiny_book)
    shown = {tag["property"]: tag["content"] for tag in page.select("meta[property]")}
    assert shown["og:title"].startswith("A tiny book about")
    description = page.select_one('meta[name="description"]')["content"]
    assert description.startswith("The first paragraph")
    assert shown["og:description"] == description
    assert "og:image" not in shown, "nobody could fetch it"
    assert (book_launch.ROOT / book_pages.CARD).exists()


def test_first_page_has_its_title_once(tiny_book):
    assert "Representation Learning" not in front_page(tiny_book).title.get_text()


def test_formula_keeps_its_punctuation(tiny_page):
    held = [span.get_text() for span in tiny_page.select("span.held")]
    assert held == ["(x):", "μ=μ."]
