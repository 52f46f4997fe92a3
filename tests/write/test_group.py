# SPDX-License-Identifier: Apache-2.0
"""Tables of participants and of the group, from the output alone (BIDS.md section 4)."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from bids_seg.errors import NothingToDoError
from bids_seg.write import check, group, names, participant
from bids_seg.write.text import read_tsv


def rows_of(root: Path, name: str) -> list[dict[str, str]]:
    return read_tsv(root / name)[1]


def change(root: Path, label: str, session: str | None, **changes: object) -> None:
    (summary,) = (
        outcome.summary
        for outcome in participant.outcomes(root, label)
        if outcome.summary.visit.session == session
    )
    participant.write_summary(root, dataclasses.replace(summary, **changes))


@pytest.fixture
def whole(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / 'raw')
    return tmp_path / 'raw' / 'derivatives' / 'bids-seg'


def test_all_visits_and_lesions_stand_in_the_tables_sorted(whole):
    visits = rows_of(whole, 'group_visits.tsv')
    assert [(row['participant_id'], row['session_id'], row['disease']) for row in visits] == [
        ('sub-01', 'ses-01', 'glioma'),
        ('sub-01', 'ses-01', 'metastases'),
        ('sub-01', 'ses-02', 'glioma'),
        ('sub-01', 'ses-02', 'metastases'),
        ('sub-02', 'n/a', 'glioma'),
        ('sub-03', 'ses-pre', 'glioma'),
        ('sub-03', 'ses-pre', 'metastases'),
    ]
    assert visits[3]['days_from_first'] == '84'
    assert [row['criterion'] for row in visits] == [
        *('rano2', 'rano_bm', 'rano2', 'rano_bm', 'n/a', 'rano2', 'rano_bm'),
    ]
    assert [row['response'] for row in visits] == ['n/a', 'n/a', 'SD', 'PD', *['n/a'] * 3]
    assert [row['n_lesions'] for row in visits[:4]] == ['2'] * 4
    assert visits[4]['n_lesions'] == '2'
    assert visits[5]['n_lesions'] == '0'
    assert visits[4]['et_mm3'] == 'n/a'
    lesions = rows_of(whole, 'group_lesions.tsv')
    assert len(lesions) == 2 * (2 + 3) + 2
    assert {row['tissue'] for row in lesions if row['participant_id'] == 'sub-02'} == {'WT'}
    assert len(rows_of(whole, 'group_qc.tsv')) == 4 + 4 + 3 + 4


def test_the_long_table_of_a_participant_holds_the_rows_of_all_visits(whole):
    rows = rows_of(whole, names.lesions_table('01'))
    assert [(row['session_id'], row['disease'], row['lesion_id']) for row in rows] == [
        (session, disease, lesion)
        for session, there in (('ses-01', 'L001 L002'), ('ses-02', 'L001 L002 L003'))
        for disease in ('glioma', 'metastases')
        for lesion in there.split()
    ]
    sessions = rows_of(whole, names.sessions_table('01'))
    assert [row['session_id'] for row in sessions] == ['ses-01', 'ses-02']
    assert {row['n_specks_glioma'] for row in sessions} == {'1'}


def test_a_second_run_gives_the_same_bytes_without_input(whole):
    before = {path: path.read_bytes() for path in whole.iterdir() if path.is_file()}
    assert group.write_tables(whole) == ()
    participant.write_tables(whole, '01')
    assert {path: path.read_bytes() for path in whole.iterdir() if path.is_file()} == before


def test_failed_and_skipped_visits_are_rows_with_a_status(whole):
    change(whole, '01', '02', status='failed', reason='killed by\tsignal 9\n(out of memory)')
    change(whole, '02', None, status='skipped', reason='no T1w', models=())
    participant.write_tables(whole, '01')
    group.write_tables(whole)
    visits = {
        (row['participant_id'], row['session_id']): row
        for row in rows_of(whole, 'group_visits.tsv')
    }
    assert visits['sub-01', 'ses-02']['visit_status'] == 'failed'
    assert visits['sub-01', 'ses-02']['n_lesions'] == 'n/a'
    assert visits['sub-02', 'n/a']['visit_status'] == 'skipped'
    people = rows_of(whole, 'participants.tsv')
    assert [tuple(row.values()) for row in people] == [
        ('sub-01', 'failed', '2', '1'),
        ('sub-02', 'skipped', '1', '0'),
        ('sub-03', 'complete', '1', '1'),
    ]
    reasons = {row['reason'] for row in rows_of(whole, 'group_qc.tsv')}
    assert 'killed by signal 9 (out of memory)' in reasons
    sessions = rows_of(whole, names.sessions_table('01'))
    assert [row['visit_status'] for row in sessions] == ['complete', 'failed']
    assert not any('column' in problem for problem in check.problems(whole))


def test_a_visit_without_any_image_still_has_a_row(whole):
    (outcome,) = participant.outcomes(whole, '03')
    bare = dataclasses.replace(outcome.summary.visit, session='later', scans=())
    participant.write_summary(
        whole,
        dataclasses.replace(
            outcome.summary, visit=bare, status='skipped', reason='no images', models=()
        ),
    )
    group.write_tables(whole)
    (row,) = (row for row in rows_of(whole, 'group_qc.tsv') if row['session_id'] == 'ses-later')
    assert (row['image_role'], row['reason']) == ('n/a', 'no images')


def test_columns_of_the_input_are_copied_but_for_dates_and_names_of_ours(whole, tmp_path):
    given = tmp_path / 'input'
    given.mkdir()
    (given / 'participants.tsv').write_text(
        'participant_id\tage\tstatus\tscanned\nsub-01\t50\tx\t2020-01-02\n04\t9\tx\tn/a\n'
        'sub-03\t\ty\tn/a\n'
    )
    (given / 'participants.json').write_text(
        json.dumps({'age': {'Description': 'Age.', 'Units': 'a'}})
    )
    (warning,) = group.write_tables(whole, bids_dir=given)
    assert 'status, scanned' in warning
    header, rows = read_tsv(whole / 'participants.tsv')
    assert header == ['participant_id', 'status', 'n_visits', 'n_visits_complete', 'age']
    assert [row['age'] for row in rows] == ['50', 'n/a', 'n/a']
    words = json.loads((whole / 'participants.json').read_text())
    assert words['age'] == {'Description': 'Age.', 'Units': 'a'}
    assert check.problems(whole) == []


def test_results_of_several_versions_or_settings_are_warned_about(whole):
    change(whole, '01', '01', versions={'bids-seg': '9.9'}, settings_sha256='7' * 64)
    version, settings = group.write_tables(whole)
    assert '0.1.0, 9.9' in version
    assert '2 different settings' in settings
    rows = rows_of(whole, 'group_visits.tsv')
    assert {row['program_version'] for row in rows} == {'0.1.0', '9.9'}


def test_a_refused_registration_is_flagged(whole):
    (outcome,) = participant.outcomes(whole, '02')
    first, *rest = outcome.summary.alignments
    refused = dataclasses.replace(first, accepted=False, method='header', note='ran away')
    change(whole, '02', None, alignments=(refused, *rest), models=())
    group.write_tables(whole)
    (row,) = (row for row in rows_of(whole, 'group_qc.tsv') if row['reason'] == 'ran away')
    assert row['image_role'] == first.moving
    assert row['flags'] == 'registration_refused;header_trusted'


def test_visits_are_ordered_by_day_and_else_by_natural_label(whole):
    (outcome,) = participant.outcomes(whole, '03')

    def labelled(session: str, days: int | None):
        visit = dataclasses.replace(outcome.summary.visit, session=session, days=days)
        return dataclasses.replace(outcome.summary, visit=visit)

    dated = participant.in_time([labelled('2', 50), labelled('10', 0)])
    assert [one.visit.session for one in dated] == ['10', '2']
    undated = participant.in_time([labelled('10', None), labelled('2', 50)])
    assert [one.visit.session for one in undated] == ['2', '10']


def test_an_output_without_participants_is_nothing_to_do(tmp_path):
    (tmp_path / 'sub-01.html').write_text('')
    with pytest.raises(NothingToDoError) as caught:
        group.write_tables(tmp_path)
    assert caught.value.code == 66
