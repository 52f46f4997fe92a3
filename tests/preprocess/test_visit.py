# SPDX-License-Identifier: Apache-2.0
"""A visit's images come out on the reference's own grid, with their transforms."""

from __future__ import annotations

import nibabel as nb
import numpy as np
import pytest

from bids_seg import image, register
from bids_seg.errors import ImageError
from bids_seg.image import Grid, Volume
from bids_seg.preprocess import visit as module
from bids_seg.preprocess.align import Movement
from bids_seg.preprocess.visit import onto, prepare
from bids_seg.records import Alignment, Scan, Visit


def scan(folder, role, array, affine):
    """Write an image and return its record."""
    path = folder / f'sub-01_{role}.nii.gz'
    nb.save(nb.Nifti1Image(array.astype(np.float32), affine), path)
    return Scan(
        path=path,
        relative=path.name,
        role=role,
        entities={},
        suffix='T1w',
        shape=array.shape,
        spacing=(1.0, 1.0, 3.0),
        metadata={},
    )


@pytest.fixture
def two_scans(tmp_path):
    """A visit with a left-handed oblique reference and a second image on another grid."""
    rng = np.random.default_rng(0)
    affine = np.array([[-1, 0.1, 0, 5], [0.1, 1, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1.0]])
    first = rng.normal(100, 10, (17, 18, 19))
    first[0, 0, 0] = np.nan
    other = np.diag([2.0, 1.5, 4.0, 1.0])
    scans = (
        scan(tmp_path, 'T1wCE', first, affine),
        scan(tmp_path, 'FLAIR', rng.normal(50, 5, (9, 12, 13)), other),
    )
    return Visit(participant='01', session=None, scans=scans)


def shifted(moving, fixed, *, roles, **_):
    """Stand for a registration: 2 mm to the right, refused."""
    matrix = np.eye(4)
    matrix[0, 3] = 2.0
    alignment = Alignment(
        moving=roles[0],
        fixed=roles[1],
        method='rigid',
        rotation_deg=0.0,
        translation_mm=2.0,
        mutual_information=1.2,
        mutual_information_before=1.1,
        disagreement_mm=0.1,
        accepted=False,
        note='no good',
    )
    return Movement(matrix=matrix, alignment=alignment)


def test_every_image_is_written_on_the_grid_of_the_reference(two_scans, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'align', shifted)
    images = {role: tmp_path / 'out' / f'{role}.nii.gz' for role in ('T1wCE', 'FLAIR')}
    transforms = {'FLAIR': tmp_path / 'out' / 'FLAIR_xfm.txt'}
    prepared = prepare(two_scans, images=images, transforms=transforms)
    reference = nb.load(two_scans.scans[0].path)
    for path in images.values():
        written = nb.load(path)
        assert written.shape == reference.shape
        assert written.get_data_dtype() == np.float32
        np.testing.assert_array_equal(written.affine, reference.affine)
    assert register.read_transform(transforms['FLAIR'])[0, 3] == pytest.approx(2.0)
    assert prepared.reference == 'T1wCE'
    assert prepared.usable == ('T1wCE',)
    assert prepared.stripped == {'T1wCE': False, 'FLAIR': False}
    assert 'T1wCE: 1 voxels are not finite and were set to 0' in prepared.warnings
    assert 'FLAIR: no good' in prepared.warnings


def test_a_visit_without_images_is_refused_by_name():
    with pytest.raises(ImageError, match='sub-07_ses-a: no usable image'):
        prepare(Visit(participant='07', session='a', scans=()), images={}, transforms={})


def test_resampling_follows_the_matrix_from_reference_to_moving():
    grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    moving = Volume(np.arange(504.0, dtype=np.float32).reshape(7, 8, 9), grid)
    matrix = np.eye(4)
    matrix[:3, 3] = (2.0, -1.0, 3.0)
    out = onto(moving, grid, matrix)
    assert out.array[1, 4, 2] == pytest.approx(moving.array[3, 3, 3], rel=1e-5)


def test_beyond_the_field_of_view_lies_the_darkest_value():
    grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    moving = Volume(np.linspace(-900, 100, 504, dtype=np.float32).reshape(7, 8, 9), grid)
    matrix = np.eye(4)
    matrix[0, 3] = 500.0
    assert np.all(onto(moving, grid, matrix).array == -900)


def test_the_same_grid_and_no_movement_keep_every_value():
    grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    moving = Volume(np.arange(504.0, dtype=np.float32).reshape(7, 8, 9), grid)
    assert np.array_equal(onto(moving, grid, np.eye(4)).array, moving.array)


def test_n4_is_done_when_asked_for(two_scans, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'align', shifted)
    monkeypatch.setattr(module, 'n4', lambda volume, threads: Volume(volume.array * 2, volume.grid))
    images = {role: tmp_path / 'out' / f'{role}.nii.gz' for role in ('T1wCE', 'FLAIR')}
    transforms = {'FLAIR': tmp_path / 'out' / 'FLAIR_xfm.txt'}
    prepare(two_scans, images=images, transforms=transforms, bias='n4')
    plain, _ = image.read(two_scans.scans[0].path)
    doubled = image.read_map(images['T1wCE'])
    np.testing.assert_allclose(doubled.array, plain.array * 2, rtol=1e-5)
