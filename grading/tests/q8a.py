"""Question 8a, for Otter-Grader: the public checks of the contrastive loss."""

from functools import partial

from otter.test_files import test_case

from replearn.course.exercises import CHECKS

OK_FORMAT = False  # of a kind that raises
name = "q8a"

for check in CHECKS:
    if check.question == "8a":
        globals()[check.title] = test_case(name=check.title, points=check.points)(
            partial(lambda run, info_nce: run(info_nce), check.run)
        )
