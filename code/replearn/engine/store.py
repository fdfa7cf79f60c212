"""The store of finished runs: each is trained once, and found again by what it was made of.

A run is a folder that is named by its key. It holds ``weights.safetensors``, ``run.json`` (what the
run is, when and where it was made) and ``SHA256SUMS``, the checksums of both as ``sha256sum`` reads
them. The folder appears whole or not at all. An unfinished run leaves a checkpoint beside it, and
goes on from there.

If the folder of runs cannot be written, an OSError names it and says how to choose another. The
name of a run consists of letters, digits, _ and -; any other is a ValueError.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import safetensors
import safetensors.torch
from filelock import AcquireReturnProxy, FileLock, Timeout
from torch import Tensor

from replearn.engine import validation
from replearn.engine.console import say

_FORMAT = 3
_PATIENCE = 3.0  # seconds of silence before who waits for a lock says so
_FILES = ("run.json", "weights.safetensors")
_SUMS = "SHA256SUMS"
_FACTS = {"label": str, "recipe": str, "seed": int, "seconds": float, "finished": str, "chip": str}


def folder() -> Path:
    """Return where runs are kept: ``$REPLEARN_RUNS``, or the user's cache folder.

    Raises:
        FileNotFoundError: if the user has no home, and ``$REPLEARN_RUNS`` names no folder.
    """
    chosen = os.environ.get("REPLEARN_RUNS")
    if chosen:
        return Path(chosen).expanduser()
    try:
        return platformdirs.user_cache_path("replearn").expanduser() / "runs"
    except RuntimeError as error:
        raise FileNotFoundError(
            f"the user must have a home folder to keep runs in, or $REPLEARN_RUNS name one: {error}"
        ) from error


@contextlib.contextmanager
def _writable() -> Iterator[Path]:
    """Make the folder of runs; an error of the disk then names the folder and the way out."""
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        yield place
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror or error}: the folder of runs must have room and be writable, "
            f"got {place}; $REPLEARN_RUNS may name another",
        ) from error


@validation.arguments
def key(description: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that depend on everything in ``description``."""
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@validation.arguments
def lock(name: str) -> AcquireReturnProxy:
    """Wait for the lock of run ``name``, and hold it by ``with``: its holder may write the run.

    If a process dies, the system releases its lock. A file system without locks cannot: there the
    file itself is the lock, and stays. A process that waits says so, and what for, every minute.
    """
    with _writable():
        held = FileLock(_place(name, ".lock"))
        patience = _PATIENCE
        while True:
            try:
                return held.acquire(timeout=patience)
            except Timeout:
                say(
                    f"waiting for another process that has run {name}; if there is none on any "
                    f"machine that shares the folder, remove {held.lock_file}",
                    error=True,
                )
                patience = 60.0


@validation.arguments
def save(name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Store a finished run and remove its checkpoint; the run appears whole or not at all."""
    final = _place(name)
    with _writable() as place:
        for left in place.glob(f".{name}-*"):  # of a process that was killed while writing
            shutil.rmtree(left, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
        try:
            _write(draft / "weights.safetensors", tensors)
            about = {"format": _FORMAT, "key": name, **facts}
            text = json.dumps(about, indent=2, ensure_ascii=False)
            (draft / "run.json").write_text(text + "\n", encoding="utf-8")
            (draft / _SUMS).write_text(_checksums(draft), encoding="utf-8")
            draft.chmod(0o755)
            _set_aside(name)
            draft.rename(final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for leftover in (_checkpoint(name), _checkpoint(name).with_suffix(".draft")):
            leftover.unlink(missing_ok=True)


@validation.arguments
def remove(name: str) -> None:
    """Remove a stored run, if it is there."""
    with _writable():
        shutil.rmtree(_place(name), ignore_errors=True)


@validation.arguments
def load(name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return (tensors, facts) of a stored run, or None if there is none.

    A run that is damaged, foreign or of another format counts as absent: it is set aside, and a
    warning says so.
    """
    place = _place(name)
    if not place.exists():
        return None
    try:
        facts = _facts(place)
        return safetensors.torch.load_file(place / "weights.safetensors"), facts
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        with _writable():
            aside = _set_aside(name)
        warnings.warn(f"run {name} cannot be used ({error}); set aside as {aside}", stacklevel=2)
        return None


@validation.arguments
def save_checkpoint(name: str, tensors: Mapping[str, Tensor], step: int) -> None:
    """Replace the checkpoint of a run under way."""
    draft = _checkpoint(name).with_suffix(".draft")
    with _writable():
        try:
            _write(draft, tensors, {"step": str(step), "sha256": _fingerprint(name, tensors, step)})
            draft.replace(_checkpoint(name))
        finally:
            draft.unlink(missing_ok=True)


@validation.arguments
def load_checkpoint(name: str) -> tuple[dict[str, Tensor], int] | None:
    """Return (tensors, step) of the checkpoint, or None if there is none that can be read."""
    path = _checkpoint(name)
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            # Copies: Windows would not let the next checkpoint replace a file that is mapped.
            tensors = {k: file.get_tensor(k).clone() for k in file.keys()}  # noqa: SIM118
            about = file.metadata() or {}
        step = int(about.get("step", 0))
        if about.get("sha256") != _fingerprint(name, tensors, step):
            raise ValueError("its checksum does not match")
        return tensors, step
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        warnings.warn(f"checkpoint {path} cannot be used ({error}); starting anew", stacklevel=2)
        path.unlink(missing_ok=True)
        return None


def stored() -> list[dict[str, Any]]:
    """Return the facts of every whole stored run, oldest first."""
    whole = (facts for facts in survey().values() if isinstance(facts, dict))
    return sorted(whole, key=lambda facts: facts["finished"])


def survey() -> dict[str, dict[str, Any] | Exception]:
    """Return the facts of every stored run, or what is wrong with it, by key; change nothing."""
    found: dict[str, dict[str, Any] | Exception] = {}
    for place in sorted(folder().glob("*/")):
        if place.suffix or place.name.startswith("."):  # set aside, or being written
            continue
        try:
            found[place.name] = _facts(place)
        except (OSError, ValueError) as error:
            found[place.name] = error
    return found


def _facts(place: Path) -> dict[str, Any]:
    """Return what ``run.json`` says; ValueError unless both files are as they were written."""
    if (place / _SUMS).read_text(encoding="utf-8") != _checksums(place):
        raise ValueError("its checksums do not match")
    facts: dict[str, Any] = json.loads((place / "run.json").read_text(encoding="utf-8"))
    if not isinstance(facts, dict):
        raise ValueError(f"run.json must hold an object, got {facts!r}")
    for name, allowed in (("format", _FORMAT), ("key", place.name)):
        if facts.get(name) != allowed:
            raise ValueError(f"its {name} must be {allowed!r}, got {facts.get(name)!r}")
    for name, kind in _FACTS.items():
        if not isinstance(facts.get(name), kind):
            raise ValueError(f"its {name} must be of type {kind.__name__}, got {facts.get(name)!r}")
    return facts


def _place(name: str, suffix: str = "") -> Path:
    """Return the path of a run, or of what lies beside it; a name cannot lead out of the store."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"name must be made of letters, digits, _ and -, got {name!r}")
    return folder() / f"{name}{suffix}"


def _checkpoint(name: str) -> Path:
    return _place(name, ".checkpoint")


def _set_aside(name: str) -> Path:
    aside = _place(name, ".damaged")
    if _place(name).exists():
        shutil.rmtree(aside, ignore_errors=True)
        _place(name).rename(aside)
    return aside


def _checksums(place: Path) -> str:
    lines = []
    for name in _FILES:
        with (place / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return "".join(lines)


def _write(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    # safetensors' own writer uses a file of a random name, which would stay after a kill.
    path.write_bytes(safetensors.torch.save(dict(tensors), metadata))


def _fingerprint(name: str, tensors: Mapping[str, Tensor], step: int) -> str:
    about = {"of": f"{name} {step}"}  # one entry: several come in any order
    return hashlib.sha256(safetensors.torch.save(dict(tensors), about)).hexdigest()
