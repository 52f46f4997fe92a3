# SPDX-License-Identifier: Apache-2.0
"""How given masks come onto a visit's grid, and how they are measured on their own."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import SPACING, write_nifti

from bids_seg import image, register
from bids_seg.errors import UserError
from bids_seg.records import Given, GivenFile, Scan, Visit
from bids_seg.workflow import finish, given
from bids_seg.workflow.state import VisitState, load, store

SHAPE = (14, 15, 12)
STEM = 'sub-1/anat/sub-1'


def box(shape=SHAPE, *, value=1, at=(slice(5, 8), slice(4, 9), slice(6, 9))):
    array = np.zeros(shape, np.int16)
    array[at] = value
    return array


def file(path: Path, data, *, region=None, classes=None, **how) -> GivenFile:
    write_nifti(path, data=data, dtype=np.asarray(data).dtype, **how)
    return GivenFile(
        path=path, relative=path.name, link='given', region=region, classes=classes or {}
    )


@pytest.fixture
def state(tmp_path: Path) -> VisitState:
    """Return a visit with a T1w after contrast and a FLAIR of another grid, both prepared."""
    scans = []
    for role, name, shape, step in (
        ('T1wCE', f'{STEM}_ce-gd_T1w.nii.gz', SHAPE, SPACING),
        ('FLAIR', f'{STEM}_FLAIR.nii.gz', (20, 21, 12), (6.0, 6.0, 6.0)),
    ):
        write_nifti(tmp_path / 'bids' / name, shape=shape, spacing=step)
        scans.append(
            Scan(
                path=tmp_path / 'bids' / name,
                relative=name,
                role=role,
                entities={'ce': 'gd'} if role == 'T1wCE' else {},
                suffix=name.partition('.')[0].rpartition('_')[2],
                shape=shape,
                spacing=step,
                metadata={},
            )
        )
    reference = tmp_path / 'work' / f'{STEM}_ce-gd_space-orig_desc-preproc_T1w.nii.gz'
    image.save(image.read_map(scans[0].path), reference)
    shift = np.eye(4)
    shift[0, 3] = 16.0
    transform = tmp_path / 'work' / f'{STEM}_from-FLAIR_to-T1wCE_mode-image_xfm.txt'
    register.write_transform(shift, transform)
    return VisitState(
        visit=Visit(participant='1', session=None, scans=tuple(scans)),
        tasks=(),
        models_skipped={},
        root=tmp_path / 'work',
        settings_sha256='',
        input_sha256='',
        files={'preproc:T1wCE': reference, 'xfm:FLAIR': transform},
    )


def drawn(state, *files, task='glioma', manual=True):
    asked = dataclasses.replace(state, given=(Given(task=task, files=files, manual=manual),))
    return given.draw(asked)


def labels(state, key='dseg:glioma'):
    return image.read_labels(state.files[key])


def measured(state, task='glioma'):
    run = next(run for run in state.models if run.task == task)
    files = {f'lesions:{task}': 'lesions.nii.gz'}
    return finish._measured(state, run, files), image.read_labels(state.root / 'lesions.nii.gz')


def test_classes_become_ours_and_regions_nest(state, tmp_path):
    array = box(value=2)
    array[6, 5:7, 7], array[7, 5:7, 7] = 1, 4
    words = {'1': 'NCR', '2': 'SNFH', '4': 'ET', '9': 'BG'}
    array[0, 0, 0] = 9
    after = drawn(state, file(tmp_path / 'd.nii.gz', array, classes=words))
    (run,) = after.models
    assert run.regions == ('WT', 'TC', 'ET')
    assert np.bincount(labels(after).array.ravel()).tolist() == [2475, 2, 41, 2]
    voxel = np.prod(SPACING)
    assert dict(run.volumes_mm3) == {'WT': 45 * voxel, 'TC': 4 * voxel, 'ET': 2 * voxel}
    assert labels(after, 'mask:glioma:TC').array.sum() == 4
    assert not any('probseg' in key for key in after.files)
    assert (run.sources, run.manual, run.weights_sha256) == (('bids:given:d.nii.gz',), True, ())


@pytest.mark.parametrize(
    ('words', 'classes', 'regions'),
    [
        ({'1': 'NCR', '2': 'SNFH'}, [5, 2], ('WT', 'TC')),
        ({'1': 'ET', '2': 'SNFH'}, [3, 2], ('WT', 'TC', 'ET')),
        ({'1': 'ET', '2': 'RC'}, [3, 4], ('ET', 'RC')),
        ({'1': 'WT', '2': 'BG'}, [6, 0], ('WT',)),
    ],
)
def test_a_table_that_knows_less_tells_less_apart(state, tmp_path, words, classes, regions):
    array = box()
    array[9:11, 4:9, 6:9] = 2
    after = drawn(state, file(tmp_path / 'd.nii.gz', array, classes=words))
    assert after.models[0].regions == regions
    assert [labels(after).array[6, 6, 7], labels(after).array[10, 6, 7]] == classes


def test_a_core_drawn_as_one_tells_nothing_of_its_parts(state, tmp_path):
    words = {'1': 'NCR', '2': 'SNFH', '3': 'ET', '5': 'TC'}
    core = box(value=5)
    after = drawn(state, file(tmp_path / 'd.nii.gz', core, classes=words), task='metastases')
    assert after.models[0].regions == ('TC',)
    assert set(measured(after, 'metastases')[0].totals_mm3) == {'TC'}
    core[9:11, 4:9, 6:9] = 2
    after = drawn(state, file(tmp_path / 'e.nii.gz', core, classes=words), task='metastases')
    assert after.models[0].regions == ('WT', 'TC')
    # Where parts are drawn, or the table knows none of necrosis, the core is what is left of it.
    core[6, 6, 7] = 3
    after = drawn(state, file(tmp_path / 'f.nii.gz', core, classes=words), task='metastases')
    assert after.models[0].regions == ('WT', 'TC', 'ET')
    rest = {'3': 'ET', '5': 'TC'}
    after = drawn(state, file(tmp_path / 'g.nii.gz', box(value=5), classes=rest), task='metastases')
    assert after.models[0].volumes_mm3['ET'] == 0


def test_masks_nest_even_where_they_were_drawn_apart(state, tmp_path):
    core = box(at=(slice(8, 10), slice(4, 9), slice(6, 9)))
    files = [
        file(tmp_path / 'wt.nii.gz', box(), region='WT'),
        file(tmp_path / 'tc.nii.gz', core * 255, region='TC'),
    ]
    after = drawn(state, *files, task='metastases')
    volumes = after.models[0].volumes_mm3
    assert volumes['WT'] == (45 + 30) * np.prod(SPACING)
    assert measured(after, 'metastases')[0].totals_mm3 == volumes


def test_a_mask_on_the_references_grid_is_measured_there(state, tmp_path):
    after = drawn(state, file(tmp_path / 'et.nii.gz', box(), region='ET'))
    found, components = measured(after)
    (lesion,) = found.lesions
    assert (found.measurement_space, lesion.n_voxels) == ('orig', 45)
    assert (lesion.mean_prob, lesion.ld_low_mm, lesion.total_entropy_bits) == (None, None, None)
    assert (components.array == 10001).sum() == 45


def test_a_mask_on_another_grid_is_measured_on_its_own_and_carried_by_the_alignment(
    state, tmp_path
):
    array = box((20, 21, 12), at=(slice(8, 12), slice(7, 12), slice(6, 9)))
    path = tmp_path / 'et.nii.gz'
    after = drawn(state, file(path, array, region='ET', spacing=(6.0, 6.0, 6.0)))
    found, components = measured(after)
    (lesion,) = found.lesions
    assert (found.measurement_space, lesion.n_voxels) == ('FLAIR', 60)
    assert lesion.volume_mm3 == after.models[0].volumes_mm3['ET'] == 60 * 216
    # Scanner coordinates of the mask, and 16 mm of the alignment from there to the reference.
    middle = np.array([-50, -60, -30]) + 6.0 * np.array([9.5, 9.0, 7.0]) - [16, 0, 0]
    assert lesion.centroid == pytest.approx(middle, abs=0.01)
    there = np.argwhere(components.array > 0)
    affine = components.grid.affine
    carried = affine[:3, :3] @ there.mean(axis=0) + affine[:3, 3]
    assert np.abs(carried - middle).max() < max(SPACING)
    assert components.grid.same(labels(after).grid)
    assert len(there) == pytest.approx(60 * 216 / np.prod(SPACING), rel=0.4)


def test_a_mask_that_is_empty_finds_no_lesion_but_knows_its_region(state, tmp_path):
    after = drawn(state, file(tmp_path / 'et.nii.gz', box(value=0), region='ET'))
    found, _ = measured(after)
    assert (found.lesions, found.totals_mm3) == ((), {'ET': 0})


def test_a_brain_mask_keeps_what_its_source_says_of_it(state, tmp_path):
    mask = file(tmp_path / 'b.nii.gz', box(), region='brain')
    after = drawn(state, mask, task='brain', manual=False)
    assert labels(after, 'brain_mask').array.sum() == 45
    assert (after.models[0].task, after.models[0].manual) == ('brain', False)
    path = tmp_path / 'state.json'
    store(after, path)
    assert load(path).given == after.given


FAR = np.array([[8.0, 0, 0, 900], [0, 8, 0, 900], [0, 0, 6, 900], [0, 0, 0, 1]])
BAD = {
    'no whole numbers': {'data': box().astype(np.float32) * 0.4, 'region': 'ET'},
    'this one has 0, 1, 2': {'data': box() + box(at=(0, 0, 0)) * 2, 'region': 'ET'},
    'does not know the values 3': {'data': box(value=3), 'classes': {'1': 'ET'}},
    '2 volumes': {'data': np.stack([box()] * 2, axis=-1), 'region': 'ET'},
    'nothing of it lies inside': {'data': box(), 'region': 'ET', 'affine': FAR},
    'the brain mask is empty': {'data': box(value=0), 'region': 'brain', 'task': 'brain'},
}


@pytest.mark.parametrize('what', BAD)
def test_a_file_that_cannot_be_used_is_told_with_its_cause(state, tmp_path, what):
    how = dict(BAD[what])
    task = how.pop('task', 'glioma')
    with pytest.raises(UserError, match=what) as error:
        drawn(state, file(tmp_path / 'bad.nii.gz', how.pop('data'), **how), task=task)
    assert error.value.where == 'bad.nii.gz'
    assert error.value.do


def test_masks_of_one_disease_share_a_grid(state, tmp_path):
    files = [
        file(tmp_path / 'et.nii.gz', box(), region='ET'),
        file(tmp_path / 'wt.nii.gz', box((13, 15, 12)), region='WT'),
    ]
    with pytest.raises(UserError, match='different grids'):
        drawn(state, *files)
