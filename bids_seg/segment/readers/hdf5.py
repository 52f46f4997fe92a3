# SPDX-License-Identifier: Apache-2.0
"""The HDF5 files of Keras before version 3: whole models, and weights alone."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError

AGAIN = 'fetch the file again from where its authors published it'


def read_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    """Return the weights of a file in the order in which its layers were made.

    Parameters
    ----------
    path
        A file of the legacy layout; what else a whole model holds (the state of its optimiser,
        its configuration) is left alone.

    Returns
    -------
    tensors
        By the name in the file, `layer/weight:0`. The number in an automatic name says how many
        layers that process had made before, so only the order may be relied on.

    Raises
    ------
    UnavailableError
        If it is no such file, or lacks a tensor that it lists.
    """
    import h5py

    try:
        with h5py.File(path, 'r') as file:
            root = file.get('model_weights', file)
            if not _listed(root, 'layer_names'):
                raise UnavailableError(
                    'an HDF5 file without a list of layers (layer_names)',
                    where=path,
                    do='give the file as published, in the layout of Keras before version 3',
                )
            return _tensors(root, path)
    except (OSError, RuntimeError) as error:
        raise UnavailableError(f'cannot be read as HDF5 ({error})', where=path, do=AGAIN) from error


def _tensors(root: Any, path: Path) -> dict[str, NDArray[Any]]:
    """Return the tensors below a group by name, layer after layer."""
    tensors: dict[str, NDArray[Any]] = {}
    for layer in _listed(root, 'layer_names'):
        group = root.get(layer)
        for weight in _listed(group, 'weight_names') if group is not None else ():
            name = weight if weight.startswith(f'{layer}/') else f'{layer}/{weight}'
            found = group.get(weight)
            if found is None or not hasattr(found, 'shape'):
                raise UnavailableError(
                    f'the tensor {name} is listed but missing', where=path, do=AGAIN
                )
            tensors[name] = np.asarray(found[()])
    return tensors


def _listed(group: Any, name: str) -> tuple[str, ...]:
    """Return a list of names, which is cut into numbered parts where it is very long."""
    parts = [name] if name in group.attrs else []
    if not parts:
        for number in count():
            if f'{name}{number}' not in group.attrs:
                break
            parts.append(f'{name}{number}')
    return tuple(
        item.decode('utf-8') if isinstance(item, bytes) else str(item)
        for part in parts
        for item in group.attrs[part]
    )
