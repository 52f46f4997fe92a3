# SPDX-License-Identifier: Apache-2.0
"""The challenges' lesion-wise scores: each rule of the definition in a small case."""

import math

import numpy as np
import pytest

from bids_seg.evaluate.brats import CHALLENGES, WORST_MM, Challenge, brats2023

RULES = Challenge(dilations=1, smallest_mm3=2)


def cubes(*corners, side=3):
    mask = np.zeros((40, 22, 18), dtype=bool)
    for i, j, k in corners:
        mask[i : i + side, j : j + side, k : k + side] = True
    return mask


def scores(prediction, reference, rules=RULES, spacing=(1.0, 1.0, 1.0)):
    found = brats2023(prediction, reference, affine=np.diag([*spacing, 1.0]), challenge=rules)
    return {name: score.value for name, score in found.items()}


def test_equal_masks_are_perfect():
    mask = cubes((3, 3, 3), (20, 9, 9))
    found = scores(mask, mask)
    assert (found['lesionwise_dice'], found['lesionwise_hd95']) == (1.0, 0.0)
    assert (found['n_reference'], found['n_false_positive']) == (2, 0)


def test_a_missed_lesion_counts_zero_and_the_diagonal():
    found = scores(cubes((3, 3, 3)), cubes((3, 3, 3), (20, 9, 9)))
    assert found['lesionwise_dice'] == 0.5
    assert found['lesionwise_hd95'] == WORST_MM / 2


def test_an_invented_lesion_counts_in_the_denominator_whatever_its_size():
    speck = cubes((3, 3, 3))
    speck[30, 15, 10] = True
    found = scores(speck, cubes((3, 3, 3)))
    assert found['lesionwise_dice'] == 0.5
    assert found['n_false_positive'] == 1


def test_small_references_are_dropped_but_their_partners_are_no_false_positives():
    small = cubes((3, 3, 3))
    small[30, 15, 10:12] = True
    found = scores(small, small)
    assert (found['n_reference'], found['n_false_positive']) == (1, 0)
    assert found['lesionwise_dice'] == 1.0


def test_references_that_join_when_dilated_are_one_lesion():
    close = cubes((3, 3, 3), (9, 3, 3))
    assert scores(close, close)['n_reference'] == 2
    assert scores(close, close, CHALLENGES['GLI'])['n_reference'] == 1


def test_one_prediction_across_two_references_counts_for_both():
    reference = cubes((3, 3, 3), (12, 3, 3))
    bridge = reference.copy()
    bridge[3:15, 4, 4] = True
    found = scores(bridge, reference)
    assert (found['n_reference'], found['n_false_positive']) == (2, 0)
    size = int(bridge.sum())
    assert found['lesionwise_dice'] == pytest.approx(2 * 27 / (27 + size))


def test_a_prediction_beside_a_reference_is_its_partner_with_dice_zero():
    found = scores(cubes((6, 3, 3)), cubes((3, 3, 3)))
    assert (found['n_false_positive'], found['lesionwise_dice']) == (0, 0.0)
    assert found['lesionwise_hd95'] < WORST_MM


def test_nothing_on_both_sides_is_perfect():
    nothing = cubes()
    found = scores(nothing, nothing)
    assert (found['lesionwise_dice'], found['lesionwise_hd95']) == (1.0, 0.0)
    assert (found['legacy_dice'], found['legacy_hd95']) == (1.0, 0.0)


def test_an_infinite_distance_is_the_diagonal():
    found = scores(cubes((3, 3, 3)), cubes())
    assert (found['legacy_dice'], found['legacy_hd95']) == (0.0, WORST_MM)
    assert (found['lesionwise_dice'], found['lesionwise_hd95']) == (0.0, WORST_MM)


def test_other_grids_than_1_mm_have_no_such_scores():
    mask = cubes((3, 3, 3))
    assert all(math.isnan(value) for value in scores(mask, mask, spacing=(1, 1, 2)).values())
