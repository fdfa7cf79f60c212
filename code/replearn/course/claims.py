"""Claims: sentences about a measurement that the cell checks before the book says them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool
from torch import Tensor

from replearn.engine import validation
from replearn.engine.console import say


class ClaimFailed(AssertionError):
    """A sentence of the book does not hold for the numbers measured in this build."""


@runtime_checkable
class TrainingRun(Protocol):
    """As much of a training's result as a claim looks at."""

    @property
    def recipe(self) -> str:
        """The recipe's name."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Facts about the run; ``"label"`` is the network's name."""


@validation.arguments
def claim(
    sentence: str, holds: bool | Bool[Tensor, ""], *, on: TrainingRun | Iterable[TrainingRun] = ()
) -> None:
    """Print ``sentence`` with a tick if ``holds``; raise :class:`ClaimFailed` if it does not.

    The recipe ``smoke`` hardly trains a network, so a sentence about such a network may fail: it is
    printed with a cross and the network's name. No other sentence may fail, in any build.

    Args:
        sentence: what the book says.
        holds: whether it is true.
        on: the run, or runs, whose numbers the sentence is about; none for a sentence that holds
            whatever a network has learnt.

    Raises:
        TypeError: if ``on`` is anything but training runs.

    Examples:
        >>> claim("A simplex has the least contrastive loss.", holds=True)
        ✓ A simplex has the least contrastive loss.
    """
    runs = [on] if isinstance(on, TrainingRun) else list(on)
    for run in runs:
        if not isinstance(run, TrainingRun):
            raise TypeError(f"on must be a TrainingRun or several, got {run!r} for one")
    hardly_trained = dict.fromkeys(run.facts["label"] for run in runs if run.recipe == "smoke")
    if holds:
        say(f"✓ {sentence}")
    elif hardly_trained:
        say(f"✗ (smoke build: {', '.join(hardly_trained)} hardly trained) {sentence}")
    else:
        raise ClaimFailed(sentence)
