"""The public checks: what the losses of Questions 7b and 8a have to do."""

import pytest

from replearn import losses
from replearn.course import exercises

LOSSES = {"7b": losses.reconstruction_loss, "8a": losses.info_nce}


@pytest.mark.parametrize("check", exercises.CHECKS, ids=lambda one: f"{one.question}: {one.title}")
def test_loss(check):
    check.run(LOSSES[check.question])
