# SPDX-License-Identifier: Apache-2.0
"""Planes, windows, sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from painted_output import oblique

from bids_seg.image import Grid
from bids_seg.report import view
from bids_seg.report.view import Pictures, Plane


@pytest.mark.parametrize(
    ('direction', 'seen'),
    [('axial', (6, 7)), ('coronal', (6, 8)), ('sagittal', (7, 8))],
)
def test_the_upper_left_pixel_is_right_anterior_superior(direction, seen):
    array = np.zeros((7, 8, 9))
    index = {'axial': 4, 'coronal': 3, 'sagittal': 2}[direction]
    plane = Plane(direction=direction, index=index)
    place = list(seen)
    place.insert(view.AXES[direction], index)
    array[tuple(place)] = 1
    shown = plane.cut(array)
    assert shown[0, 0] == 1
    assert shown.sum() == 1


@given(
    i=st.integers(0, 6), j=st.integers(0, 7), k=st.integers(0, 8),
    direction=st.sampled_from(['axial', 'coronal', 'sagittal']),
)  # fmt: skip
def test_a_voxel_is_placed_at_the_middle_of_its_pixel(i, j, k, direction):
    grid = Grid((7, 8, 9), np.diag([1.0, 2.0, 3.0, 1.0]))
    array = np.zeros(grid.shape)
    array[i, j, k] = 1
    plane = Plane(direction=direction, index=(i, j, k)[view.AXES[direction]])
    row, column = np.argwhere(plane.cut(array))[0]
    width, height = plane.pixel(grid)
    assert plane.place((i, j, k), grid) == ((column + 0.5) * width, (row + 0.5) * height)


def test_a_window_takes_no_notice_of_what_lies_outside_the_brain():
    array = np.zeros((7, 8, 9), np.float32)
    brain = np.zeros(array.shape, bool)
    brain[2:5, 2:6, 3:7] = True
    array[brain] = np.linspace(100, 200, brain.sum())
    array[0, 0, 0] = 1e6
    shown = view.window(array, brain)
    assert shown[0, 0, 0] == 255
    assert shown[brain].max() == 255
    assert shown[brain].min() == 0


def test_a_constant_brain_gives_a_window():
    assert view.window(np.full((2, 3, 4), 7.0), None).dtype == np.uint8
    assert view.window(np.zeros((2, 3, 4)), None).max() == 0


def test_planes_are_spread_over_a_mask_from_the_top():
    mask = np.zeros((7, 8, 30), bool)
    mask[3, 3, 5:25] = True
    found = [plane.index for plane in view.spread(mask, number=4)]
    assert found == [22, 17, 12, 7]
    assert view.spread(np.zeros((7, 8, 9), bool), number=4) == ()


def pictures(grid, brain):
    return Pictures(
        grid=grid, offset=(0, 0, 0), images={}, brain=brain, regions={}, lesions={}, entropy={},
        before={}, problems=(),
    )  # fmt: skip


def test_sides_follow_the_patient_and_not_the_storage():
    # The first stored axis of this grid runs to the left.
    grid = oblique()
    brain = np.ones(grid.shape, bool)
    middle = (np.array(grid.shape) - 1) / 2
    for shift, said in ((9, 'right'), (-9, 'left'), (1, 'near the midline')):
        place = grid.affine @ [middle[0] + shift, *middle[1:], 1]
        assert view.side(tuple(place[:3]), pictures(grid, brain)) == said
    x, y, z, _ = grid.affine @ [*middle, 1]
    assert view.side((x + 12, y, z), pictures(grid, brain)) == 'right'


def test_without_a_brain_mask_no_side_is_named():
    grid = Grid((7, 8, 9), np.eye(4))
    assert view.side((1.0, 2.0, 3.0), pictures(grid, None)) == ''
    assert view.side((1.0, 2.0, 3.0), pictures(grid, np.zeros(grid.shape, bool))) == ''


def test_voxels_and_places_agree_on_an_oblique_grid():
    grid = oblique()
    place = grid.affine @ [3, 4, 5, 1]
    assert view.voxel(tuple(place[:3]), grid) == pytest.approx((3, 4, 5))
