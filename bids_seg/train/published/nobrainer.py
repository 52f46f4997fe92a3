# SPDX-License-Identifier: Apache-2.0
"""How nobrainer's brain extraction was trained.

Published: Jaccard loss, five epochs, batches of two blocks of 128 voxels, half of the volumes
turned by any angle and shifted. Ours, since nothing was published: Adam at 1e-4 (1e-5 from given
weights, as the library's guide has it), the order of the blocks, and the score of whole volumes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import fields
from bids_seg.segment.model import Model
from bids_seg.segment.systems import nobrainer
from bids_seg.train import visits, volume_losses
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Adam
from bids_seg.train.preset import Preset
from bids_seg.train.stream import Sample, Source
from bids_seg.train.visits import Visit

BATCH = 2
"""Blocks of a step."""
TURNED = 0.5
"""Share of the volumes that are turned and shifted."""
SHIFT = 0.05
"""Farthest shift along each axis, share of the volume's first side."""


def prepare(case: Case, model: Model) -> Visit:
    """Return the head of a visit in 256 voxels of 1 mm a side, and its brain.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    image = visits.t1w(case)
    grid = nobrainer.conformed_grid(image)
    target = visits.truth(case, model, image, grid)
    return Visit(fields.onto(image, grid).array[..., None], target, visits.ALIKE)


def turned(image: NDArray[Any], target: NDArray[Any], rng: np.random.Generator) -> list[Any]:
    """Return a volume and its mask, half of the time turned about any axis and shifted.

    Parameters
    ----------
    image, target : arrays of shape (I, J, K)
        The volume as measured: it becomes z-scores afterwards.
    rng
        Of chance.
    """
    if rng.random() <= 1 - TURNED:
        return [image, target]
    far = SHIFT * image.shape[0]
    angles, shift = rng.uniform(-np.pi, np.pi, 3), rng.uniform(-far, far, 3)
    shape = (image.shape[0], image.shape[1], image.shape[2])
    matrix = nobrainer.rotation(shape, angles.tolist(), shift.tolist())
    mask = nobrainer.warp_nearest(target.astype(np.float32), matrix)
    return [nobrainer.warp(image, matrix), mask]


def blocks(array: NDArray[Any], side: int) -> NDArray[Any]:
    """Return the blocks of a volume that do not overlap, in the order of their places.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Sides are multiples of the block's.
    side
        Of a block.
    """
    parts = [length // side for length in array.shape]
    split = array.reshape(parts[0], side, parts[1], side, parts[2], side)
    return split.transpose(0, 2, 4, 1, 3, 5).reshape(-1, side, side, side)


def source(found: Sequence[Visit], *, seed: int, block: int = nobrainer.BLOCK) -> Source:
    """Return the stream of pairs of blocks; the pairs of a volume follow each other.

    Parameters
    ----------
    found
        Visits.
    seed
        Of chance.
    block
        Side of a block.
    """
    pairs = _pairs(found, block)
    last: dict[int, list[NDArray[Any]]] = {}

    def volume(number: int) -> list[NDArray[Any]]:
        """Return the blocks of a volume, and of its mask."""
        if number not in last:
            last.clear()
            visit = found[visits.dealt(len(found), number, seed=seed)]
            rng = np.random.default_rng((seed, 2, number))
            image, target = turned(np.array(visit.image[..., 0]), visit.target[..., 0], rng)
            last[number] = [blocks(nobrainer.standardise(image), block), blocks(target, block)]
        return last[number]

    def sample(step: int) -> Sample:
        """Return two blocks."""
        number, pair = divmod(step, pairs)
        image, target = (
            part[BATCH * pair : BATCH * (pair + 1), ..., None].astype(np.float32)
            for part in volume(number)
        )
        return Sample(image, target, np.ones((1,) * 5, np.float32))

    return sample


def epoch(found: Sequence[Visit], *, block: int = nobrainer.BLOCK) -> int:
    """Return the steps in which every volume is seen once.

    Parameters
    ----------
    found
        Visits.
    block
        Side of a block.
    """
    return len(found) * _pairs(found, block)


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return z-scores of a whole volume, `(I, J, K, 1)`."""
    return nobrainer.standardise(np.asarray(image, np.float32))


def look(call: Callable[[Any], Any], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of a whole volume, block by block."""
    block = min(nobrainer.BLOCK, *image.shape[:3])
    return nobrainer.probability(call, image[..., 0], block=block)[..., None]


def loss(logits: Any, target: Any, weight: Any) -> Any:
    """Return the Jaccard loss of logits."""
    return volume_losses.nobrainer(keras.ops.sigmoid(logits), target)


def _pairs(found: Sequence[Visit], block: int) -> int:
    """Return how many pairs of blocks a volume has."""
    return int(np.prod([side // block for side in found[0].target.shape[:3]])) // BATCH


PRESET = Preset(
    name='nobrainer',
    regions=('brain',),
    build=nobrainer.build,
    loss=loss,
    optimiser=Adam(epsilon=1e-7, corrected=False),
    rate=1e-4,
    transfer=1e-5,
    fall='constant',
    epochs=5,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
    look=look,
    best=False,
)
