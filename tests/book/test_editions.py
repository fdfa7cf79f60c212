"""The marks of the two editions, and those out of place."""

import pytest
import yaml

from book_editions import edition

MARKED = """\
before

% instructor

for instructors
% student
% for students
%
% - twice
% end

after
"""


def test_each_edition_has_its_part():
    assert edition(MARKED, "instructor") == "before\n\nfor instructors\n\nafter\n"
    assert edition(MARKED, "student") == "before\n\nfor students\n\n- twice\n\nafter\n"


def test_marks_work_in_the_header_of_a_cell():
    text = "a:\n  # instructor\n  b: 1\n  # student\n  # b: 2\n  # end\n"
    assert yaml.safe_load(edition(text, "instructor")) == {"a": {"b": 1}}
    assert yaml.safe_load(edition(text, "student")) == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("% end\n", "line 1: 'end' cannot follow a part for both"),
        ("% instructor\n\n% instructor\n", "line 3: 'instructor' cannot follow .* instructor"),
        ("% student\n% a\n% instructor\n", "line 3"),
        ("% instructor\na\n", "the part for instructor has no end"),
        ("% student\na\n% end\n", "line 2: a student's part is a comment, not 'a"),
    ],
)
def test_mark_out_of_place_is_named(text, named):
    with pytest.raises(ValueError, match=named):
        edition(text, "student")
