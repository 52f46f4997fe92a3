# SPDX-License-Identifier: Apache-2.0
"""Baseline, targets, non-targets, families, merges: what is decided once, and what counts."""

import pytest
from patients import WELL, At, course, run, said

from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit
from bids_seg.respond import Rules, find
from bids_seg.respond.case import prepare
from bids_seg.respond.plan import choose

BIG = (20.0, 20.0)


def plan(patient, criterion='rano_bm', **rules):
    return choose(prepare(patient, find(criterion), Rules(**rules)))


@pytest.mark.parametrize(
    ('days', 'place', 'flags'),
    [
        ([-30, 20, 21, 35, 90], 2, ()),
        ([-30, 5, 35, 60], 2, ()),
        ([-30, 5, 36, 60], 2, ('baseline_outside_window',)),
        ([-30, 19, 36, 60], 2, ('baseline_outside_window',)),
        ([-30, 20, 37, 60], 1, ('baseline_outside_window',)),
        ([-30, 13, 57, 80], 1, ('baseline_outside_window',)),
        ([-30, 0, 85, 120], 2, ('baseline_outside_window',)),
        ([-30, 0], None, ('baseline_outside_window',)),
    ],
)
def test_the_baseline_of_new_disease_is_the_visit_after_radiotherapy(days, place, flags):
    row = {**WELL, 'rt_end_date': '0'}
    patient = course(
        'ET', L001=[BIG] * len(days), days=days, clinical=row, info={'setting': 'newly_diagnosed'}
    )
    for criterion in ('rano2_ce', 'mrano'):
        found = plan(patient, criterion)
        assert (found and found.baseline) == place
        assert found is None or found.flags == flags
    # The others do not know of it.
    assert plan(patient, 'rano_hgg').baseline == 0


def test_without_any_image_after_radiotherapy_nothing_is_evaluable():
    row = {**WELL, 'rt_end_date': '0'}
    patient = course(
        'ET', L001=[BIG] * 2, days=[-30, 0], clinical=row, info={'setting': 'newly_diagnosed'}
    )
    rows = run(patient, 'rano2_ce')
    assert {(row.response, row.reason) for row in rows} == {('NE', 'no_post_rt_baseline')}


@pytest.mark.parametrize(
    ('start', 'criterion', 'place', 'flags'),
    [
        (40, 'rano_bm', 1, ()),
        (58, 'rano_bm', 1, ()),
        (59, 'rano_bm', 0, ('baseline_assumed',)),
        (44, 'rano_hgg', 1, ()),
        (45, 'rano_hgg', 0, ('baseline_assumed',)),
        (30, 'rano_hgg', 1, ()),
    ],
)
def test_the_baseline_is_the_last_visit_before_treatment(start, criterion, place, flags):
    tissue = find(criterion).tissue
    patient = course(tissue, L001=[BIG] * 3, days=[0, 30, 60], info={'treatment_start': str(start)})
    found = plan(patient, criterion)
    assert (found.baseline, found.flags) == (place, flags)


def test_the_baseline_that_is_asked_for_is_taken():
    patient = course(L001=[BIG] * 3, info={'baseline_session': 'ses-02'})
    rows = run(patient)
    assert [row.reason for row in rows[:2]] == ['pre_baseline', 'baseline']
    assert {row.baseline_session for row in rows[1:]} == {'02'}
    with pytest.raises(CommandError, match='give one of: 01, 02, 03'):
        run(course(L001=[BIG] * 3, info={'baseline_session': '09'}))


def test_a_baseline_that_cannot_be_judged_leaves_nothing_to_judge():
    patient = course(L001=[BIG] * 2, lost=(0,), info={'baseline_session': '01'})
    assert {(row.response, row.reason) for row in run(patient)} == {
        ('NE', 'baseline_not_evaluable')
    }
    assert {row.reason for row in run(course(L001=[BIG], lost=(0,)))} == {'not_evaluable'}


def test_the_first_evaluable_visit_is_the_baseline_otherwise():
    patient = course(L001=[BIG] * 3, lost=(0,))
    assert plan(patient).baseline == 1
    assert 'baseline_assumed' in run(patient)[-1].flags


def test_targets_are_the_largest_measurable_ones():
    sizes = {f'L00{i}': [(10.0 + i, 6.0)] for i in range(1, 8)}
    found = plan(course(**sizes, L008=[(9.9, 6.0)], L009=[(40.0, 4.9)]))
    assert found.targets == ('L007', 'L006', 'L005', 'L004', 'L003')
    assert found.nontargets == ('L001', 'L002', 'L008', 'L009')


def test_equal_targets_are_ranked_by_volume_then_by_id():
    equal = {
        name: [At((20.0, 20.0), lesion={'volume_mm3': volume})]
        for name, volume in (('L001', 90), ('L002', 100), ('L003', 90))
    }
    assert plan(course('ET', **equal), 'rano2_ce').targets == ('L002', 'L001')
    assert plan(course('ET', **equal), 'rano2_ce', rano2_max_ce=3).targets[2] == 'L003'


def test_d04_targets_stay_those_of_the_baseline():
    small, grown = (9.0, 9.0), (60.0, 9.0)
    patient = course(L001=[(20.0, 9.0), (19.0, 9.0)], L002=[small, grown])
    last = run(patient)[-1]
    assert (last.aggregate, last.n_targets, last.nontarget) == (190, 1, 'PD')


def edit(action, value):
    return ReaderEdit(session=None, action=action, item='', value=value)


def test_a_reader_chooses_and_excludes_targets():
    lesions = {'L001': [(30.0, 9.0)] * 2, 'L002': [(20.0, 9.0)] * 2, 'L003': [(12.0, 9.0)] * 2}
    chosen = plan(course(**lesions, edits=(edit('target_ids', 'L003;L002'),)))
    assert chosen.targets == ('L003', 'L002')
    patient = course(**lesions, edits=(edit('exclude_ids', 'L001'),))
    assert plan(patient).targets == ('L002', 'L003')
    assert plan(patient).nontargets == ('L001',)
    assert run(patient)[-1].roles == {'L001': 'excluded', 'L002': 'target', 'L003': 'target'}
    with pytest.raises(CommandError, match='`L009` is not present at baseline'):
        plan(course(**lesions, edits=(edit('target_ids', 'L009'),)))


def test_a_reader_names_lesions_of_one_part_of_mixed_disease():
    sizes = {'L001': [(30.0, 20.0)] * 2, 'L002': [(20.0, 15.0)] * 2}
    other = {'NonCE': {'L001': [(40.0, 40.0)] * 2, 'L003': [(20.0, 20.0)] * 2}}
    both = (
        edit('target_ids', 'L002'),
        ReaderEdit(session=None, action='target_ids', item='', value='L003', tissue='NonCE'),
    )
    last = run(course('ET', **sizes, more=other, edits=both), 'rano2')[-1]
    targets = {(one.lesion_id, one.tissue) for one in last.standings if one.role == 'target'}
    assert targets == {('L002', 'ET'), ('L003', 'NonCE')}


def part(size, parent='L001', identity='fragment'):
    return At(size, event={'identity': identity, 'parent_id': parent})


def test_a_split_target_counts_with_all_its_parts():
    patient = course(
        L001=[(30.0, 9.0), (12.0, 9.0), (10.0, 9.0)], L002=[None, part((14.0, 9.0)), None]
    )
    rows = run(patient)
    assert [row.aggregate for row in rows] == [300, 260, 100]
    assert {row.new_lesion for row in rows} == {'none'}
    assert rows[1].roles['L002'] == 'fragment'


def test_parts_of_parts_belong_to_the_family():
    patient = course(
        L001=[(30.0, 9.0), (12.0, 9.0), (10.0, 9.0)],
        L002=[None, part((14.0, 9.0)), (8.0, 9.0)],
        L003=[None, None, part((7.0, 9.0), parent='L002')],
    )
    assert run(patient)[-1].aggregate == 250


def absorbed(host):
    return At(event={'status': 'absorbed', 'identity': 'merged_into', 'merged_into': host})


def test_merged_targets_count_once_and_none_is_gone():
    patient = course(L001=[(20.0, 9.0), (35.0, 9.0)], L002=[(15.0, 9.0), absorbed('L001')])
    last = run(patient)[-1]
    assert (last.aggregate, last.response) == (350, 'SD')
    assert 'merged' in last.flags


def test_a_target_merged_with_another_lesion_counts_whole_and_is_reviewed():
    patient = course(L001=[(20.0, 9.0), absorbed('L002')], L002=[(9.0, 9.0), (26.0, 9.0)])
    last = run(patient)[-1]
    assert (last.aggregate, last.target, last.nontarget) == (260, 'PD', 'NONCR_NONPD')
    assert 'merge_review' in last.flags
    assert last.provisional
    patient = course(L001=[(20.0, 9.0), (26.0, 9.0)], L002=[(9.0, 9.0), absorbed('L001')])
    last = run(patient)[-1]
    assert (last.aggregate, last.nontarget) == (260, 'NONCR_NONPD')
    assert 'merge_review' in last.flags


def test_two_targets_in_one_other_lesion_count_once():
    host = absorbed('L003')
    patient = course(
        L001=[(20.0, 9.0), host], L002=[(15.0, 9.0), host], L003=[(9.0, 9.0), (36.0, 9.0)]
    )
    assert run(patient)[-1].aggregate == 360


def test_doubt_about_one_part_of_a_target_is_doubt_about_the_target():
    doubt = At(event={'low_confidence': True, 'status': 'absent', 'identity': 'resolved'})
    patient = course(L001=[(30.0, 9.0), (12.0, 9.0), doubt], L002=[None, part((14.0, 9.0)), None])
    assert said(patient)[-1] == 'PR'


def test_a_separated_lesion_counts_by_itself_again():
    back = At((14.0, 9.0), event={'identity': 'separated'})
    patient = course(
        L001=[(20.0, 9.0), (35.0, 9.0), (19.0, 9.0)], L002=[(15.0, 9.0), absorbed('L001'), back]
    )
    last = run(patient)[-1]
    assert (last.aggregate, last.new_lesion) == (330, 'none')


def test_a_lesion_merged_at_baseline_that_separates_is_not_new():
    back = At((14.0, 9.0), event={'identity': 'separated'})
    patient = course(
        L001=[BIG, (30.0, 9.0), (18.0, 9.0)],
        L002=[BIG, absorbed('L001'), back],
        info={'baseline_session': '02'},
    )
    last = run(patient)[-1]
    assert (last.new_lesion, last.aggregate) == ('none', 320)


def test_a_lesion_gone_before_baseline_that_returns_counts_as_new():
    patient = course(
        L001=[BIG] * 3, L002=[(9.0, 9.0), None, (9.0, 9.0)], info={'baseline_session': '02'}
    )
    assert run(patient)[-1].new_lesion == 'unequivocal'
    patient = course(L001=[BIG] * 3, L002=[(9.0, 9.0), None, (9.0, 9.0)])
    last = run(patient)[-1]
    assert (last.new_lesion, last.nontarget) == ('none', 'NONCR_NONPD')


def test_tiny_targets_count_as_five_millimetres_where_the_option_says_so():
    patient = course(L001=[(20.0, 9.0), (3.0, 3.0)])
    assert run(patient)[-1].aggregate == 30
    assert run(patient, tiny_rule='recist5')[-1].aggregate == 50


def test_non_targets_that_are_all_gone_are_complete():
    gone = {'L002': [(9.0, 9.0), None], 'L003': [(8.0, 8.0), None]}
    last = run(course(L001=[BIG, None], **gone))[-1]
    assert (last.nontarget, last.response) == ('CR', 'CR')
    doubt = At(event={'low_confidence': True, 'status': 'absent', 'identity': 'resolved'})
    last = run(course(L001=[BIG, None], L002=[(9.0, 9.0), doubt]))[-1]
    assert (last.nontarget, last.response) == ('NONCR_NONPD', 'PR')


def test_a_non_target_that_cannot_be_judged_is_not_evaluable():
    lost = At(event={'status': 'not_evaluable', 'identity': None})
    assert run(course(L001=[BIG] * 2, L002=[(9.0, 9.0), lost]))[-1].nontarget == 'NE'


def test_metastases_without_measurable_disease_can_be_complete():
    assert said(course(L001=[(9.0, 9.0), None])) == ['n/a', 'CR']
    assert said(course('ET', L001=[(9.0, 9.0), None]), 'rano_hgg') == ['n/a', 'SD']


def test_the_wider_slices_count_where_t2_flair_is_measured():
    from dataclasses import replace

    patient = course('WT', L001=[(11.0, 11.0)] * 2)
    thick = tuple(replace(visit, flair_spacing_mm=6.0) for visit in patient.visits)
    assert plan(patient, 'rano_lgg').targets == ('L001',)
    assert plan(replace(patient, visits=thick), 'rano_lgg').targets == ()
