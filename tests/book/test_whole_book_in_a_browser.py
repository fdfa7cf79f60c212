"""The whole book in a browser: on a phone, from the disk and from a server, and for everyone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page

import book_offline
from books import PAGES, Result

CONTROL = "[role=slider], .widget-toggle-buttons button:nth-of-type(2)"


@pytest.fixture
def visit(browser: Browser, whole_book: Result) -> Iterator[Page]:
    context = browser.new_context(offline=True, viewport={"width": 375, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_page_in_a_browser(visit: Page, whole_book: Result, name: str) -> None:
    """It loads whole from the disk, says no error, shows every formula, and fits a phone."""
    failed: list[str] = []
    errors: list[str] = []
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


def test_controls_change_pictures(visit: Page, whole_book: Result, html: dict) -> None:
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


# ---- For everyone

AXE = book_offline.Package(
    "axe-core",
    "4.14.1",
    "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    ("axe.min.js",),
)


@pytest.fixture(scope="module")
def axe() -> str:
    """The script that looks for barriers."""
    return (book_offline.fetch(AXE) / "axe.min.js").read_text("utf-8")


def barriers(page: Page, axe: str, *rules: str) -> list[str]:
    """What axe calls serious or critical, by all its rules unless some are named."""
    page.evaluate(axe)
    # Formulas bring a reading of their own, which only assistive technology shows.
    found = page.evaluate(
        """async rules => (await axe.run(
            {exclude: ["mjx-container"]},
            {resultTypes: ["violations"], ...(rules.length && {runOnly: rules})},
        )).violations""",
        list(rules),
    )
    return [
        f"{rule['id']}: {' '.join(node['target'][-1:])}: {node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_barrier(browser: Browser, whole_book: Result, axe: str, name: str) -> None:
    """In the dark too, where colours alone are another matter."""
    page = browser.new_page(offline=True, color_scheme="light", reduced_motion="reduce")
    page.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
    page.evaluate("() => window.MathJax?.startup?.promise.then(() => true)")
    if page.locator("article script[type*=widget-view]").count():
        page.locator(CONTROL).first.wait_for()
    if name.endswith("/code"):  # three of the library's listings will do
        page.evaluate(
            "document.querySelectorAll('.highlight').forEach((c, k) => k < 3 || c.remove())"
        )
    found = [f"light: {barrier}" for barrier in barriers(page, axe)]
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-theme=dark]").wait_for()
    page.evaluate("() => Promise.all(document.getAnimations().map(fading => fading.finished))")
    found += [f"dark: {barrier}" for barrier in barriers(page, axe, "color-contrast")]
    page.close()
    assert found == []


def test_axe_sees_barriers(browser: Browser, axe: str) -> None:
    page = browser.new_page()
    page.set_content('<html lang="en"><img src="x.png"><p style="color: #ccc">pale</p></html>')
    found = {line.split(":")[0] for line in barriers(page, axe)}
    page.close()
    assert {"image-alt", "color-contrast"} <= found


class Quiet(SimpleHTTPRequestHandler):
    """A server that says nothing of what it serves."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(whole_book: Result) -> Iterator[str]:
    """The site on a server of this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=whole_book.html)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_site_from_a_server(browser: Browser, address: str, html: dict) -> None:
    """Its policy lets formulas, sliders and the search do what they are there for."""
    page = browser.new_page()
    wrong: list[str] = []
    elsewhere: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
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
