# SPDX-License-Identifier: Apache-2.0
"""The plain U-Net for slices of brain-segmentation, and of its sibling with batch norms."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers

Norm = Literal['none', 'batch']
"""What follows a 3x3 convolution: nothing but its bias, or a batch norm in its place."""

EPSILON = 1e-5
"""Added to the variance in batch normalisation: PyTorch's number, not Keras's 1e-3."""
MULTIPLE = 16
"""Both sides of the input are multiples of this."""
LEVELS = 4
"""How often sides are halved."""

NORM = ('gamma', 'beta', 'moving_mean', 'moving_variance')
"""Weights of a batch norm, in the order of the files."""
TORCH = {
    'kernel': 'weight',
    'bias': 'bias',
    'gamma': 'weight',
    'beta': 'bias',
    'moving_mean': 'running_mean',
    'moving_variance': 'running_var',
}
"""PyTorch's names of weights."""


def stages() -> tuple[str, ...]:
    """Return the stages in which two convolutions follow each other, in their order.

    Examples
    --------
    >>> stages()[3:6]
    ('encoder4', 'bottleneck', 'decoder4')
    """
    down = [f'encoder{level}' for level in range(1, LEVELS + 1)]
    up = [f'decoder{level}' for level in range(LEVELS, 0, -1)]
    return (*down, 'bottleneck', *up)


def build(*, norm: Norm, width: int = 32) -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    norm
        `none` for the Keras networks, `batch` for the PyTorch one.
    width
        Channels of the finest level; each level below has twice as many.

    Returns
    -------
    model
        Slices `(B, J, K, 3)` to logits `(B, J, K, 1)`; sides are multiples of `MULTIPLE`.
    """
    image = keras.Input((None, None, 3), name='image')
    x = image
    skips: list[Any] = []
    for stage in stages():
        level = LEVELS + 1 if stage == 'bottleneck' else int(stage[-1])
        channels = width * 2 ** (level - 1)
        if stage.startswith('decoder'):
            up = layers.Conv2DTranspose(channels, 2, 2, name=f'upconv{level}')(x)
            x = layers.Concatenate(name=f'join{level}')([up, skips.pop()])
        for part in (1, 2):
            x = _convolve(x, channels, f'{stage}_conv{part}', norm)
        if stage.startswith('encoder'):
            skips.append(x)
            x = layers.MaxPooling2D(2, name=f'pool{level}')(x)
    logits = layers.Conv2D(1, 1, name='conv')(x)
    return keras.Model(image, logits, name='buda')


def weights(norm: Norm) -> tuple[str, ...]:
    """Return the paths of all weights, in the order of the published files.

    Parameters
    ----------
    norm
        Which network.

    Examples
    --------
    >>> weights('none')[:4]
    ('encoder1_conv1/kernel', 'encoder1_conv1/bias', 'encoder1_conv2/kernel', 'encoder1_conv2/bias')
    >>> len(weights('none')), len(weights('batch'))
    (46, 100)
    """
    paths = []
    for stage in stages():
        if stage.startswith('decoder'):
            paths += [f'upconv{stage[-1]}/{weight}' for weight in ('kernel', 'bias')]
        for part in (1, 2):
            paths.append(f'{stage}_conv{part}/kernel')
            if norm == 'none':
                paths.append(f'{stage}_conv{part}/bias')
            else:
                paths += [f'{stage}_norm{part}/{weight}' for weight in NORM]
    return (*paths, 'conv/kernel', 'conv/bias')


def names() -> dict[str, str]:
    """Return the name in the state of the PyTorch network by the path of the weight.

    Examples
    --------
    >>> table = names()
    >>> table['encoder1_conv1/kernel'], table['decoder2_norm1/moving_variance']
    ('encoder1.enc1conv1.weight', 'decoder2.dec2norm1.running_var')
    >>> table['upconv4/bias'], table['conv/kernel']
    ('upconv4.bias', 'conv.weight')
    """
    table = {}
    for path in weights('batch'):
        layer, weight = path.split('/')
        stage, _, part = layer.partition('_')
        # Parts of a stage repeat its name, shortened where it has a number: enc1conv1.
        short = stage if stage == 'bottleneck' else f'{stage[:3]}{stage[-1]}'
        place = f'{stage}.{short}{part}' if part else stage
        table[path] = f'{place}.{TORCH[weight]}'
    return table


def _convolve(x: Any, channels: int, name: str, norm: Norm) -> Any:
    """Convolve, normalise where asked, and cut below zero."""
    x = layers.Conv2D(channels, 3, padding='same', use_bias=norm == 'none', name=name)(x)
    if norm == 'batch':
        place = name.replace('conv', 'norm')
        x = layers.BatchNormalization(epsilon=EPSILON, momentum=0.9, name=place)(x)
    return layers.ReLU(name=f'{name}_relu')(x)
