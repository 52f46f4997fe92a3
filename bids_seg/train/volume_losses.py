# SPDX-License-Identifier: Apache-2.0
"""What training made small in the published networks for volumes.

Sums go one axis at a time, as in `losses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from bids_seg.train.losses import cross_entropy, total

DEEP = (0.5**0 / 1.875, 0.5**1 / 1.875, 0.5**2 / 1.875)
"""Weights of the outputs of Brain-Mets-Seg, finest first: halved each time, 1 / (2 - 2^-3) first."""


def nobrainer(probability: Any, target: Any) -> Any:
    """Return the loss of nobrainer: one less the Jaccard index, mean over the batch.

    Parameters
    ----------
    probability, target
        `(B, I, J, K, R)`; each item counts as one image, all its outputs together.
    """
    shared = ops.sum(total(probability * target), axis=-1)
    both = ops.sum(total(probability), axis=-1) + ops.sum(total(target), axis=-1)
    return ops.mean(1.0 - (shared + 1e-7) / (both - shared + 1e-7))


def segresnet(logits: Any, target: Any) -> Any:
    """Return the loss of MONAI's bundle: one less the Dice overlap with squares below.

    Parameters
    ----------
    logits, target
        `(B, I, J, K, R)`; the mean over items and outputs. An output without a target costs 1
        whatever is said, and moves nothing.
    """
    probability = ops.sigmoid(logits)
    shared = total(probability * target)
    both = total(ops.square(probability)) + total(ops.square(target))
    return ops.mean(1.0 - 2.0 * shared / (both + 1e-5))


def brainmets(logits: Any, target: Any, weight: Any, *, pooled: bool = True) -> Any:
    """Return the loss of one output of Brain-Mets-Seg: cross-entropy less the Dice overlap.

    Parameters
    ----------
    logits, target, weight
        `(B, I, J, K, 1)`; the weight is that of a voxel's cross-entropy.
    pooled
        Whether the whole batch counts as one image in the overlap.
    """
    probability = ops.sigmoid(logits)
    shared, said, true = total(target * probability), total(probability), total(target)
    if pooled:
        shared, said, true = (ops.sum(part, axis=0) for part in (shared, said, true))
    dice = ops.mean((2.0 * shared + 1e-5) / (true + said + 1e-5))
    entropy = cross_entropy(logits, target) * weight
    for _ in range(len(entropy.shape)):
        entropy = ops.mean(entropy, axis=-1)
    return entropy - dice


def brainmets_deep(outputs: Sequence[Any], target: Any, weight: Any, *, pooled: bool = True) -> Any:
    """Return the loss of all outputs of Brain-Mets-Seg together.

    Parameters
    ----------
    outputs
        Logits `(B, I, J, K, 1)`, each on half the grid of the one before.
    target, weight
        `(B, I, J, K, 1)` on the finest grid; of these every second voxel is taken, and so on.
    pooled
        As for `brainmets`.
    """
    parts = []
    for number, (logits, share) in enumerate(zip(outputs, DEEP, strict=True)):
        each = slice(None, None, 2**number)
        at = (slice(None), each, each, each)
        parts.append(share * brainmets(logits, target[at], weight[at], pooled=pooled))
    return sum(parts)
