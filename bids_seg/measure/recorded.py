# SPDX-License-Identifier: Apache-2.0
"""From measured numbers to recorded ones: rounded in decimals, in scanner space, as stored."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid
from bids_seg.measure.diameter import Cross
from bids_seg.records import Diameters, Line, Point


def half_up(value: float, step: str) -> float:
    """Return a value rounded half up in decimals.

    Parameters
    ----------
    value
        Any finite number.
    step
        Last digit to keep, e.g. `0.1`.

    Examples
    --------
    >>> half_up(12.25, '0.1'), half_up(2.5, '1'), half_up(0.3 - 0.05, '0.1')
    (12.3, 3.0, 0.3)
    """
    # What lies below a millionth is noise of binary arithmetic: 0.25 may be 0.2499999999999.
    decimal = Decimal(repr(float(value))).quantize(Decimal('0.000001'))
    return float(decimal.quantize(Decimal(step), rounding=ROUND_HALF_UP))


def diameters(cross: Cross, grid: Grid, corner: NDArray[np.integer]) -> Diameters:
    """Return a cross as it is recorded: rounded, in scanner space, slice as stored.

    Parameters
    ----------
    cross
        In indices of a window.
    grid
        The whole grid.
    corner : array of shape (3,)
        RAS+ index of the window's first voxel.
    """
    index = cross.slice + int(corner[2])
    lines = []
    for ends in (cross.ld, cross.sd):
        start, end = (
            world(grid, np.array([end[0] + corner[0], end[1] + corner[1], index])) for end in ends
        )
        lines.append(Line(start=start, end=end))
    stored = int(np.flatnonzero(grid.orientation[:, 0] == 2)[0])
    flipped = grid.orientation[stored, 1] < 0
    return Diameters(
        ld_mm=half_up(cross.ld_mm, '0.1'),
        sd_mm=half_up(cross.sd_mm, '0.1'),
        slice=grid.shape[2] - 1 - index if flipped else index,
        ld=lines[0],
        sd=lines[1],
    )


def world(grid: Grid, place: NDArray[np.floating] | NDArray[np.integer]) -> Point:
    """Return a place in scanner mm, to 0.0001.

    Parameters
    ----------
    grid
        The grid.
    place : array of shape (3,)
        RAS+ voxel indices.
    """
    here = np.round(grid.affine[:3, :3] @ place + grid.affine[:3, 3], 4) + 0.0
    return float(here[0]), float(here[1]), float(here[2])


def slices(grid: Grid) -> tuple[float, float]:
    """Return the spacing of slices along their normal, mm, and its tilt, degrees.

    Parameters
    ----------
    grid
        The grid.

    Examples
    --------
    >>> slices(Grid((7, 8, 9), np.diag([1.0, 1.0, 5.0, 1.0])))
    (5.0, 0.0)
    """
    normal = np.cross(grid.affine[:3, 0], grid.affine[:3, 1])
    normal = normal / np.linalg.norm(normal)
    spacing = round(abs(float(grid.affine[:3, 2] @ normal)), 4)
    return spacing, float(np.degrees(np.arccos(np.clip(abs(normal[2]), 0, 1))))


def mm3(count: int | np.integer, grid: Grid) -> int:
    """Return the volume of some voxels, whole mm3, rounded half up.

    Parameters
    ----------
    count
        Number of voxels.
    grid
        Their grid.
    """
    return int(half_up(float(count) * grid.voxel_mm3, '1'))


def entropy(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the entropy of "inside or not", bits.

    Parameters
    ----------
    probability : array of any shape
        0..1.

    Examples
    --------
    >>> entropy(np.array([0.0, 0.5, 1.0])).tolist()
    [0.0, 1.0, 0.0]
    """
    inside = np.clip(probability.astype(np.float64), 0, 1)
    both = np.stack([inside, 1 - inside])
    bits: NDArray[np.float64] = -(both * np.log2(np.where(both > 0, both, 1))).sum(axis=0)
    return np.abs(bits)
