"""The store of finished runs: trained once, found again by what made them.

A run is a folder named by its key: ``weights.safetensors``, ``run.json`` (what it is, where and
when it was made), and the checksums of both, as ``sha256sum --check SHA256SUMS`` reads them. It
appears whole or not at all; a run under way leaves a checkpoint beside it and goes on from there.
"""

from __future__ import annotations

import ast
import contextlib
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

_FORMAT = 2
_FILES = ("run.json", "weights.safetensors")
_SUMS = "SHA256SUMS"


def folder() -> Path:
    """Return where runs are kept: ``$REPLEARN_RUNS``, or the user's cache folder."""
    chosen = os.environ.get("REPLEARN_RUNS")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("replearn")) / "runs"


def source(thing: ModuleType | Callable[..., Any]) -> str:
    """Return the code of a module or function without comments, docstrings and layout.

    A function's is followed by what it takes from around it: values, as they are now, and the
    code of functions beside it.

    Raises:
        ValueError: if Python cannot find the source, or for a lambda, which has no lines of its
            own.
    """
    if isinstance(thing, ModuleType):
        return _own_code(thing)
    todo, done = [thing], {}
    while todo:
        function = inspect.unwrap(todo.pop())
        if function in done:
            continue
        done[function] = _own_code(function)
        around = inspect.getclosurevars(function)
        for name, value in sorted({**around.globals, **around.nonlocals}.items()):
            if inspect.isfunction(value) and value.__module__ == function.__module__:
                todo.append(value)
            else:
                done[function] += f"\n{name} = {_as_text(value)}"
    return "\n".join(done.values())


def _as_text(value: object) -> str:
    if isinstance(value, Tensor):
        return repr(value.tolist())  # its repr leaves out the middle of a long one
    return getattr(value, "__qualname__", None) or getattr(value, "__name__", None) or repr(value)


def _own_code(thing: ModuleType | Callable[..., Any]) -> str:
    try:
        if getattr(thing, "__name__", "") == "<lambda>":
            raise TypeError("a lambda shares its lines with others")
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError) as error:
        raise ValueError(
            f"the source of a function must be readable, defined with def, got {thing!r} ({error})"
        ) from error
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
    for left in place.glob(f".{name}-*"):  # by a process that was killed while it wrote
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=place))
    try:
        _write(draft / "weights.safetensors", tensors)
        about = json.dumps({"format": _FORMAT, **facts}, indent=2, ensure_ascii=False)
        (draft / "run.json").write_text(about + "\n", encoding="utf-8")
        (draft / _SUMS).write_text(_checksums(draft), encoding="utf-8")
        draft.chmod(0o755)
        _set_aside(name)
        draft.rename(place / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    for leftover in (_checkpoint(name), _checkpoint(name).with_suffix(".draft")):
        leftover.unlink(missing_ok=True)


def load(name: str) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return (tensors, facts) of a stored run, or None if there is none.

    A run that is damaged, or of another format, is set aside with a warning: it counts as absent.
    """
    place = folder() / name
    if not place.exists():
        return None
    try:
        facts = _facts(place)
        return safetensors.torch.load_file(place / "weights.safetensors"), facts
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        aside = _set_aside(name)
        warnings.warn(f"run {name} cannot be used ({error}); set aside as {aside}", stacklevel=2)
        return None


def save_checkpoint(name: str, tensors: Mapping[str, Tensor], step: int) -> None:
    """Replace the checkpoint of a run under way."""
    folder().mkdir(parents=True, exist_ok=True)
    draft = _checkpoint(name).with_suffix(".draft")
    _write(draft, tensors, {"step": str(step), "sha256": _fingerprint(tensors, step)})
    draft.replace(_checkpoint(name))


def load_checkpoint(name: str) -> tuple[dict[str, Tensor], int] | None:
    """Return (tensors, step) of the checkpoint, or None if there is none that can be read."""
    path = _checkpoint(name)
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {entry: file.get_tensor(entry) for entry in file.keys()}  # noqa: SIM118
            about = file.metadata() or {}
        step = int(about.get("step", 0))
        if about.get("sha256") != _fingerprint(tensors, step):
            raise ValueError("its checksum does not match")
        return tensors, step
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        warnings.warn(f"checkpoint {path} cannot be used ({error}); starting anew", stacklevel=2)
        path.unlink(missing_ok=True)
        return None


def stored() -> list[dict[str, Any]]:
    """Return the facts of every whole stored run, oldest first."""
    facts = []
    for place in folder().glob("*/"):
        if place.suffix or place.name.startswith("."):  # set aside, or being written
            continue
        with contextlib.suppress(OSError, ValueError):
            facts.append({"key": place.name, **_facts(place)})
    return sorted(facts, key=lambda fact: fact["finished"])


def _facts(place: Path) -> dict[str, Any]:
    if (place / _SUMS).read_text(encoding="utf-8") != _checksums(place):
        raise ValueError("its checksums do not match")
    facts: dict[str, Any] = json.loads((place / "run.json").read_text(encoding="utf-8"))
    written = facts.get("format") if isinstance(facts, dict) else None
    if written != _FORMAT:
        raise ValueError(f"its format must be {_FORMAT}, got {written!r}")
    return facts


def _checkpoint(name: str) -> Path:
    return folder() / f"{name}.checkpoint"


def _set_aside(name: str) -> Path:
    aside = folder() / f"{name}.damaged"
    if (folder() / name).exists():
        shutil.rmtree(aside, ignore_errors=True)
        (folder() / name).rename(aside)
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
    # safetensors' own writer goes through a file of a random name, which a kill would leave.
    path.write_bytes(safetensors.torch.save(dict(tensors), metadata))


def _fingerprint(tensors: Mapping[str, Tensor], step: int) -> str:
    return hashlib.sha256(safetensors.torch.save(dict(tensors), {"step": str(step)})).hexdigest()
