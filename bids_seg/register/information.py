# SPDX-License-Identifier: Apache-2.0
"""How far one image tells the grey values of another: normalised mutual information."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume
from bids_seg.register.transform import Matrix

BINS = 48
"""Grey levels of a joint histogram."""


def mutual_information(
    moving: Volume, fixed: Volume, *, matrix: Matrix | None = None, mask: Volume | None = None
) -> float:
    """Return the normalised mutual information of two volumes under a transform.

    Parameters
    ----------
    moving
        The image that is sampled through the transform.
    fixed
        The image on whose grid they are compared.
    matrix
        From fixed mm to moving mm; None trusts the headers.
    mask
        On the fixed grid: where to compare; everywhere if None.

    Returns
    -------
    information
        1 (independent) to 2 (one determines the other); 1 without overlap.

    Notes
    -----
    (H(A) + H(B)) / H(A, B) over what both fields of view share:
    Studholme, https://doi.org/10.1016/S0031-3203(98)00091-0.

    Examples
    --------
    >>> from bids_seg.image import Grid
    >>> grid = Grid((4, 5, 6), np.eye(4))
    >>> image = Volume(np.arange(120.0).reshape(4, 5, 6), grid)
    >>> mutual_information(image, image)
    2.0
    """
    from scipy import ndimage

    through = np.eye(4) if matrix is None else matrix
    to_old = np.linalg.inv(moving.grid.affine) @ through @ fixed.grid.affine
    sampled = ndimage.affine_transform(
        moving.array.astype(np.float32), to_old, output_shape=fixed.grid.shape, order=1, cval=np.nan
    )
    shared = np.isfinite(sampled)
    if mask is not None:
        shared &= mask.array.astype(bool)
    if int(shared.sum()) < BINS:
        return 1.0
    first, second = _levels(fixed.array[shared]), _levels(sampled[shared])
    joint = np.bincount(first * BINS + second, minlength=BINS * BINS).reshape(BINS, BINS)
    both = _entropy(joint.ravel())
    if both == 0:
        return 1.0
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / both


def _levels(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return grey values as levels 0 to `BINS - 1`, outliers cut."""
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    width = max(float(high - low), 1e-12)
    scaled = (values - low) / width * BINS
    levels: NDArray[np.intp] = np.clip(scaled, 0, BINS - 1).astype(np.intp)
    return levels


def _entropy(counts: NDArray[np.intp]) -> float:
    """Return the entropy of a histogram, nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
