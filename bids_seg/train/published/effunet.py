# SPDX-License-Identifier: Apache-2.0
"""How skull_stripping was trained.

Published: everything; there is no augmentation, and a rate that was to be halved after two epochs
without progress never was, since the run ends then. Ours: the encoder starts from random weights
unless weights are given, where the authors started from ImageNet's; every fifth participant is
left out instead of every fifth scan by chance; the score is that of whole scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.segment.model import Model
from bids_seg.segment.systems import effunet
from bids_seg.train import slice_losses, stacks, visits
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Adam
from bids_seg.train.preset import Preset
from bids_seg.train.stream import Source
from bids_seg.train.visits import Visit

BATCH = 16
"""Slices of a step."""


def prepare(case: Case, model: Model) -> Visit:
    """Return the sagittal slices of a visit in 8 bits, and the brain in them.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    image = visits.t1w(case)
    mask = visits.truth(case, model, image, image.grid)[..., 0]
    target = stacks.nearest(mask, effunet.SIDE)[..., None]
    return Visit(effunet.prepare(image.array), target, visits.ALIKE)


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
    places = stacks.every(found)
    return stacks.shuffled(found, places, seed=seed, batch=batch, given=effunet.normalise)


def epoch(found: Sequence[Visit]) -> int:
    """Return the steps in which every slice is seen once."""
    return stacks.epoch(stacks.every(found), batch=BATCH)


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return three channels as the encoder knows them."""
    return effunet.normalise(image)


def loss(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of logits."""
    return slice_losses.effunet(keras.ops.sigmoid(logits), target)


PRESET = Preset(
    name='effunet',
    regions=('brain',),
    build=effunet.build,
    loss=loss,
    optimiser=Adam(epsilon=1e-7, corrected=False),
    rate=1e-3,
    transfer=1e-3,
    fall='constant',
    epochs=20,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
    look=stacks.look,
    best=True,
    patience=2,
)
