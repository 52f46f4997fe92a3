# SPDX-License-Identifier: Apache-2.0
"""Labelled scans become samples: files are found, truth stays on the anatomy, axes are RAS+."""

from pathlib import Path

import nibabel as nb
import numpy as np
import pytest

from bids_seg.errors import InputError
from bids_seg.segment import models
from bids_seg.train import labelled

SHAPE = (30, 36, 26)
# Stored as left, posterior, superior with thick slices and a tilt: nothing is RAS+ 1 mm here.
TILT = np.deg2rad(8)
AFFINE = np.array(
    [
        [-1.5, 0, 0, 20],
        [0, -1.2 * np.cos(TILT), 3.0 * np.sin(TILT), 22],
        [0, 1.2 * np.sin(TILT), 3.0 * np.cos(TILT), -30],
        [0, 0, 0, 1],
    ]
)


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    nb.Nifti1Image(array, AFFINE).to_filename(path)


@pytest.fixture
def dataset(tmp_path):
    """Three participants: a ball-shaped stripped brain, a tumour at its right front."""
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    middle = AFFINE[:3, :3] @ ((np.array(SHAPE) - 1) / 2) + AFFINE[:3, 3]
    brain = np.linalg.norm(places - middle, axis=-1) < 17
    tumour = np.linalg.norm(places - middle - (7, 6, 0), axis=-1) < 6
    core = np.linalg.norm(places - middle - (7, 6, 0), axis=-1) < 4
    for person in ('01', '02', '03'):
        rng = np.random.default_rng(int(person))
        grey = (brain * 100 + tumour * 80 + rng.normal(0, 2, SHAPE) * brain).astype(np.float32)
        anat = tmp_path / f'sub-{person}/ses-1/anat'
        save(anat / f'sub-{person}_ses-1_ce-gd_T1w.nii.gz', grey)
        save(anat / f'sub-{person}_ses-1_FLAIR.nii.gz', grey)
        save(anat / f'sub-{person}_ses-1_desc-old_T1w.nii.gz', grey)
        truth = tmp_path / f'derivatives/hand/sub-{person}/ses-1/anat'
        stem = f'sub-{person}_ses-1_space-orig'
        save(truth / f'{stem}_desc-hand_dseg.nii.gz', (2 * tumour + core).astype(np.uint8))
        save(truth / f'{stem}_label-brain_mask.nii.gz', brain.astype(np.uint8))
    return tmp_path


def test_a_dataset_with_derivatives_is_told_from_a_folder_of_label_maps(dataset):
    assert labelled.is_labelled(dataset)
    assert not labelled.is_labelled(dataset / 'derivatives')


@pytest.mark.parametrize(
    ('name', 'part'),
    [
        ('sub-1_ce-gadolinium_T1w.nii.gz', 'T1wCE'),
        ('sub-1_ce-none_T1w.nii.gz', 'T1w'),
        ('sub-1_acq-tse_T2w.nii.gz', 'T2w'),
        ('sub-1_space-MNI_T1w.nii.gz', None),
        ('sub-1_PDw.nii.gz', None),
    ],
)
def test_the_name_of_a_scan_says_its_part(name, part):
    assert labelled.role(Path(name)) == part


@pytest.mark.parametrize('name', ['brain', 'glioma', 'metastases'])
def test_every_network_finds_its_cases(dataset, name):
    cases = labelled.find(dataset, models.find(name))
    assert [case.name for case in cases] == ['sub-01/ses-1', 'sub-02/ses-1', 'sub-03/ses-1']
    assert set(cases[0].scans) == {'T1wCE', 'FLAIR'}


def test_a_dataset_without_truth_is_told(tmp_path):
    with pytest.raises(InputError, match='no visit has scans and truth'):
        labelled.find(tmp_path, models.find('glioma'))


def test_a_fixed_sample_shows_the_tumour_at_the_right_front(dataset):
    model = models.find('glioma')
    cases = labelled.find(dataset, model)
    source = labelled.source(cases, model, shape=(32, 48, 40), seed=0, vary=False)
    sample = source(1)
    assert sample.image.shape == (32, 48, 40, 8)
    assert sample.target.shape == (32, 48, 40, 3)
    centre = np.argwhere(sample.target[..., 0] > 0.5).mean(0) - (np.array((32, 48, 40)) - 1) / 2
    np.testing.assert_allclose(centre * model.own.spacing, (7, 6, 0), atol=1.5)
    assert sample.image[0, 0, 0, 4:].tolist() == [1, 0, 0, 1]
    assert not sample.image[..., 1:3].any()
    inside = sample.target[..., 0] > 0.9
    tissue = (sample.image[..., 0] != 0) & (sample.target[..., 0] < 0.1)
    assert sample.image[..., 3][inside].min() > np.median(sample.image[..., 3][tissue]) + 2
    assert (sample.target[..., 0] >= sample.target[..., 1]).all()


def test_a_varied_sample_can_be_replayed_and_keeps_truth_on_the_tumour(dataset):
    model = models.find('metastases')
    cases = labelled.find(dataset, model)
    source = labelled.source(cases, model, shape=(48, 48, 48), seed=4)
    first, again, other = source(2), source(2), source(3)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.image, other.image)
    inside = first.target[..., 0] > 0.9
    outside = (first.target[..., 0] < 0.1) & (first.image[..., 0] != 0)
    assert inside.sum() > 50
    assert np.median(first.image[inside]) > np.median(first.image[..., 0][outside]) + 1


def test_brain_samples_show_one_scan_and_its_mask(dataset):
    model = models.find('brain')
    source = labelled.source(labelled.find(dataset, model), model, shape=(32, 32, 48), seed=1)
    sample = source(0)
    assert sample.image.shape == sample.target.shape == (32, 32, 48, 1)
    assert sample.image[sample.target > 0.9].mean() > 0.3
    assert sample.image[sample.target < 0.1].mean() < 0.1


def test_the_brain_mask_on_the_grid_of_a_scan_belongs_to_it(dataset):
    model = models.find('brain')
    truth = dataset / 'derivatives/hand/sub-01/ses-1/anat'
    moved = AFFINE.copy()
    moved[:3, 3] += (0, 25, 0)
    mask = nb.Nifti1Image.from_filename(truth / 'sub-01_ses-1_space-orig_label-brain_mask.nii.gz')
    other = nb.Nifti1Image(np.asarray(mask.dataobj), moved)
    other.to_filename(truth / 'sub-01_ses-1_space-T2w_label-brain_mask.nii.gz')
    other.to_filename(truth / 'sub-01_ses-1_space-A_label-brain_mask.nii.gz')
    cases = labelled.find(dataset, model)[:1]
    source = labelled.source(cases, model, shape=(32, 48, 48), seed=1, vary=False)
    sample = source(0)
    assert sample.image[sample.target > 0.9].mean() > 0.3


def test_visits_of_one_participant_are_never_parted(dataset):
    cases = labelled.find(dataset, models.find('glioma'))
    twice = [case for case in cases for _ in range(2)]
    seen, unseen = labelled.split(twice)
    assert len(seen) + len(unseen) == 6
    assert not {case.name for case in seen} & {case.name for case in unseen}


def test_real_scans_stand_between_painted_ones_as_long_as_there_are_any(dataset):
    model, shape = models.find('glioma'), (24, 24, 24)
    cases = labelled.find(dataset, model)
    alone = labelled.source(cases, model, shape=shape, seed=0, vary=False)
    painted = [object() for _ in range(5)]
    page = labelled.between(painted, cases, model, shape=shape)
    assert [page[place] for place in (0, 2, 4, 6, 7)] == painted
    for place, index in ((1, 0), (3, 1), (5, 2)):
        np.testing.assert_array_equal(page[place].image, alone(index).image)
