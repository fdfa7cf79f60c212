"""README and the pages for maintainers: tables are up to date, and what is said of them is true."""

import json

import pytest

import fill
from faults import faults
from replearn.recipes import RECIPES


@pytest.mark.parametrize("page", sorted(fill.DOCS.glob("*.md")), ids=lambda page: page.name)
def test_tables_are_up_to_date(page):
    text = page.read_text(encoding="utf-8")
    assert fill.filled(text) == text, "run `make docs`"


def test_every_table_stands_on_a_page():
    text = "".join(page.read_text(encoding="utf-8") for page in fill.DOCS.glob("*.md"))
    assert [name for name in fill.TABLES if text.count(f"<!-- table of {name} -->") != 1] == []


def test_a_table_is_filled_in_once_and_for_all(monkeypatch):
    monkeypatch.setitem(fill.TABLES, "letters", lambda: fill.table("a | b", [("|", "2")]))
    start, end = "before\n<!-- table of letters -->\n", "<!-- end -->\nafter\n"
    filled = fill.filled(f"{start}old\n{end}")
    assert filled == f"{start}\n| a | b |\n|---|---|\n| \\| | 2 |\n\n{end}"
    assert fill.filled(filled) == filled


def test_the_readme_tells_the_scores_of_the_published_networks(root):
    text = " ".join((root / "README.md").read_text(encoding="utf-8").split())
    kept = {
        name: facts["scores"]["rounded"]["sensitivity"]
        for name, facts in json.loads((root / "networks" / "provenance.json").read_text()).items()
    }
    for said in (
        f"trained on A keeps {kept['A']['color']:.2f} of the colour",
        f"trained on B {kept['B']['location']:.2f} of the location",
        f"keeps {kept['B']['shape']:.2f} of it",
        f"and {kept['B']['color']:.2f} of the colour",
    ):
        assert said in text


def test_faults_are_read_from_their_tests(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "test_a.py").write_text(
        '@pytest.mark.fault("a", "b" " c", "d")\n@other\ndef test_it():\n    pass\n\n'
        '@pytest.mark.soak\n@pytest.mark.fault("e", "f", "g")\ndef test_long():\n    pass\n'
    )
    file = tmp_path / "sub" / "test_a.py"
    assert faults(tmp_path) == [
        ("a", "b c", "d", "test_it", file, False),
        ("e", "f", "g", "test_long", file, True),
    ]


@pytest.mark.parametrize("arguments", ["", "()", '("a", "b")', '("a", "b", "")', '("a", "b", 3)'])
def test_a_fault_that_does_not_say_all_is_named(tmp_path, arguments):
    (tmp_path / "test_a.py").write_text(
        f"@pytest.mark.fault{arguments}\ndef test_it():\n    pass\n"
    )
    with pytest.raises(ValueError, match="test_it must have a fault of three texts"):
        faults(tmp_path)


def test_the_faults_are_complete(root):
    """Every marker in the tests is one of them, each fault is there once, and there are many."""
    found = faults(root / "tests")
    marked = sum(
        file.read_text(encoding="utf-8").count("\n@pytest.mark.fault(\n")
        for file in (root / "tests").rglob("test_*.py")
    )
    assert len(found) == marked >= 25
    assert len({fault.what for fault in found}) == len(found)


def test_every_other_code_takes_longer():
    slowest = min(
        ratio["median"]
        for row in fill.measured("bench").values()
        for other, ratio in row["ratio"].items()
        if other != "bare matrix products"
    )
    assert slowest > 1


@pytest.mark.parametrize("net", ["A", "B", "C"])
def test_a_batch_and_its_views_take_less_than_a_tenth_of_a_step(net):
    raced = fill.measured("bench")
    views, training = raced[f"views of {net}"], raced[f"training {net}"]
    a_pair = views["seconds"]["ours"]["median"] / views["pairs"]
    a_step = training["seconds"]["ours"]["median"] / training["steps"]
    batch = RECIPES["fast"].get(net, RECIPES["fast"]["contrastive"]).batch
    assert batch * a_pair < 0.1 * a_step


# Of a step or a search: its first and last size, how many times as long the last may take, and how
# many more gigabytes.
GROWTH = {
    "step, by training images": ("40,000", "4,000,000", (0, 1.1), (-1, 0.5)),
    "step, by pairs": ("128", "1,024", (6, 9), (-1, 9)),
    "loss and gradient, by pairs": ("64", "16,384", (1, 1e9), (2, 9)),
    "neighbours, by rows": ("24,000", "200,000", (1, (200 / 24) ** 2), (-1, 1)),
}


@pytest.mark.parametrize("case", GROWTH)
def test_time_and_memory_grow_no_more_than_is_said(case):
    first, last, longer, more = GROWTH[case]
    few, many = (fill.measured("growth")[case][size] for size in (first, last))
    assert longer[0] <= many["seconds"]["median"] / few["seconds"]["median"] <= longer[1]
    assert more[0] <= (many["peak_mb"] - few["peak_mb"]) / 1000 <= more[1]


def test_a_hundred_times_as_many_images_lengthen_a_step_on_a_gpu_by_an_eighth_at_most():
    few, *_, many = fill.measured("gpu")["growth"]["images"].values()
    assert many["median"] <= 1.125 * few["median"]


def test_every_chapter_runs_on_binder():
    lent = fill.measured("binder").values()
    assert max(row["seconds"] for row in lent) <= 180
    assert max(row["GB"] for row in lent) <= 1.8


def test_processes_send_what_is_counted_and_hardly_more():
    for step in fill.measured("distributed"):
        assert 1 <= step["bytes_per_step"] / fill.counted(step) < 1.01
