"""What the book says of its encoders, held against every run that is kept; nothing is trained."""

import json

import pytest

from replearn.course import records
from replearn.neighbors import FACTORS


@pytest.mark.parametrize("statement", records.STATEMENTS, ids=str)
def test_every_statement_holds_of_every_kept_run_of_both_recipes(statement):
    (found,) = records.checked(statements=[statement])
    worst = {name: found.worst[name] for name in ("recipe", "seed", "chip", "sensitivity")}
    assert found.margin > 0, worst


@pytest.mark.parametrize("net", ["A", "B", "C", "autoencoder"])
def test_statements_stand_on_five_seeds_of_fast_and_three_of_reference(net):
    seeds = {"fast": set(), "reference": set()}
    for row in records.read("quality"):
        if row["label"] == net:
            seeds[row["recipe"]].add(row["seed"])
    assert len(seeds["fast"]) >= 5
    assert len(seeds["reference"]) >= 3


def test_no_seed_is_kept_twice_of_one_machine():
    rows = records.read("quality")
    names = [tuple(row[k] for k in ("label", "recipe", "seed", "chip")) for row in rows]
    assert len(set(names)) == len(names)


ROW = {"label": "A", "recipe": "fast", "seed": 0, "chip": "x"}
SCORES = dict(zip(FACTORS, (0.1, 0.9, 0.6, 0.3, 0.0), strict=True))


@pytest.mark.parametrize(
    ("factor", "word", "margin"),
    [
        ("color", "invariant", 0.15),
        ("shape", "sensitive", 0.1),
        ("size", "sensitive", -0.2),
        ("size", "invariant", -0.05),
        ("size", "not sensitive", 0.2),
        ("size", "not invariant", 0.05),
        ("location", "kept best", 0.3),
        ("shape", "kept best", -0.3),
    ],
)
def test_a_margin_is_the_way_to_the_rules_end(factor, word, margin):
    statement = records.Statement("A", factor, word)
    assert statement.margin(SCORES) == pytest.approx(margin)


def test_the_worst_of_all_runs_counts():
    scores = [{**SCORES, "color": value} for value in (0.1, 0.24, 0.2)]
    rows = [{**ROW, "seed": k, "sensitivity": some} for k, some in enumerate(scores)]
    other = {**ROW, "label": "B", "sensitivity": {**SCORES, "color": 1.0}}
    (found,) = records.checked([*rows, other], [records.Statement("A", "color", "invariant")])
    assert (found.runs, found.worst["seed"]) == (3, 1)
    assert found.margin == pytest.approx(0.01)


def test_means_are_over_one_run_a_seed():
    rows = [
        {**ROW, "chip": chip, "seed": seed, "finished": finished}
        for chip, seed, finished in (("x", 1, "2026-02"), ("x", 0, "2026-01"), ("y", 0, "2026-03"))
    ]
    rows.append({**rows[0], "recipe": "reference", "seed": 7})
    rows.append({**rows[0], "label": "B", "seed": 8})
    kept = records.runs("A", "fast", rows)
    assert [(row["seed"], row["chip"]) for row in kept] == [(0, "y"), (1, "x")]
    assert records.runs("A", "smoke", rows) == []


@pytest.mark.parametrize(
    ("scores", "step"),
    [
        ((0.9, 0.1, 0.2, 0.6, 0.8), 3),  # what was there at first and got lost does not count
        ((0.1, 0.5, 0.7, 0.8, 0.8), 1),
        ((0.8, 0.8, 0.8, 0.8, 0.8), 0),
        ((0.8, 0.8, 0.8, 0.8, 0.2), None),
        ((0.0, 0.0, 0.0, 0.0, 0.9), 4),
    ],
)
def test_a_factor_is_settled_once_it_stays_above_half(scores, step):
    trace = [{"step": k, "shape": score} for k, score in enumerate(scores)]
    assert records.settled(trace, "shape") == step


def test_a_trace_without_the_factor_is_refused():
    with pytest.raises(ValueError, match="factor must be one of 'shape'"):
        records.settled([{"step": 0, "shape": 0.5}], "color")
    with pytest.raises(ValueError, match="at least 1"):
        records.settled([], "color")


def test_a_statement_about_a_network_without_runs_is_refused():
    with pytest.raises(ValueError, match=r"one of \['A'\], got 'D'"):
        records.checked(
            [{**ROW, "sensitivity": SCORES}], [records.Statement("D", "color", "invariant")]
        )


def test_statements_name_what_there_is():
    with pytest.raises(ValueError, match="factor must be one of"):
        records.Statement("A", "weight", "invariant")
    with pytest.raises(ValueError, match="word must be one of"):
        records.Statement("A", "color", "forgotten")
    assert str(records.Statement("A", "color", "invariant")) == "A: colour invariant"


def test_records_are_found_from_any_folder_below(tmp_path, monkeypatch):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "book" / "shapes").mkdir(parents=True)
    (tmp_path / "benchmarks" / "some.json").write_text(json.dumps([{"a": "∘"}]), encoding="utf-8")
    monkeypatch.chdir(tmp_path / "book" / "shapes")
    assert records.read("some") == [{"a": "∘"}]
    assert records.read("quality")  # not there, but beside the library
    with pytest.raises(FileNotFoundError, match=r"'quality'.*got 'none'"):
        records.read("none")
