# SPDX-License-Identifier: Apache-2.0
"""A U-Net for slices whose way down is EfficientNetB0, as skull_stripping was published.

Layers carry the published names, so weights find their places by them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import keras
from keras import layers

Container = Literal['savedmodel', 'hdf5']
"""How weights may be stored: as published, or as a user may have saved them again."""

EPSILON = 1e-3
"""Added to the variance in batch normalisation."""
DROPOUT = 0.2
"""Share of samples whose last block would be left out while training; earlier ones less."""
MULTIPLE = 32
"""Both sides of the input are multiples of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One inverted bottleneck of the encoder."""

    name: str
    """`block` with the number of the stage and the letter of the repetition."""
    kernel: int
    """Side of the depthwise kernel, pixels."""
    stride: int
    """Step of the output grid, pixels."""
    inner: int
    """Channels inside."""
    squeezed: int
    """Channels between the two layers of the squeeze and excitation."""
    out: int
    """Channels that leave it."""
    expands: bool
    """Whether a convolution widens the input first."""
    adds: bool
    """Whether the input is added to the output."""


def blocks() -> Iterator[Block]:
    """Return the blocks of the encoder in their order.

    Notes
    -----
    EfficientNetB0, https://arxiv.org/abs/1905.11946, table 1.

    Examples
    --------
    >>> [block.name for block in blocks()][:3], len(list(blocks()))
    (['block1a', 'block2a', 'block2b'], 16)
    """
    stages = (
        # repeats, kernel, stride, expansion, channels
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )
    channels = 32
    for number, (repeats, kernel, stride, expansion, out) in enumerate(stages, start=1):
        for repeat in range(repeats):
            yield Block(
                name=f'block{number}{"abcd"[repeat]}',
                kernel=kernel,
                stride=1 if repeat else stride,
                inner=channels * expansion,
                squeezed=max(1, channels // 4),
                out=out,
                expands=expansion != 1,
                adds=repeat > 0,
            )
            channels = out


def build() -> keras.Model:
    """Make the network with random weights.

    Returns
    -------
    model
        Slices `(B, J, K, 3)` to logits `(B, J, K, 1)`; sides are multiples of `MULTIPLE`.

    Notes
    -----
    `same` padding of even sides at stride 2 puts the odd pixel behind, as TensorFlow does.
    """
    image = keras.Input((None, None, 3), name='image')
    x = _convolve(image, 32, 3, 'stem_conv', stride=2)
    x = _swish(_normalise(x, 'stem_bn'), 'stem_activation')
    skips = []
    chain = tuple(blocks())
    for index, block in enumerate(chain):
        x, widened = _bottleneck(x, block, dropout=DROPOUT * index / len(chain))
        if block.stride == 2:
            skips.append(widened)
    x = _convolve(x, 1280, 1, 'top_conv')
    x = _swish(_normalise(x, 'top_bn'), 'top_activation')
    for stage, width in enumerate((256, 128, 64, 32, 16)):
        name = f'decoder_stage{stage}'
        x = layers.UpSampling2D(2, interpolation='nearest', name=f'{name}_upsampling')(x)
        if skips:
            x = layers.Concatenate(name=f'{name}_concat')([x, skips.pop()])
        for letter in 'ab':
            x = _convolve(x, width, 3, f'{name}{letter}_conv')
            x = layers.ReLU(name=f'{name}{letter}_relu')(_normalise(x, f'{name}{letter}_bn'))
    logits = layers.Conv2D(1, 3, padding='same', name='final_conv')(x)
    return keras.Model(image, logits, name='effunet')


def weighted() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the layers that have weights, in the order of the published files, and their weights.

    Examples
    --------
    >>> list(weighted())[2]
    ('block1a_dwconv', ('kernel',))
    >>> len(list(weighted()))
    151
    """
    kernel, biased = ('kernel',), ('kernel', 'bias')
    norm = ('gamma', 'beta', 'moving_mean', 'moving_variance')
    yield from (('stem_conv', kernel), ('stem_bn', norm))
    for block in blocks():
        name = block.name
        if block.expands:
            yield from ((f'{name}_expand_conv', kernel), (f'{name}_expand_bn', norm))
        yield from ((f'{name}_dwconv', kernel), (f'{name}_bn', norm))
        yield from ((f'{name}_se_reduce', biased), (f'{name}_se_expand', biased))
        yield from ((f'{name}_project_conv', kernel), (f'{name}_project_bn', norm))
    yield from (('top_conv', kernel), ('top_bn', norm))
    for stage, letter in product(range(5), 'ab'):
        name = f'decoder_stage{stage}{letter}'
        yield from ((f'{name}_conv', kernel), (f'{name}_bn', norm))
    yield ('final_conv', biased)


def names(container: Container) -> dict[str, str]:
    """Return the published name of every weight by its path in the network.

    Parameters
    ----------
    container
        `savedmodel`: the variables of a SavedModel, numbered; `hdf5`: by layer.

    Examples
    --------
    >>> names('savedmodel')['block1a_dwconv/kernel']
    'layer_with_weights-2/depthwise_kernel/.ATTRIBUTES/VARIABLE_VALUE'
    >>> names('hdf5')['block1a_dwconv/kernel']
    'block1a_dwconv/depthwise_kernel:0'
    """
    table = {}
    for number, (layer, weights) in enumerate(weighted()):
        for weight in weights:
            # Keras 3 gave the kernels of depthwise convolutions a shorter name.
            name = f'depthwise_{weight}' if layer.endswith('_dwconv') else weight
            table[f'{layer}/{weight}'] = (
                f'layer_with_weights-{number}/{name}/.ATTRIBUTES/VARIABLE_VALUE'
                if container == 'savedmodel'
                else f'{layer}/{name}:0'
            )
    return table


def _bottleneck(x: Any, block: Block, *, dropout: float) -> tuple[Any, Any]:
    """Return the output of a block, and its widened input, from which skips start."""
    name = block.name
    widened = x
    if block.expands:
        widened = _convolve(x, block.inner, 1, f'{name}_expand_conv')
        widened = _normalise(widened, f'{name}_expand_bn')
        widened = _swish(widened, f'{name}_expand_activation')
    y = layers.DepthwiseConv2D(
        block.kernel, block.stride, padding='same', use_bias=False, name=f'{name}_dwconv'
    )(widened)
    y = _swish(_normalise(y, f'{name}_bn'), f'{name}_activation')
    gate = layers.GlobalAveragePooling2D(keepdims=True, name=f'{name}_se_squeeze')(y)
    gate = layers.Conv2D(block.squeezed, 1, activation='silu', name=f'{name}_se_reduce')(gate)
    gate = layers.Conv2D(block.inner, 1, activation='sigmoid', name=f'{name}_se_expand')(gate)
    y = layers.Multiply(name=f'{name}_se_excite')([y, gate])
    y = _normalise(_convolve(y, block.out, 1, f'{name}_project_conv'), f'{name}_project_bn')
    if block.adds:
        # Whole samples are dropped, so one number is drawn for each.
        y = layers.Dropout(dropout, noise_shape=(None, 1, 1, 1), name=f'{name}_drop')(y)
        y = layers.Add(name=f'{name}_add')([y, x])
    return y, widened


def _convolve(x: Any, width: int, kernel: int, name: str, *, stride: int = 1) -> Any:
    """Convolve without bias, since a normalisation follows."""
    return layers.Conv2D(width, kernel, stride, padding='same', use_bias=False, name=name)(x)


def _normalise(x: Any, name: str) -> Any:
    """Normalise by the statistics of the training."""
    return layers.BatchNormalization(epsilon=EPSILON, momentum=0.99, name=name)(x)


def _swish(x: Any, name: str) -> Any:
    """Bend by x * sigmoid(x)."""
    return layers.Activation('silu', name=name)(x)
