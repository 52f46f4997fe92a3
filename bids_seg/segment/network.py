# SPDX-License-Identifier: Apache-2.0
"""A model with its weights, ready to be run: the only place that calls a network."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import UnavailableError
from bids_seg.segment import readers
from bids_seg.segment.model import Model, Own
from bids_seg.segment.system import Call, Published

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

Array = NDArray[np.float32]

Run = Callable[[Array], Iterator[Array]]
"""From channels `(I, J, K, C)` to the logits `(I, J, K, R)` of each opinion in turn."""

Engine = Run | tuple[Call, ...]
"""A network of ours as one function; a system of others as its opinions."""

LARGEST_VOXELS = 16_000_000
"""A larger input is cut into tiles."""
SMALL_VOXELS = 1_000_000
"""The same where memory is scarce."""
OVERLAP = 32
"""Voxels that tiles share; the network hardly looks further."""


def load(
    model: Model,
    files: Sequence[Path],
    *,
    largest: int = LARGEST_VOXELS,
    parity: bool = False,
    dropout: int = 0,
    seed: int = 1,
) -> Engine:
    """Return a model's members, ready to be run; TensorFlow has to be started.

    Parameters
    ----------
    model
        Which model.
    files
        Weights of each member.
    largest
        Voxels that go through a network of ours at once.
    parity
        Whether a system of others looks no further than its original.
    dropout
        Further opinions of each member with some of its units left out by chance.
    seed
        Of chance.

    Raises
    ------
    UnavailableError
        If weights do not fit the network.
    """
    networks = [_filled(model, path) for path in files]
    system = model.system
    if dropout and not has_dropout(model):
        logger.warning('%s has no dropout, so --mc-dropout adds no opinion', model.name)
        dropout = 0
    if isinstance(system, Published):
        mirror = None if parity else system.mirror
        return tuple(
            call
            for network in networks
            for call in opinions(network, mirror=mirror, dropout=dropout, seed=seed)
        )
    return _own(system, [_compiled(network) for network in networks], largest=largest)


def has_dropout(model: Model) -> bool:
    """Return whether units of a model's networks can be left out by chance.

    Parameters
    ----------
    model
        Any model; the networks of ours have no such layers.
    """
    return isinstance(model.system, Published) and model.system.dropout


def opinions(
    network: keras.Model, *, mirror: int | None = None, dropout: int = 0, seed: int = 1
) -> tuple[Call, ...]:
    """Return all that one member of a system of others says, each opinion as a function.

    Parameters
    ----------
    network
        With its weights.
    mirror
        Axis of a batch along which left and right lie: the answer to the mirror image, turned
        back, counts as that of a further member. None: it is not asked.
    dropout
        So many further answers with units left out by chance.
    seed
        Of chance.

    Notes
    -----
    Dropout at inference: Gal and Ghahramani, https://proceedings.mlr.press/v48/gal16.html.
    """
    plain = _compiled(network)
    found = [plain]
    if mirror is not None:
        found.append(mirrored(plain, axis=mirror))
    found += [_thinned(network, seed=seed + number) for number in range(dropout)]
    return tuple(found)


def mirrored(call: Call, *, axis: int) -> Call:
    """Return a network that is shown the mirror image, and whose answer is turned back.

    Parameters
    ----------
    call
        The network.
    axis
        Of a batch, along which left and right lie.
    """

    def answer(batch: Array) -> Array:
        return np.flip(call(np.ascontiguousarray(np.flip(batch, axis))), axis)

    return answer


def _own(system: Own, calls: Sequence[Call], *, largest: int) -> Run:
    """Return networks of ours as one function.

    Every member looks twice, the second time at the mirror image: their opinions count as
    those of further members.
    """

    def run(channels: Array) -> Iterator[Array]:
        views = (channels, np.ascontiguousarray(channels[::-1]))
        for call in calls:
            for turned, view in zip((1, -1), views, strict=True):
                yield tiled(
                    lambda part, call=call: call(part[None])[0],  # type: ignore[misc]
                    view,
                    multiple=system.multiple,
                    largest=largest,
                )[::turned]

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


def _filled(model: Model, path: Path) -> keras.Model:
    """Return the network of a model with the weights of one member."""
    network = model.system.build()
    if isinstance(model.system, Published):
        if readers.is_exported(path):
            readers.fill_exported(network, path)
        else:
            model.system.load(network, path)
        return network
    try:
        network.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnavailableError(
            f'the weights do not fit the network {model.name} ({first})',
            where=path.name,
            do='give weights that were trained for it, or install bids-seg again',
        ) from error
    return network


def _thinned(network: keras.Model, *, seed: int) -> Call:
    """Return a network with some units left out; the same batch loses the same ones."""
    import keras

    layers = tuple(_layers(network))
    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # A layer that is not trained keeps to the statistics it learned.
            layer.trainable = False
    drops = [layer for layer in layers if isinstance(layer, keras.layers.Dropout)]
    plain = _compiled(network, training=True)

    def call(batch: Array) -> Array:
        start = zlib.crc32(np.ascontiguousarray(batch).tobytes(), seed)
        for number, layer in enumerate(drops):
            layer.seed_generator.state.assign([start % 2**31, number])
        return plain(batch)

    return call


def _layers(network: keras.Model) -> Iterator[keras.Layer]:
    """Return all layers, those within layers too."""
    for layer in network.layers:
        yield layer
        if hasattr(layer, 'layers'):
            yield from _layers(layer)


def _compiled(network: keras.Model, *, training: bool = False) -> Call:
    """Return a network as a compiled function from a batch to a batch."""
    import tensorflow as tf

    # Never `predict`, and never XLA: both are many times slower for a few large arrays.
    compiled: Any = tf.function(
        lambda images: network(images, training=training), jit_compile=False
    )

    def call(batch: Array) -> Array:
        answer: Array = compiled(tf.constant(batch)).numpy()
        return answer

    return call
