# SPDX-License-Identifier: Apache-2.0
"""Lesion by lesion: matching, sizes, merges, splits, empty cases."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.evaluate.lesionwise import lesionwise, match


def blocks(*boxes):
    mask = np.zeros((60, 30, 16), dtype=bool)
    for (i, j, k), (a, b, c) in boxes:
        mask[i : i + a, j : j + b, k : k + c] = True
    return mask


def values(prediction, reference, **more):
    found = lesionwise(prediction, reference, affine=np.eye(4), **more)
    return {name: score.value for name, score in found.items()}


BIG, SMALL = ((3, 3, 3), (12, 4, 4)), ((40, 20, 8), (2, 2, 2))


def test_found_missed_and_false_lesions_are_counted():
    reference = blocks(BIG, SMALL)
    prediction = blocks(BIG, ((20, 20, 8), (4, 4, 4)))
    found = values(prediction, reference)
    assert (found['n_reference'], found['n_prediction']) == (2, 2)
    assert (found['sensitivity'], found['precision'], found['f1']) == (0.5, 0.5, 0.5)
    assert found['false_positives'] == 1
    assert found['lesion_dice'] == 1.0
    assert found['penalised_dice'] == pytest.approx(1 / 3)
    assert found['pq'] == pytest.approx(1 / 2)
    assert (found['sq'], found['rq']) == (1.0, 0.5)


def test_lesions_are_sorted_into_sizes_by_their_longest_diameter():
    reference = blocks(BIG, SMALL)
    found = values(blocks(BIG), reference)
    # LD of 12 x 4 is sqrt(12^2 + 3^2) = 12.4; of 2 x 2 it is sqrt(2^2 + 1) = 2.2 mm.
    assert found['sensitivity_10_20mm'] == 1.0
    assert found['sensitivity_0_3mm'] == 0.0
    assert found['sensitivity_10mm_up'] == 1.0
    assert math.isnan(found['sensitivity_3_5mm'])
    false = values(reference, blocks(BIG))
    assert (false['false_positives_0_3mm'], false['false_positives_10_20mm']) == (1, 0)


def test_components_below_the_limit_do_not_exist():
    reference = blocks(BIG, ((40, 20, 8), (1, 2, 3)))
    assert values(reference, reference)['n_reference'] == 1
    assert values(reference, reference, min_lesion_mm3=0.0)['n_reference'] == 2


def test_a_touch_is_enough_for_any_but_not_for_a_match():
    reference = blocks(((3, 3, 3), (10, 4, 4)))
    prediction = blocks(((12, 3, 3), (10, 4, 4)))
    found = values(prediction, reference)
    assert (found['sensitivity'], found['sensitivity_any']) == (0.0, 1.0)
    assert (found['f1'], found['f1_any']) == (0.0, 1.0)
    assert math.isnan(found['lesion_dice'])


def test_one_prediction_over_two_references_finds_one_and_is_a_merge():
    reference = blocks(((3, 3, 3), (6, 4, 4)), ((11, 3, 3), (6, 4, 4)))
    prediction = blocks(((3, 3, 3), (14, 4, 4)))
    found = values(prediction, reference)
    assert (found['sensitivity'], found['merges'], found['splits']) == (0.5, 1, 0)


def test_a_reference_covered_only_together_is_split():
    reference = blocks(((3, 3, 3), (13, 4, 4)))
    prediction = blocks(((3, 3, 3), (6, 4, 4)), ((10, 3, 3), (6, 4, 4)))
    found = values(prediction, reference)
    assert (found['splits'], found['merges']) == (1, 0)


def test_nothing_on_both_sides_is_perfect_where_it_says_anything():
    nothing = blocks()
    found = values(nothing, nothing)
    assert (found['f1'], found['pq'], found['sq'], found['rq']) == (1.0, 1.0, 1.0, 1.0)
    assert found['penalised_dice'] == 1.0
    assert found['false_positives'] == 0
    for name in ('sensitivity', 'precision', 'lesion_dice', 'lesion_hd95'):
        assert math.isnan(found[name])


@pytest.mark.parametrize('swapped', [False, True])
def test_one_side_empty_is_worth_nothing(swapped):
    pair = (blocks(BIG), blocks())
    found = values(*(pair[::-1] if swapped else pair))
    assert (found['f1'], found['pq'], found['sq'], found['rq']) == (0.0, 0.0, 0.0, 0.0)
    assert found['penalised_dice'] == 0.0
    assert math.isnan(found['precision' if swapped else 'sensitivity'])
    assert found['false_positives'] == (0 if swapped else 1)


def test_matched_lesions_have_their_distances():
    shifted = ((4, 3, 3), (12, 4, 4))
    found = values(blocks(shifted), blocks(BIG))
    assert found['lesion_hd95'] == 1.0
    assert found['lesion_iou'] == pytest.approx(11 / 13)
    assert found['lesion_nsd_1mm'] == 1.0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_the_match_has_the_largest_sum_of_all_assignments(seed, rows, columns):
    overlaps = np.random.default_rng(seed).random((rows, columns)) ** 3
    found = match(overlaps, 0.1)
    assert (found.overlaps >= 0.1).all()
    assert len(set(found.predictions.tolist())) == len(found.predictions)
    allowed = np.where(overlaps >= 0.1, overlaps, 0.0)
    if rows > columns:
        allowed = allowed.T
    best = max(
        sum(allowed[row, column] for row, column in enumerate(order))
        for order in permutations(range(allowed.shape[1]), allowed.shape[0])
    )
    assert found.overlaps.sum() == pytest.approx(best)
