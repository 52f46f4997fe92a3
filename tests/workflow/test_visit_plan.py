# SPDX-License-Identifier: Apache-2.0
"""What is done with each visit, and why not more."""

from pathlib import Path

import pytest

from bids_seg.records import PassedOver, Patient, Scan, Visit
from bids_seg.segment import models
from bids_seg.workflow import plan

ALL = ('brain', 'glioma', 'metastases')


def scan(role):
    suffix = 'T1w' if role == 'T1wCE' else role
    return Scan(
        path=Path(f'/d/sub-1_{role}.nii'),
        relative=f'sub-1_{role}.nii',
        role=role,
        entities={},
        suffix=suffix,
        shape=(9, 8, 7),
        spacing=(1.0, 1.0, 3.0),
        metadata={},
    )


def visit(*roles, passed=()):
    return Visit(participant='1', session=None, scans=tuple(map(scan, roles)), passed_over=passed)


@pytest.mark.parametrize(
    ('info', 'tasks'),
    [
        ({'group': 'glioma'}, ('brain', 'glioma')),
        ({'diagnosis': 'Oligodendroglioma, grade 2'}, ('brain', 'glioma')),
        ({'group': 'GBM'}, ('brain', 'glioma')),
        ({'pathology': 'brain metastasis of a melanoma'}, ('brain', 'metastases')),
        ({'group': 'healthy'}, ('brain',)),
        ({'group': 'volunteer'}, ('brain',)),
        ({'diagnosis': 'n/a', 'group': 'control'}, ('brain',)),
    ],
)
def test_auto_follows_the_diagnosis(info, tasks):
    assert plan.tasks_for(Patient(participant='1', visits=(), info=info), ('auto',)) == (tasks, '')


@pytest.mark.parametrize('info', [{}, {'group': 'multiple sclerosis'}, {'diagnosis': 'n/a'}])
def test_auto_runs_both_tumour_networks_without_a_diagnosis_and_says_so(info):
    tasks, note = plan.tasks_for(Patient(participant='1', visits=(), info=info), ('auto',))
    assert tasks == ALL
    assert 'both tumour networks' in note


def test_named_tasks_win_and_the_brain_is_always_drawn():
    patient = Patient(participant='1', visits=(), info={'group': 'glioma'})
    assert plan.tasks_for(patient, ('metastases',))[0] == ('brain', 'metastases')
    assert plan.possible(('glioma',)) == ('brain', 'glioma')
    assert plan.possible(('auto',)) == ALL


def test_a_network_without_its_images_is_skipped_with_the_reason():
    planned = plan.plan(visit('T1w'), ALL)
    assert planned.action == 'run'
    assert planned.tasks == ('brain',)
    assert set(planned.models_skipped) == {'glioma', 'metastases'}
    assert 'T1wCE' in planned.models_skipped['metastases']
    assert 'this visit has T1w' in planned.models_skipped['metastases']


def test_flair_alone_is_enough_for_glioma():
    assert plan.plan(visit('FLAIR'), ('brain', 'glioma')).tasks == ('brain', 'glioma')


def test_a_visit_without_images_is_skipped_with_what_was_passed_over():
    passed = (PassedOver(relative='anat/sub-1_T1w.nii', reason='0 bytes'),)
    planned = plan.plan(visit(passed=passed), ALL)
    assert planned.action == 'skip'
    assert 'no usable image' in planned.reason
    assert 'anat/sub-1_T1w.nii: 0 bytes' in planned.reason


def test_a_tumour_is_not_looked_for_where_the_chosen_model_draws_no_brain():
    selected = {'brain': models.find('nobrainer')}
    planned = plan.plan(visit('FLAIR'), ('brain', 'glioma'), selected=selected)
    assert (planned.action, planned.tasks) == ('skip', ())
    assert planned.models_skipped['glioma'].startswith('no brain: it needs T1w or T1wCE')
    # Where the brain is given the model is not asked.
    assert plan.plan(visit('FLAIR'), ('glioma',), selected=selected).tasks == ('glioma',)


def test_what_the_chosen_model_needs_decides_what_can_be_done():
    selected = {'glioma': models.find('segresnet')}
    planned = plan.plan(visit('T1wCE', 'FLAIR'), ('brain', 'glioma'), selected=selected)
    assert planned.tasks == ('brain',)
    assert planned.models_skipped['glioma'].startswith('it needs T1wCE and T1w and T2w and FLAIR')
