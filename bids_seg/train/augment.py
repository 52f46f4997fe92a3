# SPDX-License-Identifier: Apache-2.0
"""Changes to samples that published recipes make by chance: places, sizes, turns, intensities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]
Rng = np.random.Generator


def cut(array: NDArray[Any], start: Sequence[int], sides: Sequence[int]) -> NDArray[Any]:
    """Return a box of an array, 0 where it reaches beyond.

    Parameters
    ----------
    array : array of shape (I, J, K, ...)
        A volume.
    start
        First voxel along each of the first axes; may be below 0.
    sides
        Of the box.

    Examples
    --------
    >>> cut(np.array([1, 2, 3]), (-1,), (3,)), cut(np.array([1, 2, 3]), (2,), (2,))
    (array([0, 1, 2]), array([3, 0]))
    """
    box = np.zeros((*sides, *array.shape[len(sides) :]), array.dtype)
    there, here = [], []
    for first, side, length in zip(start, sides, array.shape, strict=False):
        low, high = max(first, 0), max(min(first + side, length), max(first, 0))
        there.append(slice(low, high))
        here.append(slice(low - first, high - first))
    box[tuple(here)] = array[tuple(there)]
    return box


def corner(rng: Rng, shape: Sequence[int], sides: Sequence[int]) -> list[int]:
    """Return where a box of some size begins, anywhere inside; around what is smaller.

    Parameters
    ----------
    rng
        Of chance.
    shape
        Of the volume.
    sides
        Of the box.
    """
    return [
        int(rng.integers(min(0, length - side), max(0, length - side) + 1))
        for length, side in zip(shape, sides, strict=True)
    ]


def corner_around(
    rng: Rng, box: Sequence[slice], shape: Sequence[int], sides: Sequence[int]
) -> list[int]:
    """Return where a box of some size begins that holds a smaller box.

    Parameters
    ----------
    rng
        Of chance.
    box
        What is to be held; of one that is too large a part is.
    shape
        Of the volume.
    sides
        Of the box.
    """
    start = []
    for part, length, side in zip(box, shape, sides, strict=True):
        ends = sorted((part.stop - side, part.start))
        low = max(ends[0], min(0, length - side))
        high = min(ends[1], max(0, length - side))
        start.append(int(rng.integers(min(low, high), max(low, high) + 1)))
    return start


def turn(angle: float, axis: Sequence[float] | Matrix) -> Matrix:
    """Return the rotation about an axis.

    Parameters
    ----------
    angle
        Radians.
    axis
        Direction, of any length but 0.

    Examples
    --------
    >>> turn(np.pi / 2, (0, 0, 2)).round().astype(int).tolist()
    [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    """
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: Matrix = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def seen_through(
    array: NDArray[Any], matrix: Matrix, *, start: Sequence[int], sides: Sequence[int],
    order: Literal[0, 1],
) -> NDArray[Any]:  # fmt: skip
    """Return a box of an array seen through a matrix about the middle of the box.

    Parameters
    ----------
    array : array of shape (I, J, K) or (rows, columns)
        One channel.
    matrix
        From steps in the box to steps in the array.
    start, sides
        The box that would be seen without it.
    order
        Of the interpolation; what lies beyond the array is 0.
    """
    from scipy import ndimage

    middle = (np.array(sides) - 1) / 2
    offset = np.array(start) + middle - matrix @ middle
    found: NDArray[Any] = ndimage.affine_transform(
        array, matrix, offset, output_shape=tuple(sides), order=order
    )
    return found


def either(rng: Rng, low: float, high: float) -> float:
    """Return a factor below 1 half of the time, and above it the other half.

    Parameters
    ----------
    rng
        Of chance.
    low, high
        Farthest from 1 on either side.
    """
    return float(rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high))


def contrast(image: Array, factor: float) -> Array:
    """Return an image with more or less contrast about its mean, within its old range.

    Parameters
    ----------
    image : array of any shape
        Intensities.
    factor
        Above 1 for more.
    """
    mean = image.mean(dtype=np.float64)
    changed = (image - mean) * factor + mean
    return np.asarray(np.clip(changed, image.min(), image.max()), np.float32)


def gamma(image: Array, power: float, *, inverted: bool = False) -> Array:
    """Return an image whose range is bent by a power, its mean and deviation as before.

    Parameters
    ----------
    image : array of any shape
        Intensities.
    power
        Exponent of the share of the range.
    inverted
        Whether the range is turned upside down first, and back in the end.
    """
    values = -image if inverted else image
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return image
    bent = ((values - low) / (high - low)) ** power * (high - low) + low
    spread = bent.std(dtype=np.float64) or 1.0
    bent = (bent - bent.mean(dtype=np.float64)) / spread * values.std(dtype=np.float64)
    bent += values.mean(dtype=np.float64)
    return np.asarray(-bent if inverted else bent, np.float32)


def coarse(array: NDArray[Any], factor: float, *, back: Literal[0, 1]) -> NDArray[Any]:
    """Return an array sampled at fewer places by the nearest voxel, and brought back.

    Parameters
    ----------
    array : array of shape (I, J, K)
        One channel.
    factor
        Places for one voxel along each axis, at most 1.
    back
        Order of the interpolation on the way back.
    """
    from scipy import ndimage

    sides = [max(1, round(side * factor)) for side in array.shape]
    index = [
        np.minimum(((np.arange(side) + 0.5) * length / side).astype(int), length - 1)
        for side, length in zip(sides, array.shape, strict=True)
    ]
    small = array[np.ix_(*index)]
    steps = np.array(sides) / array.shape
    found: NDArray[Any] = ndimage.affine_transform(
        small, steps, (steps - 1) / 2, output_shape=array.shape, order=back, mode='nearest'
    )
    return found
