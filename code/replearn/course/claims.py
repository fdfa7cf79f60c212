"""Sentences that a cell checks: the book says nothing about a measurement that is not so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Bool
from torch import Tensor

from replearn.engine import validation


class ClaimFailed(AssertionError):
    """A sentence of the book does not hold for the numbers measured in this build."""


@runtime_checkable
class TrainingRun(Protocol):
    """What a training returns, as far as a claim looks at it."""

    @property
    def recipe(self) -> str:
        """The recipe's name."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What else is known of it; ``"label"`` is the network's name."""


@validation.arguments
def claim(
    sentence: str, holds: bool | Bool[Tensor, ""], *, on: TrainingRun | Iterable[TrainingRun] = ()
) -> None:
    """Print ``sentence`` with a tick if ``holds``; raise :class:`ClaimFailed` if it does not.

    The recipe ``smoke`` hardly trains a network. What is said of one that it trained is forgiven:
    a sentence that fails is printed with a cross and the network's name. No other is forgiven, by
    whatever recipe the book is built.

    Args:
        sentence: what the book says.
        holds: whether it is so.
        on: the run, or runs, whose numbers the sentence is about; none for what is true whatever
            a network has learnt.

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
        print(f"✓ {sentence}")
    elif hardly_trained:
        print(f"✗ (smoke build: {', '.join(hardly_trained)} hardly trained) {sentence}")
    else:
        raise ClaimFailed(sentence)
