# SPDX-License-Identifier: Apache-2.0
"""What waits: confirmation, preliminary progression, new lesions in doubt, dates of progression."""

import pytest
from patients import NOT_KNOWN, WELL, At, by_products, course, run, said

from bids_seg.respond import Rules, find, respond

BIG = (20.0, 9.0)
HALF = (10.0, 9.0)
WORSE = {'steroid_mg': '0', 'clinical_status': 'worse'}


def best(patient, criterion='rano_bm', **rules):
    return respond(patient, find(criterion), rules=Rules(**rules))[1]


@pytest.mark.parametrize(('gap', 'status'), [(28, 'confirmed'), (27, 'pending')])
def test_a_response_is_confirmed_after_four_weeks(gap, status):
    rows = run(course(L001=[BIG, HALF, HALF], days=[0, 30, 30 + gap]))
    assert rows[1].confirm_status == status
    assert rows[1].confirm_session == ('03' if status == 'confirmed' else None)
    assert rows[1].response_confirmed == ('PR' if status == 'confirmed' else 'SD')


@pytest.mark.parametrize(
    ('later', 'status'),
    [
        ([None], 'confirmed'),
        ([(14.1, 9.0)], 'unconfirmed'),
        ([(14.1, 9.0), HALF], 'confirmed'),
        ([(30.0, 9.0), HALF], 'unconfirmed'),
        ([], 'pending'),
    ],
)
def test_a_partial_response_is_confirmed_by_one_as_good(later, status):
    assert run(course(L001=[BIG, HALF, *later]))[1].confirm_status == status


def test_one_visit_that_cannot_be_judged_may_lie_between_but_not_two():
    sizes = [BIG, HALF, HALF, HALF]
    assert run(course(L001=sizes, lost=(2,)))[1].confirm_status == 'confirmed'
    sizes = [BIG, HALF, HALF, HALF, HALF]
    assert run(course(L001=sizes, lost=(2, 3)))[1].confirm_status == 'unconfirmed'


def test_a_complete_response_that_comes_back_small_cannot_be_confirmed():
    rows = run(course(L001=[(12.0, 9.0), None, (4.9, 4.0), None]))
    assert [row.response for row in rows] == ['n/a', 'CR', 'PR', 'CR']
    assert rows[1].confirm_status == 'unconfirmed'
    assert 'cr_then_not_pd' in rows[1].flags


def test_best_responses_are_confirmed_ones():
    found = best(course(L001=[BIG, HALF]))
    assert (found.bor, found.bor_unconfirmed, found.censored) == ('SD', 'PR', True)
    found = best(course(L001=[BIG, HALF, HALF, (30.0, 9.0), None, None]))
    assert (found.bor, found.first_response_days, found.progression_days) == ('PR', 30, 90)
    assert (found.best_pct_from_baseline, found.progression_reason) == ('-50.0', 'target')
    assert best(course(L001=[BIG])).bor == 'n/a'
    assert best(course(L001=[BIG, (30.0, 9.0)])).bor == 'PD'
    assert best(course(L001=[BIG] * 2, lost=(1,))).bor == 'NE'


def test_stable_disease_may_have_to_last():
    patient = course(L001=[BIG, BIG, (30.0, 9.0)], days=[0, 30, 60])
    assert best(patient).bor == 'SD'
    assert best(patient, sd_min_days=30).bor == 'SD'
    assert best(patient, sd_min_days=31).bor == 'PD'


def test_visits_after_progression_are_judged_and_do_not_count():
    rows = run(course(L001=[BIG, (30.0, 9.0), HALF, HALF]))
    assert [row.response for row in rows[1:]] == ['PD', 'PR', 'PR']
    assert ['after_pd' in row.flags for row in rows] == [False, False, True, True]


NEW = [(20.0, 9.0)] * 4


@pytest.mark.parametrize(
    ('sizes', 'days', 'responses'),
    [
        ([None, (4.0, 4.0), (5.0, 4.0)], [0, 30, 58], ['SD', 'PD']),
        ([None, (4.0, 4.0), (4.9, 4.0)], [0, 30, 58], ['SD', 'SD']),
        ([None, (2.0, 2.0), (4.0, 4.0)], [0, 30, 58], ['SD', 'PD']),
        ([None, (2.0, 2.0), (3.9, 3.9)], [0, 30, 58], ['SD', 'SD']),
        ([None, (2.0, 2.0), (4.0, 4.0)], [0, 30, 57], ['SD', 'SD']),
    ],
)
def test_a_new_lesion_in_doubt_becomes_certain_after_four_weeks(sizes, days, responses):
    patient = course(L001=NEW[: len(sizes)], L002=sizes, days=days)
    rows = run(patient)
    assert [row.response for row in rows[1:]] == responses
    assert rows[1].new_lesion == 'equivocal'
    if responses[-1] == 'PD':
        found = best(patient)
        assert (found.progression_session, found.progression_days) == ('02', 30)
        assert 'pd_dated_here' in rows[1].flags
        assert 'after_pd' in rows[2].flags


def test_a_new_lesion_that_becomes_beyond_doubt_early_is_dated_to_that_visit():
    patient = course(L001=NEW[:3], L002=[None, (4.0, 4.0), (8.0, 8.0)], days=[0, 30, 50])
    assert said(patient)[1:] == ['SD', 'PD']
    assert best(patient).progression_days == 50


def test_a_new_lesion_in_doubt_that_goes_is_dropped_once():
    rows = run(course(L001=NEW, L002=[None, (4.0, 4.0), None, None]))
    assert [row.new_lesion for row in rows[1:]] == ['equivocal', 'none', 'none']
    assert ['nl_not_confirmed' in row.flags for row in rows] == [False, False, True, False]


def test_d03_new_lesions_and_non_targets_are_part_of_the_response():
    patient = course(L001=[BIG, HALF], L002=[None, (8.0, 8.0)])
    last = run(patient)[-1]
    assert (last.target, last.new_lesion, last.response) == ('PR', 'unequivocal', 'PD')
    assert last.sentence.endswith('; new lesion L002')
    patient = course(L001=[BIG, HALF], L002=[(9.0, 4.0), (15.0, 4.0)])
    assert said(patient)[-1] == 'PD'


@pytest.mark.parametrize('earlier', [1, 2])
def test_progression_after_more_steroid_is_dated_to_the_visit_of_more_steroid(earlier):
    more = {'steroid_mg': '4', 'clinical_status': 'stable'}
    rows = [{**WELL, 'steroid_mg': '2'}, *[more] * earlier, WORSE]
    patient = course(L001=[BIG] * len(rows), clinical=rows)
    found = best(patient)
    assert (found.progression_days, found.progression_reason) == (30, 'clinical')
    assert said(patient)[1:] == ['NE'] * earlier + ['PD']


def glioma(sums, days, **more):
    return by_products(*sums, days=days, **more)


def radiated(**more):
    return {**WELL, 'rt_end_date': '0', **more}


@pytest.mark.parametrize(
    ('day', 'criterion', 'expected'),
    [
        (84, 'rano2_ce', 'PD_prelim'),
        (85, 'rano2_ce', 'PD'),
        (84, 'rano_hgg', 'NE'),
        (85, 'rano_hgg', 'PD'),
        (400, 'mrano', 'PD_prelim'),
    ],
)
def test_progression_soon_after_radiotherapy_waits(day, criterion, expected):
    patient = glioma([40000, 50000], [25, day], clinical=radiated())
    last = run(patient, criterion)[-1]
    assert (last.response, last.days_from_rt_end) == (expected, day)
    assert ('possible_pseudoprogression' in last.flags) == (expected == 'NE')


def test_the_last_day_of_the_window_is_an_option():
    patient = glioma([40000, 50000], [25, 84], clinical=radiated())
    assert said(patient, 'rano2_ce', rt_window_days=83)[-1] == 'PD'


@pytest.mark.parametrize('criterion', ['rano2_ce', 'mrano', 'rano_hgg'])
def test_tissue_settles_the_matter(criterion):
    rows = [radiated(), radiated(histology_recurrence='1')]
    patient = glioma([40000, 50000], [25, 60], clinical=rows)
    assert said(patient, criterion)[-1] == 'PD'


@pytest.mark.parametrize('criterion', ['rano2_ce', 'mrano'])
def test_a_patient_who_is_worse_does_not_wait(criterion):
    rows = [radiated(), {**WORSE, 'rt_end_date': '0'}]
    assert said(glioma([40000, 50000], [25, 60], clinical=rows), criterion)[-1] == 'PD'


def test_drugs_with_many_false_progressions_want_all_confirmed():
    patient = glioma([40000, 50000], [0, 200])
    assert said(patient, 'rano2_ce')[-1] == 'PD'
    assert said(patient, 'rano2_ce', confirm_pd='always')[-1] == 'PD_prelim'


def test_a_preliminary_progression_is_confirmed_against_its_own_sum():
    patient = glioma([40000, 50000, 62500], [0, 60, 88])
    rows = run(patient, 'mrano')
    assert [row.response for row in rows] == ['n/a', 'PD', 'PD']
    assert (rows[1].confirm_status, rows[1].confirm_session) == ('confirmed', '03')
    assert best(patient, 'mrano').progression_days == 60


def test_a_preliminary_progression_that_does_not_go_on_is_pseudoprogression():
    patient = glioma([40000, 50000, 62499], [0, 60, 88])
    rows = run(patient, 'mrano')
    assert [row.response for row in rows[1:]] == ['PD_prelim_not_confirmed', 'SD']
    assert 'pseudoprogression' in rows[1].flags
    assert 'sustained_increase' in rows[2].flags
    assert (rows[1].confirm_status, rows[1].response_confirmed) == ('unconfirmed', 'SD')
    assert rows[2].nadir_aggregate == 50000
    found = best(patient, 'mrano')
    assert (found.bor, found.censored) == ('SD', True)


def test_later_progression_refers_to_the_preliminary_one():
    patient = glioma([40000, 50000, 62499, 65000], [0, 60, 88, 120])
    assert said(patient, 'mrano')[1:] == ['PD_prelim_not_confirmed', 'SD', 'PD_prelim']
    patient = glioma([40000, 50000, 62499, 62499], [0, 60, 88, 120])
    assert said(patient, 'mrano')[-1] == 'SD'


def test_the_old_nadir_can_be_what_confirms():
    patient = glioma([40000, 50000, 50001], [0, 60, 88])
    assert said(patient, 'mrano')[1] == 'PD_prelim_not_confirmed'
    assert said(patient, 'mrano', confirm_reference='nadir')[1] == 'PD'


def test_a_visit_too_early_does_not_decide():
    patient = glioma([40000, 50000, 62500, 62500], [0, 60, 87, 88])
    rows = run(patient, 'mrano')
    assert [row.response for row in rows[1:]] == ['PD', 'PD', 'PD']
    assert rows[1].confirm_session == '04'
    patient = glioma([40000, 50000, 62500], [0, 60, 87])
    rows = run(patient, 'mrano')
    assert [(row.response, row.confirm_status) for row in rows[1:]] == [
        ('PD_prelim', 'pending')
    ] * 2
    assert rows[1].response_confirmed == 'NE'
    assert best(patient, 'mrano').bor == 'NE'


@pytest.mark.parametrize(('day', 'late'), [(116, False), (117, True)])
def test_a_late_decision_is_flagged(day, late):
    rows = run(glioma([40000, 50000, 62500], [0, 60, day]), 'mrano')
    assert ('late_confirm' in rows[2].flags) == late


def test_a_patient_who_becomes_worse_confirms_a_preliminary_progression():
    rows = [WELL, WELL, WORSE]
    patient = glioma([40000, 50000, 50000], [0, 60, 70], clinical=rows)
    assert said(patient, 'mrano')[1:] == ['PD', 'PD']
    assert best(patient, 'mrano').progression_days == 60


def test_a_further_new_lesion_confirms_and_the_first_one_becomes_a_non_target():
    big = [(30.0, 30.0)] * 3
    first = {'L001': big, 'L002': [None, (12.0, 12.0), (12.0, 12.0)]}
    rows = run(course('ET', **first), 'mrano')
    assert [row.response for row in rows[1:]] == ['PD_prelim_not_confirmed', 'SD']
    assert (rows[2].new_lesion, rows[2].nontarget) == ('none', 'NONCR_NONPD')
    both = {**first, 'L003': [None, None, (12.0, 12.0)]}
    assert said(course('ET', **both), 'mrano')[1:] == ['PD', 'PD']


@pytest.mark.parametrize(
    ('size', 'responses'),
    [((12.5, 12.0), ['PD', 'PD']), ((12.0, 12.0), ['PD_prelim_not_confirmed', 'PR'])],
)
def test_a_new_lesion_alone_is_its_own_reference(size, responses):
    patient = course('ET', L001=[(30.0, 30.0), None, None], L002=[None, (12.0, 10.0), size])
    assert said(patient, 'mrano')[1:] == responses


@pytest.mark.parametrize(('day', 'expected'), [('2024-07-31', 'PD_prelim'), ('2024-08-01', 'PD')])
def test_progression_within_six_months_of_immunotherapy_is_preliminary(day, expected):
    row = {**WELL, 'immunotherapy_start': '2024-01-31'}
    patient = course(L001=[BIG, (30.0, 9.0)], dates=['2024-01-20', day], clinical=row)
    last = run(patient)[-1]
    assert (last.response, 'irano' in last.flags) == (expected, expected == 'PD_prelim')


@pytest.mark.parametrize(('gap', 'expected'), [(84, 'PD'), (83, 'PD_prelim')])
def test_progression_under_immunotherapy_is_decided_after_three_months(gap, expected):
    row = {**WELL, 'immunotherapy_start': '0'}
    patient = course(L001=[BIG, (30.0, 9.0), (40.0, 9.0)], days=[0, 60, 60 + gap], clinical=row)
    assert said(patient)[1] == expected


def test_worsening_under_immunotherapy_is_progression():
    row = {**WORSE, 'immunotherapy_start': '0'}
    assert said(course(L001=[BIG, (30.0, 9.0)], clinical=[{**row, **WELL}, row]))[-1] == 'PD'


def test_without_dates_nothing_that_needs_days_is_decided():
    patient = course(L001=[BIG, HALF, HALF], days=[None] * 3)
    rows = run(patient)
    assert [row.response for row in rows[1:]] == ['PR', 'PR']
    assert {row.confirm_status for row in rows[1:]} == {'pending'}
    assert all('not_applied' in row.flags for row in rows[1:])
    assert best(patient).bor == 'SD'


def test_given_masks_waive_probabilities_and_say_so():
    drawn = At((8.0, 8.0), lesion={'mean_prob': None})
    last = run(course(L001=[BIG] * 2, L002=[None, drawn], clinical=NOT_KNOWN))[-1]
    assert (last.response, 'no_probabilities' in last.flags) == ('PD', True)


def test_a_later_visit_changes_confirmation_and_dates_alone():
    sums = [40000, 50000, 62499, 65000]
    days = [0, 60, 88, 120]
    whole = run(glioma(sums, days), 'mrano')
    for last in range(1, 4):
        early = run(glioma(sums[:last], days[:last]), 'mrano')
        for one, other in zip(early, whole, strict=False):
            for name in ('target', 'nontarget', 'new_lesion', 'aggregate', 'nadir_aggregate'):
                assert getattr(one, name) == getattr(other, name)
