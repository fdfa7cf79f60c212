"""The whole book, built once in the smoke recipe: every page of it and the PDF."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader
from pypdf.generic import StreamObject

import book_checklist
import book_execution
import book_notebooks
import book_offline
from book_chapters import chapters
from books import PAGES, SECRETS, WATCH

RAW_MARKUP = (
    *("{prf:ref}", "{cite", "{ref}", "{numref}", "{eq}", "{doc}", ":::", "```", "$$"),
    *("<replearn", "<Figure", "<Axes", "object at 0x"),
)


def test_build_succeeds(whole_book):
    assert whole_book.code == 0, whole_book.output[-6000:]


def article(page):
    """The page's own content, without the theme's."""
    return page.select_one("article.bd-article")


@pytest.mark.parametrize("name", PAGES)
def test_page_announces_a_smoke_build(html, name):
    announcement = html[name].select_one(".bd-header-announcement, .announcement")
    assert announcement is not None
    assert book_execution.SMOKE in announcement.get_text()


def test_front_page_leads_to_the_book(whole_book):
    assert "book/index.html" in (whole_book.html / "index.html").read_text()


@pytest.mark.parametrize("name", PAGES)
def test_page_shows_no_raw_markup(html, name):
    content = BeautifulSoup(str(article(html[name])), "html.parser")
    for source in content.select("div.cell_input, div.highlight-python, code"):
        source.decompose()
    text = content.get_text()
    assert [mark for mark in RAW_MARKUP if mark in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_pictures_are_described_for_people(html, name):
    for image in article(html[name]).select("img"):
        alt = image.get("alt", "")
        assert len(alt.split()) >= 3, f"{image['src']}: {alt!r}"
        assert not re.search(r"[0-9a-f]{16}", alt), alt


@pytest.mark.parametrize("name", PAGES)
def test_page_describes_itself(html, name):
    tags = html[name].select('meta[name="description"]')
    assert len(tags) <= 1
    if name != "book/appendix/bibliography":
        assert len(tags[0]["content"]) >= 20


@pytest.mark.parametrize("name", PAGES)
def test_page_asks_nothing_of_the_network(html, name):
    asked = [
        tag.get("src") or tag.get("href")
        for tag in html[name].select(
            "script[src], img[src], iframe[src], source[src], link[rel=stylesheet], "
            "link[rel=preload], link[rel=icon], link[rel=preconnect]"
        )
    ]
    assert [url for url in asked if urlparse(url).netloc] == []


@pytest.mark.parametrize("name", PAGES)
def test_page_allows_its_own_site_alone(html, name):
    """Before anything that loads; no page compiles code or shows pictures of another place."""
    head = html[name].head
    assert head is not None
    first = head.select_one("meta[http-equiv], script, link, style")
    assert first is not None
    assert first["http-equiv"] == "Content-Security-Policy"
    assert first["content"] in book_offline.policy(name.endswith("/lab"))
    assert "unsafe-eval" not in first["content"]
    assert re.findall(r"https?:|\*", first["content"]) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_is_light(whole_book, html, name):
    """It weighs 1.5 MB at most until a slider is moved; the library's listing is long."""
    file = whole_book.html / f"{name}.html"
    # Stills are hidden, and a browser loads no hidden picture before it prints.
    own = html[name].select("img[src]:not(.frames-stills img), script[src]")
    parts = {file.parent / unquote(part["src"].split("?")[0]) for part in own}
    weight = sum(part.stat().st_size for part in (file, *parts))
    assert weight <= (3e6 if name.endswith("/code") else 1.5e6)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_keeps_the_first_letter_waiting(html, name):
    """The style sheet is in the page, and small; no script stops the page's reading."""
    head = html[name].head
    assert head is not None
    assert head.select("link[rel=stylesheet], link[rel=preload]") == []
    assert html[name].select("script[src]:not([defer])") == []
    assert len(str(head)) <= 250e3


def test_every_file_of_the_site_has_a_policy(whole_book):
    files = [f for f in whole_book.html.rglob("*.html") if "_static" not in f.parts]
    assert len(files) > len(PAGES)
    assert [f for f in files if "Content-Security-Policy" not in f.read_text("utf-8")] == []


def test_links_and_anchors_resolve(whole_book, html):
    anchors = {}
    broken = []
    for name, page in html.items():
        file = whole_book.html / f"{name}.html"
        for link in page.select("a[href]"):
            url, fragment = urldefrag(link["href"])
            if urlparse(url).scheme:
                continue
            target = (file.parent / unquote(url)).resolve() if url else file
            if not target.exists():
                broken.append((name, link["href"]))
                continue
            if fragment and target.suffix == ".html":
                if target not in anchors:
                    soup = BeautifulSoup(target.read_text("utf-8"), "html.parser")
                    anchors[target] = {tag["id"] for tag in soup.select("[id]")}
                if unquote(fragment) not in anchors[target]:
                    broken.append((name, link["href"]))
    assert broken == []


def test_claims_table_leads_to_every_claim(root, html):
    page = html["book/appendix/claims"]
    rows = article(page).select("table tbody tr")
    targets = [urldefrag(row.select_one("td a")["href"]).fragment for row in rows]
    labels = {claim.label for page in chapters(root / "book") for claim in page.claims}
    assert len(rows) == len(labels)
    assert set(targets) == labels
    assert all(row.select("td")[1].get_text(strip=True) for row in rows)
    # In the order in which a reader meets them: theorems, like all, are numbered through the book.
    for kind in ("Theorem", "Lemma", "Proposition", "Corollary"):
        numbers = re.findall(rf"\b{kind} (\d+)", " ".join(r.td.get_text() for r in rows))
        assert numbers == [str(k) for k in range(1, len(numbers) + 1)]


# What the assignment asks for: points, and the number of things attached.
QUESTIONS = {
    **{"1": (1, 0), "2": (1, 0), "3": (0.5, 0)},
    **{"4a": (2, 1), "4b": (1, 0), "4c": (1, 0), "4d": (2, 0), "4e": (1, 0)},
    **{"5a": (1, 0), "5b": (1, 0), "6": (1.5, 0)},
    **{"7a": (3, 0), "7b": (1, 1), "7c": (1, 2), "7d": (1, 0)},
    **{"8a": (1, 1), "8b": (3, 0), "8c": (1, 3), "8d": (1, 0)},
}


def test_checklist_has_every_question(html):
    rows = {}
    for row in article(html["book/checklist"]).select("table tbody tr"):
        question, points, attached = row.select("td")
        number = points.get_text().split("=")[0].strip()
        found = book_checklist.points(number), len(attached.select("a"))
        rows[question.get_text(strip=True)] = found
    totals = [rows.pop(key)[0] for key in list(rows) if not key.startswith("Question ")]
    assert totals == [13, 12, 25]
    assert rows == {f"Question {question}": wants for question, wants in QUESTIONS.items()}


# Whose sentences a smoke build forgives: what the chapters train, by the names in its facts.
HARDLY_TRAINED = {"A", "B", "C", "B then grayscale", "autoencoder", "classifier"}


def test_forgiven_is_only_what_is_said_of_hardly_trained_networks(root, html):
    forgiven = [
        (name, line)
        for name, page in html.items()
        for output in article(page).select("div.cell_output ul.checked li")
        for line in output.get_text().strip().splitlines()
        if line.lstrip().startswith("✗")
    ]
    assert forgiven  # else they look otherwise
    print(*(f"{name}: {line}" for name, line in forgiven), sep="\n")
    groundless = []
    for name, line in forgiven:
        told = re.match(r"✗ \(smoke build: (.+) hardly trained\) ", line)
        trains = re.search(r"\.train_\w+\(", (root / f"{name}.md").read_text("utf-8"))
        if not (trains and told and set(told[1].split(", ")) <= HARDLY_TRAINED):
            groundless.append((name, line))
    assert groundless == []


def test_site_lists_every_file_of_the_library(root, html):
    titles = [heading.get_text() for heading in html["book/appendix/code"].select("h2 code")]
    files = sorted((root / "code" / "replearn").rglob("*.py"))
    assert titles == [file.relative_to(root).as_posix() for file in files]


def test_sources_are_not_published(whole_book):
    assert not (whole_book.html / "_sources").exists()


def _formula_numbers(html):
    return {
        link["href"].removeprefix("#equation-"): link.parent.get_text().strip("()#\uf0c1 ¶")
        for page in html.values()
        for link in page.select(".eqno a.headerlink")
    }


def _figure_numbers(html):
    return {
        figure["id"]: figure.select_one(".caption-number").get_text().removeprefix("Fig. ").strip()
        for page in html.values()
        for figure in page.select("figure[id]")
        if figure.select_one(".caption-number")
    }


@pytest.fixture(scope="module")
def published(root, whole_book, pdf):
    """All that leaves this machine: site, print with its streams unpacked, notebooks, runs."""
    folders = (whole_book.html, root / "notebooks", whole_book.tree.parent / "runs")
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    found = {str(file): file.read_bytes() for file in files}
    streams = {f"PDF, object {n}": part for n, part in enumerate(_objects(pdf))}
    unpacked = {n: s.get_data() for n, s in streams.items() if isinstance(s, StreamObject)}
    return found | unpacked | {"PDF": repr(list(streams.values())).encode()}


def _objects(pdf):
    return [pdf.get_object(number) for number in pdf.xref_objStm | pdf.xref[0]]


@pytest.mark.fault(
    "A page, print, notebook or run that tells of the machine it was made on",
    "the whole book is built with a secret and a name in the environment; all files are searched",
    "neither is found, nor the path of the book, of the runs, of Python, or of a home",
)
def test_nothing_tells_of_the_machine(whole_book, published):
    paths = {str(whole_book.tree.parent), str(Path.home()) + "/", sys.prefix, sys.base_prefix}
    untold = {text.encode() for text in {*SECRETS.values(), *paths - {"/usr", "/usr/local"}}}
    told = [(file, text) for file, data in published.items() for text in untold if text in data]
    assert told == []
    assert any("weights.safetensors" in file for file in published)


@pytest.mark.fault(
    "A request to the network from the library or a chapter's cell",
    "every Python process of the whole book's build refuses and notes addresses of other machines",
    "none is noted",
)
def test_no_cell_and_no_training_asks_the_network(whole_book):
    log = whole_book.tree.parent / "asked.log"
    assert (log.read_text() if log.exists() else "") == ""


def test_the_watch_sees_a_request(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(log=str(tmp_path / "log")))
    asks = "import urllib.request as u\nu.urlopen('http://example.org')"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", asks], env=environment, capture_output=True)
    assert done.returncode == 1
    assert "example.org" in (tmp_path / "log").read_text()


def test_print_and_notebooks_run_nothing_unasked(root, pdf):
    """No scripts, no programs to start, no files inside: readers start the cells themselves."""
    active = ("/JS", "/JavaScript", "/Launch", "/EmbeddedFile", "/RichMedia", "/XFA", "/AA")
    text = repr(_objects(pdf))
    assert [name for name in active if f"'{name}'" in text] == []
    for file in (root / "notebooks").glob("*.ipynb"):
        active = re.search(r"<script|javascript:|<iframe|%%html|%%javascript", file.read_text())
        assert active is None


def test_notebooks_count_as_the_pages_do(root, html):
    """Formulas, figures and results have one number in both, and works one label."""
    book = book_notebooks.Book(root)
    formulas = {label: f"({number})" for label, number in _formula_numbers(html).items()}
    figures = {label: f"Fig. {number}" for label, number in _figure_numbers(html).items()}
    results = {
        result["id"]: result.select_one(".caption-number").get_text().strip()
        for page in html.values()
        for result in page.select("div.proof[id]:has(.caption-number)")
    }
    assert min(map(len, (formulas, figures, results))) > 0
    numbers = formulas | figures | results
    assert {label: book.labels[label].text for label in numbers} == numbers
    works = [tag.get_text() for tag in html["book/appendix/bibliography"].select("span.label")]
    assert works == [f"[{work.label}]" for work in book.works]


@pytest.fixture(scope="module")
def pdf(whole_book):
    found = list((whole_book.tree / "_build").glob("*.pdf"))
    assert [file.name for file in found] == ["representation-learning.pdf"]
    return PdfReader(found[0])


@pytest.fixture(scope="module")
def pdf_pages(pdf):
    return [page.extract_text() for page in pdf.pages]


@pytest.fixture(scope="module")
def pdf_text(pdf_pages):
    return _squeeze("".join(pdf_pages))


def _squeeze(text):
    """Text without white space and hyphens, which a PDF puts where its lines break."""
    return re.sub(r"[\s\u00ad-]", "", text)


def _labels(whole_book):
    """LaTeX's number of every label, by the label's last part."""
    text = (whole_book.print / "representation-learning.aux").read_text("utf-8")
    found = re.findall(r"\\newlabel\{([^}]*)\}\{\{([\d.]+)\}", text)
    return {label.rsplit(":", 1)[-1].replace(r"\detokenize ", ""): n for label, n in found}


def test_pdf_names_who_hands_it_in(pdf, pdf_pages):
    assert pdf.metadata is not None
    assert pdf.metadata.author == "Your Name"
    assert pdf.metadata.title == "Representation Learning on Coloured Shapes"
    assert "Your Name" in pdf_pages[0]
    assert _squeeze(book_execution.SMOKE) in _squeeze(pdf_pages[0])
    assert "Collaborators: First Collaborator, Second Collaborator" in pdf_pages[0]


def test_pdf_carries_its_fonts(pdf):
    found = [part for part in _objects(pdf) if isinstance(part, dict)]
    fonts = [part for part in found if part.get("/Type") == "/Font"]
    # A Type 3 font is drawings, without hints for a screen. A Type 0 font has its descendant
    # among the others.
    assert "/Type3" not in {font["/Subtype"] for font in fonts}
    named = [font for font in fonts if font["/Subtype"] != "/Type0"]
    files = {"/FontFile", "/FontFile2", "/FontFile3"}
    assert named
    held = [files & set(font.get("/FontDescriptor", ())) for font in named]
    assert [font["/BaseFont"] for font, file in zip(named, held, strict=True) if not file] == []


def test_typesetting_lacks_no_room_and_no_letter(whole_book):
    log = (whole_book.print / "representation-learning.log").read_text("utf-8", "replace")
    assert "\nOutput written on " in log
    over = re.findall(r"^Overfull \\[hv]box \(([\d.]+)pt too (?:wide|high)\).*", log, re.M)
    assert [points for points in over if float(points) > 5] == []
    assert re.findall(r"^Missing character: .*", log, re.M) == []


def test_bookmarks_lead_to_every_answer(pdf, pdf_pages):
    leads = {str(item.title): pdf.get_destination_page_number(item) for item in _flat(pdf.outline)}
    answers = {title: page for title, page in leads.items() if title.startswith("Answer — ")}
    questions = [re.findall(r"Question (\w+)", title)[0] for title in answers]
    assert questions == list(QUESTIONS)
    assert [t for t, page in answers.items() if _squeeze(t) not in _squeeze(pdf_pages[page])] == []


def test_checklist_tells_the_right_pages(pdf, pdf_pages):
    page = next(text for text in pdf_pages if "What the eight questions are worth" in text)
    told = re.findall(r"(Question|Fig\.|Listing)(\w+)\(p\.(\d+)\)", _squeeze(page))
    pages = {label: number for number, label in enumerate(pdf.page_labels)}
    assert len(told) == len(QUESTIONS) + sum(attached for _, attached in QUESTIONS.values())
    for kind, number, label in told:
        text = _squeeze(pdf_pages[pages[label]])
        sought = f"Answer—Question{number}(" if kind == "Question" else f"{kind}{number}:"
        assert sought in text, f"{kind} {number} is not on page {label}"


def test_pdf_has_no_empty_page(pdf_pages):
    empty = [n for n, text in enumerate(pdf_pages, 1) if not re.sub(r"[\d\s]", "", text)]
    assert empty == []


def test_pdf_has_every_answer(html, pdf_text):
    titles = [
        title.get_text()
        for page in html.values()
        for title in page.select("div.admonition.answer > .admonition-title")
    ]
    assert titles
    assert [title for title in titles if _squeeze(title) not in pdf_text] == []


def test_theorems_formulas_and_figures_have_the_same_numbers_in_print(html, whole_book, pdf_text):
    titles = [
        title.get_text()
        for page in html.values()
        for title in page.select("div.proof > p.admonition-title")
        if title.select_one(".caption-number") and not title.select(".math")
    ]
    assert titles
    assert [title for title in titles if _squeeze(title) not in pdf_text] == []
    labels = _labels(whole_book)
    for numbers in (_formula_numbers(html), _figure_numbers(html)):
        assert numbers
        assert {label: labels.get(label) for label in numbers} == numbers


def test_pdf_shows_no_raw_markup(pdf_text):
    marks = ["{prf:ref}", "{numref}", "{cite:p}", "<replearn", "<Figuresize", "objectat0x", ":::"]
    assert [mark for mark in marks if mark in pdf_text] == []


def test_pdf_can_be_printed_and_uploaded(pdf):
    """On A4, in 160 pages at most, of which at most 25 are the library's, and in 10 MB."""
    leads = {str(item.title): pdf.get_destination_page_number(item) for item in _flat(pdf.outline)}
    sizes = {(round(page.mediabox.width), round(page.mediabox.height)) for page in pdf.pages}
    assert sizes == {(595, 842)}
    assert len(pdf.pages) <= 160
    assert leads["Bibliography"] - leads["The library, line by line"] <= 25
    assert pdf.stream.seek(0, io.SEEK_END) <= 10e6


def test_pdf_ends_with_the_code_and_the_works(pdf):
    titles = [str(item.title) for item in _flat(pdf.outline)]
    assert titles.count("Bibliography") == 1
    code = titles.index("The library, line by line") + 1
    names = [f"augmentations/{room}" for room in ("base", "color", "sets", "warp")]
    names += ["fit", "losses", "neighbors", "networks", "tasks"]
    assert titles[code:] == [*(f"code/replearn/{name}.py" for name in names), "Bibliography"]


def _flat(outline):
    for item in outline:
        yield from _flat(item) if isinstance(item, list) else [item]
