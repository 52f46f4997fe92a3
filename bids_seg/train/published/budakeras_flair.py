# SPDX-License-Identifier: Apache-2.0
"""How the network for FLAIR abnormalities of brain-segmentation was trained.

Published: everything; slices that hold an abnormality are seen three times an epoch, as they are:
turning and scaling the copies was written but switched off. The authors started from the weights
of their brain extraction, which `--init` takes. Ours: nothing but that every fifth participant is
left out and scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import films
from bids_seg.segment.model import Model
from bids_seg.segment.system import Scene
from bids_seg.segment.systems import budakeras
from bids_seg.train import stacks, visits
from bids_seg.train.labelled import Case
from bids_seg.train.published import budakeras_brain
from bids_seg.train.stream import Source
from bids_seg.train.visits import Visit

BATCH = budakeras_brain.BATCH
"""Slices of a step."""


def pictures(case: Case) -> tuple[NDArray[np.uint8], Scene]:
    """Return T1w, FLAIR and T1wCE of every axial slice in 8 bits, and the images.

    Parameters
    ----------
    case
        The visit.
    """
    images = visits.aligned(case, ('FLAIR', 'T1w', 'T1wCE'))
    brain = visits.brain(case, images['FLAIR'])
    scene = Scene(images=images, reference='FLAIR', brain=brain)
    return films.sequences(scene)[0], scene


def squares(case: Case, model: Model, scene: Scene) -> NDArray[np.uint8]:
    """Return the abnormality in the squares of `pictures`.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    scene
        The images.
    """
    image = scene.images['FLAIR']
    columns, rows, _ = image.array.shape
    mask = visits.truth(case, model, image, image.grid)[..., 0]
    return stacks.cut(mask, films.frame(rows, columns))


def prepare(case: Case, model: Model) -> Visit:
    """Return the axial slices of a visit in 8 bits, and the abnormality in them.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    channels, scene = pictures(case)
    return Visit(channels, squares(case, model, scene)[..., None], visits.ALIKE)


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return what the network is given of 8 bits."""
    return budakeras.normalise(image, 'abnormality')


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
    places = stacks.more_of_marked(found)
    return stacks.shuffled(found, places, seed=seed, batch=batch, given=given)


def epoch(found: Sequence[Visit]) -> int:
    """Return the steps in which every slice is seen once, marked ones three times."""
    return stacks.epoch(stacks.more_of_marked(found), batch=BATCH)


PRESET = replace(
    budakeras_brain.PRESET,
    name='budakeras-flair',
    regions=('WT',),
    epochs=64,
    epoch=epoch,
    prepare=prepare,
    source=source,
    given=given,
)
