# SPDX-License-Identifier: Apache-2.0
"""Lesion by lesion: which were found, how well, and what was found that is not there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from bids_seg.evaluate.overlap import dice
from bids_seg.evaluate.scores import Score
from bids_seg.evaluate.surface import distances
from bids_seg.measure.components import Tissues, measured_mask
from bids_seg.measure.diameter import extent, in_plane

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

MIN_IOU = 0.10
"""Two lesions may only be matched from this overlap on."""
PANOPTIC_IOU = 0.5
"""Overlap from which the panoptic figures count a lesion as found."""
COVERED = 0.5
"""Share of a reference from which it counts as covered."""
BINS = (0.0, 3.0, 5.0, 10.0, 20.0, math.inf)
"""Limits of the size classes by longest diameter, mm."""
MEASURABLE_MM = 10.0
"""Longest diameter from which criteria call a lesion measurable."""


@dataclass(frozen=True, eq=False)
class _Side:
    """The components of one mask, numbered from 1, with their voxels and diameters."""

    numbers: NDArray[np.int32]
    sizes: NDArray[np.int64]
    lengths: Floats


@dataclass(frozen=True, eq=False)
class Matched:
    """Which lesions belong together.

    Parameters
    ----------
    references, predictions : arrays of shape (n,)
        Indices of the pairs, from 0.
    overlaps : array of shape (n,)
        Their intersection over union.
    """

    references: NDArray[np.intp]
    predictions: NDArray[np.intp]
    overlaps: Floats


def match(overlaps: Floats, least: float) -> Matched:
    """Return the one-to-one assignment with the largest sum of overlaps.

    Parameters
    ----------
    overlaps : array of shape (n, m)
        Intersection over union of each reference with each prediction.
    least
        Smaller ones are no pair; 0: one shared voxel is enough.

    Examples
    --------
    >>> pairs = match(np.array([[0.6, 0.5], [0.5, 0.0]]), 0.1)
    >>> pairs.references.tolist(), pairs.predictions.tolist()
    ([0, 1], [1, 0])
    """
    allowed = (overlaps > 0) & (overlaps >= least - 1e-12)
    references, predictions = optimize.linear_sum_assignment(
        np.where(allowed, overlaps, 0.0), maximize=True
    )
    kept = allowed[references, predictions]
    references, predictions = references[kept], predictions[kept]
    return Matched(references, predictions, overlaps[references, predictions])


def lesionwise(
    prediction: Mask,
    reference: Mask,
    *,
    affine: NDArray[np.float64],
    min_lesion_mm3: float = 8.0,
) -> dict[str, Score]:
    """Return the lesion-wise scores of one case.

    Parameters
    ----------
    prediction, reference : arrays of shape (I, J, K)
        Masks, axes R, A, S.
    affine : array of shape (4, 4)
        From voxel indices to mm.
    min_lesion_mm3
        Smaller components are left out on both sides.

    Returns
    -------
    dict
        Fractions that can be pooled over cases, by name; distances in mm. `sensitivity_*` by
        longest diameter of the reference, `false_positives_*` by that of the prediction.

    Notes
    -----
    Components are 26-connected. A pair needs an overlap (intersection over union) of 0.10,
    `_any` one shared voxel, the panoptic figures 0.5 (Kirillov et al.,
    doi:10.1109/CVPR.2019.00963); each is the one-to-one assignment with the largest sum.
    """
    there = _side(reference, affine, min_lesion_mm3)
    found = _side(prediction, affine, min_lesion_mm3)
    shared = _shared(there, found)
    unions = there.sizes[:, None] + found.sizes[None, :] - shared
    overlaps = shared / np.maximum(unions, 1)
    pairs = match(overlaps, MIN_IOU)
    n_there, n_found, hits = len(there.sizes), len(found.sizes), len(pairs.overlaps)
    false, missed = n_found - hits, n_there - hits
    any_hits = len(match(overlaps, 0.0).overlaps)
    scores = {
        'n_reference': Score(float(n_there)),
        'n_prediction': Score(float(n_found)),
        'sensitivity': Score(hits, n_there),
        'sensitivity_any': Score(any_hits, n_there),
        'precision': Score(hits, n_found),
        'f1': Score(2 * hits, 2 * hits + false + missed, 1.0),
        'f1_any': Score(2 * any_hits, n_there + n_found, 1.0),
        'false_positives': Score(float(false)),
        **_by_size(there, found, pairs),
        **_panoptic(match(overlaps, PANOPTIC_IOU), n_there, n_found),
        **_quality(there, found, pairs, affine),
        **_merged(shared, there.sizes),
    }
    total = scores['lesion_dice'].top
    return {**scores, 'penalised_dice': Score(total, hits + false + missed, 1.0)}


def _side(mask: Mask, affine: NDArray[np.float64], least_mm3: float) -> _Side:
    """Return the components of a mask that are large enough."""
    numbers, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    voxel_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
    large = sizes * voxel_mm3 >= least_mm3 - 1e-6
    large[0] = False
    renumbered = np.where(large, np.cumsum(large), 0).astype(np.int32)[numbers]
    windows = ndimage.find_objects(renumbered)
    lengths = [
        _length(renumbered[window] == number, affine)
        for number, window in enumerate(windows, start=1)
    ]
    return _Side(renumbered, sizes[large], np.array(lengths, dtype=float))


def _length(lesion: Mask, affine: NDArray[np.float64]) -> float:
    """Return the longest diameter of a lesion with what it encloses, mm."""
    nothing = np.zeros_like(lesion)
    first, second, third = np.linalg.norm(affine[:3, :3], axis=0).tolist()
    tissues = Tissues(lesion, lesion, nothing, nothing)
    filled = measured_mask(lesion, tissues, (first, second, third))
    return extent(filled, in_plane(affine)).longest.ld_mm


def _shared(there: _Side, found: _Side) -> NDArray[np.int64]:
    """Return how many voxels each reference shares with each prediction."""
    rows, columns = len(there.sizes), len(found.sizes)
    both = (there.numbers > 0) & (found.numbers > 0)
    flat = (there.numbers[both].astype(np.int64) - 1) * columns + found.numbers[both] - 1
    return np.bincount(flat, minlength=rows * columns).reshape(rows, columns)


def _by_size(there: _Side, found: _Side, pairs: Matched) -> dict[str, Score]:
    """Return lesions found, and false ones, by size."""
    hit = np.zeros(len(there.sizes), dtype=bool)
    hit[pairs.references] = True
    false = np.ones(len(found.sizes), dtype=bool)
    false[pairs.predictions] = False
    scores = {}
    for low, high in [*pairwise(BINS), (MEASURABLE_MM, math.inf)]:
        name = f'{low:g}mm_up' if high == math.inf else f'{low:g}_{high:g}mm'
        inside = (there.lengths >= low) & (there.lengths < high)
        scores[f'sensitivity_{name}'] = Score(
            int(np.count_nonzero(hit & inside)), int(np.count_nonzero(inside))
        )
        wrong = false & (found.lengths >= low) & (found.lengths < high)
        scores[f'false_positives_{name}'] = Score(float(np.count_nonzero(wrong)))
    return scores


def _panoptic(pairs: Matched, n_there: int, n_found: int) -> dict[str, Score]:
    """Return panoptic, segmentation and recognition quality."""
    hits = len(pairs.overlaps)
    total = float(pairs.overlaps.sum())
    bottom = (n_there + n_found) / 2
    # Without any pair the mean overlap says nothing, unless there is nothing to pair at all.
    nothing = 1.0 if bottom == 0 else 0.0
    return {
        'pq': Score(total, bottom, 1.0),
        'sq': Score(total, hits, nothing),
        'rq': Score(hits, bottom, 1.0),
    }


def _quality(
    there: _Side, found: _Side, pairs: Matched, affine: NDArray[np.float64]
) -> dict[str, Score]:
    """Return how well matched lesions agree; sums over lesions above their number."""
    totals = dict.fromkeys(('lesion_dice', 'lesion_hd95', 'lesion_assd', 'lesion_nsd_1mm'), 0.0)
    for reference, prediction in zip(pairs.references, pairs.predictions, strict=True):
        own, other = there.numbers == reference + 1, found.numbers == prediction + 1
        apart = distances(other, own, affine=affine)
        totals['lesion_dice'] += dice(other, own)
        totals['lesion_hd95'] += apart.hd95
        totals['lesion_assd'] += apart.assd
        totals['lesion_nsd_1mm'] += apart.nsd(1.0)
    totals['lesion_iou'] = float(pairs.overlaps.sum())
    hits = len(pairs.overlaps)
    return {name: Score(total, hits) for name, total in totals.items()}


def _merged(shared: NDArray[np.int64], sizes: NDArray[np.int64]) -> dict[str, Score]:
    """Return how many predictions merge references, and how many references are split."""
    covered = shared / np.maximum(sizes[:, None], 1)
    merges = np.count_nonzero((covered >= COVERED).sum(axis=0) >= 2)
    together = covered.sum(axis=1) >= COVERED
    alone = (covered >= COVERED).any(axis=1)
    several = (shared > 0).sum(axis=1) >= 2
    splits = np.count_nonzero(together & ~alone & several)
    return {'merges': Score(float(merges)), 'splits': Score(float(splits))}
