# SPDX-License-Identifier: Apache-2.0
"""ITK text transforms."""

import numpy as np
import pytest
from painted_output import oblique

from bids_seg.errors import ImageError
from bids_seg.image import Volume
from bids_seg.report import transform

HEAD = '#Insight Transform File V1.0\n#Transform 0\nTransform: {kind}_double_3_3\nParameters: {numbers}\nFixedParameters: {fixed}\n'


def store(path, kind, numbers, fixed=(0, 0, 0)):
    text = HEAD.format(
        kind=kind, numbers=' '.join(map(str, numbers)), fixed=' '.join(map(str, fixed))
    )
    path.write_text(text, encoding='utf-8')
    return path


def test_a_shift_in_itk_axes_is_turned_to_ours(tmp_path):
    path = store(tmp_path / 'x.txt', 'AffineTransform', [*np.eye(3).ravel(), 1, 2, 3])
    assert np.allclose(transform.read(path)[:3, 3], [-1, -2, 3])


@pytest.mark.parametrize('zyx', [0, 1])
def test_an_euler_transform_agrees_with_simpleitk(tmp_path, zyx):
    sitk = pytest.importorskip('SimpleITK')
    made = sitk.Euler3DTransform()
    made.SetCenter((3.0, -20.0, 11.0))
    made.SetComputeZYX(bool(zyx))
    made.SetRotation(0.2, -0.1, 0.3)
    made.SetTranslation((5.0, -6.0, 7.0))
    path = tmp_path / 'x.txt'
    sitk.WriteTransform(made, str(path))
    flip = np.array([-1, -1, 1])
    for point in np.random.default_rng(2).normal(0, 40, (5, 3)):
        expected = np.array(made.TransformPoint((point * flip).tolist())) * flip
        assert np.allclose((transform.read(path) @ [*point, 1])[:3], expected, atol=1e-6)


def test_another_kind_of_transform_is_refused(tmp_path):
    path = store(tmp_path / 'x.txt', 'BSplineTransform', [1, 2, 3])
    with pytest.raises(ImageError, match='a BSplineTransform_double_3_3, one matrix was expected'):
        transform.read(path)


def test_undoing_puts_a_spot_where_the_header_had_it():
    grid = oblique()
    aligned = np.zeros(grid.shape, np.float32)
    aligned[30, 30, 20] = 1
    movement = np.eye(4)
    # Three voxels along the grid's own first axis.
    movement[:3, 3] = 3 * grid.affine[:3, 0]
    before = transform.undo(Volume(aligned, grid), movement)
    # The moving image has at x + shift what the aligned one has at x.
    assert np.unravel_index(before.array.argmax(), grid.shape) == (33, 30, 20)
