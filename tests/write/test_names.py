# SPDX-License-Identifier: Apache-2.0
"""Names of outputs (BIDS.md 2.1, 2.2): the listing test has the whole tree, this the rules."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_seg.records import Scan, Visit
from bids_seg.write import names, paths
from bids_seg.write.outputs import LATER, OUTPUTS

LABELS = st.from_regex(r'[0-9a-zA-Z+]{1,6}', fullmatch=True)


def scan(role: str, suffix: str = 'T1w', **entities: str) -> Scan:
    return Scan(
        path='x',
        relative='sub-01/anat/x.nii.gz',
        role=role,
        entities=entities,
        suffix=suffix,
        shape=(7, 8, 9),
        spacing=(1, 1, 3),
        metadata={},
    )


def test_an_image_from_one_raw_image_keeps_its_entities_as_written_in_schema_order():
    visit = Visit(
        participant='01',
        session='a',
        scans=(scan('T1wCE', run='01', acq='3D', ce='gd'), scan('FLAIR', 'FLAIR', run='2')),
    )
    files = names.visit_files(visit, aligned=['FLAIR'], tasks={'brain': ['brain']})
    base = 'sub-01/ses-a/anat/sub-01_ses-a_'
    assert files == {
        'brain_mask': f'{base}acq-3D_ce-gd_run-01_space-orig_desc-brain_mask.nii.gz',
        'preproc:T1wCE': f'{base}acq-3D_ce-gd_run-01_space-orig_desc-preproc_T1w.nii.gz',
        'preproc:FLAIR': f'{base}run-2_space-T1wCE_desc-preproc_FLAIR.nii.gz',
        'xfm:FLAIR': f'{base}from-FLAIR_to-T1wCE_mode-image_xfm.txt',
    }


def test_space_and_description_of_a_preprocessed_input_are_ours():
    visit = Visit(
        participant='01', session=None, scans=(scan('T1w', space='MNI', desc='preproc', res='2'),)
    )
    files = names.visit_files(visit, aligned=['T1w'], tasks={})
    assert files == {'preproc:T1w': 'sub-01/anat/sub-01_space-orig_desc-preproc_T1w.nii.gz'}


def test_an_image_that_was_refused_has_neither_image_nor_transform():
    visit = Visit(participant='1', session=None, scans=(scan('T1w'), scan('T2w', 'T2w')))
    files = names.visit_files(visit, aligned=[], tasks={})
    assert set(files) == {'preproc:T1w'}


def test_without_enhancing_tumour_the_lesions_of_a_glioma_are_those_of_the_whole():
    visit = Visit(participant='1', session=None, scans=(scan('FLAIR', 'FLAIR'),))
    files = names.visit_files(visit, aligned=[], tasks={'glioma': ['WT']})
    assert files['lesions:glioma'].endswith('_space-orig_seg-gliomaWTLesions_dseg.nii.gz')
    assert names.lesion_tissue('glioma', ['WT', 'TC']) == 'WT'
    assert names.lesion_tissue('glioma', ['WT', 'TC', 'ET']) == 'ET'
    assert names.lesion_tissue('metastases', ['TC']) == 'TC'


def test_a_visit_without_images_has_no_outputs():
    with pytest.raises(ValueError, match='no image'):
        names.visit_files(Visit(participant='1', session=None, scans=()), aligned=[], tasks={})


def test_sidecars_and_tables_come_before_images():
    visit = Visit(participant='1', session=None, scans=(scan('T1wCE'),))
    files = names.visit_files(visit, aligned=[], tasks={'metastases': ['TC']})
    order = [path.partition('.')[2] for path in names.whole_set(files)]
    assert 'nii.gz' not in order[: order.index('nii.gz')]
    assert set(order[order.index('nii.gz') :]) == {'nii.gz'}
    assert len(order) == 6 * 2 + 2


@settings(max_examples=25, deadline=None)
@given(participant=LABELS, session=st.none() | LABELS, run=LABELS)
def test_every_name_parses_back_to_itself_and_none_is_given_twice(participant, session, run):
    scans = (
        scan('T1wCE', run=run),
        scan('T1w', run=run),
        scan('T2w', 'T2w', run=run),
        scan('FLAIR', 'FLAIR', run=run),
    )
    visit = Visit(participant=participant, session=session, scans=scans)
    tasks = {'brain': ['brain'], 'glioma': ['WT', 'TC', 'ET'], 'metastases': ['TC']}
    found = names.whole_set(names.visit_files(visit, aligned=['T1w', 'T2w', 'FLAIR'], tasks=tasks))
    assert len(set(found)) == len(found)
    for path in found:
        entities, suffix = paths.entities(path)
        assert entities['sub'] == participant
        assert entities.get('ses') == session
        name = '_'.join([*(f'{key}-{value}' for key, value in entities.items()), suffix])
        assert path.rpartition('/')[2].partition('.')[0] == name
        assert list(entities) == [key for key in paths.ENTITY_ORDER if key in entities]


def test_files_of_a_summary_are_those_that_were_aligned_and_run(summary_of):
    summary = summary_of('01', '01')
    refused = dataclasses.replace(summary.alignments[0], accepted=False)
    changed = dataclasses.replace(
        summary, alignments=(refused, *summary.alignments[1:]), models=summary.models[:1]
    )
    assert set(names.files_of(summary)) - set(names.files_of(changed)) >= {
        f'preproc:{refused.moving}',
        'dseg:glioma',
    }


def test_every_description_label_of_the_table_has_words():
    used = {value for row in (*OUTPUTS, *LATER) for key, value in row.entities if key == 'desc'}
    filled = {label for label in used if '{' not in label} | set(names.DISEASES)
    assert filled | {'mean'} == set(names.DESCRIPTIONS)
