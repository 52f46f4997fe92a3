# SPDX-License-Identifier: Apache-2.0
"""Mutual information is 2 for an image and itself, and 1 without overlap."""

from __future__ import annotations

import numpy as np
import pytest

from bids_seg import register
from bids_seg.image import Grid, Volume


@pytest.fixture
def fixed():
    """Two tissues and some noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(0, 4, (40, 42, 44))
    values[10:30, 8:30, 12:30] += 100
    values[15:20, 12:20, 15:20] += 50
    return Volume(values.astype(np.float32), Grid(values.shape, np.diag([2.0, 2.0, 3.0, 1.0])))


def test_images_that_never_overlap_have_a_mutual_information_of_one(fixed):
    far = fixed.grid.affine.copy()
    far[:3, 3] += 1000
    other = Volume(fixed.array, Grid(fixed.grid.shape, far))
    assert register.mutual_information(other, fixed) == 1.0


def test_mutual_information_does_not_care_about_brightness_or_inversion(fixed):
    same = Volume(1000 - 3 * fixed.array, fixed.grid)
    plain = register.mutual_information(fixed, fixed)
    assert register.mutual_information(same, fixed) == pytest.approx(plain, abs=0.02)
