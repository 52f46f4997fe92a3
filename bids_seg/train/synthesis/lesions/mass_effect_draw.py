# SPDX-License-Identifier: Apache-2.0
"""The numbers of mass effect, drawn on the host with NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bids_seg.train.heads import Head, unpack
from bids_seg.train.synthesis.lesions import Draw

DEPTH_PITCH = 4.0
"""mm between the nodes of the map of depth below the brain's edge."""

DEPTH_FULL = 15.0
"""mm below the brain's edge from which on mass effect is no longer held back."""

HIGHEST = 0.45
"""Highest sum of the strengths of one scene: beyond it the map could fold."""


def nothing(head: Head, count: int) -> Draw:
    """Return the numbers of a scene in which nothing is pushed.

    Parameters
    ----------
    head
        The head.
    count
        Most lesions that may push.
    """
    return {
        'push_centre': np.zeros((count, 3)),
        'push_radius': np.ones(count),
        'push_alpha': np.zeros(count),
        'depth': depth(head),
    }


def fill(rng: np.random.Generator, scene: Draw, count: int, *, highest: float) -> None:
    """Let the first lesions of a scene push; their strengths add up to at most `highest`.

    Parameters
    ----------
    rng
        Source of random numbers.
    scene
        Holds `centre` and `radius`; its numbers of mass effect are filled in.
    count
        How many lesions push.
    highest
        Highest sum of strengths, at most `HIGHEST`.
    """
    radius = scene['radius'][:count]
    scene['push_centre'][:count] = scene['centre'][:count]
    scene['push_radius'][:count] = radius
    scene['push_alpha'][:count] = rng.uniform(0, min(highest, HIGHEST)) * radius / radius.sum()


def depth(head: Head) -> NDArray[np.float32]:
    """Return how free tissue is to move, 0 at the brain's edge to 1 at `DEPTH_FULL` below it.

    Parameters
    ----------
    head
        The head.

    Returns
    -------
    ndarray (a, b, c)
        Nodes `DEPTH_PITCH` apart, centred as the head's array is.
    """
    step = int(DEPTH_PITCH)
    # The nodes' centre must be the array's: the first node lies at (step - 1) / 2 voxels, which
    # the mean of the two voxels around it hits.
    one, two = (head.codes[o::step, o::step, o::step] for o in (step // 2 - 1, step // 2))
    distance = 0.5 * (unpack(one)[1] + unpack(two)[1])
    return np.asarray(np.clip(-distance / DEPTH_FULL, 0.0, 1.0), np.float32)
