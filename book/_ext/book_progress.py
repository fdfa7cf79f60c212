"""A build is never silent: each page is told in a line when it is done, and a long one meanwhile.

The line has the page's number, its title, whether its cells were executed or found in the cache,
and the seconds. Whatever takes long gives signs of life, which name the cell that runs. The news
comes from the logs of Sphinx, MyST-NB and nbclient, whose own lines are left out.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from book_chapters import Chapter

LOG = getLogger(__name__)
PAUSE = 15.0  # seconds from one sign of life to the next
# How MyST-NB begins what it says of a page's cells, and the word for it.
HOW = {"Executed": "executed", "Using cached": "cached", "Executing notebook failed": "failed"}


@contextmanager
def alive(what: Callable[[], str]) -> Iterator[None]:
    """Say every ``PAUSE`` seconds what is under way and for how long, until it ends or fails."""
    begun, over = time.monotonic(), threading.Event()

    def tell() -> None:
        while not over.wait(PAUSE):
            LOG.info("          … %s, %.0f s", what(), time.monotonic() - begun)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Reading:
    """How far a build is with its pages, and with the cells of the one it reads."""

    total = number = cells = cell = 0
    title, how, signs = "", "read", ExitStack()

    def begin(self, app: Sphinx, env: Any, pages: list[str]) -> None:
        """Count the pages."""
        self.total = len(pages)

    def hear(self, record: logging.LogRecord) -> bool:
        """Note how far the page is; while pages are read, only warnings and errors pass."""
        said = str(record.msg)
        if said.startswith("Executing cell"):
            self.cell += 1
            self.where = f"{self.title}: cell {self.cell} of {self.cells}"
        self.how = next((how for start, how in HOW.items() if said.startswith(start)), self.how)
        if self.how == "failed":
            self.signs.close()  # nothing comes between the lines of the error
        return record.levelno >= logging.WARNING or not self.total

    def open(self, app: Sphinx, page: str, source: list[str]) -> None:
        """Begin a page, and its signs of life."""
        self.number, self.cell, self.how, self.begun = self.number + 1, 0, "read", time.monotonic()
        chapter = Chapter(source[0])
        self.title = self.where = chapter.plain_title or page
        self.cells = len(chapter.cells)
        logging.getLogger(f"sphinx.mystnb-{page}").addFilter(self.hear)
        self.signs.enter_context(alive(lambda: self.where))

    def close(self, app: Sphinx, doctree: Any) -> None:
        """End a page with its line."""
        self.signs.close()
        number = f"[{self.number:{len(str(self.total))}}/{self.total}]"
        seconds = time.monotonic() - self.begun
        LOG.info("  %s %-49s %-8s %6.1f s", number, self.title, self.how, seconds)

    def end(self, app: Sphinx, _: Any) -> None:
        """Leave the pages, also after one that failed."""
        self.signs.close()
        self.total = 0


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, after those who change a page's source or doctree."""
    reading = Reading()
    logging.getLogger("traitlets").setLevel(logging.DEBUG)  # nbclient's log
    for name in ("traitlets", "sphinx.sphinx.util.display"):
        logging.getLogger(name).addFilter(reading.hear)
    app.connect("env-before-read-docs", reading.begin)
    app.connect("source-read", reading.open, priority=900)
    app.connect("doctree-read", reading.close, priority=900)
    app.connect("env-updated", reading.end)
    app.connect("build-finished", reading.end, priority=1)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
