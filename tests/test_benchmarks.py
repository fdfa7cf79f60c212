"""Benchmarks are fair: contestants run in turn, and ratios are taken within a round."""

import json

import pytest

import quality
from race import race, spread, timed
from rows import keep


def test_contestants_warm_up_once_and_then_run_in_turn():
    order = []

    def contestant(name, laps):
        def run():
            order.append(name)
            return laps[order.count(name) - 1]

        return run

    # The machine is twice as slow in the second round, and slower still in the third.
    ours, theirs = contestant("ours", [9, 1, 2, 3]), contestant("theirs", [99, 4, 8, 15])
    row = race("case", {"ours": ours, "theirs": theirs}, rounds=3, batch=7)
    assert order == ["ours", "theirs"] * 4
    assert row["case"] == "case"
    assert row["batch"] == 7
    assert row["seconds"]["ours"] == {"median": 2, "least": 1, "most": 3}
    assert row["ratio"] == {"theirs": {"median": 4, "least": 4, "most": 5}}


def test_spread_keeps_four_digits():
    assert spread([1.23456, 100.0, 2.0])["least"] == 1.235


def test_timed_takes_the_time_of_its_work_alone(monkeypatch):
    now = [5.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def work():
        now[0] += 2.5

    contestant = timed(work)
    now[0] += 100  # before it runs
    assert [contestant(), contestant()] == [2.5, 2.5]


def row(seed, value, plan=1, label="A"):
    return {"label": label, "recipe": "fast", "seed": seed, "plan": plan, "value": value}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_a_row_takes_the_place_of_the_older_one_of_its_case(tmp_path, order):
    file = tmp_path / "rows.json"
    for seed in order:
        keep(file, row(seed, "old"), ("label", "seed"))
    keep(file, row(1, "∘"), ("label", "seed"))
    rows = json.loads(file.read_text(encoding="utf-8"))
    assert [(one["seed"], one["value"]) for one in rows] == [(0, "old"), (1, "∘"), (2, "old")]


def test_rows_of_a_plan_that_is_no_more_go(tmp_path):
    file, own = tmp_path / "rows.json", ("label", "recipe", "seed")
    for old in (row(0, "old"), row(1, "old"), row(0, "old", label="B")):
        keep(file, old, own)
    new = row(0, "new", plan=2)
    keep(file, new, own, lambda old: quality.of_another_plan(new, old))
    assert [one["value"] for one in json.loads(file.read_text(encoding="utf-8"))] == ["new", "old"]
