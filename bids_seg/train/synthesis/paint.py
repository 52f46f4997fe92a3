# SPDX-License-Identifier: Apache-2.0
"""How bright each tissue is: free and known intensities, soft tissue, texture, blobs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.synthesis import noise
from bids_seg.train.synthesis.ranges import Ranges

Tensor = Any
Draw = dict[str, Any]

_COUNT = len(tissues.TISSUES)


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True in a share of all cases, at the cost of one random number."""
    return bool(rng.random() < share)


def free(rng: np.random.Generator, ranges: Ranges) -> tuple[NDArray[np.float32], ...]:
    """Draw any brightness for every tissue.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Spread of the classes and how often two of them are alike.

    Returns
    -------
    values, spread
        (T,) brightness 0..1 and its voxel-wise spread.
    """
    values = rng.uniform(0, 1, _COUNT)
    spread = rng.uniform(*ranges.free_spread, _COUNT) / 255
    if chance(rng, ranges.twins_alike_chance):
        for index, tissue in enumerate(tissues.TISSUES):
            if tissue.twin:
                values[index] = values[tissues.INDEX[tissue.twin]]
                spread[index] = spread[tissues.INDEX[tissue.twin]]
    if chance(rng, ranges.free_dark_air_chance):
        values[tissues.INDEX['air']] = rng.uniform(0, 0.03)
        spread[tissues.INDEX['air']] = rng.uniform(0, 0.02)
    for drawn in (values, spread):
        drawn[tissues.INDEX['pocket']] = drawn[tissues.INDEX['air']]
    # Fluid is fluid, in most sequences.
    if chance(rng, 0.6):
        names = ('ventricle left', 'ventricle right', 'middle ventricles')
        values[[tissues.INDEX[name] for name in names]] = values[tissues.INDEX['csf']]
    return values.astype(np.float32), spread.astype(np.float32)


def known(
    rng: np.random.Generator, ranges: Ranges, *, contrast: tissues.Contrast
) -> NDArray[np.float32]:
    """Draw the brightness of every tissue in a known contrast.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        How often fat is suppressed.
    contrast
        A key of the rows of `tissues.BRIGHTNESS`.

    Returns
    -------
    ndarray (T,)
        Brightness relative to white matter; classes of one row are alike up to a few per cent.
    """
    values = {row: rng.uniform(*limits[contrast]) for row, limits in tissues.BRIGHTNESS.items()}
    if chance(rng, ranges.suppressed_fat):
        values['fat'] = values['suppressed fat']
    jitter = rng.normal(1, 0.02, _COUNT)
    out = np.asarray([values[tissue.row] for tissue in tissues.TISSUES]) * jitter
    for index, tissue in enumerate(tissues.TISSUES):
        if tissue.twin:
            out[index] = out[tissues.INDEX[tissue.twin]]
    return out.astype(np.float32)


def examination(
    rng: np.random.Generator, ranges: Ranges
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw the brightness of tissues and lesions in all known contrasts of one examination.

    T1w and T1wCE of one person differ where contrast is taken up and little elsewhere, so both
    take nearly the same place in their ranges.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        How often fat is suppressed, and uptake faint.

    Returns
    -------
    tissue, lesion
        (T, C) and (L, C), relative to white matter; contrasts in the order of
        `tissues.CONTRASTS`, lesions in that of `tissues.LESION_TISSUES`.
    """
    rows = list(tissues.BRIGHTNESS)
    limits = np.asarray([[tissues.BRIGHTNESS[row][c] for c in tissues.CONTRASTS] for row in rows])
    place = rng.uniform(0, 1, (len(rows), len(tissues.CONTRASTS)))
    enhanced, plain = (tissues.CONTRASTS.index(name) for name in ('T1wCE', 'T1w'))
    near = np.clip(place[:, plain] + rng.normal(0, 0.12, len(rows)), 0, 1)
    taking = [rows.index(row) for row in ('enhancing', 'vessel', 'bright vessel')]
    near[taking] = place[taking, enhanced]
    place[:, enhanced] = near
    drawn = limits[..., 0] + place * (limits[..., 1] - limits[..., 0])
    values = {row: drawn[index] for index, row in enumerate(rows)}
    if chance(rng, ranges.suppressed_fat):
        values['fat'] = values['suppressed fat']
    if chance(rng, ranges.faint_chance):
        values['enhancing'][enhanced] = rng.uniform(*ranges.faint)
    if chance(rng, 0.4):
        values['necrosis'] = values['solid necrosis']
    blood = ('fresh blood', 'old blood', 'scar')
    values['blood'] = values[blood[int(rng.integers(len(blood)))]]
    jitter = rng.normal(1, 0.02, (_COUNT, 1))
    tissue = np.asarray([values[tissue.row] for tissue in tissues.TISSUES]) * jitter
    for index, row in enumerate(tissues.TISSUES):
        if row.twin:
            tissue[index] = tissue[tissues.INDEX[row.twin]]
    lesion = np.asarray([values[name] for name in tissues.LESION_TISSUES])
    return tissue.astype(np.float32), lesion.astype(np.float32)


def layers(rng: np.random.Generator, ranges: Ranges) -> dict[str, str]:
    """Draw which tissues of the map look like another one in this sample.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Chances.

    Returns
    -------
    dict
        Tissue -> tissue whose brightness it takes, to be applied in order.
    """
    out = dict.fromkeys(('outer csf', 'second csf', 'falx', 'tentorium'), 'csf')
    if chance(rng, ranges.dura_chance):
        out['outer csf'] = 'dura'
        if chance(rng, ranges.thick_dura_chance):
            out['second csf'] = 'dura'
    for name in ('falx', 'tentorium'):
        if chance(rng, ranges.sheet_chance):
            out[name] = 'dura'
    merges = (
        (ranges.merge_bone_air, 'bone', 'air'),
        (ranges.merge_bone_fluid, 'bone', 'csf'),
        (ranges.merge_marrow_bone, 'marrow', 'bone'),
        (ranges.merge_skin, 'skin', 'muscle'),
    )
    for share, name, other in merges:
        if chance(rng, share):
            out[name] = other
    if chance(rng, ranges.merge_fluid_cortex):
        for name in ('csf', *(name for name, other in list(out.items()) if other == 'csf')):
            out[name] = 'cortex left'
    return out


def alike(values: NDArray[np.float32], same: Mapping[str, str]) -> NDArray[np.float32]:
    """Return brightness with some tissues made like others.

    Parameters
    ----------
    values
        (T, ...) brightness.
    same
        What `layers` gives.

    Returns
    -------
    ndarray (T, ...)
        A copy.
    """
    out = values.copy()
    for name, other in same.items():
        out[tissues.INDEX[name]] = out[tissues.INDEX[other]]
    return out


def draw_soft(rng: np.random.Generator, ranges: Ranges) -> Draw:
    """Draw how soft tissue is split into fat, muscle and air.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Wavelength and thresholds.

    Returns
    -------
    dict
        `soft_pitch`, `soft_fat` (2,) for outer and inner tissue, `soft_pocket`, `soft_seed`.
    """
    return {
        'soft_pitch': np.float32(rng.uniform(*ranges.split_pitch)),
        'soft_fat': np.asarray(
            [rng.uniform(*ranges.fat_outside), rng.uniform(*ranges.fat_inside)], np.float32
        ),
        'soft_pocket': np.float32(rng.uniform(*ranges.pocket)),
        'soft_seed': seed(rng),
    }


def seed(rng: np.random.Generator) -> np.uint32:
    """Draw the seed of a field of noise."""
    return np.uint32(rng.integers(0, 2**32, dtype=np.uint64))


def soft_tissue(draw: dict[str, Tensor], shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Return what outer and what inner soft tissue is at each voxel.

    Parameters
    ----------
    draw
        What `draw_soft` gives.
    shape
        (I, J, K) of the sample.

    Returns
    -------
    outer, inner
        int32 (I, J, K) indices into `tissues.TISSUES`.
    """
    from keras import ops

    fat, muscle, pocket = (tissues.INDEX[name] for name in ('fat', 'muscle', 'pocket'))
    field = noise.smooth(draw['soft_seed'], draw['soft_pitch'], shape, finest=2.0)
    outer = ops.where(field + draw['soft_fat'][0] > 0, fat, muscle)
    inner = ops.where(field + draw['soft_fat'][1] > 0, fat, muscle)
    # The lower tail of the same noise: air lies in muscle, never beside fat's middle.
    inner = ops.where(field < -draw['soft_pocket'], pocket, inner)
    return ops.cast(outer, 'int32'), ops.cast(inner, 'int32')


def resolve(labels: Tensor, soft: tuple[Tensor, Tensor]) -> Tensor:
    """Replace soft tissue by what it is split into.

    Parameters
    ----------
    labels
        int32 (I, J, K).
    soft
        What `soft_tissue` gives.

    Returns
    -------
    tensor (I, J, K)
        int32.
    """
    from keras import ops

    outer, inner = (tissues.INDEX[f'{side} soft tissue'] for side in ('outer', 'inner'))
    out = ops.where(labels == outer, soft[0], labels)
    return ops.where(labels == inner, soft[1], out)


def draw_blobs(
    rng: np.random.Generator, centres: NDArray[np.float32], radii: NDArray[np.float64]
) -> Draw:
    """Draw rough ellipsoids with a rim.

    Parameters
    ----------
    rng
        Source of random numbers.
    centres
        (B, 3) mm in the head.
    radii
        (B,) mm; 0 makes a blob that is not there.

    Returns
    -------
    dict
        `blob_centre` (B, 3), `blob_metric` (B, 3, 3) per mm, `blob_rim` (B,) where the rim
        begins (of 1), `blob_rough` (B,), `blob_soft` (B,) width of the edge (of 1),
        `blob_there` (B,).
    """
    from bids_seg.train.synthesis.deform import rotation

    metric = []
    for radius in radii:
        stretch = np.exp(rng.normal(0, 0.25, 3))
        stretch /= np.prod(stretch) ** (1 / 3)
        turn = rotation(rng.uniform(-np.pi, np.pi, 3))
        metric.append(np.diag(stretch) @ turn / max(radius, 1.0))
    count = len(radii)
    return {
        'blob_centre': centres.astype(np.float32),
        'blob_metric': np.asarray(metric, np.float32),
        'blob_rim': rng.uniform(0.4, 1.0, count).astype(np.float32),
        'blob_rough': rng.uniform(0.05, 0.35, count).astype(np.float32),
        'blob_soft': rng.uniform(0.02, 0.15, count).astype(np.float32),
        'blob_there': (radii > 0).astype(np.float32),
    }


def blob(
    places: tuple[Tensor, Tensor, Tensor], rough: Tensor, draw: dict[str, Tensor], which: int
) -> tuple[Tensor, Tensor]:
    """Return how much of each voxel belongs to the body and to the rim of a blob.

    Parameters
    ----------
    places
        mm in the head, three tensors (I, J, K).
    rough
        (I, J, K) smooth noise.
    draw
        What `draw_blobs` gives.
    which
        Number of the blob.

    Returns
    -------
    whole, inside
        Shares 0..1 of the blob with its rim, and of its inside alone.
    """
    from keras import ops

    away = [place - draw['blob_centre'][which, axis] for axis, place in enumerate(places)]
    metric = draw['blob_metric'][which]
    squares = 0.0
    for row in range(3):
        along = away[0] * metric[row, 0] + away[1] * metric[row, 1] + away[2] * metric[row, 2]
        squares = squares + along * along
    distance = ops.sqrt(squares) + rough * draw['blob_rough'][which]
    slope = 0.25 / draw['blob_soft'][which]
    there = draw['blob_there'][which]
    whole = ops.clip((1.0 - distance) * slope + 0.5, 0.0, 1.0) * there
    inside = ops.clip((draw['blob_rim'][which] - distance) * slope + 0.5, 0.0, 1.0) * there
    return whole, inside
