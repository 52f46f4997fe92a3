# SPDX-License-Identifier: Apache-2.0
"""Registration of a painted head whose movement is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from lumpy_head import grid_of, head

from bids_seg import register
from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume
from bids_seg.register import search


def movement(angles, shift):
    """Return a rotation about the origin and a shift."""
    matrix = register.rotation(angles, about=np.zeros(3))
    matrix[:3, 3] += shift
    return matrix


@pytest.fixture(scope='module')
def fixed():
    return head(grid_of((82, 100, 92), (2.0, 2.0, 2.0)))


@pytest.fixture
def hasty(monkeypatch):
    """Give registration few steps: for what does not depend on where it ends."""
    for name in ('_SEARCH', 'MIDDLE', 'FINE'):
        level = dataclasses.replace(getattr(search, name), samples=3000, iterations=8)
        monkeypatch.setattr(search, name, level)


@pytest.mark.parametrize(
    ('angles', 'shift', 'starts'),
    [
        ((0.05, -0.04, 0.06), (4.0, -3.0, 2.0), 'headers'),
        ((0.24, -0.16, 0.35), (12.0, -8.0, 15.0), 'many'),
    ],
)
def test_a_known_movement_is_found_within_a_third_of_a_millimetre(fixed, angles, shift, starts):
    known = movement(angles, shift)
    grid = grid_of((90, 104, 98), (1.8, 2.0, 1.9), turn=0.1)
    moving = head(grid, matrix=known, inverted=True, seed=1)
    found = register.rigid(moving, fixed, starts=starts)
    error = register.distance(found.matrix, known, around=register.centre(fixed.grid))
    assert error < 0.3
    assert found.disagreement_mm < 0.6
    before = register.mutual_information(moving, fixed)
    assert register.mutual_information(moving, fixed, matrix=found.matrix) > before + 0.02


def test_thick_slices_are_found_within_a_millimetre(fixed):
    known = movement((0.1, 0.06, -0.08), (3.0, 5.0, -6.0))
    moving = head(grid_of((170, 200, 34), (1.0, 1.0, 5.5)), matrix=known, inverted=True, seed=2)
    found = register.rigid(moving, fixed)
    error = register.distance(found.matrix, known, around=register.centre(fixed.grid))
    assert error < 1.0
    assert found.disagreement_mm < 2.0


def test_the_same_seed_gives_the_same_matrix(fixed, hasty):
    moving = head(fixed.grid, matrix=movement((0.02, 0.0, 0.03), (1.0, 2.0, 0.0)), seed=3)
    first = register.rigid(moving, fixed, starts='headers', seed=4)
    again = register.rigid(moving, fixed, starts='headers', seed=4)
    assert np.array_equal(first.matrix, again.matrix)
    assert first.rotation_deg == pytest.approx(math.degrees(math.hypot(0.02, 0.03)), abs=0.5)


def test_a_mask_takes_what_moved_on_its_own_out_of_the_comparison(fixed):
    known = movement((0.0, 0.05, 0.0), (2.0, 0.0, 1.0))
    moving = head(fixed.grid, matrix=known, seed=5)
    mask = Volume((np.abs(fixed.array) > 30).astype(np.uint8), fixed.grid)
    found = register.rigid(moving, fixed, fixed_mask=mask, starts='headers')
    assert register.distance(found.matrix, known, around=register.centre(fixed.grid)) < 0.5


def test_two_noises_never_share_information(hasty):
    rng = np.random.default_rng(6)
    grid = grid_of((60, 70, 65), (2.0, 2.0, 2.0))
    first, second = (Volume(rng.normal(size=grid.shape), grid) for _ in range(2))
    try:
        found = register.rigid(first, second, starts='headers')
    except StageError:
        return
    assert register.mutual_information(first, second, matrix=found.matrix) < 1.02


def test_itk_sees_the_same_voxel_at_the_same_place():
    pytest.importorskip('SimpleITK')
    affine = np.eye(4)
    affine[:3, :3] = register.rotation((0.2, 0.1, 0.3), about=np.zeros(3))[:3, :3] @ np.diag(
        [1.0, 1.5, 3.0]
    )
    affine[:3, 3] = (4, 5, 6)
    volume = Volume(np.arange(504.0).reshape(7, 8, 9), Grid((7, 8, 9), affine))
    image = register.to_itk(volume)
    assert image[2, 3, 4] == volume.array[2, 3, 4]
    place = (affine @ [2, 3, 4, 1])[:3] * [-1, -1, 1]
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((2, 3, 4)), place, atol=1e-9)
