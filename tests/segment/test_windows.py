# SPDX-License-Identifier: Apache-2.0
"""Windows that slide over a volume: where they lie, and how they are blended."""

import numpy as np
import pytest

from bids_seg.segment import windows


def positions(batch):
    """Stand for a network that says what it sees twice over, plus the window's mean."""
    return 2 * batch + batch.mean()


@pytest.mark.parametrize(('length', 'count'), [(16, 1), (17, 2), (24, 2), (25, 3), (40, 4)])
def test_windows_cover_every_voxel_and_stay_inside(length, count):
    places = windows.starts(length, 16, 8)
    assert len(places) == count
    assert places[0] == 0
    assert places[-1] == length - 16
    covered = np.zeros(length, bool)
    for start in places:
        covered[start : start + 16] = True
    assert covered.all()


def test_what_a_network_says_of_single_voxels_survives_any_blending():
    array = np.random.default_rng(0).normal(size=(9, 12, 10, 2)).astype(np.float32)
    weight = np.random.default_rng(1).uniform(0.1, 1, size=(8, 8, 8)).astype(np.float32)
    found = windows.slide(
        lambda batch: 3 * batch, array, window=(8, 8, 8), step=(3, 2, 4), weight=weight
    )
    np.testing.assert_allclose(found, 3 * array, rtol=2e-6)


def test_overlapping_windows_count_by_their_weight():
    array = np.zeros((12, 8, 8, 1), np.float32)
    array[8:] = 1
    weight = np.ones((8, 8, 8), np.float32)
    weight[:4] = 3
    found = windows.slide(
        lambda batch: np.full_like(batch, batch.mean()),
        array, window=(8, 8, 8), step=(4, 8, 8), weight=weight,
    )  # fmt: skip
    # In the middle third the first window has weight 1 and says 0, the second 3 and one half.
    np.testing.assert_allclose(found[:, 3, 4, 0].reshape(3, 4).mean(axis=1), [0, 0.375, 0.5])


def test_a_sum_of_weights_that_starts_above_nothing_pulls_to_zero():
    array = np.ones((8, 8, 8, 1), np.float32)
    weight = np.full((8, 8, 8), 0.25, np.float32)
    kept = windows.slide(np.array, array, window=(8,) * 3, step=(8,) * 3, weight=weight)
    pulled = windows.slide(
        np.array, array, window=(8,) * 3, step=(8,) * 3, weight=weight, begin=1.0
    )
    assert (kept[0, 0, 0, 0], pulled[0, 0, 0, 0]) == (1.0, pytest.approx(0.2))


def test_padding_puts_the_odd_voxel_behind():
    array = np.ones((5, 9, 8, 2), np.float32)
    filled, box = windows.padded(array, (8, 8, 8))
    assert filled.shape == (8, 9, 8, 2)
    assert box == (slice(1, 6), slice(0, 9), slice(0, 8))
    np.testing.assert_array_equal(filled[box], array)
    assert filled.sum() == array.sum()
