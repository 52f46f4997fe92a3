# SPDX-License-Identifier: Apache-2.0
"""Overlap and volume: cases that can be counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_seg.evaluate.overlap import dice, overlap


def blocks():
    prediction = np.zeros((7, 8, 9), dtype=bool)
    reference = prediction.copy()
    prediction[1:5, 1:3, 1:3] = True
    reference[3:5, 1:3, 1:3] = True
    return prediction, reference


def test_figures_of_two_blocks_are_those_counted_by_hand():
    found = overlap(*blocks(), voxel_mm3=3.0)
    values = {name: score.value for name, score in found.items()}
    assert values['dice'] == pytest.approx(2 * 8 / 24)
    assert values['iou'] == 0.5
    assert (values['sensitivity'], values['precision']) == (1.0, 0.5)
    assert values['volume_prediction_ml'] == pytest.approx(0.048)
    assert values['volume_error_ml'] == pytest.approx(0.024)
    assert values['volume_error_pct'] == pytest.approx(100)


def test_empty_masks_agree_and_say_nothing_relative():
    nothing = np.zeros((2, 3, 4), dtype=bool)
    found = overlap(nothing, nothing, voxel_mm3=1.0)
    assert (found['dice'].value, found['iou'].value) == (1.0, 1.0)
    assert math.isnan(found['sensitivity'].value)
    assert math.isnan(found['precision'].value)
    assert math.isnan(found['volume_error_pct'].value)
    assert found['volume_absolute_error_ml'].value == 0


def test_a_missed_mask_has_a_negative_volume_error():
    _, reference = blocks()
    found = overlap(np.zeros_like(reference), reference, voxel_mm3=1.0)
    assert found['dice'].value == 0
    assert found['volume_error_pct'].value == -100
    assert found['volume_absolute_error_pct'].value == 100


@given(seed=st.integers(0, 1000))
def test_dice_is_symmetric_and_follows_from_iou(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.random((2, 3, 4, 5)) < 0.4
    value = dice(first, second)
    assert value == dice(second, first)
    iou = overlap(first, second, voxel_mm3=1.0)['iou'].value
    assert value == pytest.approx(2 * iou / (1 + iou))
