# SPDX-License-Identifier: Apache-2.0
"""Batches of slices, as the published networks for slices were given them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import films, maps, slices
from bids_seg.train.stream import Sample, Source
from bids_seg.train.visits import Visit, dealt

Given = Callable[[NDArray[Any]], NDArray[np.float32]]
"""From prepared slices to what a network is given."""

Places = NDArray[np.intp]
"""Which visit and which slice of it, `(N, 2)`."""


def every(visits: Sequence[Visit]) -> Places:
    """Return all slices of all visits.

    Parameters
    ----------
    visits
        Stacks.
    """
    return np.array(
        [(number, at) for number, visit in enumerate(visits) for at in range(len(visit.target))],
        dtype=np.intp,
    ).reshape(-1, 2)


def more_of_marked(visits: Sequence[Visit]) -> Places:
    """Return all slices of all visits, those that hold what is looked for three times.

    Parameters
    ----------
    visits
        Stacks.
    """
    places = every(visits)
    marked = [visit.target.any(axis=(1, 2, 3)) for visit in visits]
    twice = np.array([at for at in places if marked[at[0]][at[1]]], np.intp).reshape(-1, 2)
    return np.concatenate([places, twice, twice])


def epoch(places: Places, *, batch: int) -> int:
    """Return the steps in which every slice is seen once.

    Parameters
    ----------
    places
        The slices.
    batch
        Slices of a step.
    """
    return -(-len(places) // batch)


def shuffled(
    visits: Sequence[Visit], places: Places, *, seed: int, batch: int, given: Given
) -> Source:
    """Return the stream of batches of shuffled slices.

    Parameters
    ----------
    visits
        Stacks.
    places
        The slices of an epoch.
    seed
        Of the order.
    batch
        Slices of a step; the last one of an epoch is filled with the first of the next.
    given
        Makes of slices what the network is given.
    """

    def source(step: int) -> Sample:
        """Return one batch."""
        first = step * batch
        chosen = [places[dealt(len(places), first + n, seed=seed)] for n in range(batch)]
        image = np.stack([visits[number].image[at] for number, at in chosen])
        return batch_of(given(image), [visits[number].target[at] for number, at in chosen])

    return source


def batch_of(image: NDArray[np.float32], targets: Sequence[NDArray[Any]]) -> Sample:
    """Return slices as one sample, in which all pixels weigh the same.

    Parameters
    ----------
    image : array of shape (B, rows, columns, C)
        What the network is given.
    targets
        `(rows, columns, 1)` each.
    """
    target = np.stack(targets).astype(np.float32)
    return Sample(image.astype(np.float32), target, np.ones((1, 1, 1, 1), np.float32))


def look(call: Callable[[Any], Any], image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of a stack.

    Parameters
    ----------
    call
        From a batch to logits.
    image : array of shape (S, rows, columns, C)
        What the network is given.
    """
    return maps.sigmoid(slices.answers(image, call))[..., None]


def nearest(stack: NDArray[Any], side: int) -> NDArray[Any]:
    """Return every slice with other sides, by the nearest pixel.

    Parameters
    ----------
    stack : array of shape (S, rows, columns)
        Masks.
    side
        New length of both sides.
    """
    rows, columns = (
        np.minimum(((np.arange(side) + 0.5) * length / side).astype(int), length - 1)
        for length in stack.shape[1:]
    )
    return stack[:, rows][:, :, columns]


def cut(mask: NDArray[Any], place: films.Frame) -> NDArray[np.uint8]:
    """Return a mask as the squares that axial networks see, by the nearest pixel.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Along right, anterior, superior.
    place
        Where the squares lie.

    Returns
    -------
    squares : array of shape (K, 256, 256)
        0 or 1.
    """
    stack = slices.axial(mask)
    at = []
    for length, start in ((place.rows, place.top), (place.columns, place.left)):
        index = ((np.arange(films.SIDE) + start + 0.5) / place.scale).astype(int)
        at.append(np.minimum(index, length - 1))
    return np.asarray(stack[:, at[0]][:, :, at[1]], np.uint8)
