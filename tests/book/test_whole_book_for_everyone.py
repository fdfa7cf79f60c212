"""The whole book as assistive technology meets it, in the light and in the dark."""

import pytest

import book_offline
from books import CONTROL, PAGES

AXE = book_offline.Package(
    "axe-core",
    "4.14.1",
    "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    ("axe.min.js",),
)


@pytest.fixture(scope="module")
def axe():
    """The script that looks for barriers."""
    return (book_offline.fetch(AXE) / "axe.min.js").read_text("utf-8")


def barriers(page, axe, *rules):
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
def test_page_has_no_barrier(browser, whole_book, axe, name):
    """In the dark too, where colours alone are another matter."""
    page = browser.new_page(offline=True, color_scheme="light", reduced_motion="reduce")
    page.goto((whole_book.html / f"{name}.html").as_uri(), wait_until="load")
    if page.locator("article .frames").count():
        page.locator(CONTROL).first.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
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


def test_axe_sees_barriers(browser, axe):
    page = browser.new_page()
    page.set_content('<html lang="en"><img src="x.png"><p style="color: #ccc">pale</p></html>')
    found = {line.split(":")[0] for line in barriers(page, axe)}
    page.close()
    assert {"image-alt", "color-contrast"} <= found
