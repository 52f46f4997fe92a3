# SPDX-License-Identifier: Apache-2.0
"""Normalisation summed in stages, and trilinear upsampling."""

import numpy as np
import pytest
from published_files import CASES, needs_cases

keras = pytest.importorskip('keras')

from bids_seg.segment.networks import staged  # noqa: E402

pytestmark = pytest.mark.slow


def exact(x, groups, epsilon):
    """Return a normalised array by float64."""
    parted = x.astype(np.float64).reshape(*x.shape[:-1], groups, -1)
    axes = (1, 2, 3, 5)
    mean, variance = parted.mean(axis=axes, keepdims=True), parted.var(axis=axes, keepdims=True)
    return ((parted - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)


def test_statistics_of_a_whole_volume_agree_with_float64():
    rng = np.random.default_rng(0)
    # Repeated, so that what is exact costs a fortieth of the volume.
    slab = np.float32(100) + rng.standard_normal((1, 240, 240, 4, 4), np.float32)
    layer = staged.StagedNormalization(epsilon=1e-5, groups=2)
    found = np.asarray(layer(np.tile(slab, (1, 1, 1, 40, 1))))
    assert found.shape == (1, 240, 240, 160, 4)
    for place in (0, 76, 156):
        # What remains is the rounding of numbers near 100.
        part = found[:, :, :, place : place + 4]
        np.testing.assert_allclose(part, exact(slab, 2, 1e-5), atol=5e-5)


@pytest.mark.parametrize(('groups', 'epsilon'), [(None, 1e-3), (2, 1e-5), (6, 0.5)])
def test_groups_are_neighbouring_channels_and_the_epsilon_is_the_one_given(groups, epsilon):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal((2, 5, 6, 7, 6)) * np.arange(1, 7)).astype(np.float32)
    layer = staged.StagedNormalization(epsilon=epsilon, groups=groups)
    found = np.asarray(layer(x))
    np.testing.assert_allclose(found, exact(x, groups or 6, epsilon), atol=2e-6)
    layer.gamma.assign(np.arange(6, dtype=np.float32))
    layer.beta.assign(np.full(6, 3, np.float32))
    np.testing.assert_allclose(np.asarray(layer(x)), found * np.arange(6) + 3, atol=1e-5)
    assert layer.get_config()['epsilon'] == epsilon
    assert layer.get_config()['groups'] == groups


def test_channels_that_cannot_be_parted_are_refused():
    with pytest.raises(ValueError, match='6 channels cannot be parted into 4 groups'):
        staged.StagedNormalization(epsilon=1e-5, groups=4)(np.zeros((1, 2, 2, 2, 6), np.float32))


def test_a_ramp_stays_a_ramp_when_doubled_and_its_ends_go_on():
    ramp = np.arange(4, dtype=np.float32)
    x = np.broadcast_to(ramp[None, None, :, None, None], (1, 3, 4, 2, 1)).copy()
    found = np.asarray(staged.TrilinearUpSampling3D()(x))
    assert found.shape == (1, 6, 8, 4, 1)
    along = [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]
    np.testing.assert_array_equal(found[0, 2, :, 1, 0], along)
    np.testing.assert_array_equal(found[0, 5, :, 3, 0], along)


@needs_cases
def test_both_agree_with_pytorch():
    case = np.load(CASES / 'segresnet/ops.npz')
    up = np.asarray(staged.TrilinearUpSampling3D()(np.moveaxis(case['up_x'], 1, -1)))
    np.testing.assert_allclose(np.moveaxis(up, -1, 1), case['up_y'], atol=1e-6)
    x = np.moveaxis(case['gn_x'], 1, -1)
    found = np.moveaxis(np.asarray(staged.StagedNormalization(epsilon=1e-5, groups=8)(x)), -1, 1)
    np.testing.assert_allclose(found, case['gn_y'], atol=2e-6)
