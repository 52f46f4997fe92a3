# SPDX-License-Identifier: Apache-2.0
"""The filter file: section 1.2 of the contract."""

import json

import pytest

from bids_seg import discover
from bids_seg.discover import filters
from bids_seg.discover.names import split
from bids_seg.errors import CommandError


@pytest.fixture
def read(tmp_path):
    def make(content):
        path = tmp_path / 'filters.json'
        path.write_text(
            content if isinstance(content, str) else json.dumps(content), encoding='utf-8'
        )
        return discover.read_filters(path)

    return make


def test_values_become_lists_and_entities_short(read):
    content = {
        't1w': {'acquisition': 'wave1', 'run': 1, 'ceagent': None},
        'T1wCE': {'ses': ['01', None], 'rec': '*'},
    }
    assert read(content) == {
        'T1w': {'acq': ('wave1',), 'run': ('1',), 'ce': (None,)},
        'T1wCE': {'ses': ('01', None), 'rec': ('*',)},
    }


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        ('{', 'not valid JSON'),
        ('[]', 'no JSON object'),
        ({'bold': {}}, 'unknown role `bold`'),
        ({'t1w': []}, '`t1w` holds no JSON object'),
        ({'t1w': {'acquistion': 'x'}}, 'unknown entity `acquistion`; did you mean acquisition'),
        ({'t1w': {'run': []}}, '`run` is []'),
        ({'t1w': {'run': True}}, '`run` is true'),
        ({'t1w': {'run': {'a': 1}}}, '`run` is'),
    ],
)
def test_a_wrong_file_is_a_wrong_command(read, content, words):
    with pytest.raises(CommandError) as caught:
        read(content)
    assert words in str(caught.value)
    assert caught.value.code == 2


def test_a_file_that_is_not_there_is_a_wrong_command(tmp_path):
    with pytest.raises(CommandError, match='cannot be read'):
        discover.read_filters(tmp_path / 'nothing.json')


@pytest.mark.parametrize(
    ('wanted', 'file', 'passes'),
    [
        ({'acquisition': 'wave1'}, 'sub-01_acq-wave1_T1w.nii', True),
        ({'acquisition': 'wave1'}, 'sub-01_acq-w_T1w.nii', False),
        ({'acquisition': 'wave1'}, 'sub-01_T1w.nii', False),
        ({'acquisition': None}, 'sub-01_T1w.nii', True),
        ({'acquisition': None}, 'sub-01_acq-w_T1w.nii', False),
        ({'acquisition': ['w', None]}, 'sub-01_acq-w_T1w.nii', True),
        ({'acquisition': ['w', None]}, 'sub-01_T1w.nii', True),
        ({'acquisition': '*'}, 'sub-01_acq-x_T1w.nii', True),
        ({'acquisition': '*'}, 'sub-01_T1w.nii', False),
        ({'acquisition': ['*', None]}, 'sub-01_T1w.nii', True),
        ({'run': 1}, 'sub-01_run-01_T1w.nii', True),
        ({'run': '01'}, 'sub-01_run-1_T1w.nii', True),
        ({'run': 1.0}, 'sub-01_run-1_T1w.nii', True),
        ({'run': [2, 3]}, 'sub-01_run-1_T1w.nii', False),
        ({'session': 'ses-a'}, 'sub-01_ses-a_T1w.nii', True),
        ({'suffix': 'T1w', 'extension': '.nii', 'datatype': 'anat'}, 'sub-01_T1w.nii', True),
        ({'extension': '.nii.gz'}, 'sub-01_T1w.nii', False),
    ],
)
def test_a_filter_passes_what_it_says(read, wanted, file, passes):
    chosen = read({'t1w': wanted})['T1w']
    assert filters.matches(chosen, split(file)) is passes


@pytest.fixture
def find(make_dataset, tmp_path, read):
    def visits(files, wanted, **settings):
        root = make_dataset(files)
        labels = settings.pop('participants', discover.participants(root))
        found = discover.patients(
            root,
            participants=labels,
            filters=read(wanted),
            index_dir=tmp_path / 'index',
            **settings,
        )
        return {visit.name: visit for patient in found for visit in patient.visits}

    return visits


def image(*parts):
    return f'sub-01/anat/{"_".join(["sub-01", *parts])}.nii.gz'


def test_what_a_filter_leaves_out_is_listed(find):
    files = {image('acq-a', 'T1w'): {}, image('acq-b', 'T1w'): {}, image('FLAIR'): {}}
    visit = find(files, {'t1w': {'acquisition': 'b'}})['sub-01']
    assert [scan.path.name for scan in visit.scans] == [
        'sub-01_acq-b_T1w.nii.gz',
        'sub-01_FLAIR.nii.gz',
    ]
    assert [item.reason for item in visit.passed_over] == ['left out by the filter file']


def test_a_filter_may_force_what_would_be_left_out(find):
    files = {image('UNIT1'): {}, image('acq-b', 'desc-defaced', 'T2w'): {}, image('T2w'): {}}
    wanted = {'t1w': {'suffix': 'UNIT1'}, 't2w': {'desc': 'defaced'}}
    visit = find(files, wanted)['sub-01']
    assert {scan.role: scan.suffix for scan in visit.scans} == {'T1w': 'UNIT1', 'T2w': 'T2w'}
    assert [item.relative for item in visit.passed_over] == [image('T2w')]


def test_a_filter_says_which_image_is_post_contrast_where_nothing_else_does(find):
    files = {image('acq-odd', 'T1w'): {}, image('acq-other', 'T1w'): {}}
    visit = find(files, {'t1wce': {'acquisition': 'odd'}})['sub-01']
    assert {scan.role: scan.entities['acq'] for scan in visit.scans} == {
        'T1wCE': 'odd',
        'T1w': 'other',
    }
    assert any('by the filter file' in note for note in visit.scans[0].notes)


def test_a_filter_on_sessions_alone_changes_no_contrast(find):
    files = {'sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz': {}}
    assert find(files, {'t1wce': {'session': 'a'}})['sub-01_ses-a'].roles == {'T1w'}


def test_sessions_of_a_filter_and_of_the_command_line_are_intersected(find):
    files = {f'sub-01/ses-{ses}/anat/sub-01_ses-{ses}_T1w.nii.gz': {} for ses in 'abc'}
    found = find(files, {'t1w': {'session': ['a', 'b']}}, sessions=('b', 'c'))
    assert {name: sorted(visit.roles) for name, visit in found.items()} == {
        'sub-01_ses-b': ['T1w'],
        'sub-01_ses-c': [],
    }


def test_a_filter_that_matches_nothing_is_refused_before_anything_is_done(find):
    with pytest.raises(CommandError, match='the filter of flair matches no image') as caught:
        find(
            {image('T1w'): {}, image('acq-x', 'T2w'): {}},
            {'t1w': {}, 'flair': {'acquisition': 'x'}},
        )
    assert caught.value.code == 2


def test_a_filter_may_match_in_participants_that_are_not_asked_for(find):
    files = {image('T1w'): {}, 'sub-02/anat/sub-02_acq-x_FLAIR.nii.gz': {}}
    found = find(files, {'flair': {'acquisition': 'x'}}, participants=('01',))
    assert found['sub-01'].roles == {'T1w'}
