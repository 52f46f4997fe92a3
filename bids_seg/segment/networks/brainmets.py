# SPDX-License-Identifier: Apache-2.0
"""The 3-D U-Net of Brain-Mets-Seg; layers bear the names of its checkpoints.

With hyphens for slashes, which Keras does not allow in a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import keras
from keras import layers
from numpy.typing import NDArray

from bids_seg.segment import readers
from bids_seg.segment.networks.staged import StagedNormalization

EPSILON = 1e-3
"""Of the instance normalisation of TensorFlow Addons; nnU-Net's is 100 times smaller."""
SLOPE = 0.01
"""Slope of the activation below zero."""
FILTERS = (32, 64, 128, 256, 320, 320)
"""Filters at each resolution of the published network, finest first."""
MULTIPLE = 32
"""Sides of the input are multiples of this, and at least twice as long."""
KEY = 'model/model/{}/.ATTRIBUTES/VARIABLE_VALUE'
"""Key of a weight in a checkpoint."""
WEIGHTS = 'model/model/'
"""How the keys of the network's weights begin."""
HEADS = f'{WEIGHTS}deep_supervision_heads/'
"""How the keys of the outputs begin that served in training alone."""


def build(filters: tuple[int, ...] = FILTERS, *, heads: int = 0) -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    filters
        Filters at each resolution, finest first.
    heads
        Further outputs on coarser grids, for training: 2 in the published recipe.

    Returns
    -------
    model
        `(B, I, J, K, 1)` to logits of the metastases `(B, I, J, K, 1)`; with heads a list,
        each on half the grid of the one before.

    Notes
    -----
    https://github.com/QTIM-Lab/Brain-Mets-Seg, which follows nnU-Net
    (https://doi.org/10.1038/s41592-020-01008-z) in all but the epsilon.
    """

    def block(x: Any, name: str, width: int, strides: int = 1) -> Any:
        """Convolve, normalise and bend, two times; the first convolution has the stride."""
        for number, step in ((1, strides), (2, 1)):
            part = f'{name}-conv{number}'
            x = layers.Conv3D(width, 3, strides=step, padding='same', name=f'{part}-conv')(x)
            x = StagedNormalization(epsilon=EPSILON, name=f'{part}-norm')(x)
            x = layers.LeakyReLU(SLOPE, name=f'{part}-bend')(x)
        return x

    inputs = keras.Input((None, None, None, 1), name='image')
    x = block(inputs, 'input_block', filters[0])
    skips = [x]
    for number, width in enumerate(filters[1:-1]):
        x = block(x, f'downsamples-{number}', width, strides=2)
        skips.append(x)
    x = block(x, 'bottleneck', filters[-1], strides=2)
    coarser: list[Any] = []
    for number, skip in enumerate(reversed(skips)):
        name = f'upsamples-{number}'
        width = skip.shape[-1]
        x = layers.Conv3DTranspose(width, 2, strides=2, name=f'{name}-transp_conv')(x)
        x = layers.Concatenate(name=f'{name}-join')([x, skip])
        x = block(x, f'{name}-conv_block', width)
        coarser.insert(0, x)
    outputs = [layers.Conv3D(1, 1, name='output_block-conv')(x)]
    for number in range(heads):
        head = layers.Conv3D(1, 1, name=f'deep_supervision_heads-{number}-conv')
        outputs.append(head(coarser[number + 1]))
    return keras.Model(inputs, outputs if heads else outputs[0], name='brainmets')


def names(network: keras.Model) -> dict[str, str]:
    """Return the key in a checkpoint of every weight by its path.

    Parameters
    ----------
    network
        From `build`.
    """
    paths = (weight.path for weight in network.weights)
    return {path: KEY.format(path.replace('-', '/')) for path in paths}


def fill(
    network: keras.Model, tensors: Mapping[str, NDArray[Any]], *, where: str | PathLike[str]
) -> None:
    """Put the tensors of a published checkpoint into a network.

    Parameters
    ----------
    network
        From `build`; with heads or without.
    tensors
        By key; the optimiser's, counters and, for a network without heads, heads are left.
    where
        The file, for messages.

    Raises
    ------
    UnavailableError
        If any is missing, left over or of another shape.
    """
    with_heads = len(network.outputs) > 1

    def ignored(name: str) -> bool:
        """Return whether a key belongs to no weight of the network."""
        other = not name.startswith(WEIGHTS) or '.OPTIMIZER_SLOT' in name
        return other or (not with_heads and name.startswith(HEADS))

    readers.fill(network, tensors, names(network), where=where, ignored=ignored)
