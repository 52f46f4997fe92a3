# SPDX-License-Identifier: Apache-2.0
"""A large image is cut into tiles and nobody sees the seams."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from bids_seg.segment import models, network


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


def lopsided(batch):
    """Stand for a network that sums from one side to the other."""
    return np.cumsum(batch, axis=1, dtype=np.float32)


def step(axes):
    """Return a batch that is 1 in one plane."""
    batch = np.zeros(axes, np.float32)
    batch[:, 1] = 1
    return batch


def test_the_mirror_image_is_turned_back():
    run = network._own(models.find('brain').own, [lopsided], largest=10**9)
    first, second = run(step((1, 5, 6, 7, 1))[0])
    assert first[:, 0, 0, 0].tolist() == [0, 1, 1, 1, 1]
    assert second[:, 0, 0, 0].tolist() == [1, 1, 0, 0, 0]


def test_the_mirror_image_of_slices_is_turned_back_too():
    answer = network.mirrored(lopsided, axis=1)(step((2, 5, 6, 1)))
    assert answer[0, :, 0, 0].tolist() == [1, 1, 0, 0, 0]


@pytest.mark.slow
def test_dropout_gives_further_opinions_that_are_the_same_each_time():
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((4, 5, 3))
    normed = keras.layers.BatchNormalization(name='norm')(inputs)
    small = keras.Model(inputs, keras.layers.Dropout(0.5)(keras.layers.Dense(8)(normed)))
    batch = np.random.default_rng(0).normal(3, 2, (2, 4, 5, 3)).astype(np.float32)
    mirror, plain = 2, np.asarray(small(batch, training=False))
    calls = network.opinions(small, mirror=mirror, dropout=2, seed=7)
    assert len(calls) == 4
    first, flipped, *dropped = (call(batch) for call in calls)
    np.testing.assert_allclose(first, plain, atol=1e-5)
    np.testing.assert_allclose(flipped, plain, atol=1e-5)
    for answer in dropped:
        # Half of the units are left out and the others doubled; statistics stay those learned.
        assert (answer == 0).mean() == pytest.approx(0.5, abs=0.1)
        kept = answer != 0
        np.testing.assert_allclose(answer[kept], 2 * plain[kept], rtol=1e-4)
    assert not np.array_equal(*dropped)
    again = network.opinions(small, mirror=mirror, dropout=2, seed=7)
    again[3](batch + 1)
    np.testing.assert_array_equal(again[2](batch), dropped[0])
