# SPDX-License-Identifier: Apache-2.0
"""The overall table: every row, what is missing, what a reader says, and what is told of it."""

import itertools
from dataclasses import replace

import pytest
from patients import NOT_KNOWN, WELL, At, by_products, course, run, said

from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit, Response, from_json, to_json
from bids_seg.respond import find, names, respond
from bids_seg.respond.mixed import combined
from bids_seg.respond.overall import States, overall

CASES = [
    ({'target': 'PR', 'nontarget': 'NONCR_NONPD'}, 'PR', 7),
    ({'target': 'PR', 'nontarget': 'NONCR_NONPD', 'new_lesion': 'unequivocal'}, 'PD', 1),
    ({'target': 'PR', 'nontarget': 'NONCR_NONPD', 'new_lesion': 'equivocal'}, 'PR', 7),
    ({'target': 'PR', 'steroid': 'increased'}, 'NE', 3),
    ({'target': 'PR', 'steroid': 'increased', 'clinical': 'worse'}, 'PD', 1),
    ({'target': 'PR', 'clinical': 'unknown'}, 'PR', 7),
    ({'target': 'CR', 'nontarget': 'CR', 'steroid': 'stable'}, 'PR', 6),
    ({'target': 'CR', 'nontarget': 'CR', 'steroid': 'decreased'}, 'PR', 6),
    ({'target': 'CR', 'nontarget': 'CR', 'steroid': 'physiologic'}, 'CR', 5),
    ({'target': 'CR', 'nontarget': 'CR', 'steroid': 'none'}, 'CR', 5),
    ({'target': 'CR', 'nontarget': 'CR', 'steroid': 'unknown'}, 'CR', 5),
    ({'target': 'CR', 'nontarget': 'NONCR_NONPD', 'steroid': 'none'}, 'PR', 6),
    ({'target': 'CR', 'nontarget': 'NE', 'steroid': 'none'}, 'PR', 6),
    ({'target': 'CR', 'new_lesion': 'equivocal', 'steroid': 'none'}, 'PR', 6),
    ({'target': 'CR', 'flair': 'worse', 'steroid': 'none'}, 'PR', 6),
    ({'target': 'CR', 'flair': 'worse', 'flair_applies': True}, 'PD', 1),
    ({'target': 'SD', 'nontarget': 'PD'}, 'PD', 1),
    ({'target': 'NE', 'new_lesion': 'unequivocal'}, 'PD', 1),
    ({'target': 'NE', 'steroid': 'increased'}, 'NE', 2),
    ({'target': 'PD', 'steroid': 'increased'}, 'PD', 1),
    ({'target': 'NA', 'nontarget': 'NONCR_NONPD'}, 'SD', 4),
    ({'target': 'NA', 'nontarget': 'CR', 'na_complete': True, 'steroid': 'none'}, 'CR', 4),
    ({'target': 'NA', 'nontarget': 'CR', 'na_complete': True, 'steroid': 'stable'}, 'SD', 4),
    ({'target': 'NA', 'nontarget': 'CR', 'steroid': 'none'}, 'SD', 4),
    ({'target': 'MR'}, 'MR', 8),
    ({'target': 'SD', 'enhancement_worse': True}, 'PD', 1),
]


@pytest.mark.parametrize(('states', 'response', 'row'), CASES)
def test_the_first_row_whose_condition_holds_is_taken(states, response, row):
    found = overall(States(**{'steroid': 'stable', 'clinical': 'stable', **states}))
    assert found[:2] == (response, row)


def test_d11_steroids_never_hide_progression_nor_undo_a_response_on_a_stable_dose():
    grown = [(20.0, 9.0), (30.0, 9.0)]
    rows = [{**WELL, 'steroid_mg': '2'}, {**WELL, 'steroid_mg': '8'}]
    assert said(course(L001=grown, clinical=rows)) == ['n/a', 'PD']
    shrunk = [(20.0, 9.0), (10.0, 9.0)]
    rows = [{**WELL, 'steroid_mg': '2'}] * 2
    assert said(course(L001=shrunk, clinical=rows)) == ['n/a', 'PR']


def test_every_combination_of_states_has_a_response():
    for target, nontarget, new, steroid, status in itertools.product(
        ('CR', 'PR', 'MR', 'SD', 'PD', 'NE', 'NA'),
        ('NONE', 'CR', 'NONCR_NONPD', 'PD', 'NE'),
        ('none', 'equivocal', 'unequivocal', 'NE'),
        ('none', 'physiologic', 'decreased', 'stable', 'increased', 'unknown'),
        ('better', 'stable', 'worse', 'unknown'),
    ):
        states = States(
            target=target, nontarget=nontarget, new_lesion=new, steroid=steroid, clinical=status
        )
        response, row, _ = overall(states)
        causes = 'PD' in (target, nontarget) or new == 'unequivocal' or status == 'worse'
        assert (response == 'PD') == causes == (row == 1)


def test_a_state_that_is_none_is_refused():
    with pytest.raises(ValueError, match="T is '\\?'"):
        overall(States(target='?'))


@pytest.mark.parametrize(
    ('row', 'basis'),
    [
        (WELL, 'full'),
        ({'steroid_mg': '0'}, 'no_clinical'),
        ({'clinical_status': 'stable'}, 'no_steroid'),
        (NOT_KNOWN, 'imaging_only'),
    ],
)
def test_a_response_without_clinical_columns_is_provisional(row, basis):
    last = run(course(L001=[(20.0, 9.0), None], clinical=row))[-1]
    assert (last.response, last.basis, last.provisional) == ('CR', basis, basis != 'full')
    assert ('imaging only, provisional' in last.sentence) == (basis != 'full')


@pytest.mark.parametrize(
    ('row', 'basis', 'steroid', 'clinical'),
    [
        ({'steroid_mg': '4', 'kps': '90'}, 'full', 'stable', 'stable'),
        ({'steroid_mg': '0'}, 'no_clinical', 'none', 'unknown'),
        ({'ecog': '1'}, 'no_steroid', 'unknown', 'stable'),
        (NOT_KNOWN, 'imaging_only', 'unknown', 'unknown'),
    ],
)
def test_a_baseline_tells_its_own_inputs(row, basis, steroid, clinical):
    before = {**WELL, 'kps': '80'}
    patient = course(
        'ET', L001=[(20.0, 19.0)] * 3, clinical=[before, row, WELL], info={'baseline_session': '02'}
    )
    for criterion in ('rano_hgg', 'rano2'):
        first, second, _ = run(patient, criterion)
        assert (second.reason, second.basis) == ('baseline', basis)
        assert (second.steroid, second.clinical) == (steroid, clinical)
        # Before baseline there is nothing to compare with, though inputs may be there.
        assert (first.basis, first.steroid, first.clinical) == ('full', 'unknown', 'unknown')


def test_a_visit_without_any_baseline_tells_its_own_inputs():
    (row,) = run(course(L001=[(20.0, 9.0)], lost=(0,), clinical={'steroid_mg': '2', 'kps': '90'}))
    assert (row.response, row.basis) == ('NE', 'full')


def test_a_response_with_all_inputs_is_not_provisional():
    rows = run(course(L001=[(20.0, 9.0), (10.0, 9.0), (10.0, 9.0)]))
    assert [row.provisional for row in rows[1:]] == [False, False]
    assert [row.confirm_status for row in rows[1:]] == ['confirmed', 'pending']


def test_more_steroid_makes_a_visit_not_evaluable_and_says_why():
    rows = [{**WELL, 'steroid_mg': dose} for dose in ('2', '4')]
    last = run(course(L001=[(20.0, 9.0), (10.0, 9.0)], clinical=rows))[-1]
    assert (last.response, last.reason, last.steroid) == ('NE', 'steroid_increase', 'increased')
    assert last.sentence == 'NE: more steroid than at baseline'


def test_the_sentence_has_the_numbers_of_the_rule_that_fired():
    patient = course(
        L001=[(20.0, 9.0), (12.5, 9.0), (12.5, 9.0)],
        L002=[(20.0, 9.0), (12.5, 9.0), (17.5, 9.0)],
    )
    rows = run(patient)
    assert rows[2].sentence == (
        'PD: sum 30.0 mm, +20.0% and +5.0 mm (L002) over nadir 25.0 mm (ses-02)'
    )
    assert rows[1].sentence == 'PR: sum 25.0 mm, -37.5% from baseline 40.0 mm (ses-01)'
    assert rows[2].rule_fired == '2.6#1;2.4#5'
    assert (rows[2].pct_from_nadir, rows[2].pct_from_baseline) == ('20.0', '-25.0')
    assert (rows[2].nadir_session, rows[2].max_target_ld_increase_mm) == ('02', 5.0)


def test_a_single_visit_has_no_response():
    (row,) = run(course(L001=[(20.0, 9.0)]))
    assert (row.response, row.reason, row.aggregate) == ('n/a', 'baseline', 200)


def test_a_visit_that_cannot_be_judged_is_not_evaluable_unless_the_patient_is_worse():
    patient = course(L001=[(20.0, 9.0)] * 3, lost=(1,))
    assert said(patient) == ['n/a', 'NE', 'SD']
    worse = [WELL, {'steroid_mg': '0', 'clinical_status': 'worse'}, WELL]
    assert said(course(L001=[(20.0, 9.0)] * 3, lost=(1,), clinical=worse))[1] == 'PD'


def test_a_patient_without_lesions_is_stable_until_one_comes():
    patient = course(days=[0, 30, 60], L001=[None, None, (9.0, 9.0)])
    rows = run(patient)
    assert [(row.target, row.response) for row in rows[1:]] == [('NA', 'SD'), ('NA', 'PD')]


def test_a_target_that_cannot_be_judged_leaves_progression_of_the_others():
    lost = At(event={'status': 'not_evaluable', 'identity': None})
    for now, expected in ((36.0, 'PD'), (35.9, 'NE')):
        patient = course(L001=[(20.0, 9.0), (now, 9.0)], L002=[(10.0, 9.0), lost])
        last = run(patient)[-1]
        assert (last.target, last.aggregate, last.n_targets_evaluable) == (expected, None, 1)


def test_an_absence_of_low_confidence_is_no_complete_response_and_no_nadir():
    doubt = At(event={'low_confidence': True, 'status': 'absent', 'identity': 'resolved'})
    rows = run(course(L001=[(20.0, 9.0), doubt, (10.0, 9.0)]))
    assert rows[1].response == 'PR'
    assert 'cr_low_confidence' in rows[1].flags
    assert (rows[2].nadir_aggregate, rows[2].response) == (200, 'PR')


@pytest.mark.parametrize('name', names())
def test_complete_response_can_be_reached_by_every_criterion(name):
    sizes = [(20.0, 20.0), (15.0, 15.0), None, None]
    other = {'NonCE': {'L001': sizes}, 'WT': {'L001': sizes}, 'TC': {'L001': sizes}}
    rows, best = respond(course('ET', L001=sizes, more=other), find(name))
    assert [row.response for row in rows][-2:] == ['CR', 'CR']
    assert best.bor == 'CR'


@pytest.mark.parametrize('name', names())
def test_every_criterion_judges_a_patient_and_its_records_survive(name):
    sizes = [(20.0, 20.0), (19.0, 19.0), (40.0, 40.0)]
    other = {tissue: {'L001': sizes} for tissue in ('NonCE', 'WT', 'TC')}
    rows, best = respond(course('ET', L001=sizes, more=other), find(name))
    assert {row.criterion for row in rows} == {name} == {best.criterion}
    assert rows[-1].response in ('PD', 'PD_prelim')
    assert all(from_json(Response, to_json(row)) == row for row in rows)
    assert all(row.rule_fired != 'n/a' and row.sentence for row in rows[1:])


def test_the_image_that_a_criterion_measures_on_must_be_there():
    from dataclasses import replace

    patient = course('ET', L001=[(20.0, 20.0)] * 2, more={'WT': {'L001': [(20.0, 20.0)] * 2}})
    for roles, criterion, reason in (
        (('FLAIR',), 'rano_hgg', 'no_t1c'),
        (('T1wCE',), 'rano_lgg', 'no_flair'),
    ):
        second = replace(patient.visits[1], roles=roles)
        last = run(replace(patient, visits=(patient.visits[0], second)), criterion)[-1]
        assert (last.response, last.reason) == ('NE', reason)


def edit(action, value, *, session='02'):
    return ReaderEdit(session=session, action=action, item='', value=value)


def test_a_readers_response_stands_beside_the_computed_one():
    for action, value, expected in (
        ('newlesion_override', 'unequivocal', 'PD'),
        ('nontarget_override', 'PD', 'PD'),
        ('response_override', 'SD', 'SD'),
    ):
        patient = course(L001=[(20.0, 9.0), (10.0, 9.0)], edits=(edit(action, value),))
        last = run(patient)[-1]
        assert (last.response, last.reader_response) == ('PR', expected)
    assert run(course(L001=[(20.0, 9.0), (10.0, 9.0)]))[-1].reader_response is None


def test_a_reader_who_affirms_progression_need_not_wait():
    # RANO-HGG: new enhancement outside of the field of radiotherapy.
    row = {**WELL, 'rt_end_date': '0'}
    new = {'L001': [(30.0, 30.0)] * 2, 'L002': [None, (12.0, 12.0)]}
    for value, expected in (('unequivocal', 'PD'), ('NE', 'SD')):
        edits = (edit('newlesion_override', value),)
        last = run(course('ET', **new, clinical=row, edits=edits), 'rano_hgg')[-1]
        assert (last.response, last.reader_response) == ('NE', expected)
    edits = (edit('flair_override', 'ok'),)
    assert (
        run(course('ET', **new, clinical=row, edits=edits), 'rano_hgg')[-1].reader_response == 'NE'
    )


def test_a_readers_override_that_is_no_value_says_which_are():
    patient = course(L001=[(20.0, 9.0)] * 2, edits=(edit('nontarget_override', 'worse'),))
    with pytest.raises(CommandError, match='give one of: NONE, CR'):
        run(patient)


def test_a_response_that_hangs_on_the_threshold_says_what_else_it_may_be():
    wide = {'ld_low_mm': 11.0, 'ld_high_mm': 16.0, 'volume_low_mm3': 1, 'volume_high_mm3': 2}
    patient = course(L001=[(20.0, 9.0), At((13.9, 9.0), lesion=wide)])
    last = run(patient)[-1]
    assert (last.response, last.threshold_sensitive) == ('PR', True)
    assert last.alternative_response == 'SD'
    assert not run(course(L001=[(20.0, 9.0), (13.9, 9.0)]))[-1].threshold_sensitive


def test_progression_on_less_steroid_is_flagged_in_glioma_alone():
    rows = [{**WELL, 'steroid_mg': dose} for dose in ('4', '2')]
    patient = course('ET', L001=[(20.0, 20.0), (30.0, 30.0)], clinical=rows)
    last = run(patient, 'rano_hgg')[-1]
    assert last.response == 'PD'
    assert 'pd_on_reduced_steroids' in last.flags
    last = run(course(L001=[(20.0, 20.0), (30.0, 30.0)], clinical=rows))[-1]
    assert 'pd_on_reduced_steroids' not in last.flags


def test_worsening_that_was_worked_out_from_a_status_is_flagged():
    rows = [{'steroid_mg': '0', 'kps': kps} for kps in ('90', '70')]
    last = run(course(L001=[(20.0, 9.0)] * 2, clinical=rows))[-1]
    assert (last.response, last.clinical, last.reason) == ('PD', 'worse', 'clinical')
    assert 'clinical_auto' in last.flags


MIXED = {
    'CR': ('CR', 'PR', 'MR', 'SD', 'PD', 'NE'),
    'PR': ('PR', 'PR', 'MR', 'PR', 'PD', 'NE'),
    'SD': ('SD', 'PR', 'MR', 'SD', 'PD', 'NE'),
    'PD': ('PD', 'PD', 'PD', 'PD', 'PD', 'PD'),
    'NE': ('NE', 'NE', 'NE', 'NE', 'PD', 'NE'),
}


@pytest.mark.parametrize('enhancing', MIXED)
def test_mixed_disease_is_combined_by_the_table(enhancing):
    columns = ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')
    assert tuple(combined(enhancing, one) for one in columns) == MIXED[enhancing]


def test_preliminary_progression_of_a_part_stays_preliminary():
    assert combined('PD_prelim', 'CR') == 'PD_prelim'
    assert combined('PD_prelim', 'PD') == 'PD'
    assert combined('PD_prelim_not_confirmed', 'SD') == 'PD_prelim_not_confirmed'
    assert combined('PD_prelim_not_confirmed', 'MR') == 'MR'


def test_mixed_disease_is_judged_in_both_parts_and_confirmed_as_a_whole():
    sizes = [(30.0, 30.0), (20.0, 20.0), (20.0, 20.0)]
    other = {'NonCE': {'L001': [(40.0, 40.0), (34.0, 34.0), (34.0, 34.0)]}}
    rows = run(course('ET', L001=sizes, more=other), 'rano2')
    assert [row.response for row in rows] == ['n/a', 'MR', 'MR']
    assert rows[1].confirm_status == 'confirmed'
    assert rows[1].rule_fired == '2.8;2.6#7;2.4#6|2.6#8;2.4#6'
    assert rows[1].provisional


def test_mixed_disease_of_one_part_is_that_part():
    sizes = [(30.0, 30.0), (20.0, 20.0)]
    assert said(course('ET', L001=sizes), 'rano2') == ['n/a', 'PR']
    assert said(course('NonCE', L001=sizes), 'rano2') == ['n/a', 'PR']
    nothing = {'NonCE': {}}
    assert said(course('ET', L001=sizes, more=nothing), 'rano2') == ['n/a', 'PR']
    nothing = {'NonCE': {'L001': [None, (20.0, 20.0)]}}
    assert said(course('ET', L001=sizes, more=nothing), 'rano2') == ['n/a', 'PD']


def test_mixed_disease_is_not_evaluable_without_the_other_image_at_baseline():
    patient = course('ET', L001=[(30.0, 30.0)] * 2, more={'NonCE': {'L001': [(40.0, 40.0)] * 2}})
    first = replace(patient.visits[0], roles=('T1wCE',))
    last = run(replace(patient, visits=(first, patient.visits[1])), 'rano2')[-1]
    assert last.response == 'NE'


@pytest.mark.parametrize(
    ('role', 'kept', 'other'), [('T1wCE', 'ET', 'NonCE'), ('FLAIR', 'NonCE', 'ET')]
)
def test_mixed_disease_is_the_part_that_any_image_shows(role, kept, other):
    sizes, grown = [(30.0, 30.0), (20.0, 20.0)], {other: {'L001': [(10.0, 10.0), (40.0, 40.0)]}}
    patient = course(kept, L001=sizes, more=grown)
    assert said(patient, 'rano2')[-1] == 'PD'
    visits = tuple(replace(visit, roles=(role,)) for visit in patient.visits)
    last = run(replace(patient, visits=visits), 'rano2')[-1]
    assert (last.response, last.criterion) == ('PR', 'rano2')
    assert {one.tissue for one in last.standings} == {kept}


def test_days_are_told_since_the_first_visit_and_never_as_dates():
    rows = run(course(L001=[(20.0, 9.0)] * 2, dates=['2024-01-31', '2024-03-01']))
    assert [row.days for row in rows] == [0, 30]


def test_sums_are_shown_in_the_unit_of_their_measure():
    assert run(by_products(80000, 49999), 'rano_hgg')[-1].sentence.startswith('SD: sum 499.99 mm2')


def test_what_lesions_count_as_is_kept_apart_for_both_parts_of_mixed_disease():
    other = {'NonCE': {'L001': [(9.0, 8.0), None]}}
    before, after = run(course('ET', L001=[(20.0, 15.0), (21.0, 15.0)], more=other), 'rano2')
    assert [(one.tissue, one.role, one.failing) for one in before.standings] == [
        ('ET', 'target', ''),
        ('NonCE', 'nontarget', 'ld'),
    ]
    assert [(one.tissue, one.role, one.failing) for one in after.standings] == [
        ('ET', 'target', ''),
        ('NonCE', 'nontarget', None),
    ]
