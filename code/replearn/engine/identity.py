"""What a loss or an augmentation computes, so that a stored network is found by what trained it.

A function of the library is identified by its name. A reader's is identified by all that it
computes with: its code and, wherever the code leads, the values, functions, classes and modules
that it uses. Where that is not certain, an error says so: a network that was trained with another
loss must never be taken for this one's.
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
import sys
from collections.abc import Callable, Iterable, Iterator
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from replearn.engine import validation
from replearn.engine.owners import (
    LIBRARY,
    OUTSIDE,
    STUDENTS,
    Unidentifiable,
    admitted,
    file_of,
    name_of,
    owner_of,
)

_PLAIN = {type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented)}
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_words = str.split

# Attributes in which Python and torch note where and how a class or module was written.
_NOTES = _words(
    """__annotate__ __annotate_func__ __annotations__ __annotations_cache__ __builtins__ __cached__
    __conditional_annotations__ __dict__ __doc__ __file__ __firstlineno__ __loader__ __module__
    __name__ __orig_bases__ __package__ __parameters__ __path__ __slotnames__ __spec__
    __static_attributes__ __warningregistry__ __weakref__ _abc_impl _autograd_function_id"""
)


@validation.arguments
def yours(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of the library that a student writes: its module then counts by value."""
    STUDENTS.add(function.__module__)
    return function


def identify(thing: object) -> str:
    """Return a text that differs between any two things that compute differently.

    Returns:
        The name of a function of the library, the repr of an augmentation of the library, or, for
        anything else, a hexadecimal digest of all that it computes with. The file and the line do
        not count, nor do comments, docstrings and annotations.

    Raises:
        Unidentifiable: if it is not certain what ``thing`` computes.
    """
    try:
        if dataclasses.is_dataclass(thing) and _is_record(thing):
            return repr(thing)
        owner, _, path = name_of(thing) or ("", "", "")
        return path if owner == LIBRARY and path else _digest(thing)
    except Unidentifiable:
        raise
    except Exception as error:
        raise Unidentifiable(f"{type(thing).__name__} cannot be identified: {error}") from error


def _is_record(thing: Any) -> bool:
    """Return whether ``thing`` is a plain value, or a dataclass of the library with such values."""
    if type(thing) is tuple:
        return all(map(_is_record, thing))
    return type(thing) in _PLAIN or (
        dataclasses.is_dataclass(type(thing))
        and name_of(type(thing))[:1] == (LIBRARY,)
        and vars(thing).keys() == {field.name for field in dataclasses.fields(thing)}
        and all(map(_is_record, vars(thing).values()))
    )


def _digest(thing: Any) -> str:
    """Return a digest of all that ``thing`` is made of.

    Parts are numbered as they are found, and a part that is found again goes by its number, so
    cycles end. Tuples and code are exceptions: they count by value each time, because the compiler
    may or may not merge those that are equal.
    """
    parts, users, numbers, digest = [thing], [0], {id(thing): 0}, hashlib.sha256()
    for user, whole in enumerate(parts):  # parts grows meanwhile
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
    """Return the kind of ``thing`` and all that it is made of."""
    kind = type(thing)
    if name := name_of(thing):
        return "name", *admitted(*name)
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

    The latter is not enough: a class may leave out of copies what its objects compute with.
    """
    kind = type(thing)
    if OUTSIDE.fullmatch(getattr(thing, "__name__", "")):
        raise Unidentifiable("it reads what is not in the code")
    made_from = copyreg.dispatch_table.get(kind, lambda thing: thing.__reduce_ex__(4))(thing)
    if isinstance(made_from, str):  # a name to look up in the module of the class
        if name_of(kind) and getattr(sys.modules[kind.__module__], made_from, None) is not thing:
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
    yield from (code.co_name, code.co_flags & 0xFFFF)  # the higher bits: __future__, docstrings
    yield from (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield from (code.co_varnames, code.co_cellvars, code.co_freevars, code.co_exceptiontable)
    for step in dis.get_instructions(code):
        if step.opcode in dis.hasconst and step.arg is not None:
            yield from (
                step.opname,
                code.co_consts[step.arg],
            )  # docstrings shift its index
        else:
            yield from (step.opname, step.arg, step.argval)


def _function(function: FunctionType) -> Iterator[Any]:
    code, module = function.__code__, function.__globals__.get("__name__", "")
    owner = "" if module in STUDENTS else owner_of(code.co_filename)
    if not owner:
        yield from (function.__name__, code, *_used(function))
    else:
        yield from admitted(owner, module, code.co_qualname)
    if owner == LIBRARY and STUDENTS:  # it may use one of the student's
        for value in itertools.chain.from_iterable(_used(function)):
            if isinstance(value, FunctionType) and owner_of(value.__code__.co_filename) == LIBRARY:
                yield value
    if owner == LIBRARY and hasattr(function, "__wrapped__"):
        yield function.__wrapped__  # the wrapper only checks arguments
    else:
        yield from (function.__defaults__, function.__kwdefaults__, function.__closure__)
        yield vars(function)


def _used(function: FunctionType) -> Iterator[tuple[Any, ...]]:
    """Yield every name that a function looks up outside itself, with its present value.

    Where a module's attribute is taken at once, as in ``h.scale``, the value is the attribute.
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
            elif step.opname in _ATTRIBUTE and OUTSIDE.fullmatch(step.argval):
                raise Unidentifiable(f"{step.argval} reads what is not in the code")


def _is_open(thing: Any) -> bool:
    """Return whether ``thing`` is a module of the reader's or the library's."""
    return isinstance(thing, ModuleType) and owner_of(file_of(thing.__name__)) in ("", LIBRARY)


# How to take a thing of exactly this type apart.
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
