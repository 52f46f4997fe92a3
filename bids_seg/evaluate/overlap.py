# SPDX-License-Identifier: Apache-2.0
"""Overlap and volume of two masks on one grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bids_seg.evaluate.scores import Score

Mask = NDArray[np.bool_]


def dice(prediction: Mask, reference: Mask) -> float:
    """Return the Dice coefficient; 1 where both are empty.

    Parameters
    ----------
    prediction, reference : arrays of one shape
        Masks.

    Examples
    --------
    >>> dice(np.array([True, True, False]), np.array([False, True, True]))
    0.5
    """
    total = np.count_nonzero(prediction) + np.count_nonzero(reference)
    shared = np.count_nonzero(prediction & reference)
    return float(2 * shared / total) if total else 1.0


def overlap(prediction: Mask, reference: Mask, *, voxel_mm3: float) -> dict[str, Score]:
    """Return overlap and volumes of two masks.

    Parameters
    ----------
    prediction, reference : arrays of one shape
        Masks.
    voxel_mm3
        Volume of a voxel.

    Returns
    -------
    dict
        `dice`, `iou` (1 where both are empty), `sensitivity` (nothing without a reference),
        `precision` (nothing without a prediction), volumes and errors in mL, and the relative
        errors in percent (nothing where the reference is empty).
    """
    found, there = np.count_nonzero(prediction), np.count_nonzero(reference)
    shared = np.count_nonzero(prediction & reference)
    union = found + there - shared
    millilitres = voxel_mm3 / 1000
    error = (found - there) * millilitres
    relative = 100 * (found - there) / there if there else math.nan
    return {
        'dice': Score(dice(prediction, reference)),
        'iou': Score(float(shared / union) if union else 1.0),
        'sensitivity': Score(float(shared / there) if there else math.nan),
        'precision': Score(float(shared / found) if found else math.nan),
        'volume_prediction_ml': Score(float(found * millilitres)),
        'volume_reference_ml': Score(float(there * millilitres)),
        'volume_error_ml': Score(float(error)),
        'volume_absolute_error_ml': Score(float(abs(error))),
        'volume_error_pct': Score(float(relative)),
        'volume_absolute_error_pct': Score(float(abs(relative))),
    }
