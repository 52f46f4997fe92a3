# SPDX-License-Identifier: Apache-2.0
"""Random weights as other frameworks draw them, where Keras' own would be others."""

from __future__ import annotations

import math

import keras
import numpy as np


def as_pytorch(network: keras.Model) -> keras.Model:
    """Draw kernels and biases of convolutions anew as PyTorch does, and return the network.

    Parameters
    ----------
    network
        Of any kind; the seed is that of Keras.

    Notes
    -----
    Uniform within 1 / sqrt(n), n the inputs of one output; for transposed convolutions PyTorch
    counts the outputs instead, which stand in the same place of Keras' kernels.
    """
    rng = _rng()
    for layer in network.layers:
        if not hasattr(layer, 'kernel'):
            continue
        bound = 1.0 / math.sqrt(math.prod(layer.kernel.shape[:-1]))
        for weight in layer.trainable_weights:
            weight.assign(rng.uniform(-bound, bound, weight.shape).astype(np.float32))
    return network


def as_nnunet(network: keras.Model, *, slope: float = 0.01) -> keras.Model:
    """Draw kernels of convolutions anew for leaky units, and return the network.

    Parameters
    ----------
    network
        Of any kind; transposed convolutions keep Keras' weights.
    slope
        Of the units, below zero.

    Notes
    -----
    Normal, of variance 2 / ((1 + slope^2) n): https://arxiv.org/abs/1502.01852.
    """
    rng = _rng()
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv3D):
            shape = layer.kernel.shape
            spread = math.sqrt(2.0 / ((1.0 + slope**2) * math.prod(shape[:-1])))
            layer.kernel.assign(rng.normal(0, spread, shape).astype(np.float32))
    return network


def _rng() -> np.random.Generator:
    """Return chance that follows the seed of Keras."""
    return np.random.default_rng(np.random.randint(2**31))  # noqa: NPY002  # seeded by Keras
