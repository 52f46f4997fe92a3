# SPDX-License-Identifier: Apache-2.0
"""Looking at a volume through a window of fixed size that slides over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bids_seg.segment.fields import Box

Array = NDArray[np.float32]

Sides = tuple[int, int, int]
"""Lengths along the three axes, voxels."""


def starts(length: int, window: int, step: int) -> list[int]:
    """Return where a window lies along an axis: at equal steps, the last moved back inside.

    Parameters
    ----------
    length
        Of the axis, at least that of the window.
    window
        Side of the window.
    step
        From one place to the next.

    Examples
    --------
    >>> starts(30, 16, 8), starts(32, 16, 8), starts(16, 16, 8)
    ([0, 8, 14], [0, 8, 16], [0])
    """
    last = length - window
    return [*range(0, last, step), last]


def padded(array: Array, least: Sides) -> tuple[Array, Box]:
    """Return an array with zeros around it where it is shorter than a window.

    Parameters
    ----------
    array : array of shape (I, J, K, ...)
        Any number of channels.
    least
        Least length of each of the first three axes.

    Returns
    -------
    array
        Half of the zeros before, the larger half after.
    box
        Where the array lies in it.

    Examples
    --------
    >>> padded(np.ones((3, 4, 9)), (4, 4, 8))[0].shape
    (4, 4, 9)
    """
    missing = [max(0, side - length) for side, length in zip(least, array.shape, strict=False)]
    before = [lack // 2 for lack in missing]
    width = [(first, lack - first) for first, lack in zip(before, missing, strict=True)]
    width += [(0, 0)] * (array.ndim - 3)
    i, j, k = (
        slice(first, first + length) for first, length in zip(before, array.shape, strict=False)
    )
    return np.pad(array, width), (i, j, k)


def slide(
    call: Callable[[Array], Array],
    array: Array,
    *,
    window: Sides,
    step: Sides,
    weight: Array | None = None,
    begin: float = 0.0,
) -> Array:
    """Return the weighted mean of what a network says at all places of a window.

    Parameters
    ----------
    call
        From `(1, i, j, k, C)` to `(1, i, j, k, R)`.
    array : array of shape (I, J, K, C)
        No shorter than the window.
    window
        Its sides.
    step
        From one place to the next.
    weight : array of shape (i, j, k)
        How much each voxel of the window counts; None: all the same.
    begin
        From what the sum of weights starts; other than 0 it pulls the outcome to 0.

    Returns
    -------
    mean : array of shape (I, J, K, R)
        Of logits, if these come.
    """
    shape = array.shape[:3]
    parts = np.ones(window, np.float32) if weight is None else weight
    total: Array | None = None
    weights = np.full((*shape, 1), begin, np.float32)
    for where in places(shape, window, step):
        said = call(np.ascontiguousarray(array[where])[None])[0]
        if total is None:
            total = np.zeros((*shape, said.shape[-1]), np.float32)
        total[where] += parts[..., None] * said
        weights[where] += parts[..., None]
    if total is None:
        message = f'no window of {window} in an array of {shape}'
        raise ValueError(message)
    total /= weights
    return total


def places(shape: Sequence[int], window: Sides, step: Sides) -> Iterator[Box]:
    """Yield every place of a window, the last axis first.

    Parameters
    ----------
    shape
        Of the array.
    window
        Its sides.
    step
        From one place to the next.

    Examples
    --------
    >>> len(list(places((28, 20, 30), (16, 16, 16), (8, 8, 8))))
    18
    """
    axes = (starts(*sides) for sides in zip(shape, window, step, strict=True))
    for corner in product(*axes):
        i, j, k = (slice(at, at + side) for at, side in zip(corner, window, strict=True))
        yield i, j, k
