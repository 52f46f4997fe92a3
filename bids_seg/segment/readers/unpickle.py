# SPDX-License-Identifier: Apache-2.0
"""Reading a pickle of tensors without letting it call anything.

A pickle is a program: it may import and call what it likes. This one finds three kinds of
names, each of which leads to a function here that only takes notes.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

TYPES = {
    'FloatStorage': 'f4',
    'DoubleStorage': 'f8',
    'HalfStorage': 'f2',
    'BFloat16Storage': 'bfloat16',
    'LongStorage': 'i8',
    'IntStorage': 'i4',
    'ShortStorage': 'i2',
    'CharStorage': 'i1',
    'ByteStorage': 'u1',
    'BoolStorage': 'b1',
}
"""Types of the elements by the name of their storage, as NumPy writes them."""


class RefusedError(ValueError):
    """A pickle asked for something that no file of weights needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A run of elements in the file."""

    key: str
    """Its name in the file."""
    kind: str
    """Type of the elements, a value of `TYPES`."""
    elements: int
    """How many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """A tensor that has yet to be cut from its storage."""

    storage: Storage
    """Where its elements lie."""
    offset: int
    """Of its first element."""
    shape: tuple[int, ...]
    """Lengths of its axes."""
    strides: tuple[int, ...]
    """Elements from one index to the next along each axis."""


def load(file: BinaryIO) -> Any:
    """Return what the next pickle of a stream holds, tensors as `Sketch`.

    Parameters
    ----------
    file
        A stream; it is left behind the pickle.

    Raises
    ------
    RefusedError
        If the pickle names anything but tensors, or tensors that cannot be.
    """
    return _Reader(file, encoding='utf-8').load()


class _Reader(pickle.Unpickler):
    """An unpickler that knows tensors, storages and ordered dictionaries only."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name, or refuse it."""
        if module in {'torch', 'torch.storage'} and name in TYPES:
            return TYPES[name]
        found = _KNOWN.get((module, name))
        if found is None:
            message = f'it wants to use {module}.{name}'
            raise RefusedError(message)
        return found

    def persistent_load(self, identity: Any) -> Storage:
        """Return the storage that a pickle refers to, whatever device it was saved from."""
        match identity:
            case ('storage', str(kind), str(key), _, int(elements), *rest) if (
                kind in TYPES.values() and elements >= 0 and rest in ([], [None])
            ):
                return Storage(key=key, kind=kind, elements=elements)
        message = f'it refers to what is no storage: {str(identity)[:80]}'
        raise RefusedError(message)


def check(sketch: Sketch, elements: int) -> None:
    """Refuse a tensor whose elements do not all lie in its storage.

    Parameters
    ----------
    sketch
        What a pickle says; it may have changed its mind after the tensor was made.
    elements
        How many the file really holds.

    Raises
    ------
    RefusedError
        If one lies outside, or numbers are none.
    """
    numbers = (sketch.offset, *sketch.shape, *sketch.strides)
    whole = all(type(number) is int and number >= 0 for number in numbers)
    if not whole or len(sketch.shape) != len(sketch.strides):
        message = f'a tensor of shape {sketch.shape}, strides {sketch.strides}'
        raise RefusedError(message)
    steps = zip(sketch.shape, sketch.strides, strict=True)
    last = sketch.offset + sum((side - 1) * step for side, step in steps)
    size = math.prod(sketch.shape)
    if size and (last >= elements or size > elements):
        message = f'a tensor of shape {sketch.shape} in a storage of {elements} elements'
        raise RefusedError(message)


class _Note:
    """What a pickle is given in place of a function; it cannot be changed from there."""

    __slots__ = ('_take',)

    def __init__(self, take: Callable[..., Sketch]) -> None:
        self._take = take

    def __call__(self, *given: Any) -> Sketch:
        return self._take(*given)

    def __setstate__(self, state: Any) -> None:
        message = 'it wants to change what reads it'
        raise RefusedError(message)


class _Named(dict[str, Any]):
    """What a pickle is given in place of an ordered dictionary: versions and hooks are dropped."""

    def __setstate__(self, state: Any) -> None:
        """Take no note of attributes."""


def _rebuild(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Sketch:
    """Take note of a tensor."""
    if not isinstance(storage, Storage):
        message = f'a tensor on {type(storage).__name__}'
        raise RefusedError(message)
    return Sketch(storage=storage, offset=offset, shape=tuple(shape), strides=tuple(strides))


def _parameter(sketch: Any, *_: Any) -> Sketch:
    """Take a parameter for the tensor that it wraps."""
    if not isinstance(sketch, Sketch):
        message = f'a parameter around {type(sketch).__name__}'
        raise RefusedError(message)
    return sketch


_KNOWN: dict[tuple[str, str], Any] = {
    ('collections', 'OrderedDict'): _Named,
    ('torch._utils', '_rebuild_tensor_v2'): _Note(_rebuild),
    ('torch._utils', '_rebuild_tensor'): _Note(_rebuild),
    ('torch._utils', '_rebuild_parameter'): _Note(_parameter),
}
