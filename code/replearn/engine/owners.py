"""Who wrote a piece of code: the library, an installed package, Python itself, or the reader.

Code of the first three goes by its name and version, the reader's by its value.
"""

from __future__ import annotations

import functools
import re
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

LIBRARY = __name__.partition(".")[0]
STUDENTS: set[str] = set()
"""Modules of the library in which a student writes a function."""

_words = str.split
_HEAP = 1 << 9  # a flag of every class but those written in C, which no module need hold

# Modules of Python whose functions depend on their arguments alone, and the builtins that do not.
_PURE = _words(
    """abc bisect builtins cmath collections collections_abc contextlib copy copyreg dataclasses
    decimal enum fractions functools future heapq itertools math numbers operator re reprlib
    statistics string textwrap types typing warnings"""
)
_IMPURE = _words("__import__ breakpoint compile eval exec globals id input locals open vars")

# Names, in any module, of what reads a file, the network, the environment or another frame.
OUTSIDE = re.compile(
    r"""(load|read|open|fetch|download)(_\w+)?|loads|loadtxt|loadmat|imread|urlopen|from_?file
    |fromregex|genfromtxt|memmap|datasets|hub|environ|getenv|f_(back|builtins|globals|locals)
    |__(annotations|builtins|code|doc|globals)__""",
    re.VERBOSE,
)


class Unidentifiable(ValueError):
    """It is not certain what a function or object computes; the message says why."""


def name_of(thing: Any) -> tuple[str, ...]:
    """Return (owner, module, path) of what the library or an installed package defines, else ().

    What a reader defines has no name. A function of the library has none either once a student
    writes one of the library's functions, since it may use it; a class keeps its name.
    """
    module, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if isinstance(thing, ModuleType):
        module, path = thing.__name__, ""
    if not isinstance(module, str) or not isinstance(path, str) or module == "__main__":
        return ()
    found: Any = sys.modules.get(module)
    for part in filter(None, path.split(".")):
        found = getattr(found, part, None)
    is_found = found is thing or (isinstance(thing, type) and not thing.__flags__ & _HEAP)
    owner = owner_of(file_of(module))
    if not owner or not is_found or not all(map(owner_of, _files(thing, owner))):
        return ()
    may_use_theirs = module in STUDENTS or (STUDENTS and not isinstance(thing, type))
    return () if owner == LIBRARY and may_use_theirs else (owner, module, path)


def admitted(owner: str, module: str, path: str) -> tuple[str, str, str]:
    """Return the three; raise Unidentifiable if what they name may depend on more than code."""
    home, last = module.partition(".")[0].strip("_"), (path or module).rpartition(".")[2]
    is_pure = home in _PURE and (home != "builtins" or path not in ("", *_IMPURE))
    if OUTSIDE.fullmatch(last) or (owner.startswith("Python") and not is_pure):
        raise Unidentifiable("it may depend on what is not in the code")
    return owner, module, path


def _files(thing: Any, owner: str) -> Iterator[str]:
    """Yield the files of a function and of those it wraps, or of a library class's functions."""
    layers = [thing]
    if isinstance(thing, type) and owner == LIBRARY:
        layers = [member for base in thing.__mro__ for member in vars(base).values()]
    for layer in layers:
        while isinstance(layer, FunctionType):
            if layer.__code__.co_filename != "<string>":  # a method that dataclass wrote
                yield layer.__code__.co_filename
            layer = getattr(layer, "__wrapped__", None)


def file_of(module: str) -> str:
    """Return a module's file, or its package's if it has none of its own."""
    for name in (module, module.partition(".")[0]):
        if file := getattr(sys.modules.get(name), "__file__", None):
            return str(file)
    return "<frozen>" if module in sys.builtin_module_names else ""


@functools.cache
def owner_of(file: str) -> str:
    """Return who wrote a file of code: the library, a package or Python, else "" for the reader."""
    path = Path(file)
    if path.is_relative_to(Path(__file__).parent.parent):
        return LIBRARY
    for site in {"site-packages", "dist-packages"} & set(path.parts):
        package = path.parts[path.parts.index(site) + 1].partition(".")[0]
        names = sorted(set(_distributions().get(package, ())))
        return ", ".join(f"{name} {metadata.version(name)}" for name in names)
    is_pythons = file.startswith("<frozen") or path.is_relative_to(sysconfig.get_path("stdlib"))
    return f"Python {sys.version_info.major}.{sys.version_info.minor}" if is_pythons else ""


_distributions = functools.cache(metadata.packages_distributions)
