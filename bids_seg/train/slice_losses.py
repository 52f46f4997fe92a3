# SPDX-License-Identifier: Apache-2.0
"""What training made small in the published networks for slices: overlap over a whole batch.

Every function takes probabilities and targets `(B, rows, columns, 1)` and returns a scalar.
Sums go one axis at a time, as in `losses`, and the whole batch counts as one image, so slices
without anything to be found cost only what is marked in them.
"""

from __future__ import annotations

from typing import Any

from keras import ops

CUT = 0.5
"""Probability above which a pixel counts as marked in a score."""


def overlap(probability: Any, target: Any, *, smooth: float) -> Any:
    """Return the Dice overlap of a batch, 0 to 1.

    Parameters
    ----------
    probability, target
        `(B, rows, columns, 1)`.
    smooth
        Pixels added to both halves of the ratio: two empty masks agree.
    """
    shared = _total(probability * target)
    both = _total(probability) + _total(target)
    return (2.0 * shared + smooth) / (both + smooth)


def effunet(probability: Any, target: Any) -> Any:
    """Return the loss of skull_stripping: one less the overlap.

    Parameters
    ----------
    probability, target
        `(B, rows, columns, 1)`. The original read masks with three equal channels, which
        changes nothing.

    Notes
    -----
    There it is written as F = (2 tp + e) / (2 tp + fn + fp + e) with e = 1e-5, which is the
    same: false positives are the sum of the probabilities less the true ones, false negatives
    that of the targets.
    """
    return 1.0 - overlap(probability, target, smooth=1e-5)


def effunet_score(probability: Any, target: Any) -> Any:
    """Return the score by which skull_stripping chose its network: the overlap of masks.

    Parameters
    ----------
    probability, target
        `(B, rows, columns, 1)`.
    """
    marked = ops.cast(probability > CUT, 'float32')
    return overlap(marked, target, smooth=1e-5)


def budakeras(probability: Any, target: Any) -> Any:
    """Return the loss of brain-segmentation: the overlap below zero, -1 at best.

    Parameters
    ----------
    probability, target
        `(B, rows, columns, 1)`.
    """
    return -overlap(probability, target, smooth=1.0)


def budatorch(probability: Any, target: Any) -> Any:
    """Return the loss of brain-segmentation-pytorch: one less the overlap.

    Parameters
    ----------
    probability, target
        `(B, rows, columns, 1)`.
    """
    return 1.0 - overlap(probability, target, smooth=1.0)


def _total(values: Any) -> Any:
    """Sum over a whole batch, one axis at a time."""
    values = ops.cast(values, 'float32')
    for _ in range(len(values.shape)):
        values = ops.sum(values, axis=-1)
    return values
