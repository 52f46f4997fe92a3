# SPDX-License-Identifier: Apache-2.0
"""Whether an image shows a head or a brain that was cut out of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume

SHARE = 0.3
"""One value fills more than this share of a stripped image, in one piece touching the border."""
LARGEST_MM3 = 2_000_000
"""What is left of a stripped image is smaller than this."""


def is_stripped(volume: Volume) -> bool:
    """Return whether the skull was removed from an image.

    One value fills more than 0.3 of the image, in a connected region that touches the
    border, and the rest is below 2.0 litres. The share alone decides nothing: air is one
    value too in many whole heads.

    Parameters
    ----------
    volume
        An image as it was stored.

    Examples
    --------
    >>> from bids_seg.image import Grid
    >>> cut = np.zeros((30, 32, 34), dtype=np.float32)
    >>> cut[8:22, 8:24, 8:26] = np.arange(18)
    >>> is_stripped(Volume(cut, Grid(cut.shape, np.diag([5.0, 5.0, 5.0, 1.0]))))
    True
    """
    outside = background(volume)
    if outside.mean() <= SHARE:
        return False
    rest = float((~outside).sum()) * volume.grid.voxel_mm3
    return rest < LARGEST_MM3


def background(volume: Volume) -> NDArray[np.bool_]:
    """Return the region of the border's commonest value that is connected with the border.

    Parameters
    ----------
    volume
        Any image.

    Returns
    -------
    outside : array of shape (I, J, K)
        All False where the border has no common value.
    """
    from scipy import ndimage

    values, counts = np.unique(_border(volume.array), return_counts=True)
    same = volume.array == values[int(np.argmax(counts))]
    pieces, found = ndimage.label(same)
    if not found:
        return np.zeros_like(same)
    touching = np.unique(_border(pieces))
    kept: NDArray[np.bool_] = np.isin(pieces, touching[touching > 0])
    return kept


def _border(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the values of the six outer planes."""
    planes = [np.take(array, end, axis=axis).ravel() for axis in range(3) for end in (0, -1)]
    return np.concatenate(planes)
