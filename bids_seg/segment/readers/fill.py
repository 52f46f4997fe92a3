# SPDX-License-Identifier: Apache-2.0
"""Putting tensors of a file into a network: every tensor used, every weight filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError

if TYPE_CHECKING:
    import keras

Order = Literal['keras', 'torch']
"""Whose order of axes the tensors have."""

DO = 'give the weights that were published for this model'
SHOWN = 4
"""So many names are told in a message."""


def in_order(
    tensors: Mapping[str, NDArray[Any]], weights: Sequence[str], *, where: str | PathLike[str]
) -> dict[str, NDArray[Any]]:
    """Give tensors the names of a network's weights, one after the other.

    Parameters
    ----------
    tensors
        By the names in a file, in its order; the last part of a name (`kernel:0`) is compared.
    weights
        Paths of a network's weights, `layer/kernel`, in the order of the published file.
    where
        The file, for messages.

    Raises
    ------
    UnavailableError
        If there are more or fewer, or a kernel comes where a bias should.

    Examples
    --------
    >>> named = in_order({'conv3d_15/kernel:0': np.ones(2)}, ['down0/kernel'], where='a.h5')
    >>> list(named)
    ['down0/kernel']
    """
    found = list(tensors)
    pairs = zip(found, weights, strict=False)
    for number, (name, path) in enumerate(pairs, start=1):
        if _last(name) != _last(path):
            raise UnavailableError(
                f'tensor {number} of {len(found)} is {name}, where {path} was expected '
                f'({len(weights)} in all)',
                where=where,
                do=DO,
            )
    if len(found) < len(weights):
        raise UnavailableError(
            f'{len(found)} tensors, where the network has {len(weights)} weights; '
            f'missing: {_some(weights[len(found) :])}',
            where=where,
            do=DO,
        )
    if len(found) > len(weights):
        raise UnavailableError(
            f'{len(found)} tensors, where the network has {len(weights)} weights; '
            f'not used: {_some(found[len(weights) :])}',
            where=where,
            do=DO,
        )
    return dict(zip(weights, tensors.values(), strict=True))


def fill(
    network: keras.Model,
    tensors: Mapping[str, NDArray[Any]],
    names: Mapping[str, str] | None = None,
    *,
    where: str | PathLike[str],
    order: Order = 'keras',
    ignored: Callable[[str], bool] = lambda name: False,
) -> None:
    """Put every tensor into the weight that it belongs to.

    Parameters
    ----------
    network
        Its weights are replaced, all of them or, if anything is wrong, none.
    tensors
        By the names in a file.
    names
        Name in the file by path of the weight (`layer/kernel`); None: they are the same.
    where
        The file, for messages.
    order
        Order of axes of the tensors; a kernel of PyTorch `(out, in, ...)` becomes
        `(..., in, out)`, and the same turn is right for its transposed convolutions.
    ignored
        Names in the file that are no weights of this network: counters, optimiser, heads.

    Raises
    ------
    UnavailableError
        If a tensor is missing, left over, of another shape, or holds what is no number.
    """
    weights = {weight.path: weight for weight in network.weights}
    names = {path: path for path in weights} if names is None else names
    if set(names) != set(weights):
        apart = sorted(set(names) ^ set(weights))
        message = f'the table of names does not fit the network: {_some(apart)}'
        raise ValueError(message)
    wrong = _missing(tensors, names, ignored)
    ready = {}
    for path, name in names.items():
        if name not in tensors:
            continue
        values = _turned(tensors[name], order)
        if values.shape != tuple(weights[path].shape):
            wrong.append(
                f'{name} has shape {tensors[name].shape}, {_file_shape(weights[path], order)} '
                f'was expected'
            )
        elif not _numbers(values):
            wrong.append(f'{name} holds values that are no numbers')
        ready[path] = values
    if wrong:
        more = f' (and {len(wrong) - SHOWN} more)' if len(wrong) > SHOWN else ''
        raise UnavailableError(
            f'the weights do not fit the network {network.name}: {"; ".join(wrong[:SHOWN])}{more}',
            where=where,
            do=DO,
        )
    for path, values in ready.items():
        weights[path].assign(values.astype(np.float32))


def _missing(
    tensors: Mapping[str, NDArray[Any]], names: Mapping[str, str], ignored: Callable[[str], bool]
) -> list[str]:
    """Return sentences about tensors that are not there, and about those left over."""
    wanted = set(names.values())
    absent = [name for name in names.values() if name not in tensors]
    over = [name for name in tensors if name not in wanted and not ignored(name)]
    said = []
    if absent:
        said.append(f'missing: {_some(absent)}')
    if over:
        said.append(f'not used: {_some(over)}')
    return said


def _turned(values: NDArray[Any], order: Order) -> NDArray[Any]:
    """Return a kernel with Keras' order of axes; vectors stay as they are."""
    if order == 'keras' or values.ndim < 3:
        return values
    return np.transpose(values, (*range(2, values.ndim), 1, 0))


def _file_shape(weight: Any, order: Order) -> tuple[int, ...]:
    """Return the shape that a tensor of the file should have had."""
    shape = tuple(int(side) for side in weight.shape)
    return shape if order == 'keras' or len(shape) < 3 else (*shape[:-3:-1], *shape[:-2])


def _numbers(values: NDArray[Any]) -> bool:
    """Return whether all are finite floating-point numbers."""
    return values.dtype.kind == 'f' and bool(np.isfinite(values).all())


def _last(name: str) -> str:
    """Return the last part of a name, without TensorFlow's number of the output."""
    return name.rsplit('/', 1)[-1].split(':', 1)[0]


def _some(names: Sequence[str]) -> str:
    """Return the first few of some names as text."""
    shown = ', '.join(names[:SHOWN])
    return shown if len(names) <= SHOWN else f'{shown} (and {len(names) - SHOWN} more)'
