# SPDX-License-Identifier: Apache-2.0
"""Calibration: what is promised against what is kept."""

import math

import numpy as np
import pytest

from bids_seg.evaluate.calibration import border_band, reliability


def test_honest_probabilities_have_a_small_error_and_overconfident_ones_theirs():
    generator = np.random.default_rng(2)
    probability = generator.random((30, 40, 20))
    truth = generator.random(probability.shape) < probability
    everywhere = np.ones(probability.shape, dtype=bool)
    assert reliability(probability, truth, everywhere).error < 0.02
    certain = (probability > 0.5).astype(float)
    assert reliability(certain, truth, everywhere).error == pytest.approx(0.25, abs=0.01)


def test_only_the_band_is_looked_at():
    probability = np.array([0.0, 0.0, 1.0, 1.0])
    truth = np.array([True, False, True, True])
    error = {
        band: reliability(probability, truth, np.array(band) > 0).error
        for band in ((0, 1, 1, 1), (1, 1, 0, 0), (0, 0, 0, 0))
    }
    assert error[0, 1, 1, 1] == 0
    assert error[1, 1, 0, 0] == 0.5
    assert math.isnan(error[0, 0, 0, 0])


def test_what_two_images_promise_too_much_and_too_little_evens_out_over_both():
    half, everywhere = np.full(10, 0.5), np.ones(10, dtype=bool)
    much = reliability(half, np.arange(10) < 2, everywhere)
    little = reliability(half, np.arange(10) < 8, everywhere)
    assert much.error == little.error == pytest.approx(0.3)
    both = much + little
    assert both.error == pytest.approx(0.0)
    assert both.count.sum() == 20


def test_the_band_is_measured_in_millimetres_on_both_sides():
    truth = np.zeros((21, 5, 9), dtype=bool)
    truth[:10] = True
    band = border_band(truth, (2.0, 1.0, 5.0), width=4.0)
    assert np.flatnonzero(band[:, 2, 4]).tolist() == [8, 9, 10, 11]


def test_without_a_border_there_is_no_band():
    nothing = np.zeros((3, 4, 5), dtype=bool)
    assert not border_band(nothing, (1.0, 1.0, 1.0)).any()
    assert not border_band(~nothing, (1.0, 1.0, 1.0)).any()
