# SPDX-License-Identifier: Apache-2.0
"""The two containers of PyTorch, read without PyTorch: a zip, and what came before it."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.segment.readers.unpickle import RefusedError, Sketch, Storage, check, load

MAGIC = 0x1950A86A20F9469CFC6C
"""First object of the container before the zip."""
PROTOCOL = 1001
"""Its second object."""

_BROKEN = (
    UnpicklingError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError,
    OverflowError, RecursionError, MemoryError, struct.error, zipfile.BadZipFile,
    NotImplementedError, OSError,
)  # fmt: skip


def read_torch(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dictionary, in its order.

    Parameters
    ----------
    path
        A zip archive, or the sequence of pickles and storages of PyTorch before 1.6.

    Returns
    -------
    tensors
        By name, in PyTorch's order of axes. A dictionary that lies under `model` in another
        one is taken in its place.

    Raises
    ------
    UnavailableError
        If the file is damaged, holds something else, or asks for anything but tensors.
    """
    try:
        with path.open('rb') as file:
            if zipfile.is_zipfile(file):
                file.seek(0)
                return _from_zip(file, path)
            file.seek(0)
            return _from_stream(file, path)
    except RefusedError as error:
        raise UnavailableError(
            f'refused: weights are tensors, and this file holds something else: {error}',
            where=path,
            do='fetch the file from where its authors published it, and trust no other',
        ) from error
    except _BROKEN as error:
        raise UnavailableError(
            f'cannot be read as weights of PyTorch ({type(error).__name__}: {error})',
            where=path,
            do='fetch the file again from where its authors published it',
        ) from error


def _from_zip(file: BinaryIO, path: Path) -> dict[str, NDArray[Any]]:
    """Read the zip: `<any>/data.pkl`, and one uncompressed record for each storage."""
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if any('/code/' in name for name in names):
            raise UnavailableError(
                'a TorchScript program instead of weights',
                where=path,
                do='give the file with the state dictionary (model.pt)',
            )
        (pickled,) = [name for name in names if name.endswith('/data.pkl')]
        prefix = pickled.removesuffix('data.pkl')
        order = '<'
        if f'{prefix}byteorder' in names:
            order = '>' if archive.read(f'{prefix}byteorder') == b'big' else '<'

        def elements(storage: Storage) -> bytes:
            record = archive.getinfo(f'{prefix}data/{storage.key}')
            # A compressed record could hold more than the memory; PyTorch writes none.
            if record.compress_type != zipfile.ZIP_STORED:
                message = f'the record {record.filename} is compressed'
                raise RefusedError(message)
            return archive.read(record)

        return _cut(load(io.BytesIO(archive.read(pickled))), elements, order)


def _from_stream(file: BinaryIO, path: Path) -> dict[str, NDArray[Any]]:
    """Read the older container: five pickles, then each storage behind its length."""
    if load(file) != MAGIC or load(file) != PROTOCOL:
        raise UnavailableError(
            'a pickle, but not of PyTorch', where=path, do='give the file as published'
        )
    system = load(file)
    order = '<' if system.get('little_endian', True) else '>'
    held = load(file)
    kinds = {sketch.storage.key: sketch.storage for sketch in _state(held).values()}
    runs: dict[str, bytes] = {}
    for key in load(file):
        (length,) = struct.unpack(f'{order}q', file.read(8))
        storage = kinds[key]
        if length != storage.elements:
            message = f'{length} elements in a storage of {storage.elements}'
            raise RefusedError(message)
        runs[key] = file.read(length * _itemsize(storage.kind))
    return _cut(held, lambda storage: runs[storage.key], order)


def _state(held: Any) -> dict[str, Sketch]:
    """Return the dictionary of tensors, which may lie under `model`."""
    if isinstance(held, Mapping) and isinstance(held.get('model'), Mapping):
        held = held['model']
    if not isinstance(held, Mapping):
        message = f'{type(held).__name__} in place of a dictionary of tensors'
        raise RefusedError(message)
    for name, tensor in held.items():
        if not (isinstance(name, str) and isinstance(tensor, Sketch)):
            message = f'{str(name)[:60]!r} is no tensor but {type(tensor).__name__}'
            raise RefusedError(message)
    return dict(held)


def _cut(held: Any, elements: Callable[[Storage], bytes], order: str) -> dict[str, NDArray[Any]]:
    """Return the tensors of a dictionary, each cut from its storage."""
    tensors: dict[str, NDArray[Any]] = {}
    for name, sketch in _state(held).items():
        run = _typed(elements(sketch.storage), sketch.storage.kind, order)
        if len(run) != sketch.storage.elements:
            message = f'{name}: {len(run)} elements, {sketch.storage.elements} expected'
            raise ValueError(message)
        strides = [step * run.itemsize for step in sketch.strides]
        check(sketch, len(run))
        view = np.lib.stride_tricks.as_strided(run[sketch.offset :], sketch.shape, strides)
        tensors[name] = np.array(view)
    return tensors


def _itemsize(kind: str) -> int:
    """Return the bytes of an element."""
    return 2 if kind == 'bfloat16' else np.dtype(kind).itemsize


def _typed(run: bytes, kind: str, order: str) -> NDArray[Any]:
    """Return bytes as an array of the machine's own order; bfloat16 as float32."""
    if kind == 'bfloat16':
        upper = np.frombuffer(run, f'{order}u2').astype(np.uint32)
        return (upper << 16).view(np.float32)
    values = np.frombuffer(run, np.dtype(kind).newbyteorder('<' if order == '<' else '>'))
    return values.astype(kind)
