"""Question 7b, for Otter-Grader: the public checks of the reconstruction loss."""

from functools import partial

from otter.test_files import test_case

from replearn.course.exercises import CHECKS

OK_FORMAT = False  # of a kind that raises
name = "q7b"

for check in CHECKS:
    if check.question == "7b":
        globals()[check.title] = test_case(name=check.title, points=check.points)(
            partial(lambda run, reconstruction_loss: run(reconstruction_loss), check.run)
        )
