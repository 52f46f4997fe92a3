# SPDX-License-Identifier: Apache-2.0
"""Sampling a volume on another grid, through scanner space."""

from __future__ import annotations

from typing import Literal

import numpy as np

from bids_seg.image.grid import Grid, Volume


def resample(
    volume: Volume, grid: Grid, *, order: Literal[0, 1, 3], outside: float = 0.0
) -> Volume:
    """Sample a volume on another grid, through scanner space.

    Parameters
    ----------
    volume
        Any volume.
    grid
        Where to sample.
    order
        Degree of the interpolating polynomial: labels need 0, since a mean of two labels
        is a third tissue.
    outside
        Value beyond the field of view.
    """
    from scipy import ndimage

    if volume.grid.same(grid):
        return Volume(volume.array, grid)
    # From new voxels to mm, from mm to old voxels: scipy samples backwards.
    # Rounded, so that a voxel on the very edge does not fall outside by a last digit.
    new_to_old = np.round(np.linalg.inv(volume.grid.affine) @ grid.affine, 9)
    array = ndimage.affine_transform(
        volume.array, new_to_old, output_shape=grid.shape, order=order, cval=outside
    )
    return Volume(array, grid)


def shrink(volume: Volume, grid: Grid) -> Volume:
    """Sample a volume on a grid that may be coarser, smoothing first so that nothing aliases.

    Parameters
    ----------
    volume
        A grey-value image or a map.
    grid
        Where to sample; linear interpolation, the edge value just outside.

    Notes
    -----
    The smoothing is Gaussian with a full width at half maximum of one coarse voxel where an
    axis gets coarser, and none where it does not.
    """
    from scipy import ndimage

    factors = np.array(grid.spacing) / np.array(volume.grid.spacing)
    widths = np.where(factors > 1, 0.42 * np.sqrt(np.maximum(factors**2 - 1, 0)), 0)
    smooth = ndimage.gaussian_filter(volume.array.astype(np.float32), widths.tolist())
    new_to_old = np.linalg.inv(volume.grid.affine) @ grid.affine
    array = ndimage.affine_transform(
        smooth, new_to_old, output_shape=grid.shape, order=1, mode='grid-constant'
    )
    return Volume(array, grid)
