# SPDX-License-Identifier: Apache-2.0
"""How the brain extraction of brain-segmentation was trained.

Published: everything; no augmentation, and the last weights are kept. Ours: nothing but that every
fifth participant is left out and scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import films
from bids_seg.segment.model import Model
from bids_seg.segment.systems import budakeras
from bids_seg.train import slice_losses, stacks, visits
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Adam
from bids_seg.train.preset import Preset
from bids_seg.train.stream import Source
from bids_seg.train.visits import Visit

BATCH = 32
"""Slices of a step."""


def prepare(case: Case, model: Model) -> Visit:
    """Return every axial slice of FLAIR between its neighbours in 8 bits, and the brain in it.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    from scipy import ndimage

    image = visits.scan(case, 'FLAIR')
    columns, rows, _ = image.array.shape
    mask = visits.truth(case, model, image, image.grid)[..., 0]
    target = stacks.cut(mask, films.frame(rows, columns))
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in target]).astype(np.uint8)
    channels = budakeras.neighbours(films.film(image.array, 'brain'))
    return Visit(channels, filled[..., None], visits.ALIKE)


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return what the network is given of 8 bits."""
    return budakeras.normalise(image, 'brain')


def source(found: Sequence[Visit], *, seed: int, batch: int = BATCH) -> Source:
    """Return the stream of batches.

    Parameters
    ----------
    found
        Visits.
    seed
        Of the order.
    batch
        Slices of a step.
    """
    return stacks.shuffled(found, stacks.every(found), seed=seed, batch=batch, given=given)


def epoch(found: Sequence[Visit]) -> int:
    """Return the steps in which every slice is seen once."""
    return stacks.epoch(stacks.every(found), batch=BATCH)


def loss(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of logits."""
    return slice_losses.budakeras(keras.ops.sigmoid(logits), target)


PRESET = Preset(
    name='budakeras-brain',
    regions=('brain',),
    build=budakeras.build,
    loss=loss,
    optimiser=Adam(epsilon=1e-7, corrected=False),
    rate=1e-5,
    transfer=1e-5,
    fall='constant',
    epochs=128,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
    look=stacks.look,
    best=False,
)
