# SPDX-License-Identifier: Apache-2.0
"""Telling containers of weights apart by what they are, whatever they are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.image import is_fetched
from bids_seg.segment.readers.bundle import read_bundle
from bids_seg.segment.readers.hdf5 import read_hdf5
from bids_seg.segment.readers.torch import read_torch


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors of any published container by their names in it.

    Parameters
    ----------
    path
        A file of Keras (HDF5) or PyTorch, or the folder or `.index` file of TensorFlow.

    Raises
    ------
    UnavailableError
        If it is none of these, is missing, or cannot be read.
    """
    if path.is_dir() or path.name.endswith('.index') or '.data-' in path.name:
        return read_bundle(path)
    if not path.is_file() or not is_fetched(path):
        raise UnavailableError(
            'the weights are missing' if not path.is_file() else 'a pointer, not the weights',
            where=path,
            do='fetch the file and give its path',
        )
    try:
        with path.open('rb') as file:
            start = file.read(8)
    except OSError as error:
        raise UnavailableError(
            f'the weights cannot be read ({error.strerror})', where=path, do='check permissions'
        ) from error
    if start.startswith(b'\x89HDF'):
        return read_hdf5(path)
    if start.startswith((b'PK\x03\x04', b'\x80')):
        return read_torch(path)
    raise UnavailableError(
        f'no container of weights that is known (it starts with {start!r})',
        where=path,
        do='give the file as published: HDF5 of Keras, .pt of PyTorch, checkpoint of TensorFlow',
    )
