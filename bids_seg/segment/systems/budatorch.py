# SPDX-License-Identifier: Apache-2.0
"""FLAIR abnormality in axial slices, as mateuszbuda/brain-segmentation-pytorch does it.

It starts from the pictures in 8 bits that its older sibling made, cuts them to what is no
background, and brings that to 256x256 pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.records import Role
from bids_seg.segment import films, maps, readers, slices
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

SIDE = 256
"""Both sides of what the network sees, pixels."""
BACKGROUND = 0.1
"""What is darker than this share of the brightest voxel is background."""
ENDS = (10.0, 99.0)
"""Percentiles of all channels together that become black and white."""
THRESHOLD = 0.5
"""A voxel of a higher probability is inside; one of just so much is not."""

Box = tuple[slice, slice, slice]
"""Slices, rows and columns that hold more than background."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Prepared:
    """What the network is given, and where it was cut from."""

    channels: NDArray[np.float32]
    """`(S, 256, 256, 3)`, z-scores."""
    box: Box
    """In the pictures from which it was cut."""


def crop(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], Box] | None:
    """Return pictures without background and the box that is left of them; None if nothing is.

    Parameters
    ----------
    pictures : array of shape (S, rows, columns, 3)
        In 8 bits.
    """
    if not pictures.any():
        return None
    kept = np.where(pictures < BACKGROUND * pictures.max(), 0, pictures).astype(np.uint8)
    sides = []
    for axis in range(3):
        others = tuple(other for other in range(4) if other != axis)
        at = np.flatnonzero(np.any(kept > 0, axis=others))
        sides.append(slice(int(at[0]), int(at[-1]) + 1))
    box = (sides[0], sides[1], sides[2])
    return kept[box], box


def margins(rows: int, columns: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many pixels make a slice square, before and behind its rows and its columns.

    Parameters
    ----------
    rows, columns
        Of the slice.

    Examples
    --------
    >>> margins(23, 28)
    ((2, 3), (0, 0))
    """
    wide, high = max(0, columns - rows), max(0, rows - columns)
    return (wide // 2, wide - wide // 2), (high // 2, high - high // 2)


def pad(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return square pictures, black beyond what they were cut from.

    Parameters
    ----------
    pictures : array of shape (S, rows, columns, 3)
        In 8 bits.
    """
    rows, columns = margins(*pictures.shape[1:3])
    return np.pad(pictures, ((0, 0), rows, columns, (0, 0)))


def resize(pictures: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.float32]:
    """Return square pictures of another size, 0 to 1, by quadratic splines.

    Parameters
    ----------
    pictures : array of shape (S, n, n, 3)
        In 8 bits; black surrounds them.
    side
        Pixels of the new size.

    Notes
    -----
    As scikit-image does it from version 0.15 on; before, borders were drawn otherwise. Between
    slices nothing is interpolated, so each picture is resized alone.
    """
    from scipy import ndimage

    count, old, _, channels = pictures.shape
    low, high = pictures.min() / 255, pictures.max() / 255
    resized = np.empty((count, side, side, channels), np.float32)
    for index in range(count):
        for channel in range(channels):
            resized[index, ..., channel] = ndimage.zoom(
                pictures[index, ..., channel] / 255,
                side / old,
                order=2,
                mode='grid-constant',
                grid_mode=True,
            )
    return np.clip(resized, low, high, out=resized)


def normalise(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return z-scores of each channel, after its brightest and darkest voxels were cut off.

    Parameters
    ----------
    pictures : array of shape (S, rows, columns, 3)
        Any range. A channel without any contrast, which made the original divide by zero,
        becomes 0.
    """
    low, high = np.percentile(pictures, ENDS)
    if not high > low:
        return np.zeros_like(pictures)
    share = (np.clip(pictures, low, high) - low) / (high - low)
    mean = share.mean(axis=(0, 1, 2), dtype=np.float64)
    spread = share.std(axis=(0, 1, 2), dtype=np.float64)
    scores: NDArray[np.float32] = np.zeros_like(pictures)
    np.divide(share - mean, spread, out=scores, where=spread > 1e-9, casting='same_kind')
    return scores


def prepare(pictures: NDArray[np.uint8]) -> Prepared | None:
    """Return what the network is given of a visit; None if nothing is left.

    Parameters
    ----------
    pictures : array of shape (S, 256, 256, 3)
        T1w, FLAIR and T1wCE of each slice. The first and the last slice are left out.
    """
    cropped = crop(pictures[1:-1])
    if cropped is None:
        return None
    kept, (deep, rows, columns) = cropped
    box = (slice(deep.start + 1, deep.stop + 1), rows, columns)
    return Prepared(channels=normalise(resize(pad(kept))), box=box)


def restore(
    probability: NDArray[np.float32], box: Box, place: films.Frame, count: int
) -> NDArray[np.float32]:
    """Return probabilities on the images' own slices, 0 outside of the box.

    Parameters
    ----------
    probability : array of shape (S, 256, 256)
        What the network said.
    box
        Where it was cut from the pictures.
    place
        Where the pictures were cut from the slices.
    count
        Slices of the images.
    """
    high, wide = (box[axis].stop - box[axis].start for axis in (1, 2))
    zoom = SIDE / max(high, wide)
    before = margins(high, wide)
    weights = []
    for axis, (length, top) in enumerate(((place.rows, place.top), (place.columns, place.left))):
        side = box[axis + 1]
        start = -top - side.start + before[axis][0]
        matrix = slices.linear(length, SIDE, step=place.scale * zoom, start=start * zoom)
        middle = (np.arange(length) + 0.5) * place.scale - top
        # What was padded lies beyond the images that were looked at.
        weights.append(matrix * ((middle > side.start) & (middle < side.stop))[:, None])
    back = np.zeros((count, place.rows, place.columns), np.float32)
    back[box[0]] = slices.sample(probability, weights[0], weights[1])
    return back


def draw(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
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
    pictures, roles = films.sequences(scene, parity=manner.parity)
    columns, rows, count = scene.images[roles[0]].array.shape
    place = films.frame(rows, columns, parity=manner.parity)
    warnings = films.cut_off(scene.brain, place)
    ready = prepare(pictures)
    if ready is None:
        nothing = np.zeros((columns, rows, count), np.float32)
        mutual = np.zeros_like(nothing) if len(calls) > 1 else None
        return _drawn(nothing, mutual, roles, warnings)
    pooled = maps.pool_regions(
        {'WT': maps.sigmoid(slices.answers(ready.channels, call))} for call in calls
    )['WT']
    mean = slices.from_axial(restore(pooled.mean, ready.box, place, count))
    if pooled.mutual is None:
        return _drawn(mean, None, roles, warnings)
    mutual = slices.from_axial(restore(pooled.mutual, ready.box, place, count))
    return _drawn(mean, mutual, roles, warnings)


def _drawn(
    mean: NDArray[np.float32],
    mutual: NDArray[np.float32] | None,
    roles: tuple[Role, ...],
    warnings: tuple[str, ...],
) -> Drawn:
    """Return the outcome: the largest piece, of voxels that share a face."""
    return Drawn(
        probabilities={'WT': mean},
        mutual={} if mutual is None else {'WT': mutual},
        masks={'WT': slices.largest(mean > THRESHOLD, corners=False)},
        images=roles,
        warnings=warnings,
    )


def load(network: keras.Model, path: Path) -> None:
    """Fill the network from a file of PyTorch, of before or after its change to zip.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        The file.

    Raises
    ------
    UnavailableError
        If a weight is missing, or anything is left over.
    """
    from bids_seg.segment.networks import buda

    readers.fill(
        network,
        readers.read(path),
        buda.names(),
        where=path,
        order='torch',
        ignored=lambda name: name.endswith('.num_batches_tracked'),
    )


def build() -> keras.Model:
    """Make the network with random weights."""
    from bids_seg.segment.networks import buda

    return buda.build(norm='batch')


SYSTEM = Published(build=build, load=load, draw=draw, mirror=2)
