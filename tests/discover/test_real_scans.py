# SPDX-License-Identifier: Apache-2.0
"""Each folder of real scans gives the roles that one expects; skipped where they are absent."""

from pathlib import Path

import pytest

from bids_seg import discover

DATA = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'
FOUR = ['FLAIR', 'T1w', 'T1wCE', 'T2w']

EXPECTED = {
    'brats2018': {'sub-01': FOUR, 'sub-02': FOUR},
    'brats2023': {'sub-01': FOUR},
    'fg6692': {'sub-01': FOUR},
    'met110': {'sub-01': FOUR},
    'heads-t1w': {'sub-01': ['T1w'], 'sub-02': ['FLAIR'], 'sub-03': ['T1wCE']},
    't1gd-heads': {'sub-01': ['T1wCE'], 'sub-02': ['T1wCE']},
    'gbm-longitudinal': {
        f'sub-0{number}_ses-0{visit}': ['T1wCE'] for number in range(1, 6) for visit in (1, 2)
    },
    'ms-longitudinal': {f'sub-01_ses-0{visit}': ['FLAIR', 'T1w', 'T2w'] for visit in (1, 2)},
}


@pytest.mark.parametrize('name', EXPECTED)
def test_visits_have_the_roles_that_one_expects(name, tmp_path):
    root = DATA / name
    if not root.is_dir():
        pytest.skip('no real scans here')
    labels = discover.select(root, [])
    found = list(discover.patients(root, participants=labels, index_dir=tmp_path))
    roles = {visit.name: sorted(visit.roles) for one in found for visit in one.visits}
    assert roles == EXPECTED[name]
    assert all(patient.info['group'] for patient in found)
    assert not [row for row in discover.plan(found) if row['state'] == 'warning']
    passed = [item.relative for one in found for visit in one.visits for item in visit.passed_over]
    assert passed == (['sub-01/anat/sub-01_PDw.nii.gz'] if name == 'heads-t1w' else [])
    if 'longitudinal' in name:
        assert {patient.ordered_by for patient in found} == {'date'}
        assert found[0].visits[0].days == 0
        assert found[0].visits[1].days in {157, 203}
