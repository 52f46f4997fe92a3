# SPDX-License-Identifier: Apache-2.0
"""Brain and FLAIR abnormality in axial slices, as mateuszbuda/brain-segmentation does it.

Both networks see three channels of 256x256 pixels in 8 bits. For the brain they are a slice
of FLAIR and its neighbours; for the abnormality T1w, FLAIR and T1wCE of one slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.segment import films, maps, readers, slices
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

MOMENTS = {'brain': (30.0, 50.0), 'abnormality': (20.0, 43.0)}
"""Mean and standard deviation that are taken off the 8 bits."""
THRESHOLD = 0.5
"""A voxel of a higher probability is inside; one of just so much is not."""
CUT = (
    'the brain reaches the edge of the square that the network sees of each slice, and what lies '
    'beyond is missing from its mask: the field of view is much longer than wide'
)
"""What is told of a brain that goes on outside of the squares."""


def neighbours(squares: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every slice between the one below and the one above; beyond the ends is nothing.

    Parameters
    ----------
    squares : array of shape (S, 256, 256)
        One image.

    Returns
    -------
    channels : array of shape (S, 256, 256, 3)
        Previous, this and next slice.

    Examples
    --------
    >>> neighbours(np.arange(1, 4, dtype=np.uint8).reshape(3, 1, 1))[:, 0, 0].tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 0]]
    """
    nothing = np.zeros_like(squares[:1])
    before = np.concatenate([nothing, squares[:-1]])
    after = np.concatenate([squares[1:], nothing])
    return np.stack([before, squares, after], axis=-1)


def normalise(channels: NDArray[np.uint8], task: films.Task) -> NDArray[np.float32]:
    """Return what a network is given.

    Parameters
    ----------
    channels : array of any shape
        8 bits.
    task
        Which network.

    Examples
    --------
    >>> normalise(np.array([0, 80], dtype=np.uint8), 'brain')
    array([-0.6,  1. ], dtype=float32)
    """
    mean, spread = MOMENTS[task]
    return (channels.astype(np.float32) - np.float32(mean)) / np.float32(spread)


def hulled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the largest piece of a brain, every axial slice of it made convex.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Brain; voxels that share a corner belong together.
    """
    kept = slices.largest(mask, corners=True)
    filled = np.zeros(kept.shape, dtype=bool)
    for index in np.flatnonzero(kept.any(axis=(0, 1))):
        filled[..., index] = hull(kept[..., index])
    return filled


def hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels whose middle lies in the convex hull of the corners of others.

    Parameters
    ----------
    mask : array of shape (rows, columns)
        Not empty.

    Examples
    --------
    >>> hull(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 1]], dtype=bool)).astype(int).tolist()
    [[0, 1, 0], [1, 1, 1], [1, 1, 1]]
    """
    from scipy.spatial import ConvexHull

    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    # Of each row the outer corners alone can be corners of the hull.
    corners = [
        (row + edge, at)
        for edge in (0, 1)
        for ends in (first, last)
        for row, at in zip(rows, ends, strict=True)
    ]
    inside = np.ones(mask.shape, dtype=bool)
    row, column = np.ogrid[: mask.shape[0], : mask.shape[1]]
    for down, right, offset in ConvexHull(np.unique(corners, axis=0)).equations:
        inside &= down * (row + 0.5) + right * (column + 0.5) + offset <= 1e-9
    return inside


def draw_brain(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw the brain in FLAIR.

    Parameters
    ----------
    scene
        Images of a visit.
    calls
        Opinions, `(B, 256, 256, 3)` to logits `(B, 256, 256, 1)`.
    manner
        How closely to follow the original.
    """
    role = slices.first_of(('FLAIR',), scene.images)
    array = scene.images[role].array
    channels = neighbours(films.film(array, 'brain', parity=manner.parity))
    pooled = _pool('brain', channels, calls, task='brain')
    place = films.frame(array.shape[1], array.shape[0], parity=manner.parity)
    mean, mutual = _back(pooled, place)
    mask = hulled(mean > THRESHOLD)
    return Drawn(
        probabilities={'brain': mean},
        mutual={} if mutual is None else {'brain': mutual},
        masks={'brain': mask},
        images=(role,),
        warnings=(CUT,) if films.reaches(mask, place) else (),
    )


def draw_abnormality(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw what is too bright in FLAIR.

    Parameters
    ----------
    scene
        Images of a visit.
    calls
        Opinions, `(B, 256, 256, 3)` to logits `(B, 256, 256, 1)`.
    manner
        How closely to follow the original.
    """
    channels, roles = films.sequences(scene, parity=manner.parity)
    pooled = _pool('WT', channels, calls, task='abnormality')
    columns, rows, _ = scene.images[roles[0]].array.shape
    place = films.frame(rows, columns, parity=manner.parity)
    mean, mutual = _back(pooled, place)
    return Drawn(
        probabilities={'WT': mean},
        mutual={} if mutual is None else {'WT': mutual},
        masks={'WT': slices.largest(mean > THRESHOLD, corners=True)},
        images=roles,
        warnings=films.cut_off(scene.brain, place),
    )


def _pool(
    region: str, channels: NDArray[np.uint8], calls: Sequence[Call], *, task: films.Task
) -> maps.Pooled:
    """Return what all opinions say together of the squares."""

    def given(some: NDArray[np.uint8]) -> NDArray[np.float32]:
        return normalise(some, task)

    opinions = (
        {region: maps.sigmoid(slices.answers(channels, call, normalise=given))} for call in calls
    )
    return maps.pool_regions(opinions)[region]


def _back(
    pooled: maps.Pooled, place: films.Frame
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """Return mean and mutual information on the grid of the images, shape (I, J, K)."""
    mean = slices.from_axial(films.restore(pooled.mean, place))
    if pooled.mutual is None:
        return mean, None
    return mean, slices.from_axial(films.restore(pooled.mutual, place))


def load(network: keras.Model, path: Path) -> None:
    """Fill a network from its HDF5 file, tensor after tensor.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        The file; names in it may be numbered from anywhere, so the order counts.

    Raises
    ------
    UnavailableError
        If a weight is missing, or anything is left over.
    """
    from bids_seg.segment.networks import buda

    tensors = readers.in_order(readers.read(path), buda.weights('none'), where=path)
    readers.fill(network, tensors, where=path)


def build() -> keras.Model:
    """Make either network with random weights."""
    from bids_seg.segment.networks import buda

    return buda.build(norm='none')


BRAIN = Published(build=build, load=load, draw=draw_brain, mirror=2)
FLAIR = Published(build=build, load=load, draw=draw_abnormality, mirror=2)
