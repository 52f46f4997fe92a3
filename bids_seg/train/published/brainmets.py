# SPDX-License-Identifier: Apache-2.0
"""How the networks of Brain-Mets-Seg were trained.

Published: the code of loss, optimiser, rate and augmentation, and their numbers as they stand
beside the prediction; the program that trained is not. Ours: the map of weights near the border
of a lesion, size and turn in one interpolation that shows what lies there instead of 0, float32
instead of mixed numbers, every fifth participant left out instead of a table of five folds, and
no mirror images when a run is scored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import maps
from bids_seg.segment.model import Model
from bids_seg.segment.systems import brainmets
from bids_seg.train import augment, start, visits, volume_losses
from bids_seg.train.augment import Rng
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Nesterov
from bids_seg.train.preset import Preset
from bids_seg.train.stream import Sample, Source
from bids_seg.train.visits import Visit

BATCH = 2
"""Patches of a step."""
EPOCH = 250
"""Steps of an epoch, however many visits there are."""
HEADS = 2
"""Outputs on coarser grids."""
LESION = 0.33
"""Share of the patches that hold a lesion for certain."""
EDGE, REACH = 4.0, 2.0
"""Weight that voxels on the border of a lesion gain, and how far it reaches, voxels of 1 mm."""
ZOOMED, ZOOM, UNEVEN = 0.2, (0.7, 1.4), 0.01
"""Share of the patches seen in another size, sizes, and deviation between axes."""
TURNED, ANGLE = 0.2, 30.0
"""Share that is turned about any axis, and largest angle, degrees."""
FLIPPED = 0.5
"""Share that is mirrored, for each axis."""


def prepare(case: Case, model: Model) -> Visit:
    """Return the brain of a visit as z-scores, its lesions, and the weight of each voxel.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    reference = visits.scan(case, 'T1wCE')
    image, grid = brainmets.prepare(reference, visits.brain(case, reference))
    target = visits.truth(case, model, reference, grid)
    return Visit(image[..., None], target, near_borders(target[..., 0])[..., None])


def near_borders(mask: NDArray[Any]) -> NDArray[np.float32]:
    """Return weights that are 1, and more near the borders of lesions.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Lesions, voxels of 1 mm.
    """
    from scipy import ndimage

    if not mask.any() or mask.all():
        return np.ones(mask.shape, np.float32)
    inside = ndimage.distance_transform_edt(mask)
    outside = ndimage.distance_transform_edt(mask == 0)
    distance = np.maximum(inside, outside) - 0.5
    return np.asarray(1 + EDGE * np.exp(-0.5 * (distance / REACH) ** 2), np.float32)


def patch(visit: Visit, boxes: Sequence[Any], rng: Rng, side: int) -> list[NDArray[Any]]:
    """Return image, target and weight of one patch, place, size and turn by chance.

    Parameters
    ----------
    visit
        From `prepare`.
    boxes
        Of its lesions.
    rng
        Of chance.
    side
        Of the patch.
    """
    shape, sides = visit.target.shape[:3], (side,) * 3
    if boxes and rng.random() < LESION:
        box = boxes[int(rng.integers(len(boxes)))]
        first = augment.corner_around(rng, box, shape, sides)
    else:
        first = augment.corner(rng, shape, sides)
    matrix = np.eye(3)
    if rng.random() < ZOOMED:
        matrix = np.diag(rng.uniform(*ZOOM) + rng.normal(0, UNEVEN, 3))
    if rng.random() < TURNED:
        angle = np.deg2rad(rng.uniform(-ANGLE, ANGLE))
        matrix = augment.turn(angle, rng.uniform(-1, 1, 3)) @ matrix
    arrays = [part[..., 0] for part in visit]
    if np.array_equal(matrix, np.eye(3)):
        return [augment.cut(array, first, sides) for array in arrays]
    image = augment.seen_through(arrays[0], matrix, start=first, sides=sides, order=1)
    others = [
        augment.seen_through(array, matrix, start=first, sides=sides, order=0)
        for array in arrays[1:]
    ]
    return [image, *others]


def recoloured(arrays: Sequence[NDArray[Any]], rng: Rng) -> list[NDArray[Any]]:
    """Return a patch with other intensities, in the order of the original, and mirrored.

    Parameters
    ----------
    arrays
        Image, target and weight, `(I, J, K)`.
    rng
        Of chance.
    """
    from scipy import ndimage

    image, target, weight = np.asarray(arrays[0], np.float32), arrays[1], arrays[2]
    if rng.random() < 0.10:
        image = image + rng.normal(0, rng.uniform(0, 0.3), image.shape).astype(np.float32)
    if rng.random() < 0.10:
        image = ndimage.gaussian_filter(image, rng.uniform(0.5, 1.0))
    if rng.random() < 0.15:
        image = image * np.float32(augment.either(rng, 0.75, 1.25))
    if rng.random() < 0.15:
        image = augment.contrast(image, augment.either(rng, 0.75, 1.25))
    if rng.random() < 0.125:
        share = rng.uniform(0.5, 1.0)
        image = augment.coarse(image, share, back=1)
        target, weight = (augment.coarse(array, share, back=0) for array in (target, weight))
    if rng.random() < 0.10:
        image = augment.gamma(image, augment.either(rng, 0.7, 1.5), inverted=True)
    if rng.random() < 0.30:
        image = augment.gamma(image, augment.either(rng, 0.7, 1.5))
    axes = tuple(axis for axis in range(3) if rng.random() < FLIPPED)
    return [np.flip(array, axes) for array in (image, target, weight)]


def source(
    found: Sequence[Visit], *, seed: int, batch: int = BATCH, side: int = brainmets.SIDE
) -> Source:
    """Return the stream of batches of patches.

    Parameters
    ----------
    found
        Visits.
    seed
        Of chance.
    batch
        Patches of a step.
    side
        Of a patch.
    """
    from scipy import ndimage

    @cache
    def boxes(number: int) -> list[Any]:
        """Return the boxes of the lesions of a visit."""
        pieces, _ = ndimage.label(found[number].target[..., 0], np.ones((3, 3, 3)))
        return list(ndimage.find_objects(pieces))

    def sample(step: int) -> Sample:
        """Return one batch."""
        rng = np.random.default_rng((seed, 2, step))
        drawn = []
        for place in range(batch):
            number = visits.dealt(len(found), step * batch + place, seed=seed)
            drawn.append(recoloured(patch(found[number], boxes(number), rng, side), rng))
        stacked = [np.stack(parts)[..., None] for parts in zip(*drawn, strict=True)]
        return Sample(*(array.astype(np.float32) for array in stacked))

    return sample


def epoch(found: Sequence[Visit]) -> int:
    """Return the steps of an epoch, as many for any data."""
    return EPOCH


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return z-scores as they are: they were made when they were prepared."""
    return np.asarray(image, np.float32)


def look(call: Callable[[Any], Any], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of a visit, through the sliding window of the original."""
    said = brainmets.logits(call, image[..., 0], parity=True, flips=brainmets.FLIPS[:1])
    return maps.sigmoid(said)[..., None]


def build(filters: tuple[int, ...] | None = None) -> keras.Model:
    """Make the network with random weights, and outputs on coarser grids.

    Parameters
    ----------
    filters
        At each resolution; None: the published ones.
    """
    from bids_seg.segment.networks import brainmets as networks

    made = networks.build(filters or networks.FILTERS, heads=HEADS)
    return start.as_nnunet(made)


PRESET = Preset(
    name='brainmets',
    regions=('TC',),
    build=build,
    loss=volume_losses.brainmets_deep,
    optimiser=Nesterov(momentum=0.99, decay=3e-5, clip=12.0),
    rate=0.01,
    transfer=0.01,
    fall='power',
    epochs=1000,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
    look=look,
    best=True,
)
