# SPDX-License-Identifier: Apache-2.0
"""Between the reference's grid and the network's: cutting a field of view and coming back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid, Volume, isotropic, shrink

Box = tuple[slice, slice, slice]
"""A part of an array."""


def box_of(mask: NDArray[np.bool_], grid: Grid, *, margin_mm: float) -> Box:
    """Return the smallest box around a mask and a margin, cut to the array.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Whole array if empty.
    grid
        Its grid.
    margin_mm
        What is added on all sides.

    Examples
    --------
    >>> mask = np.zeros((7, 8, 9), dtype=bool)
    >>> mask[3, 4, 5] = True
    >>> box_of(mask, Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0])), margin_mm=3)
    (slice(0, 7, None), slice(1, 8, None), slice(4, 7, None))
    """
    sides = []
    for axis in range(3):
        seen = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(margin_mm / grid.spacing[axis] - 1e-6))
        first, last = (int(seen[0]), int(seen[-1])) if seen.size else (0, mask.shape[axis] - 1)
        sides.append(slice(max(0, first - margin), min(mask.shape[axis], last + margin + 1)))
    return sides[0], sides[1], sides[2]


def part(grid: Grid, box: Box) -> Grid:
    """Return the grid of a box of an array.

    Parameters
    ----------
    grid
        Of the whole array.
    box
        A part of it.
    """
    start = np.array([side.start for side in box])
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ start
    sides = [side.stop - side.start for side in box]
    return Grid((sides[0], sides[1], sides[2]), affine, grid.code)


def working_grid(grid: Grid, box: Box, *, spacing: float, multiple: int) -> Grid:
    """Return the network's grid over a box of the reference's grid.

    Parameters
    ----------
    grid
        The reference's.
    box
        What the network is to see.
    spacing
        Of the network, mm.
    multiple
        Sides are multiples of this.
    """
    return isotropic(part(grid, box), spacing=spacing, multiple=multiple)


def onto(volume: Volume, grid: Grid) -> Volume:
    """Return an image on a network's grid; only what is needed of it is smoothed and sampled.

    Parameters
    ----------
    volume
        An image on the reference's grid.
    grid
        The network's.
    """
    corners = np.array(np.meshgrid(*[(0, side - 1) for side in grid.shape])).reshape(3, -1)
    to_voxels = np.linalg.inv(volume.grid.affine) @ grid.affine
    at = (to_voxels @ np.vstack([corners, np.ones(8)]))[:3]
    coarsest = max(grid.spacing)
    sides = []
    for axis, length in enumerate(volume.grid.shape):
        # Two coarse voxels hold the tails of the smoothing that goes before sampling.
        reach = 2 * coarsest / volume.grid.spacing[axis] + 1
        low = max(0, int(np.floor(at[axis].min() - reach)))
        high = min(length, int(np.ceil(at[axis].max() + reach)) + 1)
        sides.append(slice(min(low, length - 1), max(high, min(low, length - 1) + 1)))
    box = (sides[0], sides[1], sides[2])
    return shrink(Volume(volume.array[box], part(volume.grid, box)), grid)


def seen(grid: Grid, reference: Grid) -> NDArray[np.bool_]:
    """Return which voxels of a network's grid lie in the field of view of the reference.

    Parameters
    ----------
    grid
        The network's.
    reference
        The reference's; axes are parallel.
    """
    to_voxels = np.linalg.inv(reference.affine) @ grid.affine
    inside = np.ones(grid.shape, dtype=bool)
    for axis, length in enumerate(reference.shape):
        at = to_voxels[axis, axis] * np.arange(grid.shape[axis]) + to_voxels[axis, 3]
        shape = [1, 1, 1]
        shape[axis] = -1
        inside &= ((at >= -0.5) & (at <= length - 0.5)).reshape(shape)
    return inside


def back(values: NDArray[np.float32], grid: Grid, *, reference: Grid) -> NDArray[np.float32]:
    """Return a map on the reference's grid: linear, 0 outside of what the network saw.

    Parameters
    ----------
    values : array of shape `grid.shape`
        On the network's grid.
    grid
        The network's.
    reference
        The reference's.
    """
    from scipy import ndimage

    to_voxels = np.linalg.inv(reference.affine) @ grid.affine
    sides = []
    for axis, length in enumerate(reference.shape):
        step, start = to_voxels[axis, axis], to_voxels[axis, 3]
        low = start - 0.5 * step
        high = start + (grid.shape[axis] - 0.5) * step
        first, last = int(np.ceil(low - 1e-6)), int(np.floor(high + 1e-6))
        sides.append(slice(max(0, first), min(length, last + 1)))
    box = (sides[0], sides[1], sides[2])
    target = part(reference, box)
    to_old = np.linalg.inv(grid.affine) @ target.affine
    # Half a voxel at the border of the field lies beyond the outermost centres.
    inside = ndimage.affine_transform(
        values, to_old, output_shape=target.shape, order=1, mode='nearest'
    )
    whole = np.zeros(reference.shape, np.float32)
    whole[box] = inside
    return whole


def head_box(volume: Volume, *, margin_mm: float = 10.0) -> Box:
    """Return the box around the head in an image, by Otsu's threshold at about 4 mm.

    Parameters
    ----------
    volume
        Any image.
    margin_mm
        Air that is kept on all sides.

    Notes
    -----
    Otsu, https://doi.org/10.1109/TSMC.1979.4310076.
    """
    from scipy import ndimage

    steps = [max(1, round(4 / spacing)) for spacing in volume.grid.spacing]
    coarse = volume.array[tuple(slice(None, None, step) for step in steps)]
    top = np.percentile(coarse, 99.0)
    # Half of Otsu's: the neck and the jaw are darker than the brain, air is darker still.
    low = float(coarse.min())
    bright = coarse > low + 0.5 * (otsu(np.minimum(coarse, top)) - low)
    pieces, found = ndimage.label(ndimage.binary_opening(bright))
    if not found:
        return box_of(np.ones(volume.grid.shape, dtype=bool), volume.grid, margin_mm=0)
    head = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    small = box_of(head, volume.grid, margin_mm=0)
    sides = []
    for axis, (side, step) in enumerate(zip(small, steps, strict=True)):
        margin = int(np.ceil(margin_mm / volume.grid.spacing[axis])) + step
        length = volume.grid.shape[axis]
        sides.append(
            slice(max(0, side.start * step - margin), min(length, side.stop * step + margin))
        )
    return sides[0], sides[1], sides[2]


def otsu(values: NDArray[np.float32]) -> float:
    """Return the threshold that parts values into the two most different classes.

    Parameters
    ----------
    values
        Any number of them.

    Examples
    --------
    >>> otsu(np.array([1.0, 1.1, 0.9, 9.0, 9.1], dtype=np.float32)) > 1.1
    True
    """
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    sums = np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(divide='ignore', invalid='ignore'):
        difference = sums / below - (sums[-1] - sums) / above
        between = np.where((below > 0) & (above > 0), below * above * difference**2, 0.0)
    # Between two distant heaps every threshold is as good: the one in the middle is taken.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-9))
    return float(edges[1 + int(best[len(best) // 2])])
