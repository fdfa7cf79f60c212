"""The store of finished runs: trained once, found again by what made them.

A run is a folder named by its key, ``run.json`` (what it is, where and when it was made, the
weights' checksum) beside ``weights.safetensors``. It appears whole or not at all; a run under
way leaves a checkpoint beside it and goes on from there.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import os
import shutil
import tempfile
import textwrap
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import platformdirs
import safetensors
import safetensors.torch
from filelock import FileLock
from torch import Tensor

_FORMAT = 1


def folder() -> Path:
    """Return where runs are kept: ``$REPLEARN_RUNS``, or the user's cache folder."""
    chosen = os.environ.get("REPLEARN_RUNS")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("replearn")) / "runs"


def source(thing: ModuleType | Callable[..., Any]) -> str:
    """Return the code of a module or function without comments, docstrings and layout.

    Raises:
        ValueError: if Python cannot find the source.
    """
    try:
        text = inspect.getsource(thing)
    except (OSError, TypeError) as error:
        raise ValueError(
            f"the source of {thing!r} cannot be read; "
            "allowed is a function defined in a file or a cell"
        ) from error
    tree = ast.parse(textwrap.dedent(text))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            is_docstring = (
                isinstance(node.body[0], ast.Expr)
                and isinstance(node.body[0].value, ast.Constant)
                and isinstance(node.body[0].value.value, str)
                if node.body
                else False
            )
            if is_docstring:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def key(description: Mapping[str, Any]) -> str:
    """Return 16 hexadecimal digits that change with anything in ``description``."""
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def lock(name: str) -> FileLock:
    """Return the lock of run ``name``: whoever holds it may train and write it."""
    folder().mkdir(parents=True, exist_ok=True)
    return FileLock(folder() / f"{name}.lock")


def save(name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Store a finished run and remove its checkpoint; the run appears whole or not at all."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
    try:
        weights = draft / "weights.safetensors"
        safetensors.torch.save_file(dict(tensors), weights)
        about = {"format": _FORMAT, **facts, "sha256": _sha256(weights)}
        (draft / "run.json").write_text(
            json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        draft.chmod(0o755)
        _set_aside(name)
        draft.rename(place / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    _checkpoint(name).unlink(missing_ok=True)


def load(name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return (tensors, facts) of a stored run, or None if there is none.

    A run that is damaged, or of another format, is set aside with a warning: it counts as absent.
    """
    place = folder() / name
    if not place.exists():
        return None
    try:
        facts = json.loads((place / "run.json").read_text(encoding="utf-8"))
        weights = place / "weights.safetensors"
        if facts["format"] != _FORMAT or facts["sha256"] != _sha256(weights):
            raise ValueError("its checksum or format does not match")
        return safetensors.torch.load_file(weights), facts
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        aside = _set_aside(name)
        warnings.warn(f"run {name} cannot be used ({error}); set aside as {aside}", stacklevel=2)
        return None


def save_checkpoint(name: str, tensors: Mapping[str, Tensor], step: int) -> None:
    """Replace the checkpoint of a run under way."""
    draft = _checkpoint(name).with_suffix(f".{os.getpid()}")
    try:
        safetensors.torch.save_file(dict(tensors), draft, metadata={"step": str(step)})
        draft.replace(_checkpoint(name))
    finally:
        draft.unlink(missing_ok=True)


def load_checkpoint(name: str) -> tuple[dict[str, Tensor], int] | None:
    """Return (tensors, step) of the checkpoint, or None if there is none that can be read."""
    path = _checkpoint(name)
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {entry: file.get_tensor(entry) for entry in file.keys()}  # noqa: SIM118
            return tensors, int((file.metadata() or {})["step"])
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        warnings.warn(f"checkpoint {path} cannot be used ({error}); starting anew", stacklevel=2)
        path.unlink(missing_ok=True)
        return None


def stored() -> list[dict[str, Any]]:
    """Return the facts of every stored run, oldest first."""
    facts = [
        {"key": path.parent.name, **json.loads(path.read_text(encoding="utf-8"))}
        for path in folder().glob("[!.]*/run.json")
        if not path.parent.name.endswith(".damaged")
    ]
    return sorted(facts, key=lambda fact: fact["finished"])


def _checkpoint(name: str) -> Path:
    return folder() / f"{name}.checkpoint"


def _set_aside(name: str) -> Path:
    aside = folder() / f"{name}.damaged"
    if (folder() / name).exists():
        shutil.rmtree(aside, ignore_errors=True)
        (folder() / name).rename(aside)
    return aside


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
