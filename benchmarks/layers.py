"""What probes read from each layer of the book's encoders, kept beside this file as layers.json.

    python benchmarks/layers.py     # about ten minutes

One row an encoder and layer, from the pixels to the latent, by the recipe ``fast``, seed 0.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from quality import trained
from replearn import evaluation, probes
from replearn.engine.devices import machine
from replearn.networks import Encoder

RESULTS = Path(__file__).with_name("layers.json")
NETS = ("autoencoder", "A", "B", "C")
PROBED = {"known": 2_000, "asked": 1_000}  # images: the first layers are wide


class UpTo(torch.nn.Module):
    """An encoder that stops at one of :data:`evaluation.LAYERS`."""

    def __init__(self, encoder: Encoder, layer: str) -> None:
        """Take the encoder as it is."""
        super().__init__()
        self.encoder, self.index = encoder, evaluation.LAYERS.index(layer)

    def forward(self, images: Tensor) -> Tensor:
        """Return what the layer computes."""
        return images if not self.index else self.encoder.layers(images)[self.index - 1]


def row(encoder: Encoder, layer: str) -> dict[str, Any]:
    """Return what each kind of probe reads of each factor."""
    stopped = UpTo(encoder, layer).eval()
    found = {m: evaluation.probed(stopped, m, **PROBED) for m in probes.PROBES}  # type: ignore[arg-type]
    return {"layer": layer, "probes": found, **PROBED}


def main() -> None:
    """Measure every layer of every encoder; write the rows as they come."""
    rows = []
    facts = machine(torch.device("cpu"))
    for net in NETS:
        run = trained(net)
        for layer in evaluation.LAYERS:
            finished = datetime.now(UTC).isoformat(timespec="seconds")
            found = row(run.encoder, layer)
            rows.append({"encoder": net, "seed": 0, **found, **facts, "finished": finished})
            RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
