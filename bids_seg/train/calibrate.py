# SPDX-License-Identifier: Apache-2.0
"""How sure a network may be: one temperature per region, fitted on heads it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_seg.train.stream import Sample

BAND = 10.0
"""mm around a region in which voxels count; further off every network is right."""

LIMITS = (0.25, 8.0)
"""Lowest and highest temperature that is tried."""

_SURE = 1e-7


def temperature(probabilities: npt.NDArray[np.float32], targets: npt.NDArray[np.bool_]) -> float:
    """Return the number that logits are divided by so that probabilities come true.

    Parameters
    ----------
    probabilities
        `(N,)`, of voxels in the band.
    targets
        `(N,)`, whether they belong to the region.

    Notes
    -----
    Temperature scaling, https://arxiv.org/abs/1706.04599, section 4.2: the temperature of
    least cross-entropy.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random(20_000) < 0.8
    >>> too_sure = np.full(20_000, 0.9846, np.float32)  # logit of 0.8, times three
    >>> round(temperature(too_sure, truth), 1)
    3.0
    """
    from scipy.optimize import minimize_scalar

    clipped = np.clip(probabilities.astype(np.float64), _SURE, 1 - _SURE)
    logits = np.log(clipped) - np.log1p(-clipped)
    signed = np.where(targets, logits, -logits)

    def cost(log: float) -> float:
        """Return the cross-entropy at a temperature."""
        return float(np.logaddexp(0.0, -signed / np.exp(log)).mean())

    low, high = np.log(LIMITS)
    found = minimize_scalar(cost, bounds=(low, high), method='bounded')
    return float(np.exp(found.x))


def fit(probabilities: Sequence[Any], samples: Sequence[Sample], *, spacing: float) -> list[float]:
    """Return one temperature per region.

    Parameters
    ----------
    probabilities
        `(I, J, K, R)` for each sample.
    samples
        Scenes of unseen heads.
    spacing
        Voxel size, mm.

    Returns
    -------
    temperatures
        1.0 for a region that no sample holds.
    """
    from scipy import ndimage

    regions = np.asarray(samples[0].target).shape[-1]
    out = []
    for region in range(regions):
        drawn, true = [], []
        for probability, sample in zip(probabilities, samples, strict=True):
            target = np.asarray(sample.target)[..., region] >= 0.5
            weight = np.broadcast_to(np.asarray(sample.weight), np.asarray(sample.target).shape)
            if not target.any():
                continue
            band = ndimage.distance_transform_edt(~target) <= BAND / spacing
            band &= weight[..., region] > 0
            drawn.append(np.asarray(probability)[..., region][band])
            true.append(target[band])
        count = sum(len(part) for part in drawn)
        out.append(temperature(np.concatenate(drawn), np.concatenate(true)) if count else 1.0)
    return out
