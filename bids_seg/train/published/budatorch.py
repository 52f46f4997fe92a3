# SPDX-License-Identifier: Apache-2.0
"""How brain-segmentation-pytorch was trained.

Published: everything, the choice of the best weights by the score included. Ours: size and angle
are changed in one interpolation instead of two; random weights are drawn as PyTorch draws them,
by another generator; Keras' moving variance is the biased one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import InputError
from bids_seg.segment.model import Model
from bids_seg.segment.systems import budatorch
from bids_seg.train import augment, slice_losses, stacks, start, visits
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Adam
from bids_seg.train.preset import Preset
from bids_seg.train.published import budakeras_flair
from bids_seg.train.stream import Sample, Source
from bids_seg.train.visits import Visit

BATCH = 16
"""Slices of a step."""
UNIFORM = 0.1
"""Share by which slices without an abnormality are drawn as well."""
SCALE, ANGLE, FLIPPED = 0.05, 15.0, 0.5
"""Largest change of size, largest angle (degrees), share that is mirrored left to right."""


def prepare(case: Case, model: Model) -> Visit:
    """Return the axial slices of a visit as z-scores, and the abnormality in them.

    Parameters
    ----------
    case
        The visit.
    model
        The network.

    Raises
    ------
    InputError
        If nothing is left without the background.
    """
    channels, scene = budakeras_flair.pictures(case)
    ready = budatorch.prepare(channels)
    if ready is None:
        raise InputError('the images are empty', where=case.name, do='leave the visit out')
    mask = budakeras_flair.squares(case, model, scene)[ready.box]
    square = np.pad(mask, ((0, 0), *budatorch.margins(*mask.shape[1:])))
    target = stacks.nearest(square, budatorch.SIDE)[..., None]
    return Visit(ready.channels, target, visits.ALIKE)


def chances(target: NDArray[Any]) -> NDArray[np.float64]:
    """Return how likely each slice is drawn: by the area of its mask, and a little at any rate.

    Parameters
    ----------
    target : array of shape (S, rows, columns, 1)
        Masks.

    Examples
    --------
    >>> chances(np.array([0, 3]).reshape(2, 1, 1, 1)).round(3).tolist()
    [0.045, 0.955]
    """
    area = np.asarray(target, np.float64).sum(axis=(1, 2, 3))
    if not area.any():
        return np.full(len(area), 1 / len(area))
    likely: NDArray[np.float64] = area + area.sum() * UNIFORM / len(area)
    likely /= likely.sum()
    return likely


def changed(
    image: NDArray[Any], target: NDArray[Any], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """Return a slice and its mask of another size, turned, and mirrored half of the time.

    Parameters
    ----------
    image : array of shape (rows, columns, C)
        A slice; what comes from beyond it is 0.
    target : array of shape (rows, columns, 1)
        Its mask.
    rng
        Of chance.
    """
    size = rng.uniform(1 - SCALE, 1 + SCALE)
    angle = np.deg2rad(rng.uniform(-ANGLE, ANGLE))
    matrix = augment.turn(angle, (0, 0, 1))[:2, :2] / size
    flip = -1 if rng.random() < FLIPPED else 1
    sides = target.shape[:2]

    def seen(array: NDArray[Any], order: Any) -> NDArray[Any]:
        """Return all channels, changed."""
        channels = [
            augment.seen_through(
                array[..., channel], matrix, start=(0, 0), sides=sides, order=order
            )
            for channel in range(array.shape[-1])
        ]
        return np.stack(channels, axis=-1)[:, ::flip]

    return seen(image, 1), seen(target, 0)


def source(found: Sequence[Visit], *, seed: int, batch: int = BATCH) -> Source:
    """Return the stream of batches: any visit, and of it a slice that probably is marked.

    Parameters
    ----------
    found
        Visits.
    seed
        Of chance.
    batch
        Slices of a step.
    """

    @cache
    def likely(number: int) -> NDArray[np.float64]:
        """Return the chances of the slices of a visit."""
        return chances(found[number].target)

    def sample(step: int) -> Sample:
        """Return one batch."""
        rng = np.random.default_rng((seed, 2, step))
        drawn = []
        for _ in range(batch):
            number = int(rng.integers(len(found)))
            at = int(rng.choice(len(likely(number)), p=likely(number)))
            drawn.append(changed(found[number].image[at], found[number].target[at], rng))
        image = np.stack([one for one, _ in drawn])
        return stacks.batch_of(image, [target for _, target in drawn])

    return sample


def epoch(found: Sequence[Visit]) -> int:
    """Return the steps in which as many slices are seen as there are."""
    return stacks.epoch(stacks.every(found), batch=BATCH)


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return slices as they are: they were normalised when they were prepared."""
    return np.asarray(image, np.float32)


def loss(logits: Any, target: Any, weight: Any) -> Any:
    """Return the loss of logits."""
    return slice_losses.budatorch(keras.ops.sigmoid(logits), target)


def build() -> keras.Model:
    """Make the network with random weights."""
    return start.as_pytorch(budatorch.build())


PRESET = Preset(
    name='budatorch',
    regions=('WT',),
    build=build,
    loss=loss,
    optimiser=Adam(epsilon=1e-8, corrected=True),
    rate=1e-4,
    transfer=1e-4,
    fall='constant',
    epochs=100,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
    look=stacks.look,
    best=True,
)
