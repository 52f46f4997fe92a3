# SPDX-License-Identifier: Apache-2.0
"""Whether probabilities mean what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False, kw_only=True)
class Reliability:
    """What was promised and what was kept, by classes of probability; sums over voxels."""

    promised: NDArray[np.float64]
    """Sum of the probabilities of each class."""
    kept: NDArray[np.float64]
    """How many voxels of each class lie inside."""
    count: NDArray[np.float64]
    """How many voxels each class holds."""

    def __add__(self, other: Reliability) -> Reliability:
        """Return both together: of several images, or of several regions."""
        return Reliability(
            promised=self.promised + other.promised,
            kept=self.kept + other.kept,
            count=self.count + other.count,
        )

    @property
    def error(self) -> float:
        """Return the expected calibration error, 0..1; NaN without any voxel.

        Mean over voxels of the distance between the mean probability and the share inside of
        their class: Naeini et al. 2015; Guo et al. 2017 (arXiv:1706.04599), equation 3, for one
        class.
        """
        voxels = self.count.sum()
        return float(np.abs(self.promised - self.kept).sum() / voxels) if voxels else math.nan


def reliability(
    probability: NDArray[np.floating], truth: Mask, band: Mask, *, bins: int = BINS
) -> Reliability:
    """Count how far the probabilities of a region come true.

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

    Examples
    --------
    >>> half = np.full(10, 0.5)
    >>> told = reliability(half, np.arange(10) < 8, np.ones(10, dtype=bool), bins=3)
    >>> told.promised.tolist(), told.kept.tolist(), told.count.tolist(), told.error
    ([0.0, 5.0, 0.0], [0.0, 8.0, 0.0], [0.0, 10.0, 0.0], 0.3)
    """
    chosen, inside = probability[band].astype(np.float64), truth[band]
    classes = np.minimum((np.clip(chosen, 0, 1) * bins).astype(int), bins - 1)

    def sums(weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the sum of each class."""
        return np.bincount(classes, weights=weights, minlength=bins).astype(np.float64)

    return Reliability(
        promised=sums(chosen), kept=sums(inside.astype(float)), count=sums(np.ones_like(chosen))
    )
