# SPDX-License-Identifier: Apache-2.0
"""Samples for glioma: four contrasts of one head, cut to the brain, and the three regions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.heads import Head
from bids_seg.train.synthesis import (
    deform,
    degrade,
    examination,
    noise,
    normalise,
    paint,
    strip,
)
from bids_seg.train.synthesis.lesions import glioma_draw
from bids_seg.train.synthesis.paint import chance
from bids_seg.train.synthesis.ranges import GLIOMA, Ranges

Tensor = Any
Draw = dict[str, Any]

SHAPE = (80, 96, 80)
"""Voxels of a sample; even sides."""

SPACING = 2.0
"""mm of a voxel."""

CONTRASTS = tissues.CONTRASTS
"""Order of the image channels; as many planes that say which are there follow."""

SUBSETS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.24, ('T1wCE', 'T1w', 'T2w', 'FLAIR')),
    (0.06, ('T1w', 'T2w', 'FLAIR')),
    (0.07, ('T1wCE', 'T2w', 'FLAIR')),
    (0.07, ('T1wCE', 'T1w', 'FLAIR')),
    (0.07, ('T1wCE', 'T1w', 'T2w')),
    (0.06, ('T1wCE', 'FLAIR')),
    (0.035, ('T1w', 'FLAIR')),
    (0.035, ('T2w', 'FLAIR')),
    (0.035, ('T1wCE', 'T1w')),
    (0.035, ('T1wCE', 'T2w')),
    (0.09, ('FLAIR',)),
    (0.20, ('T1wCE',)),
)
"""Which contrasts are there, and how often."""


def draw(
    rng: np.random.Generator,
    heads: Sequence[Head],
    *,
    shape: tuple[int, int, int] = SHAPE,
    spacing: float = SPACING,
    ranges: Ranges = GLIOMA,
) -> Draw:
    """Draw every random number of one sample.

    Parameters
    ----------
    rng
        Source of random numbers; the same state gives the same sample.
    heads
        One is chosen by its weight; its number stands in `head`.
    shape
        (I, J, K) of the sample, even.
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
    shift = np.asarray(head.centre) + rng.uniform(*ranges.shift, 3)
    same = paint.layers(rng, ranges)
    values, lesion = paint.examination(rng, ranges)
    values = paint.alike(values, same)
    texture = rng.uniform(*ranges.texture) * rng.uniform(0.5, 1.5, len(values))
    grey = [*tissues.members('cortex'), *tissues.members('deep grey')]
    texture[grey] *= rng.uniform(1.0, ranges.grey_texture)
    present = subset(rng)
    scans = [
        examination.draw_contrast(rng, ranges, values=column, shape=shape, spacing=spacing)
        for column in values.T
    ]
    return {
        'head': np.int32(which),
        'affine': deform.draw_affine(rng, ranges, spacing=spacing).astype(np.float32),
        'shift': shift.astype(np.float32),
        'floor': np.int32(0),
        **deform.draw_elastic(rng, ranges, shape=shape),
        'values': examination.columns(values, texture),
        'lesion_values': lesion,
        'lesion_texture': examination.lesion_texture(rng, ranges),
        'texture_pitch': np.float32(rng.uniform(*ranges.texture_pitch)),
        'texture_seeds': np.asarray([paint.seed(rng) for _ in range(len(CONTRASTS) + 1)]),
        'pulsation': _pulsation(rng, ranges),
        'present': present,
        **{key: np.stack([scan[key] for scan in scans]) for key in scans[0]},
        **degrade.draw_field(rng, ranges, shape=shape, spacing=spacing),
        **strip.draw(rng, head, ranges),
        **glioma_draw.draw(rng, head),
    }


def subset(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw which contrasts are there.

    Parameters
    ----------
    rng
        Source of random numbers.

    Returns
    -------
    ndarray (C,)
        1 where a contrast is there; FLAIR or T1wCE always is.
    """
    shares = np.asarray([share for share, _ in SUBSETS])
    _, names = SUBSETS[int(rng.choice(len(SUBSETS), p=shares / shares.sum()))]
    return np.asarray([name in names for name in CONTRASTS], np.float32)


def _pulsation(rng: np.random.Generator, ranges: Ranges) -> NDArray[np.float32]:
    """Return how bright blobs in the fluid are in each contrast: FLAIR alone has them."""
    out = np.zeros(len(CONTRASTS), np.float32)
    if chance(rng, ranges.pulsation_chance):
        out[CONTRASTS.index('FLAIR')] = rng.uniform(*ranges.pulsation)
    return out


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
        `image` (I, J, K, 8): z-scores of the contrasts, 0 where absent or not shown, and planes of
        presence; `target` (I, J, K, 3) whole tumour, core, enhancing tumour; `weight`
        (I, J, K, 3), 0 where nothing is asked: enhancing tumour without T1wCE.
    """
    from keras import ops

    from bids_seg.train.synthesis.lesions import glioma as lesions

    places = deform.points(draw)
    shape = tuple(places[0].shape)
    pushed = lesions.push(places, draw)
    sources = tuple(place - away for place, away in zip(places, pushed, strict=True))
    labels, distance = deform.split(deform.gather(arrays['codes'], sources, draw['floor']))
    planted = lesions.plant(labels, places, draw, spacing=SPACING)
    masks = strip.masks(draw, places, distance, finest=2.5)
    painted: Tensor = 0.0
    for step in deform.offsets(draw):
        moved = tuple(source + step[axis] for axis, source in enumerate(sources))
        labels, _ = deform.split(deform.gather(arrays['codes'], moved, draw['floor']))
        painted = painted + ops.take(draw['values'], labels, axis=0)
    waves = [
        noise.smooth(draw['texture_seeds'][index], draw['texture_pitch'], shape, finest=2.0)
        for index in range(len(CONTRASTS) + 1)
    ]
    inside = degrade.outer(*(draw[f'inside_{name}'] for name in 'ijk')) > 0.5
    shown = ops.logical_and(masks.shown, inside)
    brain = ops.cast(ops.logical_and(masks.brain, inside), 'float32')
    channels = []
    for channel in range(len(CONTRASTS)):
        own = {key: draw[key][channel] for key in examination.KEYS}
        # Half of the texture is shared: tissue that is odd in one contrast is so in the others.
        texture = 0.7 * (waves[channel] + waves[-1])
        looked_up = [painted[..., column] * 0.25 for column in (channel, -2, -1)]
        image = examination.paint_tissue(looked_up, texture, pulsation=draw['pulsation'][channel])
        table = examination.lesion_table(draw, channel)
        image = examination.paint_lesions(image, planted.weights, texture, lesion=table)
        image = examination.acquire(image, own) * ops.cast(masks.raw, 'float32')
        seen = ops.where(shown, normalise.score(image, brain), 0.0)
        channels.append(seen * draw['present'][channel])
    planes = [ops.zeros(shape) + draw['present'][channel] for channel in range(len(CONTRASTS))]
    asked = ops.stack([1.0, 1.0, draw['present'][CONTRASTS.index('T1wCE')]])
    visible = ops.expand_dims(ops.cast(shown, 'float32'), -1)
    return {
        'image': ops.stack([*channels, *planes], axis=-1),
        'target': planted.targets * visible,
        'weight': ops.expand_dims(planted.weight, -1) * asked,
    }
