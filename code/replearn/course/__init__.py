"""What the course adds to the library: claims, exercises, and the networks of the book.

Importing it makes ``$REPLEARN_RECIPE``, where it is set, the recipe that is used where none is named.
"""

import os
from typing import Any

from replearn import recipes

if _named := os.environ.get("REPLEARN_RECIPE"):
    recipes.use(_named)


def load_ipython_extension(shell: Any) -> None:
    """Prepare the kernel of a page: ``c.InteractiveShellApp.extensions = ["replearn.course"]``.

    The kernel is gone when the page is read, so :func:`widgets.live` has nothing to show on it.
    """
    from replearn.figures import widgets  # slow to import, and a shell has no use for it

    widgets.HAS_KERNEL = False
