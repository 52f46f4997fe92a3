# SPDX-License-Identifier: Apache-2.0
"""A head onto the template: a known stretch is found again, a bad fit is refused."""

import dataclasses

import numpy as np
import pytest

from bids_seg.image import Grid, Volume
from bids_seg.register import distance, rotation
from bids_seg.register.heads import Heads
from bids_seg.register.template import NAME, Fit, inverse, template, to_template

GOOD = Fit(
    disagreement_mm=1.2,
    mutual_information=1.03,
    mutual_information_before=1.02,
    scales=(0.88, 1.02),
    brain_dice=0.95,
)


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({}, ''),
        ({'brain_dice': None}, ''),
        ({'disagreement_mm': 6.1}, '6.1 mm away'),
        ({'scales': (0.5, 1.0)}, 'stretched by 0.50 to 1.00'),
        ({'scales': (0.9, 1.6)}, 'stretched by 0.90 to 1.60'),
        ({'brain_dice': 0.6}, '0.60 only'),
    ],
)
def test_a_fit_that_cannot_be_right_is_refused_with_its_number(change, words):
    fault = dataclasses.replace(GOOD, **change).fault
    assert (words in fault) if words else fault == ''


@pytest.fixture(scope='module')
def standard():
    return template('2')


def test_the_template_is_a_brain_on_a_grid_of_mni(standard):
    grid = standard.image.grid
    assert (grid.spacing, grid.code) == (pytest.approx((2, 2, 2)), 4)
    assert NAME == 'MNI152NLin2009aSym'
    litres = standard.brain.array.sum() * grid.voxel_mm3 / 1e6
    assert 1.5 < litres < 2.2
    # A midline at x = 0: both halves hold as much of it.
    right = (grid.affine[0, 0] * np.arange(grid.shape[0]) + grid.affine[0, 3])[:, None, None] > 0
    assert (standard.brain.array & right).sum() * grid.voxel_mm3 / 1e6 == pytest.approx(
        litres / 2, rel=0.06
    )


@pytest.mark.slow
def test_a_known_stretch_is_found_again(standard):
    stretch = rotation((0.15, -0.1, 0.2), about=np.array([0.0, -20.0, 10.0]))
    stretch = stretch @ np.diag([0.93, 1.06, 0.97, 1.0])
    stretch[:3, 3] += [14, -9, 21]
    grid = standard.image.grid
    moved = Grid(grid.shape, stretch @ grid.affine, 1)
    inverted = Volume(np.where(standard.brain.array, 1.5 - standard.image.array, 0), moved)
    head = Heads(image=inverted, brain=Volume(standard.brain.array, moved))
    matrix, fit = to_template(head, standard, threads=2)
    assert distance(matrix, stretch, around=np.array([0.0, -20.0, 10.0])) < 1.0
    assert fit.fault == ''
    assert fit.brain_dice > 0.98
    assert fit.scales == pytest.approx((0.93, 1.06), abs=0.01)
    assert np.allclose(inverse(matrix) @ matrix, np.eye(4), atol=1e-9)
