# SPDX-License-Identifier: Apache-2.0
"""A U-Net on the half grid: 2x2x2 voxels become eight channels, and come back at the end.

Nothing in it sums over a volume: in place of normalisation layers the kernels are
standardised (weight standardisation, https://arxiv.org/abs/1903.10520, with the gain of
https://arxiv.org/abs/2101.08692), so what a voxel becomes depends on its surroundings
alone, never on how much background was padded to the image, and batches of one image train
as well as large ones.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import ops

Centre = Literal['mean', 'nothing']
"""What is taken off a kernel before it is scaled."""

SLOPE = 0.1
"""Slope of the activation below zero."""

GAIN = (2.0 / (1.0 + SLOPE**2)) ** 0.5
"""Factor by which a kernel keeps the variance of activations from layer to layer."""


@keras.saving.register_keras_serializable(package='bids_seg')
class SpaceToDepth(keras.layers.Layer):  # type: ignore[misc]
    """Fold blocks of 2x2x2 voxels into channels: `(I, J, K, C)` to `(I/2, J/2, K/2, 8 C)`."""

    def call(self, inputs: Any) -> Any:
        """Return the folded tensor."""
        batch, i, j, k = (ops.shape(inputs)[axis] for axis in range(4))
        channels = inputs.shape[-1]
        blocks = ops.reshape(inputs, (batch, i // 2, 2, j // 2, 2, k // 2, 2, channels))
        blocks = ops.transpose(blocks, (0, 1, 3, 5, 2, 4, 6, 7))
        return ops.reshape(blocks, (batch, i // 2, j // 2, k // 2, 8 * channels))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        sides = (side if side is None else side // 2 for side in input_shape[1:4])
        return (input_shape[0], *sides, 8 * int(input_shape[4] or 1))


@keras.saving.register_keras_serializable(package='bids_seg')
class DepthToSpace(keras.layers.Layer):  # type: ignore[misc]
    """Unfold channels into blocks of 2x2x2 voxels, the reverse of `SpaceToDepth`."""

    def call(self, inputs: Any) -> Any:
        """Return the unfolded tensor."""
        batch, i, j, k = (ops.shape(inputs)[axis] for axis in range(4))
        channels = inputs.shape[-1] // 8
        blocks = ops.reshape(inputs, (batch, i, j, k, 2, 2, 2, channels))
        blocks = ops.transpose(blocks, (0, 1, 4, 2, 5, 3, 6, 7))
        return ops.reshape(blocks, (batch, 2 * i, 2 * j, 2 * k, channels))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        sides = (side if side is None else side * 2 for side in input_shape[1:4])
        return (input_shape[0], *sides, int(input_shape[4] or 8) // 8)


@keras.saving.register_keras_serializable(package='bids_seg')
class StandardisedConv3D(keras.layers.Layer):  # type: ignore[misc]
    """Convolve with kernels of zero mean and fixed variance, times a learned gain.

    Parameters
    ----------
    filters
        Number of output channels.
    strides
        Step of the output grid, voxels.
    centre
        What is taken off a kernel first: its `mean`, or `nothing`. A first layer of zero mean
        sees edges but not how bright a single image is.
    name
        Name of the layer; weights are stored under it.
    dtype
        Policy of the layer: float32 weights, and the type in which to convolve.
    """

    def __init__(
        self,
        filters: int,
        *,
        strides: int = 1,
        centre: Centre = 'mean',
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.filters = filters
        self.strides = strides
        self.centre = centre

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make kernel, gain and bias."""
        channels = int(input_shape[-1] or 1)
        self.kernel = self.add_weight(
            shape=(3, 3, 3, channels, self.filters), initializer='he_normal', name='kernel'
        )
        self.gain = self.add_weight(shape=(self.filters,), initializer='ones', name='gain')
        self.bias = self.add_weight(shape=(self.filters,), initializer='zeros', name='bias')

    def call(self, inputs: Any) -> Any:
        """Return the convolved tensor, padded with zeros to the same extent."""
        kernel = ops.cast(self.kernel, 'float32')
        fan = kernel.shape[0] * kernel.shape[1] * kernel.shape[2] * kernel.shape[3]
        flat = ops.reshape(kernel, (fan, self.filters))
        if self.centre == 'mean':
            flat = flat - ops.mean(flat, axis=0, keepdims=True)
        variance = ops.mean(ops.square(flat), axis=0, keepdims=True)
        scale = GAIN * ops.cast(self.gain, 'float32') * ops.rsqrt(variance * fan + 1e-6)
        kernel = ops.cast(ops.reshape(flat * scale, kernel.shape), inputs.dtype)
        outputs = ops.conv(inputs, kernel, strides=self.strides, padding='same')
        return outputs + ops.cast(self.bias, outputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        sides = (side if side is None else -(-side // self.strides) for side in input_shape[1:4])
        return (input_shape[0], *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        own = {'filters': self.filters, 'strides': self.strides, 'centre': self.centre}
        return {**super().get_config(), **own}


def multiple(levels: int) -> int:
    """Return of how many voxels every side has to be a multiple.

    Parameters
    ----------
    levels
        Number of resolutions inside the U-Net, `len(widths)`.

    Examples
    --------
    >>> multiple(4)
    16
    """
    return int(2**levels)


def build(
    *,
    channels: int,
    regions: int,
    widths: tuple[int, ...] = (16, 32, 64, 96),
    prior: float = 0.0,
    first: Centre = 'mean',
    compute: str = 'float32',
) -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    channels
        Channels of the input.
    regions
        Regions of the output.
    widths
        Channels at each resolution, finest first; the finest is half the input's.
    prior
        Logit from which every voxel starts; below zero where the target is rare.
    first
        What is taken off the kernels of the first layer: `nothing` where one image's brightness
        tells, `mean` where it must not.
    compute
        Type in which to convolve: `float32` or `bfloat16`. Weights and logits are float32.

    Returns
    -------
    model
        `(B, I, J, K, channels)` to logits `(B, I, J, K, regions)`; sides are multiples of
        `multiple(len(widths))`.
    """
    policy = 'float32' if compute == 'float32' else f'mixed_{compute}'

    def block(x: Any, name: str, width: int, strides: int = 1) -> Any:
        """Convolve once and bend."""
        centre = first if name == 'down0_a' else 'mean'
        x = StandardisedConv3D(width, strides=strides, centre=centre, name=name, dtype=policy)(x)
        return keras.layers.LeakyReLU(SLOPE, name=f'{name}_bend', dtype=policy)(x)

    inputs = keras.Input((None, None, None, channels), name='image', dtype='float32')
    x = SpaceToDepth(name='fold', dtype=policy)(inputs)
    skips = []
    for level, width in enumerate(widths):
        x = block(x, f'down{level}_a', width, 2 if level else 1)
        x = block(x, f'down{level}_b', width)
        skips.append(x)
    for level in reversed(range(len(widths) - 1)):
        x = keras.layers.UpSampling3D(2, name=f'up{level}_grow', dtype=policy)(x)
        x = keras.layers.Concatenate(name=f'up{level}_join', dtype=policy)([x, skips[level]])
        x = block(x, f'up{level}', widths[level])
    start = keras.initializers.Constant(prior)
    x = keras.layers.Conv3D(8 * regions, 1, name='logits', dtype='float32', bias_initializer=start)(
        x
    )
    outputs = DepthToSpace(name='unfold', dtype='float32')(x)
    return keras.Model(inputs, outputs, name='unet')
