# SPDX-License-Identifier: Apache-2.0
"""Calibration: what is promised against what is kept."""

import math

import numpy as np
import pytest

from bids_seg.evaluate.calibration import border_band, ece


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_theirs():
    generator = np.random.default_rng(2)
    probability = generator.random((30, 40, 20))
    truth = generator.random(probability.shape) < probability
    everywhere = np.ones(probability.shape, dtype=bool)
    assert ece(probability, truth, everywhere) < 0.02
    certain = (probability > 0.5).astype(float)
    assert ece(certain, truth, everywhere) == pytest.approx(0.25, abs=0.01)


def test_only_the_band_is_looked_at():
    probability = np.array([0.0, 0.0, 1.0, 1.0])
    truth = np.array([True, False, True, True])
    assert ece(probability, truth, np.array([False, True, True, True])) == 0
    assert ece(probability, truth, np.array([True, True, False, False])) == 0.5
    assert math.isnan(ece(probability, truth, np.zeros(4, dtype=bool)))


def test_the_band_is_measured_in_millimetres_on_both_sides():
    truth = np.zeros((21, 5, 9), dtype=bool)
    truth[:10] = True
    band = border_band(truth, (2.0, 1.0, 5.0), width=4.0)
    assert np.flatnonzero(band[:, 2, 4]).tolist() == [8, 9, 10, 11]


def test_without_a_border_there_is_no_band():
    nothing = np.zeros((3, 4, 5), dtype=bool)
    assert not border_band(nothing, (1.0, 1.0, 1.0)).any()
    assert not border_band(~nothing, (1.0, 1.0, 1.0)).any()
