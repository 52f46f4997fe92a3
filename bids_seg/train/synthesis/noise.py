# SPDX-License-Identifier: Apache-2.0
"""Random fields computed from a seed inside the compiled function.

A voxel's noise is a mix of its index and a seed, so that the same seed gives the same field on
every backend, and nothing voxel-sized is drawn on the host. `keras.ops` only.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensor = Any

LATTICE_SPREAD = 0.544
"""Mean standard deviation of unit noise between the nodes of a linearly interpolated lattice."""


def words(seed: Tensor, count: int) -> Tensor:
    """Return random 32-bit integers.

    The mix is the two-round multiply-and-shift hash with the constants that C. Wellons found by
    search (*hash-prospector*, 2018, "lowbias32").

    Parameters
    ----------
    seed
        Scalar, uint32.
    count
        How many.

    Returns
    -------
    tensor (count,)
        uint32, evenly distributed.
    """
    from keras import ops

    def constant(value: int) -> Tensor:
        return ops.convert_to_tensor(np.uint32(value))

    state = ops.cast(ops.arange(count), 'uint32') * constant(0x9E3779B9) + ops.cast(seed, 'uint32')
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        state = ops.bitwise_xor(state, ops.right_shift(state, constant(shift)))
        state = state * constant(factor)
    return ops.bitwise_xor(state, ops.right_shift(state, constant(16)))


def uniform(seed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return independent numbers between 0 and 1.

    Parameters
    ----------
    seed
        Scalar, uint32.
    shape
        Shape of the field.

    Returns
    -------
    tensor (shape)
        float32, never 0 or 1.
    """
    from keras import ops

    high = ops.right_shift(words(seed, math.prod(shape)), ops.convert_to_tensor(np.uint32(9)))
    return ops.reshape((ops.cast(ops.cast(high, 'int32'), 'float32') + 0.5) * 2.0**-23, shape)


def normal_pair(seed: Tensor, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return two independent fields of unit normal noise, by the transform of Box and Muller.

    One 32-bit word serves for both uniform numbers, so no value lies beyond 4.8.

    Parameters
    ----------
    seed
        Scalar, uint32.
    shape
        Shape of each field.

    Returns
    -------
    tuple of tensor (shape)
        float32.
    """
    from keras import ops

    word = words(seed, math.prod(shape))
    high = ops.cast(ops.right_shift(word, ops.convert_to_tensor(np.uint32(16))), 'int32')
    low = ops.cast(ops.bitwise_and(word, ops.convert_to_tensor(np.uint32(0xFFFF))), 'int32')
    radius = ops.sqrt(-2.0 * ops.log((ops.cast(high, 'float32') + 0.5) * 2.0**-16))
    angle = ops.cast(low, 'float32') * (2.0 * math.pi * 2.0**-16)
    return (
        ops.reshape(radius * ops.cos(angle), shape),
        ops.reshape(radius * ops.sin(angle), shape),
    )


def along_axes(volume: Tensor, matrices: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Apply one linear map along each axis.

    Parameters
    ----------
    volume
        (A, B, C).
    matrices
        (I, A), (J, B) and (K, C).

    Returns
    -------
    tensor (I, J, K)
        The volume after all three maps.
    """
    from keras import ops

    first, second, third = matrices
    _, b, c = volume.shape
    i = first.shape[0]
    out = ops.reshape(ops.matmul(first, ops.reshape(volume, (-1, b * c))), (i, b, c))
    out = ops.matmul(second, out)
    return ops.matmul(out, ops.transpose(third))


def hat(pitch: Tensor, size: int, nodes: int) -> Tensor:
    """Return the map that interpolates lattice values linearly.

    Parameters
    ----------
    pitch
        Scalar: voxels between two nodes; nodes beyond the last one count as zero.
    size
        Voxels along the axis.
    nodes
        Nodes along the axis.

    Returns
    -------
    tensor (size, nodes)
        Weights of the nodes for each voxel.
    """
    from keras import ops

    place = (ops.arange(size, dtype='float32') + 0.37) / pitch
    node = ops.arange(nodes, dtype='float32')
    return ops.relu(1.0 - ops.abs(place[:, None] - node[None, :]))


def smooth(seed: Tensor, pitch: Tensor, shape: tuple[int, int, int], *, finest: float) -> Tensor:
    """Return smooth noise of unit spread.

    Parameters
    ----------
    seed
        Scalar, uint32.
    pitch
        Scalar: half a wavelength in voxels, not below `finest`.
    shape
        (I, J, K) of the field.
    finest
        Lowest pitch that can be asked for; sets how many nodes are computed.

    Returns
    -------
    tensor (I, J, K)
        float32, mean 0.
    """
    nodes = tuple(math.ceil(size / finest) + 2 for size in shape)
    lattice, _ = normal_pair(seed, nodes)
    i, j, k = (hat(pitch, size, count) for size, count in zip(shape, nodes, strict=True))
    return along_axes(lattice, (i, j, k)) / LATTICE_SPREAD


def spline_matrix(pitch: float, size: int, nodes: int) -> NDArray[np.float32]:
    """Return the map from coefficients to a cubic B-spline, built on the host.

    Parameters
    ----------
    pitch
        Voxels between two nodes.
    size
        Voxels along the axis.
    nodes
        Coefficients; the first lies one node before the axis begins.

    Returns
    -------
    ndarray (size, nodes)
        Weights of the coefficients for each voxel.
    """
    place = np.arange(size)[:, None] / pitch + 1 - np.arange(nodes)[None, :]
    far = np.abs(place)
    near = 2 / 3 - far**2 + far**3 / 2
    return np.where(far < 1, near, np.clip(2 - far, 0, None) ** 3 / 6).astype(np.float32)
