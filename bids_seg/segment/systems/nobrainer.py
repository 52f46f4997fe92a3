# SPDX-License-Identifier: Apache-2.0
"""Brain extraction from T1w in blocks of 128 voxels a side, as nobrainer does it.

The network knows voxels of 1 mm in a volume of 256 a side, z-scored with the air around the
head. The original stretches whatever array it is given to that size; here the head is sampled
in millimetres, unless the original is to be followed to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid, Volume, from_stored, to_stored
from bids_seg.segment import fields, maps, readers, slices, windows
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

SIDE = 256
"""Side of the volume, voxels of 1 mm."""
BLOCK = 128
"""Side of a block."""
THRESHOLD = 0.3
"""A voxel of a higher probability is brain."""
TURN = (np.pi / 4, np.pi / 4, 0.0)
"""Angles about the three axes under which a turned volume is looked at."""


def stretch(array: NDArray[np.generic], shape: windows.Sides, *, order: Literal[0, 1]) -> Array:
    """Return an array with another number of voxels, whatever their size in mm.

    Parameters
    ----------
    array : array of shape (I, J, K)
        An image, or a mask with order 0.
    shape
        Voxels along each axis.
    order
        Of the interpolation. Nothing is smoothed, and beyond the edge lies 0.
    """
    from scipy import ndimage

    if array.shape == shape:
        return array.astype(np.float32)
    factors = [new / old for new, old in zip(shape, array.shape, strict=True)]
    values = ndimage.zoom(
        array.astype(np.float32), factors, order=order, mode='grid-constant', grid_mode=True
    )
    return np.asarray(np.clip(values, array.min(), array.max()), np.float32)


def standardise(array: Array) -> Array:
    """Return z-scores over all voxels, the air included.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Intensities.
    """
    spread = float(array.std(dtype=np.float64)) or 1.0
    return np.asarray((array - array.mean(dtype=np.float64)) / spread, np.float32)


def rotation(shape: windows.Sides, angles: Sequence[float], shift: Sequence[float]) -> Array:
    """Return the matrix from voxels of a turned volume to voxels of the volume.

    Parameters
    ----------
    shape
        Of both.
    angles
        About the first, second and third axis in this order, radians.
    shift
        What is added at the end, voxels.

    Returns
    -------
    matrix : array of shape (4, 4)
        It turns about the middle of the volume.
    """
    # Composed in float32 as in the original: many voxels of a volume that is turned by 45
    # degrees lie half-way between two others, and the last digit decides.
    centre = np.eye(4, dtype=np.float32)
    centre[:3, 3] = np.array(shape) / 2 - 0.5
    turned = centre.copy()
    for axis in (2, 1, 0):
        first, second = [other for other in range(3) if other != axis]
        angle = np.float32(angles[axis])
        sine, cosine = np.sin(angle), np.cos(angle)
        step = np.eye(4, dtype=np.float32)
        step[first, first] = step[second, second] = cosine
        # About the middle axis the other two swap their roles.
        step[first, second] = sine if axis == 1 else -sine
        step[second, first] = -step[first, second]
        turned = turned @ step
    matrix = turned @ np.linalg.inv(centre)
    matrix[:3, 3] += np.array(shift, np.float32)
    return np.asarray(matrix, np.float32)


def warp(array: Array, matrix: Array) -> Array:
    """Return a volume seen through a matrix: linear, and edges go on.

    Parameters
    ----------
    array : array of shape (I, J, K)
        A volume.
    matrix
        From new voxels to old ones.
    """
    from scipy import ndimage

    return np.asarray(ndimage.affine_transform(array, matrix, order=1, mode='nearest'), np.float32)


def warp_nearest(array: Array, matrix: Array, *, parity: bool = False) -> Array:
    """Return a volume seen through a matrix: the nearest voxel, and 0 outside.

    Parameters
    ----------
    array : array of shape (I, J, K)
        A volume.
    matrix
        From new voxels to old ones.
    parity
        Whether places one voxel beyond an upper end are taken from the start of the next row,
        as the original takes them; else they are outside.
    """
    new = np.indices(array.shape, dtype=np.float32).reshape(3, -1)
    old = np.rint(matrix[:3, :3] @ new + matrix[:3, 3:]).astype(np.int64)
    sides = np.array(array.shape)[:, None]
    outside = ((old < 0) | (old >= sides + parity)).any(axis=0)
    place = (old[0] * array.shape[1] + old[1]) * array.shape[2] + old[2]
    found = array.ravel()[np.clip(place, 0, array.size - 1)]
    return np.where(outside, 0, found).reshape(array.shape).astype(np.float32)


def probability(
    call: Call,
    scores: Array,
    *,
    block: int = BLOCK,
    step: int | None = None,
    turned: bool = False,
    parity: bool = False,
) -> Array:
    """Return the probability of brain.

    Parameters
    ----------
    call
        From `(1, i, j, k, 1)` to logits of the same shape.
    scores : array of shape (I, J, K)
        Z-scores; sides are multiples of the block's.
    block
        Side of a block.
    step
        From one block to the next; None: they do not overlap.
    turned
        Whether the volume is looked at a second time, turned by `TURN`; the original does so on
        demand.
    parity
        As for `warp_nearest`.
    """
    size, steps = (block,) * 3, (step or block,) * 3

    def said(blocks: Array) -> Array:
        """Return probabilities of a block."""
        return maps.sigmoid(call(blocks))

    plain = windows.slide(said, scores[..., None], window=size, step=steps)[..., 0]
    if not turned:
        return plain
    matrix = rotation((scores.shape[0], scores.shape[1], scores.shape[2]), TURN, (0, 0, 0))
    view = standardise(warp(scores, matrix))
    seen = windows.slide(said, view[..., None], window=size, step=steps)[..., 0]
    back = np.linalg.inv(matrix.astype(np.float64)).astype(np.float32)
    return (plain + warp_nearest(seen, back, parity=parity)) / np.float32(2)


def conformed_grid(volume: Volume) -> Grid:
    """Return a grid of 256 voxels of 1 mm a side around a head.

    Parameters
    ----------
    volume
        Any image of a head; of one that is taller than the grid the lower end is left out.
    """
    box = list(fields.head_box(volume))
    tallest = round(SIDE / volume.grid.spacing[2])
    box[2] = slice(max(box[2].start, box[2].stop - tallest), box[2].stop)
    tight = fields.working_grid(volume.grid, (box[0], box[1], box[2]), spacing=1.0, multiple=1)
    affine = tight.affine.copy()
    before = [(SIDE - length) // 2 for length in tight.shape]
    affine[:3, 3] += affine[:3, :3] @ -np.array(before, dtype=float)
    return Grid((SIDE, SIDE, SIDE), affine, volume.grid.code)


def draw(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw the brain in T1w, or in T1wCE where there is none.

    Parameters
    ----------
    scene
        Images of a visit.
    calls
        Opinions.
    manner
        With parity the array is stretched, and all pieces are kept; in a hurry blocks do not
        overlap, as in the original.
    """
    role = slices.first_of(('T1w', 'T1wCE'), scene.images)
    volume = scene.images[role]
    if manner.parity:
        pooled = _pooled(calls, stretch(to_stored(volume), (SIDE,) * 3, order=1), step=None)
        stored = volume.grid.stored_shape
        mask = stretch(pooled.mean > THRESHOLD, stored, order=0) > 0.5
        back = [
            from_stored(stretch(array, stored, order=1), volume.grid).array
            for array in (pooled.mean, pooled.mutual)
            if array is not None
        ]
        found: NDArray[np.bool_] = from_stored(mask, volume.grid).array
    else:
        working = conformed_grid(volume)
        step = None if manner.quick else BLOCK // 2
        pooled = _pooled(calls, fields.onto(volume, working).array, step=step)
        back = [
            fields.back(array, working, reference=volume.grid)
            for array in (pooled.mean, pooled.mutual)
            if array is not None
        ]
        found = slices.largest(back[0] > THRESHOLD, corners=True)
    return Drawn(
        probabilities={'brain': back[0]},
        mutual={'brain': back[1]} if len(back) > 1 else {},
        masks={'brain': found},
        images=(role,),
    )


def _pooled(calls: Sequence[Call], image: NDArray[np.float32], *, step: int | None) -> maps.Pooled:
    """Return what all opinions say of a volume of the network's size."""
    scores = standardise(image)

    def opinions() -> Iterator[Mapping[str, Array]]:
        """Yield one opinion after the other."""
        for call in calls:
            yield {'brain': probability(call, scores, step=step)}

    return maps.pool_regions(opinions())['brain']


def build() -> keras.Model:
    """Make the network with random weights."""
    from bids_seg.segment.networks import nobrainer

    return nobrainer.build()


def load(network: keras.Model, path: Path) -> None:
    """Fill the network from either published file, the whole model or its weights.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        An HDF5 file.

    Raises
    ------
    UnavailableError
        If anything is missing, left over or of another shape.
    """
    from bids_seg.segment.networks import nobrainer

    nobrainer.fill(network, readers.read(path), where=path)


SYSTEM = Published(build=build, load=load, draw=draw, mirror=1)
