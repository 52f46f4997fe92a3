# SPDX-License-Identifier: Apache-2.0
"""The network: shapes, what it may depend on, and numbers that do not drift."""

import numpy as np
import pytest

keras = pytest.importorskip('keras')

from bids_seg.segment.networks import unet  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def network():
    keras.utils.set_random_seed(5)
    return unet.build(channels=2, regions=3, widths=(4, 8))


def test_folding_and_unfolding_give_the_image_back():
    image = np.random.default_rng(0).normal(size=(1, 4, 6, 8, 3)).astype(np.float32)
    back = unet.DepthToSpace()(unet.SpaceToDepth()(image))
    np.testing.assert_array_equal(np.asarray(back), image)


def test_a_folded_voxel_holds_its_own_block():
    image = np.zeros((1, 4, 6, 8, 1), np.float32)
    image[0, 2:4, 0:2, 4:6] = 1
    folded = np.asarray(unet.SpaceToDepth()(image))
    assert folded[0, 1, 0, 2].tolist() == [1.0] * 8
    assert folded.sum() == 8


@pytest.mark.parametrize('sides', [(8, 12, 16), (16, 8, 4)])
def test_every_size_that_is_a_multiple_gives_logits_of_the_same_size(network, sides):
    assert unet.multiple(2) == 4
    assert np.asarray(network(np.zeros((1, *sides, 2), np.float32))).shape == (1, *sides, 3)


def test_padding_changes_nothing_away_from_the_edge(network):
    rng = np.random.default_rng(1)
    image = np.zeros((1, 40, 32, 36, 2), np.float32)
    image[:, 12:24, 8:20, 12:24] = rng.normal(size=(1, 12, 12, 12, 2))
    padded = np.pad(image, [(0, 0), (20, 12), (8, 16), (12, 24), (0, 0)])
    small = np.asarray(network(image))[0, 12:24, 8:20, 12:24]
    large = np.asarray(network(padded))[0, 32:44, 16:28, 24:36]
    np.testing.assert_allclose(large, small, atol=2e-5)


def test_a_kernel_is_standardised_whatever_its_stored_mean_and_scale():
    layer = unet.StandardisedConv3D(5)
    image = np.random.default_rng(2).normal(size=(1, 6, 8, 10, 3)).astype(np.float32)
    before = np.asarray(layer(image))
    layer.kernel.assign(np.asarray(layer.kernel) * 3.0 + 0.7)
    np.testing.assert_allclose(np.asarray(layer(image)), before, atol=1e-4)


def test_only_a_kernel_that_keeps_its_mean_sees_how_bright_an_image_is():
    keras.utils.set_random_seed(6)
    flat = np.ones((1, 6, 8, 10, 1), np.float32)
    for centre, sees in (('mean', False), ('nothing', True)):
        layer = unet.StandardisedConv3D(5, centre=centre)
        seen = np.abs(np.asarray(layer(3 * flat)) - np.asarray(layer(flat)))[0, 3, 4, 5].max()
        assert (seen > 0.1) == sees
        assert layer.get_config()['centre'] == centre


def test_activations_keep_their_variance_from_layer_to_layer():
    x = np.random.default_rng(3).normal(size=(1, 16, 18, 20, 16)).astype(np.float32)
    for _ in range(6):
        x = keras.layers.LeakyReLU(unet.SLOPE)(unet.StandardisedConv3D(16)(x))
    assert 0.3 < np.asarray(x)[:, 6:-6, 6:-6, 6:-6].std() < 3


def test_the_prior_is_where_every_voxel_starts():
    network = unet.build(channels=1, regions=1, widths=(4, 8), prior=-4.0)
    logits = np.asarray(network(np.zeros((1, 8, 8, 12, 1), np.float32)))
    np.testing.assert_allclose(logits, -4.0, atol=1e-5)


def test_an_offset_of_100_at_full_size_agrees_with_float64():
    layer = unet.StandardisedConv3D(2)
    rng = np.random.default_rng(4)
    image = (100 + rng.normal(size=(1, 240, 240, 160, 4))).astype(np.float32)
    drawn = np.asarray(layer(image))[0]
    kernel = np.asarray(layer.kernel, np.float64).reshape(-1, 2)
    kernel -= kernel.mean(axis=0)
    kernel *= unet.GAIN / np.sqrt(kernel.var(axis=0) * len(kernel) + 1e-6)
    for place in ([5, 7, 9], [120, 121, 80], [238, 238, 158]):
        corner = tuple(slice(at - 1, at + 2) for at in place)
        exact = image[0][corner].astype(np.float64).ravel() @ kernel
        np.testing.assert_allclose(drawn[tuple(place)], exact, atol=5e-3)
