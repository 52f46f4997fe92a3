# SPDX-License-Identifier: Apache-2.0
"""Lesion-wise scores as the BraTS challenges of 2023 define them, for comparison only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_seg.evaluate.overlap import dice
from bids_seg.evaluate.scores import Score
from bids_seg.evaluate.surface import cell_distances

Mask = NDArray[np.bool_]

WORST_MM = 374.0
"""HD95 of a lesion that was missed or invented: the diagonal of a 240 x 240 x 155 image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What differs between the challenges."""

    dilations: int
    """How often references are dilated by 18-neighbourhoods."""
    smallest_mm3: float
    """References up to this volume do not count."""


CHALLENGES: Mapping[str, Challenge] = {
    'GLI': Challenge(dilations=3, smallest_mm3=50),
    'SSA': Challenge(dilations=3, smallest_mm3=50),
    'PED': Challenge(dilations=3, smallest_mm3=50),
    'MEN': Challenge(dilations=1, smallest_mm3=50),
    'METS': Challenge(dilations=1, smallest_mm3=2),
}
"""By the challenges' own names."""


def brats2023(
    prediction: Mask, reference: Mask, *, affine: NDArray[np.float64], challenge: Challenge
) -> dict[str, Score]:
    """Return the lesion-wise scores of one region of one case.

    Parameters
    ----------
    prediction, reference : arrays of shape (I, J, K)
        Masks of one region (WT, TC or ET) on a grid of 1 mm.
    affine : array of shape (4, 4)
        From voxel indices to mm.
    challenge
        Its dilations and its size limit.

    Returns
    -------
    dict
        `lesionwise_dice`, `lesionwise_hd95` (mm), `legacy_dice`, `legacy_hd95` (mm),
        `n_reference`, `n_false_positive`; nothing but NaN where the grid is not of 1 mm.

    Notes
    -----
    One prediction that touches two references counts fully for both, a touched reference
    may have a Dice of 0, and false positives of any size count: this is the challenge's
    definition, arXiv:2305.17033, not a recommendation.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if np.abs(spacing - 1).max() > 0.01:
        names = ('lesionwise_dice', 'lesionwise_hd95', 'legacy_dice', 'legacy_hd95')
        return {name: Score(np.nan) for name in (*names, 'n_reference', 'n_false_positive')}
    found, false_positives = _lesions(prediction, reference, affine, challenge)
    bottom = float(len(found) + false_positives)
    total_dice = sum(score for score, _ in found)
    total_hd95 = sum(distance for _, distance in found) + WORST_MM * false_positives
    whole = _finite(cell_distances(prediction, reference, affine=affine).hd95)
    return {
        'lesionwise_dice': Score(total_dice / bottom if bottom else 1.0),
        'lesionwise_hd95': Score(total_hd95 / bottom if bottom else 0.0),
        'legacy_dice': Score(dice(prediction, reference)),
        'legacy_hd95': Score(whole),
        'n_reference': Score(float(len(found))),
        'n_false_positive': Score(float(false_positives)),
    }


def _lesions(
    prediction: Mask, reference: Mask, affine: NDArray[np.float64], challenge: Challenge
) -> tuple[list[tuple[float, float]], int]:
    """Return Dice and HD95 of each reference that counts, and the number of false positives."""
    all_neighbours = np.ones((3, 3, 3), dtype=bool)
    steps = ndimage.generate_binary_structure(3, 2)
    grown = ndimage.binary_dilation(reference, structure=steps, iterations=challenge.dilations)
    numbers, _ = ndimage.label(grown, structure=all_neighbours)
    candidates, n_candidates = ndimage.label(prediction, structure=all_neighbours)
    voxel_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
    partners: set[int] = set()
    found = []
    for number, window in enumerate(ndimage.find_objects(numbers), start=1):
        # Two lesions whose dilated masks join are one; each lies within its dilated window.
        here = numbers[window] == number
        own = reference[window] & here
        touched = ndimage.binary_dilation(own, structure=steps, iterations=challenge.dilations)
        mine = np.unique(candidates[window][touched])
        mine = mine[mine > 0]
        partners.update(mine.tolist())
        if np.count_nonzero(own) * voxel_mm3 <= challenge.smallest_mm3:
            continue
        if not mine.size:
            found.append((0.0, WORST_MM))
            continue
        whole = (numbers == number) & reference
        union = np.isin(candidates, mine)
        distance = _finite(cell_distances(union, whole, affine=affine).hd95)
        found.append((dice(union, whole), distance))
    return found, n_candidates - len(partners)


def _finite(distance: float) -> float:
    """Return a distance, the worst for an infinite one."""
    return distance if np.isfinite(distance) else WORST_MM
