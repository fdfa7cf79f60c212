"""The networks of the book: each is found in store, else published with the book, else trained.

``python -m replearn networks`` and ``publish`` call :func:`get` and :func:`pack`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from replearn import augmentations, evaluation, losses, training
from replearn.augmentations import Augmentation
from replearn.engine import quantize, store, validation
from replearn.engine.console import say
from replearn.engine.devices import pick_device
from replearn.engine.identity import Unidentifiable
from replearn.tasks import REVISION, Loss, Task
from replearn.theory import circle
from replearn.training import Run

PROVENANCE = "provenance.json"
"""The file beside the published networks that describes them, and how rounding changed them."""

ROUNDED = "rounded to 8 bits"
"""The value of ``facts["weights"]`` of a run that was published."""

_OF_THE_FILE = ("file", "sha256", "scores")  # in provenance, beside the run's own facts


@validation.arguments
@dataclass(frozen=True)
class Network:
    """A network of the book.

    Attributes:
        augmentation: makes the pairs of a contrastive encoder; None for the autoencoder.
        loss: what is minimised.
    """

    augmentation: Augmentation | None
    loss: Loss

    def blank(self) -> str:
        """Return the message of a loss that a student has yet to write; else an empty string."""
        same = torch.zeros(1, 3, 2, 2) if self.augmentation is None else torch.eye(2)
        try:
            self.loss(same, same, *(() if self.augmentation is None else (1.0,)))
        except NotImplementedError as blank:
            return str(blank)
        except Exception:  # the training will report it
            pass
        return ""

    def task(self) -> Task:
        """Return the task of training the network by the default recipe."""
        return Task(self.augmentation, self.loss)

    def train(self) -> Run:
        """Train the network by the default recipe, or load the stored run."""
        return training.trained(self.task())

    def scores(self, run: Run) -> dict[str, Any]:
        """Return :func:`evaluation.scores` of a run of this network."""
        return evaluation.scores(run, self.augmentation, loss=self.loss)


def networks() -> dict[str, Network]:
    """Return the networks that chapters look at, by name."""
    found = {"autoencoder": Network(None, losses.reconstruction_loss)}
    for name, known in augmentations.SETS.items():
        found[name] = Network(known.augmentation, losses.info_nce)
    # instructor
    for name in "AB":
        onto = Network(augmentations.SETS[name].augmentation, circle.info_nce_on_circle)
        found[f"{name}, onto the circle"] = onto
    # end
    return found


# --- how a build comes by them --------------------------------------------------------------


@validation.arguments
def get(folder: Path, train: bool = False) -> dict[str, dict[str, str]]:
    """Bring all :func:`networks`, and their features, into the store; print how each came there.

    A line is printed for each network, and a progress bar shows its training or embedding.

    Args:
        folder: where the published networks are. If one cannot be used, its line says why, and it
            is trained instead.
        train: train on this machine even the networks that are published.

    Returns:
        For each network its ``"origin"`` (``"found"`` in store, ``"published"`` or ``"trained"``
        here), its ``"key"``, and when it was ``"finished"``. A network is left out if a student has
        yet to write its loss, or if the loss cannot be identified.

    Raises:
        OSError: if the store cannot be written.
        FloatingPointError, MemoryError, RuntimeError: if a training fails.
    """
    _say("networks", f"kept in {store.folder()}")
    published = {} if train else _provenance(folder)
    origins = {}
    for name, network in networks().items():
        task = network.task()
        try:
            key = task.key()
        except Unidentifiable as reason:
            _say(name, f"every chapter has to train it anew: {reason}")
            continue
        if blank := network.blank():
            _say(name, f"waits: {blank}")
            continue
        stored = store.load(key)
        if stored and train and stored[1].get("weights") == ROUNDED:
            store.remove(key)
            stored = None
        origin = "found" if stored else "trained"
        if not stored and not train:
            lacking = _published_into_store(name, key, folder, published)
            origin = "trained" if lacking else "published"
            if lacking and published:
                _say(name, f"to be trained: {lacking}")
        run = training.as_run(task, *stored, pick_device()) if stored else training.trained(task)
        _say(name, f"{origin:<10} {_history(run)}")
        evaluation.features(run)
        origins[name] = {"origin": origin, "key": key, "finished": run.facts["finished"]}
    return origins


@validation.arguments
def origins() -> dict[str, str]:
    """Return the origin of each network, which :func:`get` told the build of this book.

    Outside a build, every network counts as found.
    """
    file = os.environ.get("REPLEARN_NETWORKS")
    told = json.loads(Path(file).read_text(encoding="utf-8")) if file else {}
    return {name: told.get(name, {}).get("origin", "found") for name in networks()}


def _say(name: str, what: str) -> None:
    say(f"  {name:<22} {what}")


def _history(run: Run) -> str:
    facts = run.facts
    return (
        f"{run.recipe}, {run.steps} steps, {facts['finished'][:10]}, "
        f"{run.seconds / 60:.1f} min on {facts['chip']}"
    )


def _provenance(folder: Path) -> dict[str, Any]:
    """Return what ``folder`` says it publishes; print why, and return nothing, if unreadable."""
    if not folder.exists():
        return {}
    try:
        provenance = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        if not all(isinstance(facts, dict) for facts in provenance.values()):
            raise ValueError("it must say of each network what it is")
        return provenance
    except (OSError, ValueError, AttributeError) as error:
        _say("published", f"none: {folder / PROVENANCE} cannot be used ({error})")
        return {}


def _published_into_store(name: str, key: str, folder: Path, published: Mapping[str, Any]) -> str:
    """Put a published network into the store; return "", or why that cannot be done."""
    facts = published.get(name)
    if facts is None:
        return "it is not among the published networks"
    if facts.get("revision") != REVISION:
        return (
            f"what is published is of revision {facts.get('revision')}, "
            f"and this library computes by revision {REVISION}"
        )
    if facts.get("key") != key:
        return "what is published was trained by another plan"
    try:
        tensors = unpacked(folder, facts)
    except ValueError as error:
        return f"what is published is damaged ({error})"
    own = {name: value for name, value in facts.items() if name not in _OF_THE_FILE}
    with store.lock(key):
        if store.load(key) is None:  # another process may have trained it meanwhile
            store.save(key, tensors, {**own, "weights": ROUNDED})
    return ""


# --- publishing -----------------------------------------------------------------------------


@validation.arguments
def unpacked(folder: Path, facts: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors of the published network that ``facts`` describe.

    Args:
        folder: where the published networks are.
        facts: the network's entry in ``provenance.json``.

    Raises:
        ValueError: if the file is not there, or is not the file that was published.
    """
    try:
        file = folder / facts["file"]
        data = file.read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise ValueError(f"its checksum must be the one that {PROVENANCE} names")
        return quantize.restored(safetensors.torch.load(data))
    except (KeyError, TypeError, ValueError, OSError, safetensors.SafetensorError) as error:
        raise ValueError(
            f"facts must name a network's file in {folder}, got {facts.get('file')!r}; "
            f"{type(error).__name__}: {error}"
        ) from error


@validation.arguments
def pack(folder: Path) -> None:
    """Publish all :func:`networks` in ``folder``, from the store or trained now.

    A network that is published there already, under its present key, stays as it is.

    ``provenance.json`` says where, when, how long and by what recipe each network was trained, and
    holds the checksum of its file and its :func:`evaluation.scores` before and after rounding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = _provenance(folder) if (folder / PROVENANCE).exists() else {}
    provenance, files = {}, {}
    for name, network in networks().items():
        task = network.task()
        key, kept = task.key(), before.get(name, {})
        file = folder / (re.sub(r"\W+", "-", name) + ".safetensors")
        if kept.get("key") == key and file.exists() and _checksum(file) == kept.get("sha256"):
            provenance[name] = kept
            continue
        run = training.trained(task)
        found = store.load(key)
        assert found is not None
        tensors, facts = found
        small = quantize.rounded(tensors)
        files[file] = safetensors.torch.save(small)
        again = training.as_run(task, quantize.restored(small), facts, pick_device())
        provenance[name] = {
            **{fact: value for fact, value in facts.items() if fact != "format"},  # the store's
            "file": file.name,
            "sha256": hashlib.sha256(files[file]).hexdigest(),
            "scores": {"as trained": network.scores(run), "rounded": network.scores(again)},
        }
    # Write only now, since a training may fail or take hours.
    for file, data in files.items():
        file.write_bytes(data)
    text = json.dumps(provenance, indent=2, ensure_ascii=False)
    (folder / PROVENANCE).write_text(text + "\n", encoding="utf-8")
    for file in folder.glob("*.safetensors"):
        if file.name not in {facts["file"] for facts in provenance.values()}:
            file.unlink()


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
