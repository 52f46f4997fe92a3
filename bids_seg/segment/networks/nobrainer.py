# SPDX-License-Identifier: Apache-2.0
"""The 3-D U-Net of nobrainer's brain extraction, without batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import keras
from keras import layers
from numpy.typing import NDArray

from bids_seg.segment import readers

LEVELS = 4
"""Resolutions; sides of the input are multiples of `2 ** (LEVELS - 1)`."""
WIDTH = 16
"""Filters of the first convolution of the published network."""


def build(width: int = WIDTH) -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    width
        Filters of the first convolution; every other number of channels follows from it.

    Returns
    -------
    model
        `(B, I, J, K, 1)` z-scores to logits of the brain `(B, I, J, K, 1)`.

    Notes
    -----
    https://github.com/neuronets/nobrainer, `models/unet.py` at 0.1.0, one class. Skips come
    first in every concatenation; nothing bends after a transposed convolution.
    """

    def twice(x: Any, name: str, first: int, second: int) -> Any:
        """Convolve and bend, two times."""
        for part, filters in (('a', first), ('b', second)):
            x = layers.Conv3D(filters, 3, padding='same', activation='relu', name=f'{name}_{part}')(
                x
            )
        return x

    inputs = keras.Input((None, None, None, 1), name='image')
    x = inputs
    skips: list[Any] = []
    for level in range(LEVELS):
        filters = width * 2**level
        x = twice(x, f'down{level}', filters, 2 * filters)
        if level < LEVELS - 1:
            skips.append(x)
            x = layers.MaxPooling3D(2, name=f'pool{level}')(x)
    for level in reversed(range(LEVELS - 1)):
        filters = width * 2 ** (level + 1)
        x = layers.Conv3DTranspose(2 * filters, 2, strides=2, name=f'grow{level}')(x)
        x = layers.Concatenate(name=f'join{level}')([skips[level], x])
        x = twice(x, f'up{level}', filters, filters)
    return keras.Model(inputs, layers.Conv3D(1, 1, name='logits')(x), name='nobrainer')


def order() -> tuple[str, ...]:
    """Return the paths of the weights in the order of the published file.

    Examples
    --------
    >>> order()[:2], order()[-1], len(order())
    (('down0_a/kernel', 'down0_a/bias'), 'logits/bias', 36)
    """
    names = [f'down{level}_{part}' for level in range(LEVELS) for part in 'ab']
    for level in reversed(range(LEVELS - 1)):
        names += [f'grow{level}', f'up{level}_a', f'up{level}_b']
    return tuple(f'{name}/{kind}' for name in (*names, 'logits') for kind in ('kernel', 'bias'))


def fill(
    network: keras.Model, tensors: Mapping[str, NDArray[Any]], *, where: str | PathLike[str]
) -> None:
    """Put the tensors of the published HDF5 into a network.

    Parameters
    ----------
    network
        From `build`.
    tensors
        In the order of the file; numbers in automatic names tell nothing.
    where
        The file, for messages.

    Raises
    ------
    UnavailableError
        If any is missing, left over or of another shape.
    """
    readers.fill(network, readers.in_order(tensors, order(), where=where), where=where)
