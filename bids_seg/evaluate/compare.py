# SPDX-License-Identifier: Apache-2.0
"""Compare one region of one visit with its reference, by every method."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_seg.evaluate.brats import CHALLENGES, Challenge, brats2023
from bids_seg.evaluate.calibration import border_band, reliability
from bids_seg.evaluate.lesionwise import lesionwise
from bids_seg.evaluate.overlap import overlap
from bids_seg.evaluate.pairs import MaskFile, Pair
from bids_seg.evaluate.scores import Score
from bids_seg.evaluate.surface import surfaces
from bids_seg.image import Grid, Volume, read_labels, read_map, resample

logger = logging.getLogger(__name__)

_WHOLE = ('brain',)
"""Regions that are one piece: lesion by lesion says nothing of them."""
_CHALLENGE_REGIONS = ('WT', 'TC', 'ET')


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The scores of one pair."""

    pair: Pair
    """What was compared."""
    scores: Mapping[str, Mapping[str, Score]]
    """By method (overlap, surface, lesionwise, ...) and metric."""
    note: str
    """What was done before comparing; empty where nothing was."""


def compare(pair: Pair, *, min_lesion_mm3: float = 8.0, challenge: str = 'auto') -> Comparison:
    """Read both masks of a pair and score the prediction on the reference's grid.

    Parameters
    ----------
    pair
        What to compare.
    min_lesion_mm3
        Smaller components are left out of `lesionwise`; `lesionwise_min0` has them all.
    challenge
        Whose rules `brats2023` follows; `auto`: METS for metastases, else GLI.

    Returns
    -------
    Comparison
        Methods `overlap` and `surface` always; for tumours also `lesionwise`,
        `lesionwise_min0`, `brats2023` (on 1 mm grids) and, where the prediction has a
        probability beside it, `calibration`.

    Raises
    ------
    ImageError
        If a file cannot be used.
    """
    reference, prediction, note = aligned(pair)
    truth, found, grid = reference.array, prediction.array, reference.grid
    scores: dict[str, Mapping[str, Score]] = {
        'overlap': overlap(found, truth, voxel_mm3=grid.voxel_mm3),
        'surface': surfaces(found, truth, affine=grid.affine),
    }
    if pair.region not in _WHOLE:
        for method, least in (('lesionwise', min_lesion_mm3), ('lesionwise_min0', 0.0)):
            scores[method] = lesionwise(found, truth, affine=grid.affine, min_lesion_mm3=least)
    if pair.region in _CHALLENGE_REGIONS:
        rules = _challenge(pair, challenge)
        scores['brats2023'] = brats2023(found, truth, affine=grid.affine, challenge=rules)
    probability = _probability(pair, grid)
    if probability is not None:
        band = border_band(truth, grid.spacing)
        scores['calibration'] = {
            'ece_10mm': Score(reliability(probability.array, truth, band).error)
        }
    return Comparison(pair=pair, scores=scores, note=note)


def aligned(pair: Pair) -> tuple[Volume, Volume, str]:
    """Return reference and prediction as masks on the reference's grid, and what was done.

    Parameters
    ----------
    pair
        What to read.

    Notes
    -----
    A prediction on another grid is sampled as a mask of 0 and 1, linearly, and cut at 0.5.
    """
    reference = _mask(pair.reference, pair.reference_region)
    prediction = _mask(pair.prediction, pair.region)
    if prediction.grid.same(reference.grid):
        return reference, Volume(prediction.array, reference.grid), ''
    soft = Volume(prediction.array.astype(np.float32), prediction.grid)
    moved = resample(soft, reference.grid, order=1)
    shapes = ['x'.join(map(str, each.grid.shape)) for each in (prediction, reference)]
    note = f'prediction resampled from {shapes[0]} to {shapes[1]} voxels (linear, cut at 0.5)'
    return reference, Volume(moved.array >= 0.5, reference.grid), note


def _mask(file: MaskFile, region: str) -> Volume:
    """Return a region of a file as a mask."""
    labels = read_labels(file.path)
    values = file.regions[region]
    array = labels.array > 0 if values is None else np.isin(labels.array, values)
    return Volume(array, labels.grid)


def _challenge(pair: Pair, name: str) -> Challenge:
    """Return the rules of a challenge."""
    if name == 'auto':
        name = 'METS' if pair.disease == 'metastases' else 'GLI'
    return CHALLENGES[name]


def _probability(pair: Pair, grid: Grid) -> Volume | None:
    """Return the probability that lies beside a prediction, on a grid; None without one."""
    if pair.disease == 'n/a':
        return None
    names = sorted(
        pair.prediction.path.parent.glob(f'*_seg-{pair.disease}_label-{pair.region}_probseg.nii*')
    )
    own = f'_space-{pair.prediction.space}_' if pair.prediction.space else ''
    path: Path | None = next((name for name in names if own in name.name), None)
    if path is None:
        return None
    return resample(read_map(path), grid, order=1)
