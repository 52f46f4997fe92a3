# SPDX-License-Identifier: Apache-2.0
"""Rigid and affine transforms: made, compared, applied, written and read.

A transform is one matrix of shape (4, 4) in scanner space, RAS+ mm: it takes a point of the
fixed volume to the same anatomy in the moving one, which is what resampling asks for. ITK
thinks in LPS; the change of signs happens here and in `search`, nowhere else.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import ImageError
from bids_seg.image import Grid, Volume, from_stored, write_bytes

Matrix = NDArray[np.float64]
"""From fixed mm to moving mm, RAS+, shape (4, 4)."""

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS+ to LPS+ and back."""
RADIUS_MM = 60.0
"""Distance from the centre at which two transforms are compared."""
TRANSFORM_KINDS = ('AffineTransform_double_3_3', 'MatrixOffsetTransformBase_double_3_3')
"""ITK classes that are read; the first is written."""


def rotation(angles: tuple[float, float, float], *, about: NDArray[np.float64]) -> Matrix:
    """Return the rotation about the R, then A, then S axis through a point.

    Parameters
    ----------
    angles
        Radians.
    about : array of shape (3,)
        mm; stays where it is.
    """
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[[first, second], [first, second]] = math.cos(angle)
        step[second, first], step[first, second] = math.sin(angle), -math.sin(angle)
        turn = step @ turn
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = about - turn @ about
    return matrix


def centre(grid: Grid) -> NDArray[np.float64]:
    """Return the middle of a grid, mm RAS+, shape (3,).

    Parameters
    ----------
    grid
        Any grid.

    Examples
    --------
    >>> centre(Grid((5, 7, 9), np.eye(4)))
    array([2., 3., 4.])
    """
    middle: NDArray[np.float64] = grid.affine @ np.append((np.array(grid.shape) - 1) / 2, 1.0)
    return middle[:3]


def distance(first: Matrix, second: Matrix, *, around: NDArray[np.float64]) -> float:
    """Return the largest distance, mm, between two transforms at eight points.

    Parameters
    ----------
    first, second : arrays of shape (4, 4)
        Transforms with the same source space.
    around : array of shape (3,)
        The points are the corners of a cube, 60 mm from here.

    Examples
    --------
    >>> shifted = np.eye(4)
    >>> shifted[0, 3] = 3.0
    >>> distance(np.eye(4), shifted, around=np.zeros(3))
    3.0
    """
    corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    points = around + RADIUS_MM * corners / math.sqrt(3)
    apart = np.column_stack([points, np.ones(8)]) @ (first - second).T
    return float(np.linalg.norm(apart[:, :3], axis=1).max())


def moved(volume: Volume, matrix: Matrix) -> Volume:
    """Return a volume carried into the fixed space, its voxels untouched.

    Parameters
    ----------
    volume
        The moving image.
    matrix
        From fixed mm to moving mm.
    """
    affine = np.linalg.inv(matrix) @ volume.grid.affine
    return from_stored(volume.array, Grid(volume.grid.shape, affine, volume.grid.code))


def write_transform(matrix: Matrix, path: Path) -> None:
    """Write a transform as ITK text (LPS), all of the file or none.

    Parameters
    ----------
    matrix
        From fixed mm to moving mm, RAS+.
    path
        Ends in `_xfm.txt`.
    """
    lps = FLIP @ matrix @ FLIP
    numbers = [*lps[:3, :3].ravel().tolist(), *lps[:3, 3].tolist()]
    lines = (
        '#Insight Transform File V1.0',
        '#Transform 0',
        f'Transform: {TRANSFORM_KINDS[0]}',
        'Parameters: ' + ' '.join(f'{number + 0.0:.12g}' for number in numbers),
        'FixedParameters: 0 0 0',
        '',
    )
    write_bytes(path, '\n'.join(lines).encode())


def read_transform(path: Path) -> Matrix:
    """Return the matrix of an ITK text transform, from fixed mm to moving mm, RAS+.

    Parameters
    ----------
    path
        A file with one affine transform.

    Raises
    ------
    ImageError
        If the file is not such a transform.
    """
    fields: dict[str, str] = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        key, colon, value = line.partition(':')
        if colon and not line.startswith('#'):
            fields[key.strip()] = value.strip()
    kind = fields.get('Transform', 'none')
    try:
        numbers = np.array(fields.get('Parameters', '').split(), dtype=float)
        fixed = np.array(fields.get('FixedParameters', '0 0 0').split(), dtype=float)
    except ValueError:
        numbers, fixed = np.empty(0), np.zeros(3)
    if kind not in TRANSFORM_KINDS or numbers.size != 12 or fixed.size != 3:
        raise ImageError(
            f'a transform of class {kind} with {numbers.size} numbers, an affine one has 12',
            where=path,
            do='give an ITK text file with one affine or rigid matrix',
        )
    lps = np.eye(4)
    lps[:3, :3] = numbers[:9].reshape(3, 3)
    lps[:3, 3] = numbers[9:] + fixed - lps[:3, :3] @ fixed
    matrix: Matrix = FLIP @ lps @ FLIP
    return matrix
