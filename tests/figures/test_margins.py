import math

import pytest
import torch

from replearn import geometry
from replearn.figures import margins as pictures
from replearn.figures import style
from replearn.theory import arrangements


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def chords(ax):
    """(line style, length) of each straight segment of two points."""
    found = []
    for line in ax.lines:
        x, y = line.get_data()
        if len(x) == 2:
            found.append((line.get_linestyle(), math.hypot(x[1] - x[0], y[1] - y[0])))
    return found


def test_arrangements_say_name_accuracy_and_verdict_of_each_case():
    cases = arrangements.four()
    fig = pictures.arrangements(cases)
    for ax, (name, case) in zip(fig.axes, cases.items(), strict=True):
        first, second = ax.get_title().split("\n")
        assert first == name
        assert second.endswith(": not perfect") == (not geometry.perfect_accuracy(*case))
        assert f"{100 * geometry.accuracy(*case):g} %" in second


def test_features_on_circle_show_every_case_and_judge_none():
    cases = arrangements.four()
    fig = pictures.features_on_circle(cases)
    assert [ax.get_title() for ax in fig.axes] == list(cases)
    assert all(chords(ax) == [] for ax in fig.axes)


def test_arrangements_draw_every_feature_once_with_a_marker_of_its_group():
    (ax,) = pictures.arrangements({"one": arrangements.four()["taking turns"]}, cols=1).axes
    assert [len(dots.get_offsets()) for dots in ax.collections] == [4, 4, 4]
    assert len({dots.get_paths()[0].vertices.tobytes() for dots in ax.collections}) == 3
    assert len(set(style.CYCLE)) == len(style.CYCLE)


def test_arrangements_print_the_diameters_and_margins():
    features, groups = arrangements.counterexample("iii")
    printed = " ".join(texts(pictures.arrangements({"iii": (features, groups)}, cols=1)))
    for diameter in geometry.diameters(features, groups).tolist():
        assert f"{diameter:.2f}" in printed
    assert f"1–2: {float(geometry.margins(features, groups)[0, 1]):.2f}" in printed


@pytest.mark.parametrize("condition", ["i", "iii"])
def test_a_failing_arrangement_shows_a_lost_quiz_and_a_perfect_one_none(condition):
    lost = pictures.arrangements({"lost": arrangements.counterexample(condition)}, cols=1)
    lengths = dict(chords(lost.axes[0]))
    assert lengths["-"] >= lengths["--"]
    won = pictures.arrangements({"won": arrangements.four()["tight clusters"]}, cols=1)
    assert chords(won.axes[0]) == []


def test_diameter_and_margin_draws_segments_of_just_those_lengths():
    features, groups = arrangements.four()["three wide arcs"]
    fig = pictures.diameter_and_margin(features, groups, 0, 2)
    lengths = dict(chords(fig.axes[0]))
    assert lengths["-"] == pytest.approx(float(geometry.diameters(features, groups)[0]))
    assert lengths["--"] == pytest.approx(float(geometry.margins(features, groups)[0, 2]))


@pytest.mark.parametrize("name", arrangements.four())
def test_read_off_marks_exactly_the_conditions_that_hold(name):
    case = arrangements.four()[name]
    (ax,) = pictures.read_off(*case).axes
    marks = [text.get_text() for text in ax.texts if text.get_text() in "✓✗"]
    assert [mark == "✓" for mark in marks] == [
        geometry.satisfies(*case, condition) for condition in geometry.CONDITIONS
    ]


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        *((1.0, "100 %"), (1 - 1e-12, "99.99 %"), (1e-12, "0.01 %"), (0.0, "0 %")),
        *((0.57, "57 %"), (0.07, "7 %")),
    ],
)
def test_a_share_is_shown_as_it_is_and_only_everything_as_100_percent(share, shown):
    assert pictures._percent(share) == shown


def test_the_cleared_arcs_are_as_long_as_the_cluster():
    (ax,) = pictures.cleared_arc(50).axes
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 2
    for line in dashed:
        x, y = (values.tolist() for values in map(torch.as_tensor, line.get_data()))
        chord = math.hypot(x[-1] - x[0], y[-1] - y[0])
        assert chord == pytest.approx(2 * math.sin(math.radians(25)))


def test_criteria_states_the_shares_that_hold():
    features, groups = arrangements.counterexample("ii")
    groups[1] = 5  # the second group's tip alone: its diameter is 0
    fig = pictures.criteria({"case": (features, groups)}, torch.rand(2, 3))
    left, right = fig.axes
    assert left.get_title() == "case\ncondition ii: 50 % of the groups"
    assert right.get_title() == "case\ncriterion: 100 % of the anchors"
    assert len(left.collections[-1].get_offsets()) == 2
    assert len(right.collections[-1].get_offsets()) == 6
