# SPDX-License-Identifier: Apache-2.0
"""A network with its weights, ready to be run: the only place that calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.segment.model import Model

Array = NDArray[np.float32]

Run = Callable[[Array], Iterator[Array]]
"""From channels `(I, J, K, C)` to the logits `(I, J, K, R)` of each opinion in turn."""

LARGEST_VOXELS = 16_000_000
"""A larger input is cut into tiles."""
SMALL_VOXELS = 1_000_000
"""The same where memory is scarce."""
OVERLAP = 32
"""Voxels that tiles share; the network hardly looks further."""


def load(model: Model, files: Sequence[Path], *, largest: int = LARGEST_VOXELS) -> Run:
    """Return a model's members as one function; TensorFlow has to be started.

    Every member looks twice, the second time at the mirror image: their opinions count as
    those of further members.

    Parameters
    ----------
    model
        Which model.
    files
        Weights of each member.
    largest
        Voxels that go through the network at once.

    Raises
    ------
    UnavailableError
        If weights do not fit the network.
    """
    calls = [_member(model, path) for path in files]

    def run(channels: Array) -> Iterator[Array]:
        mirrored = np.ascontiguousarray(channels[::-1])
        for call in calls:
            yield tiled(call, channels, multiple=model.multiple, largest=largest)
            yield tiled(call, mirrored, multiple=model.multiple, largest=largest)[::-1]

    return run


def tiled(call: Callable[[Array], Array], channels: Array, *, multiple: int, largest: int) -> Array:
    """Run a network on a whole array, in overlapping tiles where it is too large.

    Parameters
    ----------
    call
        From `(I, J, K, C)` to `(I, J, K, R)`.
    channels : array of shape (I, J, K, C)
        Sides are multiples of `multiple`.
    multiple
        Sides of a tile are multiples of this.
    largest
        Voxels of a tile, about.

    Returns
    -------
    logits : array of shape (I, J, K, R)
        Where tiles overlap, the mean weighted by the distance from their edges.
    """
    shape = channels.shape[:3]
    if shape[0] * shape[1] * shape[2] <= largest:
        return call(channels)
    # Tiles stay larger than what they share, however little memory there is.
    least = -(-2 * OVERLAP // multiple) * multiple + multiple
    side = max(least, int(largest ** (1 / 3)) // multiple * multiple)
    sizes = [min(side, length) for length in shape]
    starts = [_starts(length, size) for length, size in zip(shape, sizes, strict=True)]
    weight = _weight(sizes)
    total: Array | None = None
    weights = np.zeros((*shape, 1), np.float32)
    for corner in product(*starts):
        where = tuple(slice(at, at + size) for at, size in zip(corner, sizes, strict=True))
        logits = call(np.ascontiguousarray(channels[where]))
        if total is None:
            total = np.zeros((*shape, logits.shape[-1]), np.float32)
        total[where] += logits * weight
        weights[where] += weight
    if total is None:
        return call(channels)
    total /= weights
    return total


def _starts(length: int, size: int) -> list[int]:
    """Return where tiles begin along an axis: evenly spread, overlapping enough."""
    if length <= size:
        return [0]
    count = -(-(length - OVERLAP) // (size - OVERLAP))
    return [round(at) for at in np.linspace(0, length - size, count)]


def _weight(sizes: Sequence[int]) -> Array:
    """Return weights that fall towards the edges of a tile, shape (i, j, k, 1)."""
    weight = np.ones((1, 1, 1), np.float32)
    for axis, size in enumerate(sizes):
        ramp = np.minimum(np.arange(1, size + 1), np.arange(size, 0, -1)).clip(max=OVERLAP)
        shape = [1, 1, 1]
        shape[axis] = size
        weight = weight * (ramp / OVERLAP).astype(np.float32).reshape(shape)
    return weight[..., None]


def _member(model: Model, path: Path) -> Callable[[Array], Array]:
    """Return one network as a compiled function from channels to logits."""
    import tensorflow as tf

    network = model.build()
    try:
        network.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnavailableError(
            f'the weights do not fit the network {model.name} ({first})',
            where=path.name,
            do='install bids-seg again',
        ) from error
    # Never `predict`, and never XLA: both are many times slower for a few large arrays.
    compiled: Any = tf.function(lambda images: network(images, training=False), jit_compile=False)

    def call(channels: Array) -> Array:
        logits: Array = compiled(tf.constant(channels[None]))[0].numpy()
        return logits

    return call
