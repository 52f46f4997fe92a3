# SPDX-License-Identifier: Apache-2.0
"""Whole runs on masks that were given."""

import json
import os
import subprocess
import sys
from pathlib import Path

import faked
import numpy as np
import pytest
from tiny_dataset import write_dataset

from bids_seg.write.check import problems

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('default')]

VISITS = ('sub-01/ses-1/anat/sub-01_ses-1', 'sub-01/ses-2/anat/sub-01_ses-2', 'sub-02/anat/sub-02')
PROGRAM = """
import sys
from bids_seg.workflow import network
def refused(*_, **__): raise AssertionError('a network was started')
network.run_child = refused
from bids_seg.cli import main
code = main(sys.argv[1:])
print(sorted({'tensorflow', 'keras', 'torch'} & set(sys.modules)))
raise SystemExit(code)
"""


def head(seed):
    data = np.random.default_rng(seed).integers(300, 500, (14, 15, 12))
    data[5:8, 5:9, 5:7] = 1000
    return {'data': data}


def spot(size=3, *, value=1):
    data = np.zeros((14, 15, 12), np.int16)
    data[5 : 5 + size, 5:9, 5:7] = value
    return {'data': data}


@pytest.fixture
def folders(tmp_path, make_dataset):
    """Return a dataset of three visits and masks for each."""
    bids = make_dataset(
        {
            'participants.tsv': 'participant_id\tgroup\nsub-01\tglioma\nsub-02\tmetastasis\n',
            **{f'{stem}_ce-gd_T1w.nii.gz': head(seed) for seed, stem in enumerate(VISITS)},
        }
    )
    masks = write_dataset(
        tmp_path / 'masks',
        {f'{stem}_label-lesion_mask.nii.gz': spot(3 + n) for n, stem in enumerate(VISITS)},
        description={'Name': 'masks', 'BIDSVersion': '1.11.1', 'DatasetType': 'derivative'},
    )
    return bids, masks


def run(bids, *more, program=PROGRAM):
    """Run the program in a process of its own; return its code and what it said."""
    out = bids.parent / 'out'
    words = [str(bids), str(out), 'participant', '--work-dir', str(bids.parent / 'work')]
    start = [sys.executable, '-c', program] if program else [sys.executable, faked.__file__]
    ended = subprocess.run(
        [*start, *words, '--skip-bids-validation', '--nprocs', '1', *more],
        capture_output=True,
        text=True,
        check=False,
        cwd=faked.ROOT,
        env={**os.environ, 'PYTHONPATH': str(faked.ROOT)},
    )
    return ended.returncode, ended.stderr + ended.stdout, out


def sidecar(out, pattern):
    return json.loads(next(Path(out).glob(pattern)).read_text())


def test_given_lesions_run_no_network_and_an_edited_mask_is_measured_again(folders):
    bids, masks = folders
    code, text, out = run(bids, '--segmentations', str(masks))
    assert (code, '3 ok, 0 up to date' in text, text.strip().endswith('[]')) == (0, True, True), (
        text
    )
    assert problems(out, raw=bids) == []
    assert not list(out.glob('sub-*/**/*probseg*'))
    content = sidecar(out, 'sub-02/anat/*seg-metastases_dseg.json')
    assert content['Manual'] is True
    assert content['Sources'] == [f'bids:segmentations:{VISITS[2]}_label-lesion_mask.nii.gz']
    assert 'ModelSHA256' not in content
    tables = {path.name: path.read_text() for path in out.glob('sub-*/**/*Lesions_dseg.tsv')}
    assert len([name for name in tables if 'space-orig' in name]) == 3
    write_dataset(masks, {f'{VISITS[2]}_label-lesion_mask.nii.gz': spot(2)})
    code, text, _ = run(bids, '--segmentations', str(masks))
    assert (code, '1 ok, 2 up to date' in text) == (0, True), text
    changed = {
        path.name for path in out.glob('sub-*/**/*Lesions_dseg.tsv')
        if path.read_text() != tables.get(path.name)
    }  # fmt: skip
    assert {name[:6] for name in changed} == {'sub-02'}


def test_a_bad_mask_costs_its_visit_and_networks_do_what_is_not_given(folders, tmp_path):
    bids, masks = folders
    (masks / f'{VISITS[2]}_label-lesion_mask.nii.gz').unlink()
    write_dataset(masks, {f'{VISITS[0]}_label-lesion_mask.nii.gz': {}})
    brains = write_dataset(tmp_path / 'brains', {f'{VISITS[2]}_desc-brain_mask.nii.gz': spot(6)})
    words = ['--segmentations', str(masks), '--derivatives', f'old={brains}']
    code, text, out = run(bids, *words, program='')
    assert (code, '2 ok, 0 up to date, 0 skipped, 1 failed' in text) == (1, True), text
    reason = sidecar(out, 'sub-01/figures/sub-01_ses-1_desc-summary.json')['reason']
    assert 'a mask has 0 and one more value' in reason
    assert str(tmp_path) not in reason
    brain = sidecar(out, 'sub-02/anat/*desc-brain_mask.json')
    assert brain['Sources'] == [f'bids:old:{VISITS[2]}_desc-brain_mask.nii.gz']
    drawn = sidecar(out, 'sub-02/anat/*seg-metastases_dseg.json')
    assert (drawn['Manual'], drawn['Model']) == (False, 'metastases')
    assert problems(out, raw=bids) == []
