# SPDX-License-Identifier: Apache-2.0
"""Which files of another dataset take the place of a network's, and which cannot."""

import dataclasses
from pathlib import Path

import pytest
from tiny_dataset import write_dataset

from bids_seg import discover
from bids_seg.errors import CommandError
from bids_seg.records import Scan, Visit

STEM = 'sub-1/ses-a/anat/sub-1_ses-a'
TABLE = 'index\tname\tabbreviation\n1\tnecrosis\tNCR\n2\toedema\tED\n3\tenhancing\tET\n'
OTHER_GRID = {'shape': (13, 15, 12)}


@pytest.fixture
def find(tmp_path: Path):
    """Return a function that writes masks and looks for those of the visit."""
    raw = write_dataset(tmp_path / 'bids', {f'{STEM}_ce-gd_T1w.nii.gz': {}})
    scan = Scan(
        path=raw / f'{STEM}_ce-gd_T1w.nii.gz',
        relative=f'{STEM}_ce-gd_T1w.nii.gz',
        role='T1wCE',
        entities={'ce': 'gd'},
        suffix='T1w',
        shape=(14, 15, 12),
        spacing=(8.0, 8.0, 6.0),
        metadata={},
    )
    visit = Visit(participant='1', session='a', scans=(scan,))

    def look(files, *, disease='glioma', derivatives=()):
        write_dataset(tmp_path / 'masks', {f'{STEM}_T2w.json': {}, **files})
        among = discover.mask_sources(derivatives, tmp_path / 'masks', output_dir=tmp_path / 'out')
        return discover.find_given(visit, among, disease=disease)

    look.root, look.visit = tmp_path, visit
    return look


def only(found):
    (given,) = found.given
    return given


def names(given):
    return [Path(file.relative).name.removeprefix('sub-1_ses-a_') for file in given.files]


def test_an_image_of_classes_is_read_by_the_abbreviations_of_its_table(find):
    given = only(
        find({f'{STEM}_space-orig_desc-truth_dseg.nii.gz': {}, 'desc-truth_dseg.tsv': TABLE})
    )
    assert (given.task, given.fault) == ('glioma', None)
    assert given.files[0].classes == {'1': 'NCR', '2': 'SNFH', '3': 'ET'}
    assert given.files[0].uri == f'bids:segmentations:{STEM}_space-orig_desc-truth_dseg.nii.gz'


def test_our_own_names_say_the_disease_and_come_before_masks(find):
    found = find(
        {
            f'{STEM}_space-orig_seg-metastases_dseg.nii.gz': {},
            f'{STEM}_space-orig_seg-metastases_dseg.tsv': TABLE,
            f'{STEM}_space-orig_label-TC_desc-metastases_mask.nii.gz': {},
            f'{STEM}_space-orig_seg-metastasesLesions_dseg.nii.gz': {},
            f'{STEM}_space-individual_seg-metastasesLesions_dseg.nii.gz': {},
            f'{STEM}_space-orig_desc-brain_mask.nii.gz': {},
        },
        disease='glioma',
    )
    assert [given.task for given in found.given] == ['brain', 'metastases']
    assert names(found.given[1]) == ['space-orig_seg-metastases_dseg.nii.gz']
    assert found.warnings == ()


@pytest.mark.parametrize(('disease', 'region'), [('glioma', 'ET'), ('metastases', 'TC')])
def test_lesion_is_the_region_on_which_the_disease_is_measured(find, disease, region):
    given = only(find({f'{STEM}_label-lesion_mask.nii.gz': {}}, disease=disease))
    assert (given.task, given.files[0].region, given.fault) == (disease, region, None)


def test_masks_come_outermost_first_and_other_labels_are_passed_over_and_said(find):
    found = find(
        {
            **{f'{STEM}_label-{name}_mask.nii.gz': {} for name in ('ET', 'WT', 'TC', 'brain')},
            f'{STEM}_label-lesion_mask.nii.gz': {},
            f'{STEM}_label-cavity_mask.nii.gz': {},
            f'{STEM}_space-MNI152NLin2009aSym_label-WT_mask.nii.gz': {},
        }
    )
    brain, glioma = found.given
    assert (names(brain), brain.task) == (['label-brain_mask.nii.gz'], 'brain')
    assert [file.region for file in glioma.files] == ['WT', 'TC', 'ET']
    told = ' '.join(found.warnings)
    assert len(found.warnings) == 3
    for words in ('label-cavity is none of WT', 'space MNI152NLin2009aSym', 'label-ET is there'):
        assert words in told


def test_of_several_the_one_on_the_grid_of_the_reference_is_meant(find):
    files = {
        f'{STEM}_space-T1w_desc-truth_dseg.nii.gz': OTHER_GRID,
        f'{STEM}_space-T1gd_desc-truth_dseg.nii.gz': {},
        'desc-truth_dseg.tsv': TABLE,
    }
    assert names(only(find(files))) == ['space-T1gd_desc-truth_dseg.nii.gz']


BAD = {
    '2 files could be meant': {
        f'{STEM}_desc-a_label-ET_mask.nii.gz': {},
        f'{STEM}_label-ET_desc-a_mask.nii.gz': {},
        f'{STEM}_label-ET_desc-b_mask.nii.gz': {},
    },
    'no table says what its values mean': {f'{STEM}_dseg.nii.gz': {}},
    'only TC is given for glioma': {f'{STEM}_label-TC_mask.nii.gz': {}},
}


@pytest.mark.parametrize('what', BAD)
def test_what_cannot_be_told_apart_is_a_fault_with_its_file(find, what):
    fault = only(find(BAD[what])).fault
    assert fault.what == what
    assert STEM in fault.where
    assert fault.do


def test_a_mask_of_an_unknown_disease_is_a_fault(find):
    fault = only(find({f'{STEM}_label-lesion_mask.nii.gz': {}}, disease=None)).fault
    assert 'glioma or metastases' in fault.what
    assert 'participants.tsv' in fault.do


def test_other_label_maps_are_no_tumour_and_passed_over(find):
    found = find(
        {
            f'{STEM}_desc-aseg_dseg.nii.gz': {},
            f'{STEM}_seg-aparc_dseg.nii.gz': {},
            f'{STEM}_desc-x_dseg.nii.gz': {},
            f'{STEM}_desc-x_dseg.tsv': 'index\tname\n1\tcortex\n',
        }
    )
    assert found.given == ()
    assert len(found.warnings) == 3


def test_the_digest_follows_image_table_and_sidecar(find):
    files = {f'{STEM}_dseg.nii.gz': {}, f'{STEM}_dseg.tsv': TABLE, f'{STEM}_dseg.json': {}}
    first = only(find(files))
    edited = [
        {f'{STEM}_dseg.nii.gz': {'seed': 2}},
        {f'{STEM}_dseg.tsv': TABLE.replace('ED', 'ET')},
        {f'{STEM}_dseg.json': {'Manual': False}},
    ]
    others = [only(find(files | change)) for change in edited]
    assert len({first.sha256, *(other.sha256 for other in others)}) == 4
    assert (first.manual, others[2].manual) == (True, False)
    assert only(find(files)) == first
    digest = discover.input_sha256(find.visit, [first])
    assert digest != discover.input_sha256(find.visit, [others[0]])
    assert discover.input_sha256(find.visit) == discover.input_sha256(find.visit, [])


def test_brain_masks_come_from_the_first_dataset_that_has_one(find, tmp_path):
    for name in ('one', 'two'):
        write_dataset(
            tmp_path / name,
            {f'{STEM}_desc-brain_mask.nii.gz': {}, f'{STEM}_label-ET_mask.nii.gz': {}},
        )
    words = [f'x={tmp_path / "one"}', str(tmp_path / 'two')]
    given = only(find({}, derivatives=words))
    assert (given.task, given.files[0].uri) == ('brain', f'bids:x:{STEM}_desc-brain_mask.nii.gz')


@pytest.mark.parametrize(
    ('words', 'what'),
    [
        (('a={0}/bids', 'a={0}/bids'), "'a' stands twice"),
        (('bids={0}/bids', '{0}/bids'), "'bids' stands twice"),
        (('raw={0}/bids',), "'raw'"),
        (('{0}/nowhere',), 'no such folder'),
        (('x={0}/empty',), 'no sub-<label> folder'),
        (('{0}/out',), 'it is the output folder'),
    ],
)
def test_a_wrong_folder_or_name_ends_before_any_work(find, tmp_path, words, what):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'out').mkdir()
    asked = [word.format(tmp_path) for word in words]
    with pytest.raises(CommandError, match=what) as error:
        discover.mask_sources(asked, None, output_dir=tmp_path / 'out')
    assert error.value.code == 2


def test_a_visit_without_images_is_given_nothing(find):
    empty = dataclasses.replace(find.visit, scans=())
    assert discover.find_given(empty, (), disease='glioma').given == ()
