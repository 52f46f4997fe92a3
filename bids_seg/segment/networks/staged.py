# SPDX-License-Identifier: Apache-2.0
"""Layers that Keras lacks, or has in a form that is wrong for whole volumes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package='bids_seg')
class StagedNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Group or instance normalisation whose sums run along one axis after the other.

    Parameters
    ----------
    epsilon
        What is added to the variance. There is no default: published networks differ in it.
    groups
        Number of groups of neighbouring channels; None: each channel by itself.
    name
        Name of the layer; weights are stored under it.
    dtype
        Policy of the layer; statistics are float32 at least.

    Notes
    -----
    Group normalization, https://doi.org/10.1007/978-3-030-01261-8_1; with a group a channel,
    instance normalization, https://arxiv.org/abs/1607.08022. The variance is the biased one.
    A reduction over all axes of nine million voxels adds them to one float32 number on a CPU
    and is off by per cents (https://github.com/tensorflow/tensorflow/issues/56563); stage by
    stage no sum has more terms than a side of the volume has voxels.
    """

    def __init__(
        self, *, epsilon: float, groups: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype)
        self.epsilon = epsilon
        self.groups = groups

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make a factor and an offset for each channel."""
        channels = int(input_shape[-1] or 1)
        if self.groups and channels % self.groups:
            message = f'{channels} channels cannot be parted into {self.groups} groups'
            raise ValueError(message)
        self.gamma = self.add_weight(shape=(channels,), initializer='ones', name='gamma')
        self.beta = self.add_weight(shape=(channels,), initializer='zeros', name='beta')

    def call(self, inputs: Any) -> Any:
        """Return the normalised tensor, of the same shape."""
        kind = keras.backend.standardize_dtype(inputs.dtype)
        wide = 'float64' if kind == 'float64' else 'float32'
        x = ops.cast(inputs, wide)
        mean = self._mean(x)
        variance = self._mean(ops.square(x - mean))
        scale = ops.rsqrt(variance + self.epsilon) * ops.cast(self.gamma, wide)
        return ops.cast((x - mean) * scale + ops.cast(self.beta, wide), inputs.dtype)

    def _mean(self, x: Any) -> Any:
        """Return the mean of each group at all its channels, shape (B, 1, 1, 1, C)."""
        for axis in reversed(range(1, len(x.shape) - 1)):
            x = ops.mean(x, axis=axis, keepdims=True)
        if self.groups is None:
            return x
        channels = x.shape[-1]
        share = channels // self.groups
        parted = ops.reshape(x, (-1, self.groups, share))
        means = ops.mean(parted, axis=-1, keepdims=True)
        ones = (1,) * (len(x.shape) - 2)
        return ops.reshape(ops.repeat(means, share, axis=-1), (-1, *ones, channels))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output, that of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the layer was made with."""
        return {**super().get_config(), 'epsilon': self.epsilon, 'groups': self.groups}


@keras.saving.register_keras_serializable(package='bids_seg')
class TrilinearUpSampling3D(keras.layers.Layer):  # type: ignore[misc]
    """Double every side by linear interpolation: `(B, I, J, K, C)` to `(B, 2 I, 2 J, 2 K, C)`.

    Notes
    -----
    Fine voxels lie a quarter of a coarse voxel beside the coarse centres, so each is three
    parts of the coarse voxel that it lies in and one part of the next; beyond the edge the
    outermost voxel goes on (PyTorch's `align_corners=False`).
    """

    def call(self, inputs: Any) -> Any:
        """Return the doubled tensor."""
        x = inputs
        for axis in (1, 2, 3):
            x = _doubled(x, axis)
        return x

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        sides = (side if side is None else 2 * side for side in input_shape[1:4])
        return (input_shape[0], *sides, input_shape[4])


def _doubled(x: Any, axis: int) -> Any:
    """Return a tensor with one side twice as long."""
    shape = ops.shape(x)

    def part(start: int, stop: int | None) -> Any:
        """Return a stretch along the axis."""
        where = [slice(None)] * 5
        where[axis] = slice(start, stop)
        return x[tuple(where)]

    before = ops.concatenate([part(0, 1), part(0, -1)], axis=axis)
    after = ops.concatenate([part(1, None), part(-1, None)], axis=axis)
    pair = ops.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=axis + 1)
    return ops.reshape(pair, (*shape[:axis], 2 * shape[axis], *shape[axis + 1 :]))
