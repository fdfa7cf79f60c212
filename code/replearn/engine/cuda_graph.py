"""A training step as one CUDA graph: recorded once, from then on launched as a whole.

A step of networks as small as ours is a thousand kernels, most of which are done before Python has
launched the next one. Replayed as a graph they follow each other without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from replearn.engine import validation

Step = Callable[[Tensor], dict[str, Tensor]]

_WARM_UP = 3  # calls in which libraries choose their kernels and optimisers make their state


class Captured:
    """``step`` that is recorded at its fourth call, and replayed at every later one.

    The first calls are steps like all others. A replay computes what the call would have: it reads
    its argument, the weights and the seed of ``generator`` as they are then, but whatever Python
    did or decided is that of the recorded call.

    Args:
        step: a function of a tensor, always of one shape, to named tensors. It must leave what it
            changes in place, and not wait for the device; if it does (a loss of a reader's that
            looks at a value), a warning says so, and it is called anew at every step.
        generator: the CUDA generator that ``step`` draws from.
    """

    @validation.arguments
    def __init__(self, step: Step, generator: torch.Generator) -> None:
        """Record nothing yet."""
        self._step, self._generator = step, generator
        self._stream = torch.cuda.Stream(generator.device)
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, rows: Tensor) -> dict[str, Tensor]:
        """Return what ``step(rows)`` does; a later call overwrites it."""
        self._calls += 1
        if self._calls == _WARM_UP + 1:
            self._record(rows)
        if self._graph is not None:
            self._rows.copy_(rows)
            self._graph.replay()
            return self._measures
        now = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(now)
        with torch.cuda.stream(self._stream):
            measures = self._step(rows)
        now.wait_stream(self._stream)
        return measures

    def _record(self, rows: Tensor) -> None:
        self._rows, seed = rows.clone(), self._generator.initial_seed()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self._generator)
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                self._measures = self._step(self._rows)
        except RuntimeError as error:
            if "captur" not in str(error):
                raise
            # The state it had counts as being recorded for ever.
            unrecorded = torch.Generator(self._generator.device).graphsafe_get_state()
            self._generator.graphsafe_set_state(unrecorded)
            self._generator.manual_seed(seed)
            warnings.warn(
                "the training step waits for the device, so it cannot be recorded as a graph and "
                f"trains more slowly, several times perhaps: {str(error).splitlines()[0]}",
                stacklevel=2,
            )
        else:
            self._graph = graph
