# SPDX-License-Identifier: Apache-2.0
"""Samples for metastases: a part of one brain in T1wCE at 1 mm, and the tumour cores in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bids_seg.train import tissues
from bids_seg.train.heads import Head
from bids_seg.train.synthesis import (
    deform,
    examination,
    noise,
    normalise,
    paint,
    strip,
)
from bids_seg.train.synthesis.lesions import metastases_draw
from bids_seg.train.synthesis.ranges import METASTASES, Ranges

Tensor = Any
Draw = dict[str, Any]

SHAPE = (80, 80, 80)
"""Voxels of a sample; sides are multiples of 4."""

SPACING = 1.0
"""mm of a voxel."""

CHANNEL = tissues.CONTRASTS.index('T1wCE')
"""The contrast of the only channel."""

SURVEY = (20, 25, 20)
"""Places along each axis that stand for the whole brain when its intensities are normalised."""

SURVEY_REACH = (72.0, 92.0, 76.0)
"""mm from the brain's centre to the outermost of these places."""


def draw(
    rng: np.random.Generator,
    heads: Sequence[Head],
    *,
    shape: tuple[int, int, int] = SHAPE,
    spacing: float = SPACING,
    ranges: Ranges = METASTASES,
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
    scene = metastases_draw.draw(rng, head)
    same = paint.layers(rng, ranges)
    values, lesion = paint.examination(rng, ranges)
    column = paint.alike(values, same)[:, CHANNEL]
    texture = rng.uniform(*ranges.texture) * rng.uniform(0.5, 1.5, len(column))
    return {
        'head': np.int32(which),
        'affine': deform.draw_affine(rng, ranges, spacing=spacing).astype(np.float32),
        'shift': np.asarray(scene.pop('focus'), np.float32),
        'centre_of_brain': np.asarray(head.centre, np.float32),
        'floor': np.int32(0),
        **deform.draw_elastic(rng, ranges, shape=shape),
        'values': examination.columns(column[:, None], texture),
        'lesion_values': lesion[:, CHANNEL : CHANNEL + 1],
        'lesion_texture': examination.lesion_texture(rng, ranges),
        'texture_pitch': np.float32(rng.uniform(*ranges.texture_pitch)),
        'texture_seed': paint.seed(rng),
        **examination.draw_contrast(rng, ranges, values=column, shape=shape, spacing=spacing),
        **strip.draw(rng, head, ranges),
        **scene,
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
        `image` (I, J, K, 1) z-scores, 0 where not shown; `target` (I, J, K, 1) tumour cores;
        `weight` (I, J, K, 1), more on small lesions, 0 where a lesion is too small to ask for.
    """
    from keras import ops

    from bids_seg.train.synthesis.lesions import metastases as lesions

    places = deform.points(draw)
    pushed = lesions.push(places, draw)
    sources = tuple(place - away for place, away in zip(places, pushed, strict=True))
    labels, distance = deform.split(deform.gather(arrays['codes'], sources, draw['floor']))
    planted = lesions.plant(labels, places, draw, spacing=SPACING)
    masks = strip.masks(draw, places, distance, finest=5.0)
    painted: Tensor = 0.0
    for step in deform.offsets(draw):
        moved = tuple(source + step[axis] for axis, source in enumerate(sources))
        labels, _ = deform.split(deform.gather(arrays['codes'], moved, draw['floor']))
        painted = painted + ops.take(draw['values'], labels, axis=0)
    texture = noise.smooth(
        draw['texture_seed'], draw['texture_pitch'], tuple(distance.shape), finest=2.0
    )
    looked_up = [painted[..., column] * 0.25 for column in range(3)]
    image = examination.paint_tissue(looked_up, texture, pulsation=0.0)
    table = examination.lesion_table(draw, 0)
    image = examination.paint_lesions(image, planted.weights, texture, lesion=table)
    image = examination.acquire(image, draw) * ops.cast(masks.raw, 'float32')
    low, middle, high = _survey(arrays['codes'], draw)
    score = normalise.scored(image, low, middle, high)
    visible = ops.expand_dims(ops.cast(masks.shown, 'float32'), -1)
    return {
        'image': ops.expand_dims(score, -1) * visible,
        'target': planted.targets * visible,
        'weight': ops.expand_dims(planted.weight, -1),
    }


def _survey(codes: Tensor, draw: dict[str, Tensor]) -> list[Tensor]:
    """Return the percentiles that normalise the whole brain, of which the sample is a part."""
    from keras import ops

    axes = [
        ops.reshape(
            ops.linspace(-reach, reach, size) + draw['centre_of_brain'][axis],
            [-1 if other == axis else 1 for other in range(3)],
        )
        + ops.zeros(SURVEY)
        for axis, (reach, size) in enumerate(zip(SURVEY_REACH, SURVEY, strict=True))
    ]
    labels, distance = deform.split(deform.gather(codes, tuple(axes), draw['floor']))
    painted = ops.take(draw['values'][:, 0], labels)
    real, other = noise.normal_pair(draw['texture_seed'], SURVEY)
    # Half the noise: slices and interpolation average some of it.
    level = 0.5 * draw['noise_level']
    scanned = ops.sqrt((painted + real * level) ** 2 + (other * level) ** 2)
    mask = ops.cast(distance < draw['mask_brain'], 'float32')
    return normalise.percentiles(
        examination.rescale(scanned, draw), mask, normalise.SCORE_PERCENTILES, stride=1
    )
