"""The networks of the book in small files, for machines on which they would train for hours.

A table of weights W, be it a matrix or the kernels of a convolution, is kept as W ≈ s Q: the
entries of Q are integers from −127 to 127, and s holds one scale a row, the row's largest
magnitude ÷ 127, so that no entry moves by more than s / 2. Vectors and histories stay as they are.

    python -m replearn.published pack FOLDER      # train or load the networks, write their files
    python -m replearn.published unpack FOLDER    # put them into the store of runs
    python -m replearn.published embed FOLDER     # and beside them their features
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from replearn import augmentations, checks, circle, evaluation, losses, runs, training
from replearn.augmentations import Augmentation
from replearn.training import Loss, Run

PROVENANCE = "provenance.json"
"""The file beside the packed runs that says what they are, and what rounding did to them."""

_LARGEST = 127
_SCALE = ".scale"


@checks.arguments
@dataclass(frozen=True)
class Network:
    """A network of the book.

    Attributes:
        augmentation: makes the pairs of a contrastive encoder; None for the autoencoder.
        loss: the contrastive loss.
    """

    augmentation: Augmentation | None = None
    loss: Loss = losses.info_nce

    def train(self) -> Run:
        """Train the network by the default recipe, or load the stored run."""
        if self.augmentation is None:
            return training.train_autoencoder()
        return training.train_contrastive(self.augmentation, loss=self.loss)

    def scores(self) -> dict[str, Any]:
        """Return :func:`evaluation.scores` of :meth:`train`."""
        return evaluation.scores(self.train(), self.augmentation, loss=self.loss)


NETWORKS: dict[str, Network] = {
    "autoencoder": Network(),
    **{name: Network(augmentations.BY_NAME[name]) for name in "ABC"},
    "B∘grayscale": Network(augmentations.compose(augmentations.B, augmentations.grayscale)),
    **{
        f"{name}, onto the circle": Network(augmentations.BY_NAME[name], circle.info_nce_on_circle)
        for name in "AB"
    },
}
"""Every network that a chapter looks at, by name."""


@checks.arguments
def rounded(tensors: Mapping[str, Float[Tensor, " ..."]]) -> dict[str, Tensor]:
    """Return ``tensors`` with W, each of two dimensions or more, as Q in 8 bits and its scales s.

    Args:
        tensors: floating-point tensors by name, all finite.

    Returns:
        Q under the name of W, int8, and s under that name followed by ``.scale``, (rows,).

    Raises:
        ValueError: if a tensor is not finite.
    """
    small: dict[str, Tensor] = {}
    for name, weights in tensors.items():
        checks.finite(f"tensors[{name!r}]", weights)
        if weights.ndim < 2 or not weights.numel():
            small[name] = weights
            continue
        scale = weights.flatten(1).abs().amax(1) / _LARGEST
        scale = scale.clamp_min(torch.finfo(scale.dtype).tiny)  # of a row of zeros
        small[name] = (weights / _column(scale, weights)).round().to(torch.int8)
        small[name + _SCALE] = scale
    return small


@checks.arguments
def restored(small: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return s Q for every table of :func:`rounded`, and the rest as it is."""
    return {
        name: tensor * _column(small[name + _SCALE], tensor) if name + _SCALE in small else tensor
        for name, tensor in small.items()
        if not name.endswith(_SCALE)
    }


def _column(scale: Tensor, weights: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (weights.ndim - 1))


@checks.arguments
def pack(name: str, file: Path) -> None:
    """Write the stored run ``name`` into ``file``, its weights :func:`rounded`.

    Raises:
        ValueError: if there is no such run in store.
    """
    found = runs.load(name)
    if found is None:
        raise ValueError(f"name must be that of a run in {runs.folder()}, got {name!r}")
    tensors, facts = found
    del facts["format"]  # the store's
    about = json.dumps({**facts, "weights": "rounded to 8 bits"}, ensure_ascii=False)
    file.write_bytes(safetensors.torch.save(rounded(tensors), {"run": about}))


@checks.arguments
def unpack(file: Path) -> str:
    """Store the run that :func:`pack` wrote into ``file``, unless it is there; return its name.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a packed run.
    """
    try:
        with safetensors.safe_open(file, framework="pt") as opened:
            facts = json.loads((opened.metadata() or {})["run"])
            small = {entry: opened.get_tensor(entry) for entry in opened.keys()}  # noqa: SIM118
        name: str = facts["key"]
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"file must be a packed run, got {file} ({error!r})") from error
    with runs.lock(name):
        if runs.load(name) is None:
            runs.save(name, restored(small), facts)
    return name


@checks.arguments
def pack_all(folder: Path) -> None:
    """Write every one of :data:`NETWORKS` into ``folder``, trained or from the store.

    One that is published there already, by the code and recipe of now, stays as it is.

    ``provenance.json`` says of each where and when it was trained, by what recipe, how long, its
    file's checksum, and its :func:`evaluation.scores` before and after its weights were rounded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before, provenance = {}, {}
    if (folder / PROVENANCE).exists():
        before = unpack_all(folder)
    for name, network in NETWORKS.items():
        network.train()
        facts = network.train().facts  # as they are in store, with the key
        if facts["key"] == before.get(name, {}).get("key"):
            provenance[name] = before[name]
            continue
        file = folder / f"{facts['key']}.safetensors"
        pack(facts["key"], file)
        provenance[name] = {
            **facts,
            "file": file.name,
            "sha256": _checksum(file),
            "scores": {"as trained": network.scores(), "rounded": _scores_unpacked(network, file)},
        }
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    for file in folder.glob("*.safetensors"):  # not before: to train anew may fail, or take hours
        if file.name not in {facts["file"] for facts in provenance.values()}:
            file.unlink()


def _scores_unpacked(network: Network, file: Path) -> dict[str, Any]:
    """Return the scores of what is in ``file``, in a store of its own."""
    before = os.environ.get("REPLEARN_RUNS", "")
    with tempfile.TemporaryDirectory() as store:
        os.environ["REPLEARN_RUNS"] = store
        try:
            unpack(file)
            return network.scores()
        finally:
            os.environ["REPLEARN_RUNS"] = before


@checks.arguments
def unpack_all(folder: Path) -> dict[str, Any]:
    """Put every run that ``provenance.json`` in ``folder`` names into the store; return it.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: for a file that is damaged.
    """
    provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    for name, facts in provenance.items():
        file = folder / facts["file"]
        if _checksum(file) != facts["sha256"]:
            raise ValueError(f"{file} must have the checksum that {PROVENANCE} names for {name}")
        unpack(file)
    return provenance


@checks.arguments
def embed_all(folder: Path) -> None:
    """Store :func:`evaluation.features` of every run that ``provenance.json`` in ``folder`` names.

    Chapters on a machine of the same precision then need not compute them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it names a network that the book does not have.
    """
    for name in json.loads((folder / PROVENANCE).read_text(encoding="utf-8")):
        checks.one_of("network", name, tuple(NETWORKS))
        evaluation.features(NETWORKS[name].train())


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


COMMANDS: dict[str, Callable[[Path], object]] = {
    "pack": pack_all,
    "unpack": unpack_all,
    "embed": embed_all,
}


@checks.arguments
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0 if all went well, 1 with a message if not."""
    parser = argparse.ArgumentParser(prog="replearn.published", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        COMMANDS[options.command](options.folder)
    except (ValueError, OSError, FloatingPointError, MemoryError, RuntimeError) as error:
        print(f"replearn.published: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
