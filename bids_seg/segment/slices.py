# SPDX-License-Identifier: Apache-2.0
"""Volumes as stacks of slices, for networks that look at one slice at a time.

A stack has shape `(S, rows, columns)`. Sampling within the slices is linear algebra: one
matrix for the rows and one for the columns, the same for every slice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import StageError
from bids_seg.image import Volume
from bids_seg.records import Role
from bids_seg.segment.system import Call

Stack = NDArray[Any]
"""Slices, `(S, rows, columns)`."""

Matrix = NDArray[np.float64]
"""Weights with which new samples are made of old ones, `(new, old)`."""


def axial(array: NDArray[Any]) -> Stack:
    """Return axial slices from below upwards, as they hang on a light box.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Along right, anterior, superior.

    Returns
    -------
    stack : array of shape (K, J, I)
        Rows from the front to the back, columns from the patient's right to the left: the
        order in which scanners store axial slices.

    Examples
    --------
    >>> array = np.zeros((2, 3, 4))
    >>> array[1, 2, 0] = 1
    >>> axial(array)[0].tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    """
    return array[::-1, ::-1].transpose(2, 1, 0)


def from_axial(stack: Stack) -> NDArray[Any]:
    """Return the volume of which a stack shows the axial slices.

    Parameters
    ----------
    stack : array of shape (K, J, I)
        As `axial` returns it.

    Examples
    --------
    >>> array = np.arange(24).reshape(2, 3, 4)
    >>> np.array_equal(from_axial(axial(array)), array)
    True
    """
    return np.ascontiguousarray(stack.transpose(2, 1, 0)[::-1, ::-1])


def linear(length: int, old: int, *, step: float, start: float = 0.0) -> Matrix:
    """Return the matrix that reads samples at equal steps, by linear interpolation.

    Parameters
    ----------
    length
        New samples.
    old
        Old samples.
    step
        Width of a new sample, in old ones.
    start
        Where the first new sample begins, in old ones; the first old one begins at 0.

    Returns
    -------
    weights : array of shape (length, old)
        Nothing is smoothed where samples get wider. Half a sample at either end has the value
        of the outermost one; what lies further out is 0.

    Examples
    --------
    >>> linear(4, 2, step=0.5) @ [0.0, 1.0]
    array([0.  , 0.25, 0.75, 1.  ])
    >>> linear(3, 2, step=1, start=-1) @ [5.0, 6.0]
    array([0., 5., 6.])
    """
    at = start + (np.arange(length) + 0.5) * step - 0.5
    inside = (at > -0.5 - 1e-6) & (at < old - 0.5 + 1e-6)
    at = np.clip(at, 0, old - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, old - 1)
    weights = np.zeros((length, old))
    rows = np.arange(length)
    np.add.at(weights, (rows, low), (1 - (at - low)) * inside)
    np.add.at(weights, (rows, high), (at - low) * inside)
    return weights


def cubic(old: int, scale: float) -> Matrix:
    """Return the matrix that scales a side by cubic convolution, widened where it shrinks.

    Parameters
    ----------
    old
        Old samples.
    scale
        New samples for an old one.

    Returns
    -------
    weights : array of shape (ceil(old * scale), old)
        Beyond the ends the samples are mirrored.

    Notes
    -----
    The kernel with a = -0.5 of Keys, https://doi.org/10.1109/TASSP.1981.1163711, equation 15,
    stretched by 1 / scale when shrinking: the bicubic `imresize` of MatLab.

    Examples
    --------
    >>> cubic(4, 0.5) @ [1.0, 1.0, 1.0, 1.0]
    array([1., 1.])
    """
    # A length that is whole but for rounding must not grow by one.
    length = int(np.ceil(old * scale - 1e-9))
    narrow = min(scale, 1.0)
    at = (np.arange(length) + 0.5) / scale - 0.5
    reach = int(np.ceil(2 / narrow)) + 1
    taps = np.floor(at).astype(int)[:, None] + np.arange(-reach, reach + 1)
    values = _keys(narrow * (at[:, None] - taps))
    values /= values.sum(axis=1, keepdims=True)
    turn = taps % (2 * old)
    source = np.where(turn < old, turn, 2 * old - 1 - turn)
    weights = np.zeros((length, old))
    np.add.at(weights, (np.arange(length)[:, None], source), values)
    return weights


def _keys(distance: Matrix) -> Matrix:
    """Return the cubic convolution kernel at distances in samples."""
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    kernel: Matrix = np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
    return kernel


def sample(stack: Stack, rows: Matrix, columns: Matrix) -> NDArray[np.float32]:
    """Return every slice of a stack, sampled by one matrix a side.

    Parameters
    ----------
    stack : array of shape (S, rows, columns)
        Slices.
    rows, columns : arrays of shape (new, old)
        Weights along either side.
    """
    result = np.empty((len(stack), len(rows), len(columns)), np.float32)
    for index, plane in enumerate(stack):
        result[index] = rows @ plane.astype(np.float64) @ columns.T
    return result


def answers(
    stack: Stack,
    call: Call,
    *,
    normalise: Callable[[Stack], NDArray[np.float32]] = np.asarray,
    batch: int = 8,
) -> NDArray[np.float32]:
    """Return what a network says to each slice, a few slices at a time.

    Parameters
    ----------
    stack : array of shape (S, rows, columns) or (S, rows, columns, C)
        Slices.
    call
        From `(B, rows, columns, C)` to `(B, rows, columns, 1)`.
    normalise
        From so many slices to what the network is given.
    batch
        Slices at once; how many changes memory, not the outcome.

    Returns
    -------
    outputs : array of shape (S, rows, columns)
        What it said.
    """
    said = np.zeros(stack.shape[:3], np.float32)
    for at in range(0, len(stack), batch):
        said[at : at + batch] = call(normalise(stack[at : at + batch]))[..., 0]
    return said


def first_of(roles: Sequence[Role], images: Mapping[Role, Volume]) -> Role:
    """Return the first of some roles that an image plays.

    Parameters
    ----------
    roles
        Those that a system can do with, the best first.
    images
        Of a visit.

    Raises
    ------
    StageError
        If none is there.
    """
    for role in roles:
        if role in images:
            return role
    raise StageError(
        f'there is no {" or ".join(roles)} image',
        where='images',
        do='choose another network for this visit',
    )


def largest(mask: NDArray[np.bool_], *, corners: bool) -> NDArray[np.bool_]:
    """Return the largest piece of a mask, the first of several as large; an empty one as it is.

    Parameters
    ----------
    mask : array of any shape
        A mask.
    corners
        Whether voxels that share no more than a corner belong together, or only those that
        share a face.
    """
    from scipy import ndimage

    structure = np.ones((3,) * mask.ndim) if corners else None
    pieces, found = ndimage.label(mask, structure=structure)
    if found < 2:
        return mask
    biggest: NDArray[np.bool_] = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return biggest
