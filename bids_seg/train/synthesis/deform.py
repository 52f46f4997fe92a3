# SPDX-License-Identifier: Apache-2.0
"""Where each voxel of a sample lies in the head: affine map and elastic displacement."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import heads
from bids_seg.train.synthesis import noise
from bids_seg.train.synthesis.ranges import Ranges

Tensor = Any
Draw = dict[str, Any]

ELASTIC_NODES = 12
"""Spline coefficients along each axis of the elastic displacement."""

_OFFSETS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""Corners of a tetrahedron: four places in a voxel that stand for all of it."""


def rotation(angles: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the rotation by three angles about R, A and S in turn.

    Parameters
    ----------
    angles
        (3,) radians.

    Returns
    -------
    ndarray (3, 3)
        Orthogonal matrix.
    """
    out = np.eye(3)
    for axis, angle in enumerate(angles):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[one, one] = turn[two, two] = np.cos(angle)
        turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
        out = turn @ out
    return out


def draw_affine(rng: np.random.Generator, ranges: Ranges, *, spacing: float) -> NDArray[np.float64]:
    """Draw the linear map from voxels of the sample to mm of the head.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        How far heads are turned, scaled, sheared and mirrored.
    spacing
        mm of a voxel.

    Returns
    -------
    ndarray (3, 3)
        mm in the head for a step of one voxel along each axis.
    """
    widest = ranges.rotation
    if rng.random() < ranges.wild_rotation_chance:
        widest = ranges.wild_rotation
    turn = rotation(np.deg2rad(rng.uniform(-widest, widest, 3)))
    scale = rng.uniform(*ranges.scale) * rng.uniform(*ranges.axis_scale, 3)
    shear = np.eye(3) + rng.uniform(-ranges.shear, ranges.shear, (3, 3)) * (1 - np.eye(3))
    flip = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])
    # From the sample to the head, hence the inverse of the scale by which the head grows.
    return flip @ turn @ shear @ np.diag(spacing / scale)


def draw_elastic(rng: np.random.Generator, ranges: Ranges, *, shape: tuple[int, int, int]) -> Draw:
    """Draw an elastic displacement.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Strength and number of control points.
    shape
        (I, J, K) of the sample.

    Returns
    -------
    dict
        `elastic` (3, N, N, N) mm and the maps `elastic_i`, `elastic_j`, `elastic_k`.
    """
    spread = rng.uniform(*ranges.elastic)
    out: Draw = {'elastic': rng.normal(0, spread, (3, *[ELASTIC_NODES] * 3)).astype(np.float32)}
    for name, size in zip('ijk', shape, strict=True):
        points = rng.uniform(*ranges.elastic_points)
        out[f'elastic_{name}'] = noise.spline_matrix(size / (points - 1), size, ELASTIC_NODES)
    return out


def points(draw: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Return where the voxels of a sample lie in the head.

    Parameters
    ----------
    draw
        `affine` (3, 3), `shift` (3,) and what `draw_elastic` gives.

    Returns
    -------
    tuple of tensor (I, J, K)
        R, A and S in mm from the centre of the head's array.
    """
    from keras import ops

    maps = tuple(draw[f'elastic_{name}'] for name in 'ijk')
    axes = [ops.arange(m.shape[0], dtype='float32') - (m.shape[0] - 1) / 2 for m in maps]
    out = []
    for row in range(3):
        ramp = draw['affine'][row]
        straight = (
            ops.reshape(axes[0] * ramp[0], (-1, 1, 1))
            + ops.reshape(axes[1] * ramp[1], (1, -1, 1))
            + ops.reshape(axes[2] * ramp[2] + draw['shift'][row], (1, 1, -1))
        )
        out.append(straight + noise.along_axes(draw['elastic'][row], maps))
    return out[0], out[1], out[2]


def gather(codes: Tensor, places: tuple[Tensor, Tensor, Tensor], floor: Tensor) -> Tensor:
    """Fetch the head's packed voxels nearest to given places.

    Parameters
    ----------
    codes
        (`heads.SHAPE`) int16.
    places
        Three tensors of one shape: mm from the centre of the array.
    floor
        Scalar, int32: lowest slice that is read. 0 shows air below the map; 1 carries its lowest
        slice on downwards, a neck of any length.

    Returns
    -------
    tensor
        int32 codes, shape of the places.
    """
    from keras import ops

    index = None
    lowest = (0, 0, floor)
    for axis, (place, size) in enumerate(zip(places, heads.SHAPE, strict=True)):
        voxel = ops.cast(ops.floor(place + (size / 2)), 'int32')
        voxel = ops.minimum(ops.maximum(voxel, lowest[axis]), size - 1)
        index = voxel if index is None else index * size + voxel
    return ops.cast(ops.take(ops.reshape(codes, (-1,)), index), 'int32')


def offsets(draw: dict[str, Tensor]) -> list[Tensor]:
    """Return four steps (3,) in mm from the middle of a voxel to places that stand for all of it.

    Parameters
    ----------
    draw
        `affine` (3, 3) of the sample.

    Returns
    -------
    list of tensor (3,)
        Their mean is zero.
    """
    from keras import ops

    steps = np.asarray(_OFFSETS, np.float32) * 0.25
    return [ops.sum(draw['affine'] * step[None, :], axis=1) for step in steps]


def split(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Unpack gathered codes.

    Parameters
    ----------
    codes
        int32 tensor, as `gather` returns it.

    Returns
    -------
    labels, distance
        Painting classes (int32) and mm to the brain's edge (float32), same shape.
    """
    from keras import ops

    # Arithmetic shift: division towards minus infinity keeps the class positive.
    steps = ops.right_shift(codes, 6)
    labels = ops.bitwise_and(codes, 63)
    return labels, ops.cast(steps, 'float32') * heads.DISTANCE_STEP
