"""What a loss or an augmentation is, so that a stored network is found by what it was trained with.

The library's own goes by its name. A reader's goes by all that it computes with: its code and,
wherever the code leads, the values, functions, classes and modules that it uses. Where that cannot
be told for certain, nothing is: a network of another loss must never be taken for this one's.
"""

from __future__ import annotations

import collections
import contextlib
import copyreg
import dataclasses
import dis
import functools
import hashlib
import inspect
import itertools
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from replearn.engine import validation

_LIBRARY = __name__.partition(".")[0]
_STUDENTS: set[str] = set()  # modules of the library in which a function is the student's

_PLAIN = {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)}
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_words = str.split

# Modules of Python that compute from their arguments alone, and what is not so among its builtins.
_PURE = _words(
    """abc bisect builtins cmath collections collections_abc contextlib copy copyreg dataclasses
    decimal enum fractions functools future heapq itertools math numbers operator re reprlib
    statistics string textwrap types typing warnings"""
)
_IMPURE = _words("__import__ breakpoint compile eval exec globals id input locals open vars")

# Names, in any module, of what comes from a file, the network, the environment or another frame.
_OUTSIDE = re.compile(
    r"""(load|read|open|fetch|download)(_\w+)?|loads|loadtxt|loadmat|imread|urlopen|from_?file
    |fromregex|genfromtxt|memmap|datasets|hub|environ|getenv|f_(back|builtins|globals|locals)
    |__(annotations|builtins|code|doc|globals)__""",
    re.VERBOSE,
)

# What Python and torch note down in a class or module about where and how it was written.
_NOTES = _words(
    """__annotate__ __annotate_func__ __annotations__ __annotations_cache__ __builtins__ __cached__
    __conditional_annotations__ __dict__ __doc__ __file__ __firstlineno__ __loader__ __module__
    __name__ __orig_bases__ __package__ __parameters__ __path__ __slotnames__ __spec__
    __static_attributes__ __warningregistry__ __weakref__ _abc_impl _autograd_function_id"""
)


class Unidentifiable(ValueError):
    """Nobody can tell for certain what it is that something computes; the message says why."""


@validation.arguments
def yours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of the library that a student writes: all of its module counts by value."""
    _STUDENTS.add(function.__module__)
    return function


def identify(thing: object) -> str:
    """Return what tells ``thing`` from everything that computes something else.

    Returns:
        The name of a function of the library, the repr of an augmentation of the library; of
        anything else a hexadecimal digest of all that it computes with. Where it is written does
        not count, nor do comments, docstrings and annotations.

    Raises:
        Unidentifiable: if that cannot be told for certain.
    """
    try:
        if dataclasses.is_dataclass(thing) and _is_record(thing):
            return repr(thing)
        owner, _, path = _name(thing) or ("", "", "")
        return path if owner == _LIBRARY and path else _digest(thing)
    except Unidentifiable:
        raise
    except Exception as error:
        raise Unidentifiable(f"{type(thing).__name__} cannot be identified: {error}") from error


def _is_record(thing: Any) -> bool:
    """Return whether it is a plain value, or a dataclass of the library that holds only such."""
    if type(thing) is tuple:
        return all(map(_is_record, thing))
    return type(thing) in _PLAIN or (
        dataclasses.is_dataclass(type(thing))
        and _name(type(thing))[:1] == (_LIBRARY,)
        and vars(thing).keys() == {field.name for field in dataclasses.fields(thing)}
        and all(map(_is_record, vars(thing).values()))
    )


def _digest(thing: Any) -> str:
    """Return a digest of all that ``thing`` is made of, each part numbered as it is found.

    A part that is met again goes by its number, so that cycles end; but tuples and code, which
    cannot change, count by value: the compiler makes one of several that are equal, or does not.
    """
    parts, users, numbers, digest = [thing], [0], {id(thing): 0}, hashlib.sha256()
    for user, whole in enumerate(parts):  # which grows
        line: list[Any] = []
        try:
            for part in _taken_apart(whole):
                if type(part) in _PLAIN:
                    line.append((type(part).__name__, repr(part)))
                    continue
                if id(part) not in numbers or type(part) in (tuple, CodeType):
                    numbers[id(part)] = len(parts)
                    parts.append(part)
                    users.append(user)
                line.append(numbers[id(part)])
        except Exception as error:
            names = [getattr(whole, "__name__", type(whole).__name__)]
            while user:
                user = users[user]
                names += filter(None, [getattr(parts[user], "__name__", None)])
            chain = " → ".join(map(str, reversed(names)))
            raise Unidentifiable(f"{chain} cannot be identified: {error}") from error
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


# --- parts ----------------------------------------------------------------------------------


def _taken_apart(thing: Any) -> Iterable[Any]:
    """Return the kind of a thing and all that it is made of."""
    kind = type(thing)
    if name := _name(thing):
        return "name", *_admitted(*name)
    if kind in _PARTS:
        return kind.__name__, *_PARTS[kind](thing)
    if isinstance(thing, type | ModuleType):
        members = {name: value for name, value in vars(thing).items() if name not in _NOTES}
        return kind, thing.__name__, getattr(thing, "__bases__", ()), members
    if isinstance(thing, Tensor):
        return _tensor(thing)
    if isinstance(thing, set | frozenset):
        return kind, *sorted(thing, key=_digest), object.__getstate__(thing)
    if kind.__module__.startswith("numba."):
        return kind, thing.py_func, thing.targetoptions
    return _instance(thing)


def _instance(thing: Any) -> Iterable[Any]:
    """Return an object's class and attributes, and what a copy of it would be made from.

    The class alone may decide what it is copied from, and leave something out.
    """
    kind = type(thing)
    if _OUTSIDE.fullmatch(getattr(thing, "__name__", "")):
        raise Unidentifiable("it reads what is not in the code")
    made_from = copyreg.dispatch_table.get(kind, lambda thing: thing.__reduce_ex__(4))(thing)
    if isinstance(made_from, str):  # a name, to be looked up where the class is from
        if _name(kind) and getattr(sys.modules[kind.__module__], made_from, None) is not thing:
            raise Unidentifiable("no more than its name is known")
        made_from = (made_from,)
    listed = [list(part) if isinstance(part, Iterator) else part for part in made_from]
    inner = [list(_PARTS[base](thing)) for base in kind.__mro__ if base in _PARTS]
    return kind, object.__getstate__(thing), inner, *listed


def _tensor(tensor: Tensor) -> Iterator[Any]:
    if type(tensor) not in (Tensor, nn.Parameter) or tensor.is_quantized:
        raise Unidentifiable("not all is known of a tensor of this kind")
    if tensor.grad_fn is not None:
        raise Unidentifiable("it must be detached from what it was computed from")
    yield from (type(tensor), str(tensor.dtype), tuple(tensor.shape), tensor.stride())
    yield from (
        tensor.untyped_storage(),
        tensor.storage_offset(),
        tensor.is_conj(),
        tensor.is_neg(),
    )
    yield from (tensor.requires_grad, tensor.grad, tensor._backward_hooks, vars(tensor))


def _storage(storage: torch.UntypedStorage) -> Iterator[str]:
    values = torch.empty(0, dtype=torch.uint8).set_(storage.cpu())  # type: ignore[call-overload]
    yield hashlib.sha256(values.numpy().tobytes()).hexdigest()


def _code(code: CodeType) -> Iterator[Any]:
    yield from (code.co_name, code.co_flags & 0xFFFF)  # beyond: __future__, and docstrings
    yield from (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield from (code.co_varnames, code.co_cellvars, code.co_freevars, code.co_exceptiontable)
    for step in dis.get_instructions(code):
        if step.opcode in dis.hasconst and step.arg is not None:
            yield from (step.opname, code.co_consts[step.arg])  # a docstring moves its place
        else:
            yield from (step.opname, step.arg, step.argval)


def _function(function: FunctionType) -> Iterator[Any]:
    code, module = function.__code__, function.__globals__.get("__name__", "")
    owner = "" if module in _STUDENTS else _owner(code.co_filename)
    if not owner:
        yield from (function.__name__, code, *_used(function))
    else:
        yield from _admitted(owner, module, code.co_qualname)
    if owner == _LIBRARY and _STUDENTS:  # it may use one of the student's
        for value in itertools.chain.from_iterable(_used(function)):
            if isinstance(value, FunctionType) and _owner(value.__code__.co_filename) == _LIBRARY:
                yield value
    if owner == _LIBRARY and hasattr(function, "__wrapped__"):
        yield function.__wrapped__  # whose arguments are checked by the library's, and no more
    else:
        yield from (function.__defaults__, function.__kwdefaults__, function.__closure__)
        yield vars(function)


def _used(function: FunctionType) -> Iterator[tuple[Any, ...]]:
    """Yield every name that a function looks up around it, with what the name stands for now.

    Of a module whose attribute is taken on the spot, as in ``h.scale``, it is the attribute.
    """
    around = collections.ChainMap(function.__globals__, function.__builtins__)  # type: ignore[attr-defined]
    codes = [function.__code__]
    for code in codes:
        codes += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
        steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
        for n, step in enumerate(steps):
            if step.opname == "IMPORT_NAME":
                level, names = steps[n - 2].argval, steps[n - 1].argval
                if level:
                    raise Unidentifiable("a function must not import relatively")
                module = __import__(step.argval, fromlist=names or ())
                yield step.argval, *([getattr(module, name) for name in names or ()] or [module])
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                name, value = step.argval, around.get(step.argval)
                if name not in around or (step.opname, name) == ("LOAD_NAME", "__name__"):
                    yield (name,)  # defined within a class's body, or not at all
                    continue
                for after in steps[n + 1 :]:
                    if after.opname not in _ATTRIBUTE or not _is_open(value):
                        break
                    value = getattr(value, after.argval)
                yield name, value
            elif step.opname in _ATTRIBUTE and _OUTSIDE.fullmatch(step.argval):
                raise Unidentifiable(f"{step.argval} reads what is not in the code")


def _is_open(thing: Any) -> bool:
    """Return whether it is a module of the reader's or the library's."""
    return isinstance(thing, ModuleType) and _owner(_file(thing.__name__)) in ("", _LIBRARY)


# How to take apart what is of exactly this type.
_PARTS: dict[type, Callable[[Any], Iterable[Any]]] = {
    tuple: tuple.__iter__,
    list: list.__iter__,
    dict: lambda thing: itertools.chain.from_iterable(dict.items(thing)),
    MappingProxyType: lambda thing: itertools.chain.from_iterable(thing.items()),
    CodeType: _code,
    FunctionType: _function,
    MethodType: lambda thing: (thing.__func__, thing.__self__),
    CellType: lambda thing: (thing.cell_contents,),
    staticmethod: lambda thing: (thing.__func__,),
    classmethod: lambda thing: (thing.__func__,),
    property: lambda thing: (thing.fget, thing.fset, thing.fdel),
    functools.cached_property: lambda thing: (thing.func, thing.attrname),
    type(functools.cache(len)): lambda thing: (vars(thing),),
    contextlib._GeneratorContextManager: lambda thing: (thing.func, thing.args, thing.kwds),
    dataclasses.Field: lambda thing: (getattr(thing, k) for k in thing.__slots__ if k != "type"),
    inspect.Signature: lambda thing: thing.parameters,
    TypeVar: lambda thing: (thing.__name__,),
    torch.UntypedStorage: _storage,
    torch.finfo: lambda thing: (repr(thing),),
    torch.layout: lambda thing: (repr(thing),),
    torch.memory_format: lambda thing: (repr(thing),),
}


# --- names ----------------------------------------------------------------------------------


def _name(thing: Any) -> tuple[str, ...]:
    """Return owner, module and name of what is the library's or installed; nothing for a reader's.

    Nor has the library's a name where it may use what a student writes; but its classes do.
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
    owner = _owner(_file(module))
    if not owner or not is_found or not all(map(_owner, _files(thing, owner))):
        return ()
    may_be_hers = module in _STUDENTS or (_STUDENTS and not isinstance(thing, type))
    return () if owner == _LIBRARY and may_be_hers else (owner, module, path)


_HEAP = 1 << 9  # flag of a class that was not made by C alone: those have no module to be found in


def _admitted(owner: str, module: str, path: str) -> tuple[str, str, str]:
    """Return the name; Unidentifiable of what reads or depends on what is not in the code."""
    home, last = module.partition(".")[0].strip("_"), (path or module).rpartition(".")[2]
    is_pure = home in _PURE and (home != "builtins" or path not in ("", *_IMPURE))
    if _OUTSIDE.fullmatch(last) or (owner.startswith("Python") and not is_pure):
        raise Unidentifiable("it may depend on what is not in the code")
    return owner, module, path


def _files(thing: Any, owner: str) -> Iterator[str]:
    """Yield the files of a function's code, and of those it wraps; of all in a library's class."""
    layers = [thing]
    if isinstance(thing, type) and owner == _LIBRARY:
        layers = [member for base in thing.__mro__ for member in vars(base).values()]
    for layer in layers:
        while isinstance(layer, FunctionType):
            if layer.__code__.co_filename != "<string>":  # which a dataclass writes
                yield layer.__code__.co_filename
            layer = getattr(layer, "__wrapped__", None)


def _file(module: str) -> str:
    """Return where a module is from; of one without a file, where its package is from."""
    for name in (module, module.partition(".")[0]):
        if file := getattr(sys.modules.get(name), "__file__", None):
            return str(file)
    return "<frozen>" if module in sys.builtin_module_names else ""


@functools.cache
def _owner(file: str) -> str:
    """Return what brought a file of code along, and its version; nothing if the reader did."""
    path = Path(file)
    if path.is_relative_to(Path(__file__).parent.parent):
        return _LIBRARY
    for site in {"site-packages", "dist-packages"} & set(path.parts):
        package = path.parts[path.parts.index(site) + 1].partition(".")[0]
        names = sorted(set(_distributions().get(package, ())))
        return ", ".join(f"{name} {metadata.version(name)}" for name in names)
    is_pythons = file.startswith("<frozen") or path.is_relative_to(sysconfig.get_path("stdlib"))
    return f"Python {sys.version_info.major}.{sys.version_info.minor}" if is_pythons else ""


_distributions = functools.cache(metadata.packages_distributions)
