# SPDX-License-Identifier: Apache-2.0
"""What is left of an image for a tumour network: the brain, by a mask that is never quite right."""

from typing import Any, NamedTuple

import numpy as np

from bids_seg.train.heads import Head
from bids_seg.train.synthesis import noise, paint
from bids_seg.train.synthesis.degrade import FAR
from bids_seg.train.synthesis.ranges import Ranges

Tensor = Any
Draw = dict[str, Any]

LEFT_IN, MISSING = 0, 1
"""Numbers of the two pieces by which a mask is wrong."""


class Masks(NamedTuple):
    """Masks of one sample, booleans (I, J, K)."""

    raw: Tensor
    """Where the image came with values other than zero."""
    brain: Tensor
    """The brain mask in use, over which intensities are normalised."""
    shown: Tensor
    """The brain mask and its margin: what the network sees; zero elsewhere."""


def draw(rng: np.random.Generator, head: Head, ranges: Ranges) -> Draw:
    """Draw the errors of the brain mask.

    Parameters
    ----------
    rng
        Source of random numbers.
    head
        Where pieces may lie.
    ranges
        Sizes and chances.

    Returns
    -------
    dict
        `mask_raw`, `mask_brain`, `mask_shown` mm from the grown brain mask; `mask_dent`,
        `mask_pitch`, `mask_seed`; and two blobs, see `paint.draw_blobs`.
    """
    edge = rng.uniform(*ranges.mask_shift)
    stripped = paint.chance(rng, ranges.raw_strip_chance)
    # A stripped image has its edge where its own mask was; ours follows it closely.
    raw = edge + rng.uniform(-1.0, 1.5) if stripped else FAR
    radii = np.zeros(2)
    for piece in (LEFT_IN, MISSING):
        if paint.chance(rng, ranges.piece_chance):
            radii[piece] = rng.uniform(*ranges.piece_radius)
    places = head.candidates['surface']
    centres = places[rng.integers(len(places), size=2)].copy()
    outwards = centres[LEFT_IN] - np.asarray(head.centre, np.float32)
    centres[LEFT_IN] += outwards * (0.6 * radii[LEFT_IN] / max(np.linalg.norm(outwards), 1.0))
    return {
        'mask_raw': np.float32(raw),
        'mask_brain': np.float32(edge),
        'mask_shown': np.float32(edge + ranges.mask_margin),
        'mask_dent': np.float32(rng.uniform(*ranges.mask_dent)),
        'mask_pitch': np.float32(rng.uniform(5.0, 15.0)),
        'mask_seed': paint.seed(rng),
        **paint.draw_blobs(rng, centres, radii),
    }


def masks(
    draw: dict[str, Tensor],
    places: tuple[Tensor, Tensor, Tensor],
    distance: Tensor,
    *,
    finest: float,
) -> Masks:
    """Return the masks of a sample.

    Parameters
    ----------
    draw
        What `draw` gave.
    places
        mm in the head, three tensors (I, J, K).
    distance
        (I, J, K) mm to the edge of the grown brain mask, negative inside.
    finest
        Lowest pitch of dents, voxels.

    Returns
    -------
    Masks
        Nested but for the raw one.
    """
    from keras import ops

    shape = tuple(distance.shape)
    field = noise.smooth(draw['mask_seed'], draw['mask_pitch'], shape, finest=finest)
    dented = distance - draw['mask_dent'] * field
    added, _ = paint.blob(places, field, draw, LEFT_IN)
    lost, _ = paint.blob(places, field, draw, MISSING)
    more, less = added > 0.5, lost <= 0.5

    def within(limit: Tensor) -> Tensor:
        return ops.logical_and(ops.logical_or(dented < limit, more), less)

    raw = ops.logical_or(dented < draw['mask_raw'], more)
    return Masks(raw, within(draw['mask_brain']), within(draw['mask_shown']))
