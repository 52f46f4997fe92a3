# SPDX-License-Identifier: Apache-2.0
"""What training makes small: cross-entropy and overlap of probabilities with soft targets.

Targets may be fractions (a voxel half filled is 0.5). All sums over space go one axis at a
time in float32: a single sweep over millions of voxels loses digits on a CPU. The functions
use `keras.ops` alone, so every backend computes the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

Loss = Callable[[Any, Any, Any], Any]
"""`(logits, target, weight)`, `(B, I, J, K, R)` each (weight `(B, I, J, K, 1 or R)`), to a scalar."""

FEW = 500.0
"""Lesion voxels, weighted, below which the focal sum is no longer scaled up."""

FOCAL = 0.5
"""Weight of the focal sum: alone it never commits itself to a lesion that might be a vessel."""


def total(values: Any) -> Any:
    """Sum over the three spatial axes, one axis at a time.

    Parameters
    ----------
    values
        `(B, I, J, K, R)`.

    Returns
    -------
    sums
        `(B, R)`.
    """
    return ops.sum(ops.sum(ops.sum(ops.cast(values, 'float32'), axis=3), axis=2), axis=1)


def cross_entropy(logits: Any, target: Any) -> Any:
    """Return the cross-entropy of each voxel, from logits, without overflow.

    Parameters
    ----------
    logits, target
        `(B, I, J, K, R)`.
    """
    return ops.maximum(logits, 0.0) - logits * target + ops.log1p(ops.exp(-ops.abs(logits)))


def mean_cross_entropy(logits: Any, target: Any, weight: Any) -> Any:
    """Return the weighted mean cross-entropy per region, `(B, R)`."""
    entropy = cross_entropy(logits, target)
    weights = ops.ones_like(entropy) * weight
    return total(entropy * weights) / ops.maximum(total(weights), 1.0)


def soft_dice(logits: Any, target: Any, weight: Any, *, smooth: float) -> Any:
    """Return one minus the Dice overlap of probabilities and target per region, `(B, R)`.

    Parameters
    ----------
    logits, target
        `(B, I, J, K, R)`.
    weight
        `(B, I, J, K, 1)` or `(B, I, J, K, R)`; 0 where a voxel does not count.
    smooth
        Voxels added to both halves of the ratio.
    """
    probability = ops.sigmoid(logits)
    shared = total(weight * probability * target)
    both = total(weight * probability * probability) + total(weight * target * target)
    return 1.0 - (2.0 * shared + smooth) / (both + smooth)


def brain(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of brain extraction: cross-entropy and overlap, both weighted.

    Parameters
    ----------
    logits, target
        `(B, I, J, K, 1)`.
    weight
        `(B, I, J, K, 1)`; voxels near the border weigh more, ignored ones 0.
    """
    counted = ops.cast(weight > 0, 'float32')
    dice = soft_dice(logits, target, counted, smooth=50.0)
    return ops.mean(mean_cross_entropy(logits, target, weight) + dice)


def glioma(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of nested regions: twice the cross-entropy, plus overlap where present.

    A region that is absent from an image contributes cross-entropy alone, since the overlap
    with nothing draws every probability to zero.

    Parameters
    ----------
    logits, target
        `(B, I, J, K, R)`.
    weight
        `(B, I, J, K, 1)` or `(B, I, J, K, R)`; 0 throughout for a region not asked for.
    """
    weights = ops.ones_like(target) * weight
    asked = ops.cast(total(weights) > 0, 'float32')
    present = ops.cast(total(weights * target) > 0, 'float32')
    entropy = 2.0 * mean_cross_entropy(logits, target, weights)
    dice = soft_dice(logits, target, weights, smooth=50.0) * present
    return ops.sum(asked * (entropy + dice)) / ops.maximum(ops.sum(asked), 1.0)


def metastases(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of small bright lesions: focal cross-entropy and a Tversky overlap.

    The focal factor (1 - p)^2 (https://arxiv.org/abs/1708.02002) keeps the many easy voxels
    of background from drowning the few that matter, and the sum is divided by the lesion's
    voxels, as there; the overlap forgives false positives more than misses (0.3 to 0.7,
    https://arxiv.org/abs/1706.05721).

    Parameters
    ----------
    logits, target
        `(B, I, J, K, R)`.
    weight
        `(B, I, J, K, 1)` or `(B, I, J, K, R)`; small lesions and look-alikes weigh more.
    """
    probability = ops.sigmoid(logits)
    weights = ops.ones_like(target) * weight
    focal = weights * cross_entropy(logits, target) * ops.square(target - probability)
    inside = total(weights * target)
    entropy = total(focal) / ops.maximum(inside, FEW)
    shared = total(weights * probability * target)
    false_positive = total(weights * probability * (1.0 - target))
    false_negative = inside - shared
    tversky = 1.0 - (shared + 5.0) / (shared + 0.3 * false_positive + 0.7 * false_negative + 5.0)
    return ops.mean(FOCAL * entropy + tversky * ops.cast(inside > 0, 'float32'))
