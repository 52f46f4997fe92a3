# SPDX-License-Identifier: Apache-2.0
"""The SegResNet of MONAI's bundle `brats_mri_segmentation`; layers bear MONAI's names.

With hyphens for full stops, which not every backend of Keras allows in a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import keras
from keras import layers
from numpy.typing import NDArray

from bids_seg.segment import readers
from bids_seg.segment.networks.staged import StagedNormalization, TrilinearUpSampling3D

EPSILON = 1e-5
"""PyTorch's default for group normalisation; Keras' is 100 times larger."""
GROUPS = 8
"""Groups of channels that are normalised together."""
BLOCKS = (1, 2, 2, 4)
"""Residual blocks at each resolution on the way down."""
WIDTH = 16
"""Filters of the first convolution of the published network."""
MULTIPLE = 8
"""Sides of the input are multiples of this."""


def build(width: int = WIDTH) -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    width
        Filters of the first convolution, a multiple of `GROUPS`; they double with each
        resolution.

    Returns
    -------
    model
        `(B, I, J, K, 4)` to logits of TC, WT and ET `(B, I, J, K, 3)`.

    Notes
    -----
    Myronenko, https://doi.org/10.1007/978-3-030-11726-9_28, without the branch that draws the
    image again. Strided convolutions are padded by one voxel on both sides: `same` would pad
    even sides on one side alone, which moves the coarse grid by a voxel.

    In a `tf.function` no side may be shorter than 24: where TensorFlow joins the padding to the
    convolution, it takes the coarsest grid of 16 voxels for a single one and drops the sums
    over it. Step by step such sides are right.
    """

    def norm(x: Any, name: str) -> Any:
        """Normalise and bend."""
        x = StagedNormalization(epsilon=EPSILON, groups=GROUPS, name=name)(x)
        return layers.ReLU(name=f'{name}-relu')(x)

    def convolved(x: Any, name: str, filters: int, size: int = 3) -> Any:
        """Convolve without an offset."""
        return layers.Conv3D(filters, size, padding='same', use_bias=False, name=f'{name}-conv')(x)

    def block(x: Any, name: str) -> Any:
        """Add what two convolutions make of a tensor to it."""
        channels = x.shape[-1]
        y = convolved(norm(x, f'{name}-norm1'), f'{name}-conv1', channels)
        y = convolved(norm(y, f'{name}-norm2'), f'{name}-conv2', channels)
        return layers.Add(name=f'{name}-sum')([y, x])

    inputs = keras.Input((None, None, None, 4), name='images')
    x = convolved(inputs, 'convInit', width)
    x = layers.Dropout(0.2, name='dropout')(x)
    skips: list[Any] = []
    for level, count in enumerate(BLOCKS):
        if level:
            name = f'down_layers-{level}-0'
            x = layers.ZeroPadding3D(1, name=f'{name}-pad')(x)
            x = layers.Conv3D(width * 2**level, 3, strides=2, use_bias=False, name=f'{name}-conv')(
                x
            )
        for number in range(1, count + 1):
            x = block(x, f'down_layers-{level}-{number}')
        skips.append(x)
    for number in range(len(BLOCKS) - 1):
        level = len(BLOCKS) - 2 - number
        x = convolved(x, f'up_samples-{number}-0', width * 2**level, size=1)
        x = TrilinearUpSampling3D(name=f'up_samples-{number}-1')(x)
        x = layers.Add(name=f'up_samples-{number}-sum')([x, skips[level]])
        x = block(x, f'up_layers-{number}-0')
    x = norm(x, 'conv_final-0')
    outputs = layers.Conv3D(3, 1, name='conv_final-2-conv')(x)
    return keras.Model(inputs, outputs, name='segresnet')


def names(network: keras.Model) -> dict[str, str]:
    """Return MONAI's name of every weight by its path.

    Parameters
    ----------
    network
        From `build`.
    """
    kinds = {'kernel': 'weight', 'gamma': 'weight', 'beta': 'bias', 'bias': 'bias'}
    named = {}
    for weight in network.weights:
        layer, _, kind = weight.path.rpartition('/')
        named[weight.path] = f'{layer.replace("-", ".")}.{kinds[kind]}'
    return named


def fill(
    network: keras.Model, tensors: Mapping[str, NDArray[Any]], *, where: str | PathLike[str]
) -> None:
    """Put the tensors of the published state dictionary into a network.

    Parameters
    ----------
    network
        From `build`.
    tensors
        By MONAI's names, in PyTorch's order of axes.
    where
        The file, for messages.

    Raises
    ------
    UnavailableError
        If any is missing, left over or of another shape.
    """
    readers.fill(network, tensors, names(network), where=where, order='torch')
