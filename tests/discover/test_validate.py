# SPDX-License-Identifier: Apache-2.0
"""The external validator: what stops a run, what is counted, and when there is none."""

import importlib
import logging
import shutil
import stat
import sys
from pathlib import Path

import pytest

from bids_seg import discover
from bids_seg.errors import InputError

# The package's function has the module's name.
room = importlib.import_module('bids_seg.discover.validate')

T1 = 'sub-01/anat/sub-01_T1w.nii.gz'


def issue(code, location, severity='error'):
    return {'code': code, 'location': location, 'severity': severity}


@pytest.mark.parametrize(
    'found',
    [
        issue('NOT_INCLUDED', '/sub-01/anat/sub-01_T1w (1).nii.gz'),
        issue('NOT_INCLUDED', '/sub-01/ses-1/anat/sub-01_ses-1_t1w.nii.gz'),
        issue('FILENAME_MISMATCH', '/sub-01/anat/sub-01_ce-g_acq-x_T1w.nii.gz'),
        issue('TSV_COLUMN_MISSING', '/participants.tsv'),
        issue('TSV_COLUMN_MISSING', '/sub-01/sub-01_sessions.tsv'),
        issue('TSV_COLUMN_MISSING', '/sub-01/ses-1/sub-01_ses-1_scans.tsv'),
    ],
)
def test_errors_about_what_we_read_stop_the_run(found, tmp_path):
    with pytest.raises(InputError, match=found['code']) as caught:
        room.judge([found], bids_dir=tmp_path)
    assert caught.value.code == 65
    assert found['location'] in caught.value.what
    assert '--skip-bids-validation' in caught.value.do


@pytest.mark.parametrize(
    'found',
    [
        [issue('NOT_INCLUDED', '/sub-01/func/sub-01_bold.nii.gz')],
        [issue('NOT_INCLUDED', '/sub-01/anat/sub-01_label-lesion_roi.nii.gz')],
        [issue('NOT_INCLUDED', '/sub-01/anat/sub-01_T1w (1).nii.gz', severity='warning')],
        [issue('JSON_INVALID', '/sub-01/anat/sub-01_T1w.json')],
        [issue('EMPTY_FILE', '/sub-01/anat/sub-01_T1w.nii.gz')],
        [
            issue('INVALID_FILE_ENCODING', '/participants.tsv'),
            issue('TSV_COLUMN_MISSING', '/participants.tsv'),
        ],
        [issue('TSV_COLUMN_MISSING', '/sub-01/func/sub-01_task-x_events.tsv')],
        [issue('MISSING_DATASET_DESCRIPTION', '/dataset_description.json')],
    ],
)
def test_other_findings_are_counted_in_the_log(found, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        room.judge(found, bids_dir=tmp_path)
    errors = sum(item['severity'] == 'error' for item in found)
    assert f'{errors} errors' in caplog.text


def test_many_errors_are_named_by_the_first_three(tmp_path):
    found = [issue('NOT_INCLUDED', f'/sub-0{i}/anat/sub-0{i}_t1w.nii') for i in range(5)]
    with pytest.raises(InputError, match='and 2 more'):
        room.judge(found, bids_dir=tmp_path)


def test_without_the_program_one_line_says_so(make_dataset, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(room, '_program', lambda: None)
    with caplog.at_level(logging.INFO):
        discover.validate(make_dataset({T1: {}}), participants=('01',), index_dir=tmp_path / 'i')
    assert 'not installed' in caplog.text
    assert not (tmp_path / 'i').exists()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Return a function that puts a stand-in for the validator in place."""

    def make(body):
        path = tmp_path / 'stand-in'
        path.write_text(
            f'#!{sys.executable}\nimport sys, time, json, pathlib\n{body}\n', encoding='utf-8'
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(room, '_program', lambda: str(path))

    return make


def test_it_sees_only_the_participants_asked_for(make_dataset, tmp_path, program):
    program(
        'there = sorted(p.name for p in pathlib.Path(sys.argv[-1]).iterdir())\n'
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_text(' '.join(there))\n"
        "print(json.dumps({'issues': {'issues': []}}))"
    )
    root = make_dataset(
        {T1: {}, 'sub-02/x': 'x', 'participants.tsv': 'participant_id\n', 'code/x.py': 'x'}
    )
    discover.validate(root, participants=('01',), index_dir=tmp_path / 'index')
    assert (tmp_path / 'seen').read_text() == 'dataset_description.json participants.tsv sub-01'
    assert list((tmp_path / 'index').iterdir()) == []


def test_one_that_takes_too_long_is_given_up(make_dataset, tmp_path, program, caplog):
    program('time.sleep(30)')
    root = make_dataset({T1: {}})
    discover.validate(root, participants=('01',), index_dir=tmp_path / 'index', limit_s=0.3)
    assert 'was given up' in caplog.text


@pytest.mark.parametrize('body', ["print('no JSON')", "print('[]')", 'sys.exit(3)'])
def test_one_that_does_not_answer_stops_nothing(make_dataset, tmp_path, program, caplog, body):
    program(body)
    discover.validate(make_dataset({T1: {}}), participants=('01',), index_dir=tmp_path / 'index')
    assert 'did not answer' in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(room._program() is None, reason='the validator is not installed')
def test_the_real_validator_finds_a_wrong_name_and_forgives_a_good_dataset(make_dataset, tmp_path):
    root = make_dataset({T1: {}})
    discover.validate(root, participants=('01',), index_dir=tmp_path / 'index')
    shutil.copy(root / T1, root / 'sub-01' / 'anat' / 'sub-01_t1w.nii.gz')
    with pytest.raises(InputError, match=r'sub-01_t1w\.nii\.gz'):
        discover.validate(root, participants=('01',), index_dir=tmp_path / 'index')


def test_the_program_beside_the_interpreter_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(room.shutil, 'which', lambda name: None)
    monkeypatch.setattr(room.sys, 'executable', str(tmp_path / 'python'))
    assert room._program() is None
    (tmp_path / room.PROGRAM).touch()
    assert room._program() == str(tmp_path / Path(room.PROGRAM))
