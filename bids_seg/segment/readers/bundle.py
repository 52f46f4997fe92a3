# SPDX-License-Identifier: Apache-2.0
"""The tensor bundle of TensorFlow 2 (checkpoints, and the variables of a SavedModel).

An `.index` file is a sorted table of keys, in blocks of which each key tells only where it
differs from the one before; a value says where in a `.data` file the tensor lies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.segment.readers import crc

Endian = Literal['<', '>']
"""Order of bytes, as NumPy writes it."""

MAGIC = 0xDB4775248B80FB57
"""Last eight bytes of an index, little-endian."""
FOOTER = 48
"""Bytes at the end of an index."""
TYPES = {1: 'f4', 2: 'f8', 3: 'i4', 4: 'u1', 5: 'i2', 6: 'i1', 9: 'i8', 10: 'b1', 19: 'f2'}
"""NumPy's names of TensorFlow's types."""
STRING = 7
"""TensorFlow's number of a type that holds text: the graph of objects, no weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a tensor lies."""

    kind: int
    """TensorFlow's number of the type of its elements."""
    shape: tuple[int, ...]
    """Lengths of its axes."""
    shard: int
    """Number of the data file."""
    offset: int
    """Of its first byte."""
    size: int
    """Bytes."""
    checksum: int
    """Masked CRC-32C of its bytes."""
    sliced: bool
    """Whether it was cut into parts."""


def read_bundle(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a bundle by their keys, sorted.

    Parameters
    ----------
    path
        A folder with a checkpoint, the folder of a SavedModel, an `.index` file, or the path
        of both files without what follows the common name.

    Returns
    -------
    tensors
        By key, as `layer/kernel/.ATTRIBUTES/VARIABLE_VALUE`; what holds text is left out.

    Raises
    ------
    UnavailableError
        If a file is missing or damaged.
    """
    index = _index(path)
    try:
        items = dict(_table(index.read_bytes()))
        header = _fields(items.pop(b''))
        shards = int(header.get(1, [1])[0])
        order: Endian = '>' if header.get(2, [0])[0] else '<'
        entries = {key.decode('utf-8'): _entry(value) for key, value in items.items()}
        return {
            key: _tensor(index, shards, entry, order)
            for key, entry in entries.items()
            if entry.kind != STRING
        }
    except (ValueError, KeyError, IndexError, TypeError, struct.error, OSError) as error:
        raise UnavailableError(
            f'cannot be read as a checkpoint of TensorFlow ({error})',
            where=index,
            do='fetch both files (.index and .data) again from where they were published',
        ) from error


def _index(path: Path) -> Path:
    """Return the index file that a path means."""
    if path.is_dir():
        saved = path / 'variables' / 'variables.index'
        found = [saved] if saved.is_file() else sorted(path.glob('*.index'))
        note = path / 'checkpoint'
        if len(found) > 1 and note.is_file():
            text = note.read_text(encoding='utf-8', errors='replace')
            found = [file for file in found if f'"{file.stem}"' in text.split('\n', 1)[0]]
        if len(found) == 1:
            return found[0]
        what = f'{len(found)} checkpoints (*.index) in this folder, where one was expected'
    else:
        stem = path.name.removesuffix('.index').split('.data-')[0]
        file = path.with_name(f'{stem}.index')
        if file.is_file():
            return file
        what = f'no file {file.name}'
    raise UnavailableError(what, where=path, do='give the folder of one checkpoint')


def _tensor(index: Path, shards: int, entry: Entry, order: Endian) -> NDArray[Any]:
    """Read one tensor and compare it with its checksum."""
    data = index.with_name(f'{index.stem}.data-{entry.shard:05d}-of-{shards:05d}')
    kind = np.dtype(TYPES[entry.kind])
    elements = 1
    for side in entry.shape:
        elements *= side
    if entry.sliced or elements * kind.itemsize != entry.size:
        message = f'{entry.size} bytes for a tensor of shape {entry.shape}'
        raise ValueError(message)
    with data.open('rb') as file:
        file.seek(entry.offset)
        run = file.read(entry.size)
    if len(run) != entry.size or crc.masked(run) != entry.checksum:
        message = f'{data.name} is damaged or cut short'
        raise ValueError(message)
    return np.frombuffer(run, kind.newbyteorder(order)).astype(kind).reshape(entry.shape)


def _entry(value: bytes) -> Entry:
    """Return what the value of a key says."""
    fields = _fields(value)
    sides = [_fields(side).get(1, [0])[0] for side in _fields(fields.get(2, [b''])[0]).get(2, [])]
    return Entry(
        kind=fields.get(1, [0])[0],
        shape=tuple(sides),
        shard=fields.get(3, [0])[0],
        offset=fields.get(4, [0])[0],
        size=fields.get(5, [0])[0],
        checksum=fields.get(6, [0])[0],
        sliced=7 in fields,
    )


def _table(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of a sorted table."""
    if len(index) < FOOTER or struct.unpack('<Q', index[-8:])[0] != MAGIC:
        message = 'no sorted table of tensors'
        raise ValueError(message)
    footer = index[-FOOTER:]
    at = 0
    numbers = []
    for _ in range(4):
        number, at = _varint(footer, at)
        numbers.append(number)
    for _, handle in _block(index, numbers[2], numbers[3]):
        offset, after = _varint(handle, 0)
        size, _ = _varint(handle, after)
        yield from _block(index, offset, size)


def _block(index: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of one block."""
    block = index[offset : offset + size]
    kind, checksum = struct.unpack_from('<BI', index, offset + size)
    if kind or crc.masked(index[offset : offset + size + 1]) != checksum:
        message = 'a block of the index is damaged or compressed'
        raise ValueError(message)
    (restarts,) = struct.unpack_from('<I', block, size - 4)
    end = size - 4 - 4 * restarts
    key = b''
    at = 0
    while at < end:
        shared, at = _varint(block, at)
        unshared, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + unshared]
        at += unshared
        yield key, block[at : at + length]
        at += length


def _varint(run: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, and where the next one starts."""
    number = 0
    for shift in range(0, 64, 7):
        byte = run[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
    message = 'a number of more than 64 bits'
    raise ValueError(message)


def _fields(message: bytes) -> dict[int, list[Any]]:
    """Return the fields of a protobuf message by number: integers, and bytes of what nests."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: Any
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 1:
                (value,) = struct.unpack_from('<Q', message, at)
                at += 8
            case 2:
                length, at = _varint(message, at)
                value, at = message[at : at + length], at + length
            case 5:
                (value,) = struct.unpack_from('<I', message, at)
                at += 4
            case wire:
                text = f'a field of wire type {wire}'
                raise ValueError(text)
        fields.setdefault(tag >> 3, []).append(value)
    return fields
