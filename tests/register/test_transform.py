# SPDX-License-Identifier: Apache-2.0
"""Transforms go to disk and come back, and ITK understands them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg import register
from bids_seg.errors import ImageError
from bids_seg.image import Grid, Volume


def movement(angles, shift):
    """Return a rotation about the origin and a shift."""
    matrix = register.rotation(angles, about=np.zeros(3))
    matrix[:3, 3] += shift
    return matrix


def test_moving_a_volume_keeps_its_voxels_and_carries_them_along():
    grid = Grid(
        (7, 8, 9), np.array([[1, 0.1, 0, 5], [-0.1, 1, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1.0]])
    )
    volume = Volume(np.arange(504.0).reshape(7, 8, 9), grid)
    matrix = movement((0.1, 0.2, 0.3), (4.0, 5.0, 6.0))
    carried = register.moved(volume, matrix)
    voxel = np.array([2, 3, 4, 1.0])
    world = np.linalg.inv(matrix) @ grid.affine @ voxel
    back = np.linalg.inv(carried.grid.affine) @ world
    assert carried.array[tuple(np.rint(back[:3]).astype(int))] == volume.array[2, 3, 4]


def test_turning_by_a_right_angle_keeps_arrays_in_ras_order():
    grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    volume = Volume(np.arange(504.0).reshape(7, 8, 9), grid)
    carried = register.moved(volume, movement((0.0, 0.0, math.pi / 2), (0.0, 0.0, 0.0)))
    assert carried.grid.shape == (8, 7, 9)


@given(
    st.tuples(*[st.floats(-1.5, 1.5)] * 3),
    st.tuples(*[st.floats(-80, 80)] * 3),
)
@settings(max_examples=25, deadline=None)
def test_a_transform_comes_back_from_disk_as_it_was(tmp_path_factory, angles, shift):
    matrix = movement(angles, shift)
    path = tmp_path_factory.mktemp('xfm') / 'sub-01_from-T2w_to-T1w_mode-image_xfm.txt'
    register.write_transform(matrix, path)
    np.testing.assert_allclose(register.read_transform(path), matrix, atol=1e-9)


def test_simpleitk_reads_our_transform_as_fixed_to_moving(tmp_path):
    sitk = pytest.importorskip('SimpleITK')
    matrix = movement((0.1, -0.2, 0.3), (10.0, 20.0, 30.0))
    register.write_transform(matrix, tmp_path / 'a_xfm.txt')
    point = np.array([11.0, -7.0, 5.0])
    there = sitk.ReadTransform(str(tmp_path / 'a_xfm.txt')).TransformPoint((-11.0, 7.0, 5.0))
    expected = (matrix @ np.append(point, 1))[:3] * [-1, -1, 1]
    np.testing.assert_allclose(there, expected, atol=1e-6)


def test_a_transform_of_simpleitk_with_a_centre_is_read(tmp_path):
    sitk = pytest.importorskip('SimpleITK')
    affine = sitk.AffineTransform(3)
    affine.SetCenter((3.0, 4.0, 5.0))
    affine.SetMatrix((0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    affine.SetTranslation((1.0, 2.0, 3.0))
    sitk.WriteTransform(affine, str(tmp_path / 'b_xfm.txt'))
    expected = affine.TransformPoint((-9.0, 8.0, 7.0))
    found = register.read_transform(tmp_path / 'b_xfm.txt') @ np.array([9.0, -8.0, 7.0, 1.0])
    np.testing.assert_allclose(found[:3] * [-1, -1, 1], expected, atol=1e-9)


def test_what_is_no_affine_transform_is_refused_by_name(tmp_path):
    path = Path(tmp_path / 'c_xfm.txt')
    path.write_text('#Insight Transform File V1.0\nTransform: BSplineTransform_double_3_3\n')
    with pytest.raises(ImageError, match='BSplineTransform_double_3_3 with 0 numbers'):
        register.read_transform(path)
