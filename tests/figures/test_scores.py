"""Tables and bars say what was measured."""

import math

import pytest
import torch

from replearn import figures, ruler
from replearn.evaluation import LAYERS
from replearn.neighbors import FACTORS
from replearn.shapes import Factors
from replearn.theory.invariances import predicted

SCORES = {
    "pixels": dict(zip(FACTORS, (0.9, 0.914, 0.2, 0.7, 0.5), strict=True)),
    "B": dict(zip(FACTORS, (0.99, -0.004, 0.1, 0.3, -0.02), strict=True)),
}
PREDICTED = {"B": predicted("B")}


def cells(table):
    header, rule, *rows = table._repr_markdown_().splitlines()
    assert set(rule) <= set("|:- ")
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, *rows)]


def test_score_table_puts_the_prediction_before_the_score():
    header, pixels, b = cells(figures.score_table(SCORES, PREDICTED))
    assert header == ["encoder", "colour", "location", "shape", "size", "rotation"]
    assert pixels == ["pixels", "0.90", "0.91", "0.20", "0.70", "0.50"]
    scores = ("sensitive: 0.99", "invariant: 0.00", "sensitive: 0.10", "partly: 0.30")
    assert b == ["B", *scores, "invariant: −0.02"]


def test_seeds_table_has_the_ends_or_one_number():
    seeds = [dict.fromkeys(FACTORS, 0.2), dict.fromkeys(FACTORS, 0.2) | {"size": -0.1}]
    header, row = cells(figures.seeds_table({"B": seeds}))
    assert header[:3] == ["network", "seeds", "colour"]
    assert row[:3] == ["B", "2", "0.20"]
    assert row[2 + FACTORS.index("size")] == "−0.10–0.20"
    with pytest.raises(ValueError, match="must be at least 1"):
        figures.seeds_table({"B": []})


def test_prediction_table_has_a_row_an_encoder():
    _, row = cells(figures.prediction_table(PREDICTED))
    assert row == ["B", *PREDICTED["B"].values()]


def test_factor_table_reads_like_the_factors():
    row = 1, 7, [0.5, 0.3, 0.1], [12.34, 50.0], 20.0, math.pi / 2
    factors = Factors(*(torch.tensor([value]) for value in row))
    _, row = cells(figures.factor_table(factors))
    assert row == ["triangle", "brown", "(12.3, 50.0)", "20.0", "90°"]
    factors.angle[0] = math.radians(359.8)
    assert cells(figures.factor_table(factors))[1][-1] == "0°", "angles are below 360°"


def at(ax, marker):
    """Where a panel's lines and points begin, of those with a marker."""
    return [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == marker]


def test_bars_are_as_long_as_the_scores_and_circles_stand_at_the_predictions():
    axes = figures.sensitivity_bars(SCORES, PREDICTED).axes
    assert len(axes) == len(FACTORS)
    targets = {"sensitive": [1.0], "invariant": [0.0], "partly": []}
    for ax, factor in zip(axes, FACTORS, strict=True):
        widths = [bar.get_width() for bar in ax.patches]
        assert widths == pytest.approx([SCORES[name][factor] for name in SCORES])
        assert at(ax, "o") == targets[PREDICTED["B"][factor]]
        assert at(ax, "None") == [ruler.INVARIANT, ruler.SENSITIVE]


def test_bars_without_predictions_have_no_circles():
    fig = figures.sensitivity_bars(SCORES)
    assert not fig.legends
    assert not any(at(ax, "o") for ax in fig.axes)


def test_layer_accuracy_draws_each_encoder_in_both_panels_beside_chance():
    values = [k / 10 for k in range(len(LAYERS))]
    accuracies = {"A": {"color": values, "shape": values[::-1]}}
    color, shape = figures.layer_accuracy(accuracies).axes
    assert [ax.get_title() for ax in (color, shape)] == ["same colour", "same shape"]
    for ax, chance, expected in ((color, 1 / 8, values), (shape, 1 / 3, values[::-1])):
        dotted, line = ax.lines
        assert dotted.get_ydata()[0] == pytest.approx(chance)
        assert list(line.get_ydata()) == expected
        assert [tick.get_text() for tick in ax.get_xticklabels()] == list(LAYERS)


@pytest.mark.parametrize("n", [0, 7])
def test_no_more_encoders_than_can_be_told_apart(n):
    accuracies = {str(k): dict.fromkeys(("color", "shape"), [0.5] * len(LAYERS)) for k in range(n)}
    with pytest.raises(ValueError, match=rf"len\(accuracies\) must lie in \[1, 6\], got {n}"):
        figures.layer_accuracy(accuracies)


def test_layer_probes_draw_each_encoder_in_a_panel_a_factor():
    layers = [dict.fromkeys(FACTORS, k / 10) for k in range(len(LAYERS))]
    fig = figures.layer_probes({"A": layers, "B": layers[::-1]}, ("shape", "size"))
    assert [ax.get_title() for ax in fig.axes] == ["shape", "size"]
    guess, a, b = fig.axes[1].lines
    assert set(guess.get_ydata()) == {0}
    assert list(a.get_ydata()) == list(b.get_ydata())[::-1] == [k / 10 for k in range(len(LAYERS))]
    with pytest.raises(ValueError, match="8 layers, got 7 of 'A'"):
        figures.layer_probes({"A": layers[1:]})
