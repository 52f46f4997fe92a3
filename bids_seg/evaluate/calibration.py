# SPDX-License-Identifier: Apache-2.0
"""Whether probabilities mean what they say."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

BINS = 15
"""Classes of equal width in which probabilities are compared with shares."""
BAND_MM = 10.0
"""How far around a border calibration is looked at: elsewhere all is plain."""


def border_band(
    truth: Mask, spacing: tuple[float, float, float], *, width: float = BAND_MM
) -> Mask:
    """Return the voxels within some distance of a mask's border, on either side.

    Parameters
    ----------
    truth : array of shape (I, J, K)
        The mask.
    spacing
        Distances between voxel centres, mm.
    width
        mm. Distances are between voxel centres on both sides of the border.

    Examples
    --------
    >>> truth = np.zeros((9, 1, 1), dtype=bool)
    >>> truth[:3] = True
    >>> border_band(truth, (1.0, 1.0, 1.0), width=2.0).ravel().astype(int).tolist()
    [0, 1, 1, 1, 1, 0, 0, 0, 0]
    """
    if not truth.any() or truth.all():
        return np.zeros_like(truth)
    outside = ndimage.distance_transform_edt(~truth, sampling=spacing)
    inside = ndimage.distance_transform_edt(truth, sampling=spacing)
    band: Mask = np.where(truth, inside, outside) <= width + 1e-9
    return band


def ece(probability: NDArray[np.floating], truth: Mask, band: Mask, *, bins: int = BINS) -> float:
    """Return the expected calibration error of a region's probability.

    Parameters
    ----------
    probability : array of shape (I, J, K)
        Of being inside, 0..1.
    truth : array of shape (I, J, K)
        What is inside.
    band : array of shape (I, J, K)
        Where to look, see `border_band`.
    bins
        Classes of equal width.

    Returns
    -------
    float
        Mean over voxels of the distance between the mean probability and the share inside of
        their class, 0..1; NaN without any voxel.

    Notes
    -----
    Naeini et al. 2015, Guo et al. 2017 (arXiv:1706.04599), equation 3, for one class.

    Examples
    --------
    >>> half = np.full(10, 0.5)
    >>> ece(half, np.arange(10) < 8, np.ones(10, dtype=bool))
    0.3
    """
    chosen, inside = probability[band].astype(np.float64), truth[band]
    if not chosen.size:
        return math.nan
    classes = np.minimum((np.clip(chosen, 0, 1) * bins).astype(int), bins - 1)
    promised = np.bincount(classes, weights=chosen, minlength=bins)
    kept = np.bincount(classes, weights=inside.astype(float), minlength=bins)
    return float(np.abs(promised - kept).sum() / chosen.size)
