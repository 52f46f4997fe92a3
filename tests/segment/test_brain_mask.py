# SPDX-License-Identifier: Apache-2.0
"""Brain masks are one closed piece, and their border moves by millimetres."""

from __future__ import annotations

import numpy as np
import pytest

from bids_seg.image import Grid, Volume
from bids_seg.segment import brain

SHAPE = (40, 46, 43)


def ball(radius, *, middle=(20, 22, 21), shape=SHAPE):
    """Return a ball, voxels."""
    return np.linalg.norm(np.moveaxis(np.indices(shape), 0, -1) - middle, axis=-1) < radius


def test_a_second_piece_a_thread_and_a_hole_are_settled():
    mask = ball(12)
    mask[20, 22, 33:40] = True  # a thread out of the top
    mask[1:5, 1:5, 1:5] = True  # another piece
    mask[19:21, 21:23, 20:22] = False  # a hole
    tidy = brain.tidy(np.where(mask, 0.95, 0.02).astype(np.float32), spacing=2.0) >= 0.5
    assert not tidy[2, 2, 2]
    assert not tidy[20, 22, 38]
    assert tidy[20, 22, 21]
    assert brain.dice(tidy, ball(12)) > 0.97


def test_an_empty_brain_stays_empty():
    assert not (brain.tidy(np.zeros(SHAPE, np.float32), spacing=2.0) >= 0.5).any()


@pytest.mark.parametrize(('by_mm', 'radius'), [(2.0, 12.0), (-3.0, 7.0), (0.0, 10.0)])
def test_the_border_moves_by_millimetres_on_an_anisotropic_grid(by_mm, radius):
    grid = Grid((60, 62, 23), np.diag([0.5, 0.5, 1.5, 1.0]))
    place = np.moveaxis(np.indices(grid.shape), 0, -1) * [0.5, 0.5, 1.5]
    far = np.linalg.norm(place - place[30, 31, 11], axis=-1)
    moved = brain.move_border(far <= 10, grid, by_mm=by_mm)
    assert far[moved].max() == pytest.approx(radius, abs=0.75)
    assert far[~moved].min() == pytest.approx(radius, abs=1.6)


def test_the_support_of_a_stripped_image_is_closed_and_filled():
    rng = np.random.default_rng(0)
    inside = ball(14)
    values = np.where(inside, rng.normal(100, 5, SHAPE), -7.0).astype(np.float32)
    values[20, 20:24, 20:23] = -7.0  # a hole
    values[20, 22, 30:36] = -7.0  # a crack in the surface
    values[0:2, 0:2, 0:2] = 9.0  # something else
    found = brain.support(Volume(values, Grid(SHAPE, np.diag([1.0, 1.0, 1.0, 1.0]))))
    assert found[20, 22, 21]
    assert found[20, 22, 32]
    assert not found[0, 0, 0]
    assert brain.dice(found, inside) > 0.99


def test_a_brain_cut_by_the_field_of_view_keeps_its_outermost_slices():
    inside = ball(14, middle=(20, 22, 4))
    values = np.where(inside, 100.0, 0.0).astype(np.float32)
    values[inside] += np.arange(int(inside.sum())) % 7
    found = brain.support(Volume(values, Grid(SHAPE, np.diag([1.0, 1.0, 3.0, 1.0]))))
    assert np.array_equal(found[:, :, 0], inside[:, :, 0])
