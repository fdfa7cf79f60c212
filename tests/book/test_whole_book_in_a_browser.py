"""The whole book in a browser: on a phone, from the disk and from a server."""

import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import pytest

from books import CONTROL, PAGES

PHONE, DESKTOP = 375, 1280  # pixels
LEAST = {PHONE: 10, DESKTOP: 11}  # pixels that a figure's text is high


@pytest.fixture
def visit(browser, whole_book):
    context = browser.new_context(offline=True, viewport={"width": PHONE, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_in_a_browser(visit, whole_book, name):
    """It loads whole from the disk, says no error, shows every formula, and fits a phone."""
    failed = []
    errors = []
    visit.on("requestfailed", lambda request: failed.append(request.url))
    visit.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    visit.on("pageerror", lambda error: errors.append(str(error)))
    visit.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
    assert visit.locator(".math:not(:has(mjx-container))").count() == 0
    assert visit.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    wide = visit.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert (failed, errors, max(wide, 0)) == ([], [], 0)


SHOWN = """() => Promise.all([...document.querySelectorAll("article img")]
    .filter((image) => image.offsetParent)
    .map(async (image) => {
        image.loading = "eager";
        await image.decode();
        const padding = 2 * parseFloat(getComputedStyle(image).paddingLeft);
        return [image.currentSrc, image.clientWidth - padding];
    }))"""


def letters(file):
    """How wide a drawing is, and how high its letters are, both in points."""
    svg = file.read_text("utf-8")
    size = re.search(r'viewBox="0 0 ([\d.]+)', svg)
    assert size is not None
    texts = re.findall(r'<g id="text_\d+">.*?scale\(([\d.]+) -', svg, re.DOTALL)
    return float(size[1]), [100 * float(scale) for scale in texts]


@pytest.mark.parametrize("width", LEAST)
def test_text_of_figures_can_be_read(browser, whole_book, width):
    """In the dark, where a figure has a margin of its own."""
    page = browser.new_page(
        offline=True, viewport={"width": width, "height": 800}, color_scheme="dark"
    )
    seen, small = 0, []
    for name in PAGES:
        page.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
        for source, shown in page.evaluate(SHOWN):
            file = Path(unquote(urlparse(source).path))
            across, heights = letters(file) if file.suffix == ".svg" else (1, [])
            if heights:
                seen += 1
                least = min(heights) * shown / across
                small += [(name, file.name, round(least, 1))] * (least < LEAST[width])
    page.close()
    assert seen > 40
    assert small == []


def test_links_land(browser, whole_book, html):
    """What an internal link leads to is just below the header, from the disk; answers open."""
    targets = set()
    for name, soup in html.items():
        for link in soup.select("article a.internal[href*='#']"):
            url, fragment = urldefrag(link["href"])
            home = whole_book.html / f"{name}.html"
            targets.add(((home.parent / url).resolve() if url else home, fragment))
    page = browser.new_page(offline=True, viewport={"width": DESKTOP, "height": 900})
    missed, covered = [], []
    for file, fragment in sorted(targets):
        page.goto("about:blank")
        page.goto(f"{file.as_uri()}#{fragment}", wait_until="load")
        target = page.locator(f"[id='{unquote(fragment)}']")
        top, end = target.evaluate(
            "target => [target.getBoundingClientRect().top, document.documentElement.scrollHeight"
            " - innerHeight - scrollY < 2]"
        )
        header = page.locator(".bd-header-article").bounding_box()
        assert header is not None
        if abs(top - header["y"] - header["height"]) > 80 and not end:
            missed.append((file.name, fragment, top))
        covered += [fragment] * target.locator("details.covered:not([open])").count()
    page.close()
    assert (missed, covered) == ([], [])


def test_controls_change_pictures(visit, whole_book, html):
    """Without a kernel and without the network: each slider moved, a button of each row pressed."""
    with_controls = [name for name, page in html.items() if page.select("article .frames")]
    assert with_controls
    for name in with_controls:
        visit.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
        for frames in visit.locator("article .frames").all():
            controls = frames.locator(CONTROL)
            assert controls.count() > 0, name
            shown = frames.locator(".frames-now img")
            for control in controls.all():
                before = shown.evaluate("image => image.src")
                if control.get_attribute("type") == "range":
                    start = control.input_value()
                    control.press("ArrowRight")
                    if control.input_value() == start:  # it starts at its end
                        control.press("ArrowLeft")
                    assert control.get_attribute("aria-valuetext")
                else:
                    control.click()
                    assert control.get_attribute("aria-pressed") == "true"
                assert control.evaluate("control => control.offsetHeight") >= 44
                assert shown.evaluate("image => image.src") != before, name
                shown.scroll_into_view_if_needed()
                assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
                assert len(shown.get_attribute("alt").split()) >= 3


def test_answers_wait_for_the_reader(browser, whole_book):
    """A box opens by itself, all by the switch, which other pages remember; paper shows all.

    The solutions of the three exercises of either page do as its answers, three and one.
    """
    page = browser.new_context(offline=True).new_page()
    first, second = (
        (whole_book.html / f"book/similarity/{name}.html").as_uri()
        for name in ("q4-geometry", "q3-distances")
    )
    covers, still = page.locator("details.covered"), page.locator("details.covered:not([open])")
    page.goto(first, wait_until="load")
    assert covers.count() == still.count() == 6
    page.locator("details.covered summary").first.press("Enter")
    assert still.count() == 5
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert still.count() == 0
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert still.count() == 5
    page.locator("button.answers").press("Enter")
    assert still.count() == 0
    page.goto(second, wait_until="load")
    assert covers.count() == 4
    assert still.count() == 0
    page.context.close()


def test_figure_opens_large(visit, whole_book):
    visit.goto((whole_book.html / "book/similarity/q4-geometry.html").as_uri(), wait_until="load")
    visit.locator("figure a.large").first.press("Enter")
    dialog = visit.locator("dialog.large-figure[open]")
    assert dialog.locator("img").evaluate("image => image.decode().then(() => image.width)") > PHONE
    visit.keyboard.press("Escape")
    assert dialog.count() == 0


def test_page_can_be_read_without_scripts(browser, whole_book):
    """Formulas are set, sliders show their stills, an answer opens, a figure is a link."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((whole_book.html / "book/similarity/q4-geometry.html").as_uri(), wait_until="load")
    assert page.locator("article mjx-container").count() > 100
    assert page.locator(".frames-now img").first.is_visible()
    assert page.locator("details.covered > p").first.is_hidden()
    page.locator("details.covered summary").first.click()
    assert page.locator("details.covered > *:not(summary)").first.is_visible()
    context.close()


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing of what it serves."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address(whole_book):
    """The site on a server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=whole_book.html)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def told(said):
    """What a page's console said, and of what."""
    return f"{said.text} ({said.location['url']})"


def test_site_from_a_server(browser, address, html):
    """Its policy lets formulas, sliders and the search do what they are there for."""
    page = browser.new_page()
    wrong = []
    elsewhere = []
    page.on("console", lambda said: wrong.append(told(said)) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: elsewhere.append(asked.url))
    moving = [name for name, soup in html.items() if soup.select("article .frames")]
    for name in (*moving, "book/similarity/q3-distances"):
        page.goto(f"{address}/{name}.html", wait_until="load")
    page.goto(f"{address}/{moving[0]}.html", wait_until="load")
    page.locator(CONTROL).first.wait_for()
    page.goto(f"{address}/search.html?q=sphere", wait_until="load")
    page.locator("ul.search li .context").first.wait_for()
    page.close()
    own = (address, "data:")
    assert (wrong, [url for url in elsewhere if not url.startswith(own)]) == ([], [])
