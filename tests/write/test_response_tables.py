# SPDX-License-Identifier: Apache-2.0
"""Responses in tables: columns and cells (CLINICAL.md 6.2, 6.4)."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from bids_seg.records import BestResponse, Response
from bids_seg.write import columns, group, names, participant, responses
from bids_seg.write import history as written
from bids_seg.write.text import MISSING, read_tsv

CONTRACT = [
    'participant_id',
    'session_id',
    'visit_status',
    'acq_date',
    'days_from_first',
    'days_from_baseline',
    'days_from_rt_end',
    'criterion',
    'criterion_version',
    'measure',
    'n_targets',
    'n_targets_evaluable',
    'aggregate',
    'aggregate_unit',
    'baseline_session',
    'baseline_aggregate',
    'nadir_session',
    'nadir_aggregate',
    'pct_from_baseline',
    'pct_from_nadir',
    'max_target_ld_increase_mm',
    'T',
    'NT',
    'NL',
    'n_new_unequivocal',
    'n_new_equivocal',
    'F',
    'S',
    'C',
    'steroid_mg',
    'response',
    'rule_fired',
    'reason',
    'basis',
    'provisional',
    'confirm_status',
    'confirm_session',
    'response_confirmed',
    'threshold_sensitive',
    'alternative_response',
    'reader_response',
    'flags',
    'n_lesions',
    'n_specks',
    'wt_mm3',
    'tc_mm3',
    'et_mm3',
    'brain_mm3',
]
BEST = [
    'participant_id',
    'criterion',
    'best_pct_from_baseline',
    'bor',
    'bor_unconfirmed',
    'first_response_days',
    'progression_date',
    'progression_days',
    'progression_reason',
    'last_visit_days',
    'censored',
    'basis',
]


@pytest.fixture
def response() -> Response:
    return Response(
        session='03',
        criterion='rano_bm',
        criterion_version='2015',
        measure='ld',
        response='PD',
        rule_fired='2.6#1;2.4#5',
        reason='target_pd',
        sentence='PD: sum 30.0 mm',
        basis='no_steroid',
        provisional=True,
        days=168,
        days_from_baseline=140,
        n_targets=2,
        n_targets_evaluable=2,
        aggregate=300,
        aggregate_unit='mm',
        baseline_session='01',
        baseline_aggregate=400,
        nadir_session='02',
        nadir_aggregate=250,
        pct_from_baseline='-25.0',
        pct_from_nadir='20.0',
        max_target_ld_increase_mm=5.0,
        target='PD',
        nontarget='NONE',
        n_new_equivocal=1,
        steroid='stable',
        steroid_mg='2',
        confirm_status='pending',
        confirm_session=None,
        response_confirmed='PD',
        threshold_sensitive=True,
        alternative_response='SD',
        flags=('after_pd', 'clinical_auto'),
    )


@pytest.fixture
def out(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / 'raw')
    return tmp_path / 'raw' / 'derivatives' / 'bids-seg'


def test_the_columns_of_the_group_are_those_of_the_contract():
    listed = columns.columns_named(responses.GROUP_VISIT)
    ours = {'disease', 'program_version', 'settings_sha256'}
    assert [name for name in listed if name not in ours] == CONTRACT
    assert columns.columns_named(responses.GROUP_BEST) == BEST


def test_a_response_stands_in_the_units_in_which_people_read_it(response):
    row = responses.response_row(response)
    assert {name: row[name] for name in row if name.endswith('aggregate')} == {
        'aggregate': '30.0',
        'baseline_aggregate': '40.0',
        'nadir_aggregate': '25.0',
    }
    assert (row['aggregate_unit'], row['max_target_ld_increase_mm']) == ('mm', '5.0')
    assert (row['baseline_session'], row['nadir_session']) == ('ses-01', 'ses-02')
    assert (row['T'], row['NT'], row['NL'], row['F'], row['S'], row['C']) == (
        *('PD', 'NONE', 'none', 'not_used', 'stable', 'unknown'),
    )
    assert (row['provisional'], row['threshold_sensitive']) == ('1', '1')
    assert (row['confirm_session'], row['reader_response']) == (MISSING, MISSING)
    assert row['flags'] == 'after_pd;clinical_auto'
    area = dataclasses.replace(response, measure='product', aggregate=40001, aggregate_unit='mm2')
    assert responses.response_row(area)['aggregate'] == '400.01'
    nothing = dataclasses.replace(response, aggregate=None, aggregate_unit='')
    assert responses.response_row(nothing)['aggregate'] == MISSING
    assert responses.response_row(nothing)['aggregate_unit'] == MISSING


def test_every_cell_has_a_column_and_every_value_is_among_its_levels(response):
    row = responses.response_row(response)
    listed = {column.name: column for column in responses.RESPONSE}
    assert set(row) == set(listed)
    for name, column in listed.items():
        assert column.description.endswith('.')
        if column.levels:
            assert row[name] in {*column.levels, MISSING}, name


def test_in_one_row_a_visit_each_criterion_has_columns_of_its_own(response):
    other = dataclasses.replace(response, criterion='rano2', response='SD')
    rows = [responses.response_row(one) for one in (response, other)]
    wide = responses.wide_row(rows)
    assert (wide['response_rano_bm'], wide['response_rano2']) == ('PD', 'SD')
    assert set(wide) == set(columns.columns_named(responses.wide(['rano_bm', 'rano2'])))
    words = columns.described(responses.wide(['rano_bm']))
    assert words['T_rano_bm']['Levels']['PD'] == 'progressive disease'
    assert words['aggregate_rano_bm']['CDISC'] == 'TR SUMDIAM'


def test_the_table_of_visits_holds_responses_behind_the_totals(out):
    listed, rows = read_tsv(out / names.sessions_table('01'))
    assert listed[:4] == ['session_id', 'acq_date', 'days_from_first', 'visit_status']
    at = listed.index('brain_mm3')
    assert listed[at + 1] == 'days_from_baseline_rano2'
    assert [row['response_rano_bm'] for row in rows] == ['n/a', 'PD']
    assert [row['reason_rano_bm'] for row in rows] == ['baseline', 'new_lesion']
    assert [row['n_new_unequivocal_rano_bm'] for row in rows] == ['0', '1']
    assert {row['acq_date'] for row in rows} == {'n/a'}


def test_the_best_response_is_a_row_for_each_criterion(out):
    rows = read_tsv(out / 'group_best.tsv')[1]
    assert [(row['participant_id'], row['criterion'], row['bor']) for row in rows] == [
        ('sub-01', 'rano2', 'SD'),
        ('sub-01', 'rano_bm', 'PD'),
        ('sub-03', 'rano2', 'n/a'),
        ('sub-03', 'rano_bm', 'n/a'),
    ]
    assert [row['censored'] for row in rows] == ['1', '0', '1', '1']
    assert (rows[1]['progression_days'], rows[1]['progression_date']) == ('84', 'n/a')


def test_dates_stand_in_tables_only_where_they_are_kept(out):
    history = written.read_history(out, '01')
    assert history is not None
    kept = dataclasses.replace(history, dates=('2020-01-02', '2020-03-26'))
    written.write_history(out, kept)
    participant.write_tables(out, '01')
    group.write_tables(out)
    sessions = read_tsv(out / names.sessions_table('01'))[1]
    assert [row['acq_date'] for row in sessions] == ['2020-01-02', '2020-03-26']
    visits = read_tsv(out / 'group_visits.tsv')[1]
    assert [row['acq_date'] for row in visits[:4]] == ['2020-01-02'] * 2 + ['2020-03-26'] * 2
    assert {row['acq_date'] for row in visits[4:]} == {'n/a'}
    best = read_tsv(out / 'group_best.tsv')[1]
    assert [row['progression_date'] for row in best] == ['n/a', '2020-03-26', 'n/a', 'n/a']


def test_a_participant_without_criteria_has_rows_without_responses(out):
    visits = read_tsv(out / 'group_visits.tsv')[1]
    (row,) = (row for row in visits if row['participant_id'] == 'sub-02')
    assert (row['criterion'], row['response'], row['disease']) == ('n/a', 'n/a', 'glioma')
    assert row['n_lesions'] == '2'
    lesions = read_tsv(out / 'group_lesions.tsv')[1]
    mine = [row for row in lesions if row['participant_id'] == 'sub-02']
    assert {row['role_rano2'] for row in mine} == {'n/a'}
    assert {row['lesion_id'] for row in mine} == {'L001', 'L002'}


def test_a_disease_that_no_criterion_is_about_keeps_its_totals(out):
    history = written.read_history(out, '01')
    assert history is not None
    one = {'rano_bm': history.responses['rano_bm']}
    written.write_history(out, dataclasses.replace(history, responses=one))
    group.write_tables(out)
    visits = read_tsv(out / 'group_visits.tsv')[1]
    mine = [row for row in visits if row['participant_id'] == 'sub-01']
    assert [(row['session_id'], row['disease'], row['criterion']) for row in mine] == [
        (session, *both)
        for session in ('ses-01', 'ses-02')
        for both in (('glioma', 'n/a'), ('metastases', 'rano_bm'))
    ]
    assert {row['n_lesions'] for row in mine} == {'2'}


def test_registration_between_visits_stands_with_the_reference_image(out):
    rows = read_tsv(out / 'group_qc.tsv')[1]
    mine = {
        (row['session_id'], row['image_role']): row
        for row in rows
        if row['participant_id'] == 'sub-01'
    }
    moved = mine['ses-02', 'T1wCE']
    assert (moved['registration_dice'], moved['registration_rotation_deg']) == ('0.971', '4.57')
    assert moved['registration_nmi'] == '1.250'
    assert mine['ses-01', 'T1wCE']['registration_dice'] == 'n/a'
    assert mine['ses-02', 'T2w']['registration_dice'] == 'n/a'
    history = written.read_history(out, '01')
    assert history is not None
    lost = dataclasses.replace(
        history.registrations['02'], matrix=None, figures=None, failure='the head ran away'
    )
    registrations = {**history.registrations, '02': lost}
    written.write_history(out, dataclasses.replace(history, registrations=registrations))
    group.write_tables(out)
    rows = read_tsv(out / 'group_qc.tsv')[1]
    (row,) = (row for row in rows if row['reason'] == 'the head ran away')
    assert (row['session_id'], row['flags']) == ('ses-02', 'visit_not_registered')


def test_progression_that_is_censored_has_no_date(out):
    history = written.read_history(out, '01')
    assert history is not None
    best: BestResponse = dataclasses.replace(history.best['rano_bm'], censored=True)
    kept = dataclasses.replace(history, best={'rano_bm': best}, dates=('2020-01-02', '2020-03-26'))
    (row,) = responses.best_rows(kept)
    assert row['progression_date'] == MISSING
