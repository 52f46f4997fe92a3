# SPDX-License-Identifier: Apache-2.0
"""Stacks of slices: their order, sampling by matrices, batches, largest pieces."""

import numpy as np
import pytest

from bids_seg.errors import StageError
from bids_seg.segment import slices


def test_axial_slices_show_the_front_on_top_and_the_patients_right_on_the_left():
    array = np.zeros((7, 8, 9))
    array[6, 7, 2] = 5  # right, front, third from below
    stack = slices.axial(array)
    assert stack.shape == (9, 8, 7)
    assert stack[2, 0, 0] == 5
    assert np.array_equal(slices.from_axial(stack), array)


@pytest.mark.parametrize(('old', 'scale'), [(40, 1.6), (41, 2.56), (100, 2.56), (33, 3.1)])
def test_enlarging_reproduces_a_parabola_away_from_the_ends(old, scale):
    weights = slices.cubic(old, scale)
    at = (np.arange(len(weights)) + 0.5) / scale - 0.5
    inner = (at > 1) & (at < old - 3)
    np.testing.assert_allclose((weights @ np.arange(old) ** 2)[inner], at[inner] ** 2, atol=1e-9)


@pytest.mark.parametrize(('old', 'scale'), [(300, 256 / 300), (512, 0.5), (400, 0.64)])
def test_shrinking_reproduces_a_ramp_and_swallows_a_checkerboard(old, scale):
    weights = slices.cubic(old, scale)
    assert len(weights) == round(old * scale)
    at = (np.arange(len(weights)) + 0.5) / scale - 0.5
    ramp = weights @ np.arange(old)
    np.testing.assert_allclose(ramp[5:-5], at[5:-5], atol=0.02)
    board = weights @ (np.arange(old) % 2)
    if scale == 0.5:
        np.testing.assert_allclose(board[2:-2], 0.5, atol=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_the_ends_are_mirrored():
    weights = slices.cubic(6, 2.0)
    mirrored = np.concatenate([np.arange(6)[::-1], np.arange(6), np.arange(6)[::-1]]).astype(float)
    long = slices.cubic(18, 2.0) @ mirrored
    np.testing.assert_allclose(weights @ np.arange(6.0), long[12:24])


def test_a_scale_of_one_changes_nothing():
    np.testing.assert_allclose(slices.cubic(9, 1.0), np.eye(9), atol=1e-12)
    np.testing.assert_allclose(slices.linear(9, 9, step=1.0), np.eye(9))


def test_linear_weights_clamp_half_a_sample_and_are_nothing_beyond():
    weights = slices.linear(8, 4, step=1.0, start=-2.0)
    assert (weights @ np.full(4, 3.0)).tolist() == [0, 0, 3, 3, 3, 3, 0, 0]
    assert (slices.linear(12, 4, step=1 / 3) @ np.arange(4.0))[[0, 1, -1]].tolist() == [0, 0, 3]


def test_rows_and_columns_are_sampled_by_their_own_matrix():
    stack = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    taken = slices.sample(stack, np.eye(3)[[2, 0]], np.eye(4)[[1, 3, 3]])
    assert np.array_equal(taken, stack[:, [2, 0]][:, :, [1, 3, 3]])


def test_batches_change_nothing_and_are_normalised_as_they_are_needed():
    stack = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    seen = []

    def call(batch):
        seen.append(len(batch))
        return 2 * batch

    def normalise(some):
        return some[..., None].astype(np.float32)

    said = slices.answers(stack, call, normalise=normalise, batch=2)
    assert np.array_equal(said, 2.0 * stack)
    assert seen == [2, 2, 1]


def test_pieces_that_share_a_corner_are_one_only_where_asked():
    mask = np.zeros((4, 5, 6), dtype=bool)
    mask[0, 0, :3] = mask[1, 1, 3:] = mask[3, 3, 1:5] = True
    assert slices.largest(mask, corners=True)[0, 0, 0]
    assert slices.largest(mask, corners=False)[3, 3].sum() == 4
    assert not slices.largest(np.zeros_like(mask), corners=True).any()


def test_of_pieces_of_one_size_the_first_is_kept():
    mask = np.array([[[1, 1, 0, 1, 1]]], dtype=bool)
    assert slices.largest(mask, corners=True).ravel().tolist() == [1, 1, 0, 0, 0]


def test_an_image_that_is_not_there_is_told_by_its_role():
    with pytest.raises(StageError, match='there is no T1w or T1wCE image'):
        slices.first_of(('T1w', 'T1wCE'), {})
