# SPDX-License-Identifier: Apache-2.0
"""Samples for brain extraction: a whole head in any one contrast, and its brain."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.heads import Head
from bids_seg.train.synthesis import deform, degrade, noise, normalise, paint
from bids_seg.train.synthesis.paint import chance
from bids_seg.train.synthesis.ranges import BRAIN, Ranges

Tensor = Any
Draw = dict[str, Any]

SHAPE = (96, 112, 112)
"""Voxels of a sample."""

SPACING = 2.0
"""mm of a voxel."""

LESIONS = 2
"""Blobs in the brain; the one after them is metal."""

BORDER = 6.0
"""Voxels within this many mm of the brain's edge weigh more."""

BORDER_WEIGHT = 3.0
"""How much more."""


def draw(
    rng: np.random.Generator,
    heads: Sequence[Head],
    *,
    shape: tuple[int, int, int] = SHAPE,
    spacing: float = SPACING,
    ranges: Ranges = BRAIN,
) -> Draw:
    """Draw every random number of one sample.

    Parameters
    ----------
    rng
        Source of random numbers; the same state gives the same sample.
    heads
        One is chosen by its weight; its number stands in `head`.
    shape
        (I, J, K) of the sample.
    spacing
        mm of a voxel.
    ranges
        How strong the effects may be.

    Returns
    -------
    dict
        Arrays of fixed shape and type for `render`.
    """
    weights = np.asarray([head.weight for head in heads])
    which = int(rng.choice(len(heads), p=weights / weights.sum()))
    head = heads[which]
    affine = deform.draw_affine(rng, ranges, spacing=spacing)
    shift = rng.uniform(*ranges.shift, 3)
    shift[2] -= rng.uniform(0, ranges.low_shift) if chance(rng, 0.5) else 0.0
    carried = head.neck and chance(rng, ranges.neck_chance)
    values, spread, grain = _intensities(rng, ranges)
    drawn: Draw = {
        'head': np.int32(which),
        'affine': affine.astype(np.float32),
        'shift': (np.asarray(head.centre) + shift).astype(np.float32),
        'floor': np.int32(1 if carried else 0),
        **deform.draw_elastic(rng, ranges, shape=shape),
        **paint.draw_soft(rng, ranges),
        'values': values,
        'spread': spread,
        'grain': np.float32(grain),
        'texture_pitch': np.float32(rng.uniform(*ranges.texture_pitch)),
        'texture_seed': paint.seed(rng),
        'waves_seed': paint.seed(rng),
        **_draw_blobs(rng, head, ranges),
        **degrade.draw_scan(
            rng, ranges, shape=shape, spacing=spacing, brightest=_brightest(values)
        ),
        **degrade.draw_field(rng, ranges, shape=shape, spacing=spacing),
        **degrade.draw_display(rng, ranges),
        **_draw_removal(rng, head, ranges),
    }
    return {**drawn, **degrade.draw_folding(rng, ranges, drawn)}


def _intensities(
    rng: np.random.Generator, ranges: Ranges
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Return brightness and spread of the tissues, and the voxel-wise share of that spread."""
    same = paint.layers(rng, ranges)
    if chance(rng, ranges.free_chance):
        values, spread = paint.free(rng, ranges)
        return paint.alike(values, same), paint.alike(spread, same), rng.uniform(0.2, 0.8)
    contrast = tissues.CONTRASTS[int(rng.integers(len(tissues.CONTRASTS)))]
    values = paint.alike(paint.known(rng, ranges, contrast=contrast), same)
    smooth, rough = rng.uniform(*ranges.texture), rng.uniform(*ranges.grain)
    uneven = rng.uniform(0.5, 1.5, len(values)).astype(np.float32)
    return values, values * np.float32(smooth) * uneven, rough / (rough + smooth)


def _brightest(values: NDArray[np.float32]) -> float:
    """Return the brightness that noise is relative to: that of bright tissue in the brain."""
    brain = values[[*tissues.members('brain'), tissues.INDEX['csf']]]
    return max(float(np.percentile(brain, 90)), 0.05)


def _draw_blobs(rng: np.random.Generator, head: Head, ranges: Ranges) -> Draw:
    """Draw lesions in the brain and metal near its surface."""
    radii = np.zeros(LESIONS + 1)
    if chance(rng, ranges.lesion_chance):
        count = int(rng.integers(1, LESIONS + 1))
        radii[:count] = rng.uniform(*ranges.lesion_radius, count)
    if chance(rng, ranges.metal_chance):
        radii[LESIONS] = rng.uniform(*ranges.metal_radius)
    centres = []
    for which in range(LESIONS + 1):
        group = 'surface' if which == LESIONS or chance(rng, 0.4) else 'white matter'
        places = head.candidates[group]
        centres.append(places[int(rng.integers(len(places)))])
    centre = np.asarray(centres)
    # Metal sits anywhere from the surface outwards: clips, plates, teeth.
    centre[LESIONS] += (centre[LESIONS] - head.centre) * rng.uniform(0.0, 0.5)
    drawn = paint.draw_blobs(rng, centre, radii)
    drawn['blob_values'] = rng.uniform(0, 1.5, (LESIONS + 1, 2)).astype(np.float32)
    return drawn


def _draw_removal(rng: np.random.Generator, head: Head, ranges: Ranges) -> Draw:
    """Draw what was taken out of the image afterwards: the face, or all but the brain."""
    plane = np.asarray([0.0, 0.0, 0.0, -degrade.FAR])
    if chance(rng, ranges.deface_chance):
        normal = np.asarray([rng.normal(0, 0.05), 1.0, rng.uniform(-0.9, -0.1)])
        through = np.add(head.eyes, (0.0, rng.uniform(-6, 14), rng.uniform(0, 14)))
        plane = np.asarray([*normal, -float(normal @ through)])
    stripped = chance(rng, ranges.strip_chance)
    filled = chance(rng, ranges.deface_fill_chance)
    return {
        'face': plane.astype(np.float32),
        'face_fill': np.float32(rng.uniform(0.05, 0.6) if filled else 0.0),
        'strip': np.float32(rng.uniform(*ranges.strip) if stripped else degrade.FAR),
        'strip_dent': np.float32(rng.uniform(*ranges.strip_dent)),
        'strip_pitch': np.float32(rng.uniform(3.0, 12.0)),
        'strip_seed': paint.seed(rng),
    }


def render(arrays: dict[str, Tensor], draw: dict[str, Tensor]) -> dict[str, Tensor]:
    """Paint one sample.

    Parameters
    ----------
    arrays
        `Head.arrays` of the head that `draw['head']` names.
    draw
        What `draw` gave.

    Returns
    -------
    dict
        `image` (I, J, K, 1) 0..1; `target` (I, J, K, 1) share of brain, with a soft edge one voxel
        wide; `weight` (I, J, K, 1): 3 within 6 mm of the edge, else 1.
    """
    from keras import ops

    places = deform.points(draw)
    shape = tuple(places[0].shape)
    soft = paint.soft_tissue(draw, shape)
    painted: Tensor = 0.0
    distance: Tensor = 0.0
    spread: Tensor = 0.0
    for step in deform.offsets(draw):
        moved = tuple(place + step[axis] for axis, place in enumerate(places))
        labels, mm = deform.split(deform.gather(arrays['codes'], moved, draw['floor']))
        labels = paint.resolve(labels, soft)
        painted = painted + ops.take(draw['values'], labels)
        spread = ops.take(draw['spread'], labels)
        distance = distance + mm
    painted, distance = painted / 4, distance / 4
    texture, _ = noise.normal_pair(draw['texture_seed'], shape)
    waves = noise.smooth(draw['waves_seed'], draw['texture_pitch'], shape, finest=2.0)
    painted = painted + spread * (draw['grain'] * texture + (1 - draw['grain']) * waves)
    painted = _lesions(ops.maximum(painted, 0.0), places, waves, distance, draw)
    image = degrade.scan(painted, draw)
    inside = degrade.outer(*(draw[f'inside_{name}'] for name in 'ijk'))
    image = _remove(image, places, texture, distance, draw) * inside
    image = degrade.display(normalise.unit(image, inside), draw) * inside
    size = ops.sqrt(ops.sum(draw['affine'] ** 2) / 3)
    target = ops.clip(0.5 - distance / size, 0.0, 1.0) * inside
    weight = ops.where(ops.abs(distance) < BORDER, BORDER_WEIGHT, 1.0)
    return {
        name: ops.expand_dims(array, -1)
        for name, array in (('image', image), ('target', target), ('weight', weight))
    }


def _lesions(
    painted: Tensor,
    places: tuple[Tensor, Tensor, Tensor],
    rough: Tensor,
    distance: Tensor,
    draw: dict[str, Tensor],
) -> Tensor:
    """Paint the blobs: lesions within the brain, metal wherever it lies."""
    from keras import ops

    brain = ops.clip(0.5 - (distance + 1.0), 0.0, 1.0)
    for which in range(LESIONS):
        whole, inside = paint.blob(places, rough, draw, which)
        value = draw['blob_values'][which]
        body = value[1] + (value[0] - value[1]) * inside
        share = whole * brain
        painted = painted + share * (body * (1.0 + 0.1 * rough) - painted)
    whole, inside = paint.blob(places, rough, draw, LESIONS)
    bright = draw['blob_values'][LESIONS, 0] * whole * (1.0 - inside)
    return painted * (1.0 - inside) + bright


def _remove(
    image: Tensor,
    places: tuple[Tensor, Tensor, Tensor],
    grain: Tensor,
    distance: Tensor,
    draw: dict[str, Tensor],
) -> Tensor:
    """Take out the face, and all but the brain where the sample says so."""
    from keras import ops

    plane = draw['face']
    before = places[0] * plane[0] + places[1] * plane[1] + places[2] * plane[2] + plane[3]
    face = ops.cast(before > 0, 'float32') * ops.cast(distance > 2.0, 'float32')
    fill = draw['face_fill'] * ops.abs(grain)
    image = image + face * (fill - image)
    dents = noise.smooth(draw['strip_seed'], draw['strip_pitch'], tuple(image.shape), finest=3.0)
    kept = distance < draw['strip'] + draw['strip_dent'] * dents - 1.0
    return image * ops.cast(kept, 'float32')
