"""A training step as one CUDA graph: recorded once, from then on launched as a whole.

A step of networks as small as ours is a thousand kernels, and most of them finish before Python has
launched the next one. Replayed as a graph, they follow each other without waiting for Python.
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
    """A ``step`` that is recorded at its fourth call, and replayed from then on.

    The first three calls are ordinary steps. A replay computes what a call would: it reads the
    argument, the weights and the seed of ``generator`` as they are at the time. But all that Python
    does or decides is fixed by the recorded call.

    Args:
        step: takes a tensor, always of the same shape, and returns named tensors. It must change
            tensors in place, and not wait for the device. If it waits (say, because a reader's loss
            looks at a value), a warning says so, and it is called at every step, unrecorded.
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
            # torch would count the generator's old state as being recorded for ever.
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
