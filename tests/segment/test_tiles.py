# SPDX-License-Identifier: Apache-2.0
"""A large image is cut into tiles and nobody sees the seams."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bids_seg.segment import network


def local(channels):
    """Stand for a network that looks 3 voxels far."""
    first = ndimage.uniform_filter(channels[..., 0], 7, mode='constant')
    return np.stack([first, 2 * first + channels[..., 1]], axis=-1).astype(np.float32)


def test_a_small_image_goes_through_at_once():
    seen = []

    def call(channels):
        seen.append(channels.shape)
        return local(channels)

    channels = np.random.default_rng(0).normal(size=(16, 32, 48, 2)).astype(np.float32)
    network.tiled(call, channels, multiple=16, largest=100_000)
    assert seen == [(16, 32, 48, 2)]


@pytest.mark.parametrize('shape', [(176, 80, 112), (96, 160, 192)])
def test_tiles_agree_with_the_whole(shape):
    seen = []

    def call(channels):
        seen.append(channels.shape[:3])
        return local(channels)

    channels = np.random.default_rng(1).normal(size=(*shape, 2)).astype(np.float32)
    tiled = network.tiled(call, channels, multiple=16, largest=600_000)
    assert len(seen) > 1
    assert all(side % 16 == 0 for tile in seen for side in tile)
    whole = local(channels)
    # Only where a tile ends inside the image does it miss what lies beyond; there it weighs little.
    assert np.abs(tiled - whole).max() < 0.1 * np.abs(whole).max()
    assert np.abs(tiled - whole).mean() < 1e-3


def test_the_mirror_image_is_turned_back(monkeypatch):
    def lopsided(model, path):
        return lambda channels: np.cumsum(channels, axis=0, dtype=np.float32)

    monkeypatch.setattr(network, '_member', lopsided)

    class Fake:
        multiple = 1

    channels = np.zeros((5, 6, 7, 1), np.float32)
    channels[1] = 1
    first, second = network.load(Fake(), ['weights'])(channels)
    assert first[:, 0, 0, 0].tolist() == [0, 1, 1, 1, 1]
    assert second[:, 0, 0, 0].tolist() == [1, 1, 0, 0, 0]
