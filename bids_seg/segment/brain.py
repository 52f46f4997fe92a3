# SPDX-License-Identifier: Apache-2.0
"""The brain: from probabilities to one closed piece, its border moved, stripped images heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid, Volume
from bids_seg.segment.fields import box_of

Mask = NDArray[np.bool_]

SMOOTHING_MM = 1.0
"""Width of the Gaussian that takes steps off the surface."""
CLOSING_MM = 4.0
"""Gaps in the support of a stripped image up to twice this wide are closed."""


def tidy(probability: NDArray[np.float32], *, spacing: float) -> NDArray[np.float32]:
    """Return the probability of one piece without holes and with a smooth surface.

    Parameters
    ----------
    probability : array of shape (I, J, K)
        On the network's grid.
    spacing
        Of that grid, mm.

    Returns
    -------
    probability : array of shape (I, J, K)
        0 in other pieces and what hangs on a thread, 1 in holes.
    """
    from scipy import ndimage

    mask = probability >= 0.5
    core = largest(ndimage.binary_opening(mask))
    if not core.any():
        core = largest(mask)
    # What the opening took off the surface comes back, what hung on a thread does not.
    kept = ndimage.binary_dilation(core, iterations=2) & mask
    filled = ndimage.binary_fill_holes(kept)
    near = ndimage.binary_dilation(kept)
    values = np.where(near & (mask == kept), probability, 0)
    values = np.where(filled & ~kept, 1.0, values).astype(np.float32)
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(
        values, SMOOTHING_MM / spacing, mode='nearest'
    )
    return smooth


def largest(mask: Mask) -> Mask:
    """Return the largest piece of a mask; pieces touch by faces.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        May be empty.
    """
    from scipy import ndimage

    pieces, found = ndimage.label(mask)
    if found < 2:
        return mask
    biggest: Mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return biggest


def move_border(mask: Mask, grid: Grid, *, by_mm: float) -> Mask:
    """Return a mask that is grown, or shrunk below zero, by so many mm.

    Parameters
    ----------
    mask : array of shape `grid.shape`
        A mask.
    grid
        Its grid; distances are mm between voxel centres.
    by_mm
        Growth.
    """
    from scipy import ndimage

    if by_mm == 0 or not mask.any():
        return mask
    box = box_of(mask, grid, margin_mm=max(by_mm, 0) + 2 * max(grid.spacing))
    inside = mask[box]
    moved = np.zeros_like(mask)
    if by_mm > 0:
        moved[box] = ndimage.distance_transform_edt(~inside, sampling=grid.spacing) <= by_mm
    else:
        moved[box] = ndimage.distance_transform_edt(inside, sampling=grid.spacing) > -by_mm
    return moved


def support(volume: Volume) -> Mask:
    """Return where a stripped image has content: one closed, filled piece.

    Parameters
    ----------
    volume
        An image whose skull was removed.
    """
    from scipy import ndimage

    planes = [np.take(volume.array, end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    values, counts = np.unique(np.concatenate(planes), return_counts=True)
    content = largest(volume.array != values[int(np.argmax(counts))])
    box = box_of(content, volume.grid, margin_mm=2 * CLOSING_MM)
    inside = content[box]
    far = ndimage.distance_transform_edt(~inside, sampling=volume.grid.spacing) > CLOSING_MM
    # The border of the array is no outside: distances from it are not measured.
    closed = ndimage.distance_transform_edt(~far, sampling=volume.grid.spacing) > CLOSING_MM
    filled = np.zeros_like(content)
    filled[box] = ndimage.binary_fill_holes(inside | (closed & ~far))
    return filled


def dice(first: Mask, second: Mask) -> float:
    """Return the overlap of two masks: 1 if they are the same, also if both are empty.

    Parameters
    ----------
    first, second : arrays of shape (I, J, K)
        Masks.

    Examples
    --------
    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.667
    """
    both = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / both if both else 1.0
