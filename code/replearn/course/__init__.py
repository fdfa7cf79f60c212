"""What the course adds to the library: claims, exercises, and the networks of the book.

Importing it makes ``$REPLEARN_RECIPE``, if set, the recipe that is used where none is named.
"""

import os
from typing import Any

from replearn import recipes

if _named := os.environ.get("REPLEARN_RECIPE"):
    recipes.use(_named)


def load_ipython_extension(shell: Any) -> None:
    """Prepare a kernel that runs a page of the book (``%load_ext replearn.course``).

    The kernel is gone by the time the page is read, so the page gets no picture that needs one; it
    gets each figure for a phone, too.
    """
    from replearn.figures import style  # slow to import, and a shell has no use for it

    style.DRAWS_TWICE = True
    # instructor
    from replearn.figures import widgets

    widgets.HAS_KERNEL = False
    # end
