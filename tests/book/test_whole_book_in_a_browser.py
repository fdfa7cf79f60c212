"""The whole book in a browser: on a phone, from the disk and from a server."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from books import CONTROL, PAGES


@pytest.fixture
def visit(browser, whole_book):
    context = browser.new_context(offline=True, viewport={"width": 375, "height": 800})
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
    formulas = visit.locator("article .math").count()
    if formulas:
        visit.evaluate("() => MathJax.startup.promise.then(() => true)")
        assert visit.locator("article .math mjx-container").count() >= formulas
        assert visit.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    wide = visit.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert (failed, errors, max(wide, 0)) == ([], [], 0)


def test_controls_change_pictures(visit, whole_book, html):
    """Without a kernel and without the network: each slider moved, a button of each row pressed."""
    with_controls = [
        name for name, page in html.items() if page.select('article script[type*="widget-view"]')
    ]
    assert with_controls
    for name in with_controls:
        visit.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
        cells = visit.locator("article .cell_output:has(script[type*=widget-view])")
        cells.locator(CONTROL).first.wait_for()
        for cell in cells.all():
            controls = cell.locator(CONTROL)
            assert controls.count() > 0, name
            for control in controls.all():
                shown = cell.locator("img.widget-image:visible")
                before = shown.get_attribute("src")
                if control.get_attribute("role") == "slider":
                    control.press("ArrowRight")
                else:
                    control.click()
                visit.wait_for_function(
                    "([image, src]) => image.isConnected === false || !image.offsetParent"
                    " || image.src !== src",
                    arg=[shown.element_handle(), before],
                )
                assert shown.get_attribute("src") != before, name
                assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
                assert len(shown.get_attribute("alt").split()) >= 3
                cut = "image => image.parentElement.scrollWidth - image.parentElement.clientWidth"
                assert shown.evaluate(cut) <= 0, f"{name}: a frame is cut off"


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
    moving = [name for name, soup in html.items() if soup.select("script[type*=widget-view]")]
    for name in (*moving, "book/similarity/q3-distances"):
        page.goto(f"{address}/{name}.html", wait_until="load")
        page.evaluate("() => MathJax.startup.promise.then(() => true)")
    page.goto(f"{address}/{moving[0]}.html", wait_until="load")
    page.locator(CONTROL).first.wait_for()
    page.goto(f"{address}/search.html?q=sphere", wait_until="load")
    page.locator("ul.search li .context").first.wait_for()
    page.close()
    own = (address, f"blob:{address}", "data:")
    assert (wrong, [url for url in elsewhere if not url.startswith(own)]) == ([], [])
