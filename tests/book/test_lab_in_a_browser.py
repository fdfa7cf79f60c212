"""The lab in a browser, held to Python: drawing, features, neighbours, shares, views."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Page

import labs
from books import Result
from replearn import augmentations, neighbors
from replearn.shapes import Factors, ShapesDataset, draw
from replearn.theory.circle import onto_circle
from replearn.training import Run

IMAGES = 4_000


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Run]]:
    return labs.lab(root, tmp_path_factory.mktemp("lab"))


@pytest.fixture
def visit(browser: Browser, site: tuple[Result, dict[str, Run]]) -> Iterator[Page]:
    """A page that fails the test for any error, and any request beyond the site."""
    context = browser.new_context(offline=True, reduced_motion="reduce")
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "blob:", "data:")) else wrong.append(asked.url)
        ),
    )
    yield page
    context.close()
    assert wrong == []


def opened(page: Page, html: Path, address: str = "") -> Page:
    page.goto((html / "book" / "index.html").as_uri() + address, wait_until="load")
    page.locator("#lab[data-loaded]").wait_for(state="attached", timeout=120_000)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait for the answer to what is held."""
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    page.locator("#lab:not([data-asking])").wait_for(state="attached")


def rows() -> Factors:
    """Sixty rows of factors: images of the data set, and extremes that it does not have."""
    val = ShapesDataset("val").factors
    some = [val[torch.arange(40)]]
    for shape in range(3):
        for x, y, size, angle in (
            (0.0, 0.0, 24.0, 0.0),
            (64.0, 31.3, 60.0, 1.0),
            (32.0, 32.0, 6.0, 2 * math.pi),
            (20.5, 60.0, 30.0, math.pi / 3),
            (32.0, 32.0, 18.0, 0.0),
            (5.0, 64.0, 45.0, 3.1),
            (40.0, 11.0, 29.9, math.pi / 4),
        ):
            rgb = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.3]])[shape]
            some.append(
                Factors(
                    torch.tensor([shape]),
                    torch.tensor([0]),
                    rgb[None],
                    torch.tensor([[x, y]]),
                    torch.tensor([size]),
                    torch.tensor([angle]),
                )
            )
    return Factors(**{k: torch.cat([getattr(one, k) for one in some]) for k in vars(some[0])})


def as_js(factors: Factors) -> list[dict[str, Any]]:
    return [
        {
            "shape": int(factors.shape[k]),
            "rgb": factors.rgb[k].tolist(),
            "x": float(factors.position[k, 0]),
            "y": float(factors.position[k, 1]),
            "size": float(factors.size[k]),
            "angle": float(factors.angle[k]),
        }
        for k in range(len(factors))
    ]


def pixels(found: list[list[float]]) -> torch.Tensor:
    return torch.tensor(found).view(-1, 64, 64, 3).permute(0, 3, 1, 2)


# What the page's own workers answer to pixels, by the page's own class for them.
ASK = """async ([rows, names]) => {
    const workers = new Workers(1);
    const read = async (name, about) => workers.load(name, await load(name), about);
    for (const about of LAB.encoders) if (names.includes(about.name)) await read(about.name, about);
    const seen = [];
    for (const row of rows) {
        const own = row.own ?? undefined;
        seen.push(await workers.look(seen.length, { pixels: draw(row), own, k: 10, names }));
    }
    return seen.map((results) => Object.fromEntries(Object.entries(results).map(
        ([name, { found, latent, distance }]) =>
            [name, { found: [...found], latent: [...latent], distance }],
    )));
}"""


def test_drawing_agrees_with_python(visit: Page, site: tuple[Result, dict[str, Run]]) -> None:
    page, factors = opened(visit, site[0].html), rows()
    found = pixels(page.evaluate("(rows) => rows.map((row) => [...draw(row)])", as_js(factors)))
    assert len(factors) >= 50
    assert float((found - draw(factors)).abs().max()) <= 1 / 255


def test_features_and_neighbours_agree_with_python(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    result, runs = site
    page, factors = opened(visit, result.html), rows()
    seen = page.evaluate(ASK, [as_js(factors), list(runs)])
    val = ShapesDataset("val")
    for name, run in runs.items():
        with torch.no_grad():
            right = run.encoder(draw(factors))
            bank = torch.cat([run.encoder(val.images(k)) for k in torch.arange(IMAGES).split(500)])
        if name.endswith("circle"):
            right, bank = onto_circle(right), onto_circle(bank)
        found = torch.tensor([one[name]["latent"] for one in seen])
        off = (found - right).norm(dim=1) / right.norm(dim=1)
        assert float(off.max()) < 1e-2, name
        near = neighbors.nearest(right, bank, 10)
        same = [
            len(set(one[name]["found"]) & set(rows_.tolist()))
            for one, rows_ in zip(seen, near, strict=True)
        ]
        assert sum(same) / len(same) >= 9.5, (name, sum(same) / len(same))
        distance = torch.tensor([one[name]["distance"] for one in seen])
        close = (right - bank[near[:, 0]]).norm(dim=1)
        assert float((distance - close).abs().max()) < 0.03 * float(right.norm(dim=1).mean())


def test_shares_agree_with_python(visit: Page, site: tuple[Result, dict[str, Run]]) -> None:
    page = opened(visit, site[0].html)
    val = ShapesDataset("val").factors[slice(IMAGES)]
    queries, near = [3, 10, 200], torch.arange(40, 340, 30)
    found = page.evaluate(
        """async ([queries, near]) => {
            const workers = new Workers(1);
            const text = await load("images");
            const images = table((await workers.load("images", text, { images: true })).tensors);
            return queries.map((k) => sharesOf(images[k], images)(near.map((row) => images[row])));
        }""",
        [queries, near.tolist()],
    )
    for query, shares in zip(queries, found, strict=True):

        def unlike(some: torch.Tensor, query: int = query) -> dict[str, float]:
            one = val[torch.tensor([query])]
            many = val[some]
            period = 2 * math.pi / torch.tensor([1.0, 3.0, 4.0])[one.shape]
            apart = (many.angle - one.angle).abs() / period % 1
            comparable = (many.shape == one.shape) & (one.shape > 0)
            return {
                "colour": float((many.color != one.color).float().mean()),
                "location": float((many.position - one.position).norm(dim=1).mean()),
                "shape": float((many.shape != one.shape).float().mean()),
                "size": float((many.size - one.size).abs().mean()),
                "rotation": float(torch.minimum(apart, 1 - apart)[comparable].mean())
                if int(comparable.sum()) >= 4
                else math.nan,
            }

        here, chance = unlike(near), unlike(torch.arange(IMAGES))
        for factor, value in shares.items():
            right = 1 - here[factor] / chance[factor]
            assert (value is None or math.isnan(value)) == math.isnan(right), factor
            if not math.isnan(right):
                assert value == pytest.approx(right, abs=1e-4), factor


def test_views_agree_with_python(visit: Page, site: tuple[Result, dict[str, Run]]) -> None:
    """The same parameters give the same view, but for pixels that rounding puts on an edge."""
    page, images = opened(visit, site[0].html), ShapesDataset("val").images(range(30))
    generator = torch.Generator().manual_seed(0)
    flat = images.permute(0, 2, 3, 1).flatten(1).tolist()
    for name in "ABC":
        augmentation = getattr(augmentations, name)
        drawn = augmentation.sample(images, generator)
        told = [_told(name, {k: v[row] for k, v in drawn.items()}) for row in range(len(images))]
        found = pixels(
            page.evaluate(
                "([name, pixels, told]) => pixels.map((image, k) => "
                "[...VIEWS[name].apply(Float32Array.from(image), told[k], LAB.sets[name])])",
                [name, flat, told],
            )
        )
        other = ((found - augmentation.apply(images, drawn)).abs().amax(1) > 1 / 255).float()
        assert float(other.mean()) < 2e-3, name


def _told(name: str, drawn: dict[str, torch.Tensor]) -> dict[str, Any]:
    """One image's parameters as lab-views.js has them."""
    if name != "A":
        names = {"last_angle": "lastAngle"}
        return {names.get(key, key): value.tolist() for key, value in drawn.items()}
    kinds = [("brightness", "contrast", "saturation")[k] for k in drawn["1.order"].tolist()]
    kinds.insert(int(drawn["1.moment"]), "hue")
    amounts = {key: float(drawn[f"1.{key}"]) for key in kinds}
    return {"gray": bool(drawn["0.gray"]), "order": kinds, **amounts}


def test_sampled_views_have_the_sets_ranges(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html)
    drawn = page.evaluate(
        "() => Object.fromEntries(Object.entries(VIEWS).map(([name, { sample }]) => "
        "[name, Array.from({ length: 2000 }, () => sample(LAB.sets[name], Math.random))]))"
    )
    gray = sum(one["gray"] for one in drawn["A"]) / 2000
    warped = sum(one["warped"] for one in drawn["C"]) / 2000
    assert (abs(gray - 0.2) < 0.05, abs(warped - 0.7) < 0.05) == (True, True)
    assert all(0.1 <= one["saturation"] <= 1.9 and abs(one["hue"]) <= 0.5 for one in drawn["A"])
    first = [one["order"][0] for one in drawn["A"]]
    assert all(abs(first.count(kind) / 2000 - 0.25) < 0.05 for kind in set(first))
    for name, canvas, low, high in (("B", 112, 0.2, 0.6), ("C", 96, 0.4, 0.8)):
        for left, top, width, height in (one["box"] for one in drawn[name]):
            assert min(left, top) >= 0
            assert max(left + width, top + height) <= canvas
            assert 0.95 * low < width * height / canvas**2 <= 1.05 * high or name == "C"


# ---- What a reader does


def held(page: Page) -> str:
    return page.locator(".lab-note").inner_text()


def test_shape_is_dragged_and_moved_by_keys(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html, "#shape=square&x=32&y=32&size=24")
    assert "square, 24 px, at (32, 32)" in held(page)
    box = page.locator(".lab-stage canvas").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["width"] / 8, middle[1])
    page.mouse.up()
    assert "at (40, 32)" in held(page)
    page.locator(".lab-stage canvas").press("ArrowDown")
    page.locator(".lab-stage canvas").press("+")
    assert "25 px, at (40, 33)" in held(page)
    page.wait_for_function("() => location.hash.includes('y=33')")


def test_a_neighbour_and_a_dot_become_the_query(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html)
    page.locator(".lab-near button").first.click()
    assert "Validation image" in held(page)
    page.wait_for_function("() => location.hash.startsWith('#image=')")
    before = held(page)
    page.locator(".lab-map").nth(1).click(position={"x": 70, "y": 30})
    assert held(page) != before
    settle(page)
    page.locator(".lab-map").nth(1).press("ArrowDown")
    assert "Validation image" in held(page)


def test_view_is_a_picture_until_the_shape_is_moved(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html)
    page.get_by_role("button", name="A view by B").click()
    assert "no longer a row of factors" in held(page)
    page.locator(".lab-stage canvas").press("ArrowLeft")
    assert "cyan triangle" in held(page)


def test_own_picture_is_a_query(
    visit: Page, site: tuple[Result, dict[str, Run]], root: Path
) -> None:
    page = opened(visit, site[0].html)
    page.locator(".lab-file input").set_input_files(root / "book" / "_static" / "views.png")
    page.wait_for_function("() => document.querySelector('.lab-note').innerText.startsWith('Your')")
    settle(page)
    assert page.locator(".lab-shares dd").first.inner_text() == "–"
    page.locator(".lab-file input").set_input_files(root / "pyproject.toml")
    page.wait_for_function(
        "() => document.querySelector('.lab-problems').textContent.includes('pyproject.toml')"
    )


def test_experiment_covers_the_rows_until_a_prediction(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html)
    for number in range(1, 7):
        page.locator(f"[data-experiment='{number}']").click()
        assert not page.locator(".lab-near").first.is_visible()
        page.get_by_role("checkbox", name="autoencoder").check()
        page.get_by_role("button", name="Look", exact=True).click()
        page.locator(".lab-outcome li").first.wait_for()
        assert page.locator(".lab-near").first.is_visible()
        assert page.locator(".lab-outcome li").count() == 4
        assert "You foresaw" in page.locator(".lab-outcome").inner_text()
    page.locator("[data-experiment='0']").click()
    assert page.locator(".lab-predict").is_hidden()


def test_encoder_is_loaded_when_it_is_asked_for(
    visit: Page, site: tuple[Result, dict[str, Run]]
) -> None:
    page = opened(visit, site[0].html)
    row = page.locator(".lab-row").nth(4)
    assert row.is_hidden()
    page.get_by_role("checkbox", name="A, onto the circle").check()
    row.locator(".lab-near").wait_for()
    assert "D waits: its loss is not written yet" in page.locator(".lab-rows").inner_text()


def test_what_changed_is_said(visit: Page, site: tuple[Result, dict[str, Run]]) -> None:
    page = opened(visit, site[0].html)
    page.locator(".lab-stage canvas").press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('.lab-said').innerText.includes('(27, 26)')"
    )
    said = page.locator(".lab-said").text_content()
    assert said is not None
    assert "B: colour" in said


# ---- What is wrong is said, and the rest works


@pytest.mark.fault(
    "A link to the lab that asks for what cannot be",
    "an address with an unknown shape, a size out of range, a word for a number, an unknown name",
    "a sentence for each says what is allowed, and the lab shows the rest of the address",
)
def test_nonsense_in_the_address_is_named(visit: Page, site: tuple[Result, dict[str, Run]]) -> None:
    page = opened(visit, site[0].html, "#shape=hexagon&size=900&x=left&y=40&colour=red&angle=")
    said = page.locator(".lab-problems").inner_text()
    for part in ("shape=hexagon", "size=900", "x=left", "colour=red", "circle, triangle, square"):
        assert part in said
    assert "at (26, 40)" in held(page)
    page.evaluate("location.hash = '#image=99999'")
    page.wait_for_function(
        "() => document.querySelector('.lab-problems').innerText.includes('3999')"
    )


@pytest.mark.fault(
    "A file of weights that is missing or cut off, on a site or on the disk",
    "one encoder's script is removed, another's ends early, a third's text is altered",
    "each one's row says so, and the other encoders work",
)
def test_missing_and_damaged_weights_are_named(
    browser: Browser, site: tuple[Result, dict[str, Run]], tmp_path: Path
) -> None:
    html = tmp_path / "html"
    shutil.copytree(site[0].html, html)
    lab = html / "_static" / "lab"
    (lab / "A.js").unlink()
    text = (lab / "B.js").read_text()
    (lab / "B.js").write_text(text[: len(text) // 2])
    text = (lab / "C.js").read_text()
    middle = len(text) // 2
    (lab / "C.js").write_text(text[:middle] + "AAAAAAAA" + text[middle + 8 :])
    page = browser.new_page()
    opened(page, html)
    said = page.locator(".lab-rows").inner_text()
    for part in ("A.js is missing", "B.js is damaged", "C.js is damaged"):
        assert part in said
    assert page.locator(".lab-near").first.is_visible()
    assert page.locator(".lab-near:visible").count() == 1
    page.close()


@pytest.mark.fault(
    "A browser without what the lab runs on",
    "one without DecompressionStream opens the page; another cannot start a worker",
    "a sentence in the page says what is lacking",
)
def test_old_browser_is_told(browser: Browser, site: tuple[Result, dict[str, Run]]) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto((site[0].html / "book" / "index.html").as_uri(), wait_until="load")
    assert "lacks what the lab runs on (DecompressionStream)" in page.locator("#lab").inner_text()
    page.close()
    page = browser.new_page()
    page.add_init_script(
        "window.Worker = class { postMessage() {} "
        "constructor() { setTimeout(() => this.onerror({})); } }"
    )
    page.goto((site[0].html / "book" / "index.html").as_uri(), wait_until="load")
    page.wait_for_function(
        "() => document.querySelector('.lab-problems').textContent.includes('cannot run')"
    )
    page.locator(".lab-stage canvas").press("ArrowRight")
    assert "at (27, 26)" in held(page)
    page.close()
