"""The public checks pass what is right, and of each likely mistake fail one and name it."""

import re

import pytest
import torch
import torch.nn.functional as F

from mistakes import MISTAKES, Mistake
from replearn import losses
from replearn.course import exercises


def failing(question, loss):
    """What each failing check of a question says, by its title."""
    found = {}
    for check in exercises.CHECKS:
        if check.question == question:
            try:
                check.run(loss)
            except exercises.Mistake as error:
                found[check.title] = str(error)
    return found


def test_points_of_each_question_add_up_to_the_questions():
    points = dict.fromkeys(("7b", "8a"), 0.0)
    for check in exercises.CHECKS:
        points[check.question] += check.points
    assert points == pytest.approx({"7b": 1, "8a": 1})


def spelt_out(z, z_pos, tau=0.07):
    """Another right answer: nothing of the framework's loss, rows normalised once more."""
    logits = (F.normalize(z, dim=1) @ F.normalize(z_pos, dim=1).T) / tau
    return (logits.exp().sum(1).log() - logits.diagonal()).mean()


@pytest.mark.parametrize(
    ("question", "loss"),
    [
        *(("7b", losses.reconstruction_loss), ("7b", F.mse_loss), ("8a", losses.info_nce)),
        ("8a", spelt_out),
    ],
)
def test_right_answers_pass(question, loss):
    assert failing(question, loss) == {}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.loss.__name__)
def test_a_mistake_fails_the_check_that_is_about_it_alone(mistake: Mistake):
    found = failing(mistake.question, mistake.loss)
    assert list(found) == [mistake.title]
    assert re.search(mistake.hint, found[mistake.title])


def test_one_call_prints_a_line_a_check(capsys):
    exercises.check("8a")
    assert capsys.readouterr().out.count("✓") == 5
    exercises.check("7b", lambda images, reconstructions: reconstructions - images)
    out = capsys.readouterr().out
    assert "must be one number, a tensor of shape (), got shape (4, 3, 6, 6)" in out


def test_a_loss_that_breaks_off_is_quoted(capsys):
    def unwritten(z, z_pos, tau):
        raise NotImplementedError("not implemented yet")

    exercises.check("8a", unwritten)
    assert capsys.readouterr().out.count("NotImplementedError: not implemented yet") == 5


def test_a_loss_that_is_not_finite_is_named():
    found = failing("8a", lambda z, z_pos, tau: torch.tensor(torch.nan, requires_grad=True))
    assert "must be finite, got nan" in found["one number, with gradients"]
