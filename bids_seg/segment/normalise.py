# SPDX-License-Identifier: Apache-2.0
"""Intensities as the networks know them: the same numbers as in training.

Statistics are taken over voxels that carry signal, so that neither padding nor the size of
the field of view changes what a network sees.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LOW, HIGH = -4.0, 6.0
"""Limits of a standardised intensity."""


def to_unit(image: Array, mask: Mask | None = None) -> Array:
    """Map the 0.5 and 99.5 percentiles to 0 and 1, and cut what lies beyond.

    Parameters
    ----------
    image
        `(I, J, K)`.
    mask
        Voxels of which the percentiles are taken; None: all.

    Examples
    --------
    >>> to_unit(np.linspace(10, 20, 1001, dtype=np.float32).reshape(7, 11, 13))[3, 5, 6].item()
    0.5
    """
    values = image if mask is None else image[mask]
    if not values.size:
        return np.zeros_like(image)
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        return np.zeros_like(image)
    return np.asarray(np.clip((image - low) / (high - low), 0.0, 1.0), dtype=np.float32)


def to_score(image: Array, mask: Mask | None = None) -> Array:
    """Subtract the median and divide by the spread of the brain, and cut what lies far out.

    Parameters
    ----------
    image
        `(I, J, K)`.
    mask
        The brain, `(I, J, K)`; None: voxels above zero.

    Notes
    -----
    The spread is half the distance between the 16th and 84th percentile: the standard
    deviation of a normal distribution, but blind to a bright tumour.
    """
    values = image[image > 0 if mask is None else mask]
    if not values.size:
        return np.zeros_like(image)
    low, middle, high = np.percentile(values, (16.0, 50.0, 84.0))
    spread = max((high - low) / 2, 1e-6 * max(abs(middle), 1e-6))
    return np.asarray(np.clip((image - middle) / spread, LOW, HIGH), dtype=np.float32)
