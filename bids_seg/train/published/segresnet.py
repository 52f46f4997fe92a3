# SPDX-License-Identifier: Apache-2.0
"""How MONAI's bundle `brats_mri_segmentation` was trained.

Published: all but what the framework decides by itself. Ours: samples are cut from the box of the
brain, with zeros around where that is smaller; numbers are float32, not mixed; random weights are
drawn as PyTorch draws them, by another generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume
from bids_seg.segment import fields, maps
from bids_seg.segment.model import Model
from bids_seg.segment.systems import segresnet
from bids_seg.segment.windows import Sides
from bids_seg.train import augment, start, visits, volume_losses
from bids_seg.train.labelled import Case
from bids_seg.train.optimisers import Adam
from bids_seg.train.preset import Preset
from bids_seg.train.stream import Sample, Source
from bids_seg.train.visits import Visit

CROP = (224, 224, 144)
"""What is cut out at a random place, voxels of 1 mm."""
FLIPPED = 0.5
"""Share of the samples that are mirrored, for each axis."""
SCALED, SHIFTED = 0.1, 0.1
"""Largest change of a factor, and of an offset, of all images of a sample together."""


def prepare(case: Case, model: Model) -> Visit:
    """Return the four contrasts of a visit as z-scores in the box of the brain, and its regions.

    Parameters
    ----------
    case
        The visit.
    model
        The network.
    """
    images = visits.aligned(case, segresnet.CHANNELS)
    reference = images[segresnet.CHANNELS[0]]
    inside = visits.brain(case, reference)
    box = fields.box_of(inside.array > 0, reference.grid, margin_mm=2.0)
    grid = fields.working_grid(reference.grid, box, spacing=1.0, multiple=1)
    mask = Volume(inside.array.astype(np.float32), inside.grid)
    near = fields.onto(mask, grid).array >= 0.5
    channels = [
        segresnet.normalise(np.where(near, fields.onto(images[role], grid).array, 0))
        for role in segresnet.CHANNELS
    ]
    target = visits.truth(case, model, reference, grid)
    target = target[..., [model.regions.index(region) for region in segresnet.OUTPUTS]]
    # As BraTS stores them: from right to left, from front to back.
    return Visit(np.stack(channels, axis=-1)[::-1, ::-1], target[::-1, ::-1], visits.ALIKE)


def source(found: Sequence[Visit], *, seed: int, crop: Sides = CROP) -> Source:
    """Return the stream of crops.

    Parameters
    ----------
    found
        Visits.
    seed
        Of chance.
    crop
        Sides.
    """

    def sample(step: int) -> Sample:
        """Return one crop as a batch."""
        visit = found[visits.dealt(len(found), step, seed=seed)]
        rng = np.random.default_rng((seed, 2, step))
        first = augment.corner(rng, visit.target.shape[:3], crop)
        image, target = (augment.cut(part, first, crop) for part in visit[:2])
        axes = tuple(axis for axis in range(3) if rng.random() < FLIPPED)
        image = np.flip(image, axes) * (1 + rng.uniform(-SCALED, SCALED))
        image = image + rng.uniform(-SHIFTED, SHIFTED)
        return Sample(
            np.ascontiguousarray(image[None], np.float32),
            np.ascontiguousarray(np.flip(target, axes)[None], np.float32),
            np.ones((1,) * 5, np.float32),
        )

    return sample


def given(image: NDArray[Any]) -> NDArray[np.float32]:
    """Return images as they are: they were normalised when they were prepared."""
    return np.asarray(image, np.float32)


def look(call: Callable[[Any], Any], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of a visit, through the window of the bundle."""
    return maps.sigmoid(segresnet.logits(call, image))


def loss(logits: Any, target: Any, weight: Any) -> Any:
    """Return the Dice loss."""
    return volume_losses.segresnet(logits, target)


def build() -> keras.Model:
    """Make the network with random weights."""
    return start.as_pytorch(segresnet.build())


PRESET = Preset(
    name='segresnet',
    regions=segresnet.OUTPUTS,
    build=build,
    loss=loss,
    optimiser=Adam(epsilon=1e-8, corrected=True, decay=1e-5),
    rate=1e-4,
    transfer=1e-4,
    fall='cosine',
    epochs=300,
    epoch=len,
    prepare=prepare,
    source=source,
    given=given,
    look=look,
    best=True,
)
