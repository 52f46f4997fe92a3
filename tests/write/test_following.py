# SPDX-License-Identifier: Apache-2.0
"""Rows of lesions that are followed, column by column (CLINICAL.md 6.1, 6.3)."""

import dataclasses

import pytest
import through_time
from made_visits import a_lesion, a_run, a_summary, a_visit

from bids_seg.records import Diameters, Event, LesionSet, Line, ReaderEdit
from bids_seg.write import columns, common_space, following

HERE = (0.0, 0.0, 0.0)


def sized(number: int, ld: float, volume: int, **more: object):
    """A metastasis with a longest diameter, mm, and a volume, mm3."""
    line = Line(start=HERE, end=HERE)
    pair = Diameters(ld_mm=ld, sd_mm=ld - 2, slice=4, ld=line, sd=line)
    return a_lesion(
        number,
        'metastases',
        'TC',
        longest=pair,
        largest_product=pair,
        volume_mm3=volume,
        et_mm3=None,
        flags=(),
        **more,
    )


def a_set(*lesions, disease: str = 'metastases', tissue: str = 'TC') -> LesionSet:
    return LesionSet(
        disease=disease,
        tissue=tissue,
        measurement_space='orig',
        lesions=lesions,
        n_specks=0,
        totals_mm3={},
    )


def visits(*sets: LesionSet | None):
    """Visits 84 days apart; None is one that failed."""
    found = []
    for place, one in enumerate(sets):
        visit = a_visit('07', f'{place + 1}', days=84 * place)
        summary = a_summary(visit, models=(a_run('metastases', ('TC',), visit),))
        changes = {'lesion_sets': (one,)} if one else {'status': 'failed', 'models': ()}
        found.append(dataclasses.replace(summary, **changes))
    return found


ABSORBED = {'status': 'absorbed', 'identity': 'merged_into', 'merged_into': 'L001'}
SPLIT = {
    'status': 'present',
    'component_index': 3,
    'identity': 'fragment',
    'parent_id': 'L001',
}
BACK = {
    'status': 'present',
    'component_index': 2,
    'identity': 'recurrent',
    'gap_visits': 1,
    'match': 'proximity',
    'match_o_mm3': 0,
    'flags': ('possible_missed_detection',),
}
GONE = {'status': 'absent', 'identity': 'resolved', 'low_confidence': True}


@pytest.fixture
def story():
    """Four visits: one lesion grows and splits, one goes and comes back, one fails to be seen."""
    sets = (
        a_set(sized(1, 20.0, 2000), sized(2, 12.0, 600)),
        a_set(sized(1, 25.0, 3000)),
        None,
        a_set(sized(1, 15.05, 1000), sized(2, 6.0, 100), sized(3, 9.9, 400)),
    )
    summaries = visits(*sets)
    told = {
        'L001': [1, {'status': 'present', 'component_index': 1, 'events': ('growing',)}],
        'L002': [2, GONE, 'not_evaluable', BACK],
        'L003': [None, None, None, SPLIT],
    }
    told['L001'] += ['not_evaluable', {'status': 'present', 'component_index': 1}]
    tracking = through_time.a_tracking(sets[0], told)
    return summaries, through_time.a_history(summaries, [tracking], criteria=('rano_bm',))


def rows_at(story, place: int) -> dict[str, dict[str, str]]:
    summaries, history = story
    (tracking,) = history.trackings
    summary = summaries[place]
    found = (*summary.lesion_sets, following.nothing_measured(tracking))[0]
    rows = following.lesion_rows(
        history, place, tracking=tracking, visit=summary.visit, found=found
    )
    return {row['lesion_id']: row for row in rows}


def test_a_lesion_has_the_number_of_its_name_and_one_colour_for_life(story):
    seen = [rows_at(story, place)['L002'] for place in (0, 1, 2, 3)]
    assert {(row['index'], row['name'], row['color']) for row in seen} == {('2', 'L002', '#56B4E9')}
    assert [row['component_index'] for row in seen if 'component_index' in row] == ['2', '2']
    assert [row['status'] for row in seen] == ['present', 'absent', 'not_evaluable', 'present']
    assert [row['days_from_first'] for row in seen] == ['0', '84', '168', '252']


def test_events_stand_as_they_are(story):
    back, part = rows_at(story, 3)['L002'], rows_at(story, 3)['L003']
    assert (back['identity_event'], back['gap_visits'], back['match']) == (
        'recurrent',
        '1',
        'proximity',
    )
    assert back['flags'] == 'possible_missed_detection'
    assert (part['identity_event'], part['parent_id']) == ('fragment', 'L001')
    assert rows_at(story, 1)['L001']['events'] == 'growing'
    assert rows_at(story, 1)['L002']['flags'] == 'low_confidence_absence'


def test_an_absent_lesion_has_sizes_of_nothing_and_no_lines_to_draw(story):
    row = rows_at(story, 1)['L002']
    assert (row['ld_mm'], row['bp_mm2'], row['volume_mm3'], row['n_voxels']) == (
        '0.0',
        '0.00',
        '0',
        '0',
    )
    assert 'ld_p0_x' not in row
    assert 'centroid_x' not in row
    assert 'et_mm3' not in row


def test_what_cannot_be_judged_has_no_sizes(story):
    for row in rows_at(story, 2).values():
        assert row['status'] == 'not_evaluable'
        assert 'volume_mm3' not in row
        assert 'dvolume_prev_pct' not in row


def test_an_absorbed_lesion_has_no_sizes_of_its_own():
    sets = a_set(sized(1, 20.0, 2000), sized(2, 12.0, 600)), a_set(sized(1, 30.0, 4000))
    summaries = visits(*sets)
    tracking = through_time.a_tracking(sets[0], {'L001': [1, 1], 'L002': [2, ABSORBED]})
    history = through_time.a_history(summaries, [tracking])
    row = rows_at((summaries, history), 1)['L002']
    assert (row['status'], row['merged_into']) == ('absorbed', 'L001')
    assert 'volume_mm3' not in row
    assert 'dld_prev_mm' not in row
    (_, track) = following.track_rows(history, tracking)
    assert (track['merged_into'], track['last_session'], track['n_visits_present']) == (
        'L001',
        'ses-1',
        '1',
    )


def test_changes_are_those_of_recorded_values_since_the_last_visit_that_knows_them(story):
    first, second, last = (rows_at(story, place)['L001'] for place in (0, 1, 3))
    changes = ('dvolume_prev_pct', 'dld_prev_mm', 'dld_nadir_mm', 'dvolume_baseline_pct')
    assert [first.get(name) for name in changes] == [None, None, None, '0.0']
    assert [second[name] for name in changes] == ['50.0', '5.0', '5.0', '50.0']
    # 15.05 mm is recorded as 15.1; the visit that failed is passed over.
    assert [last[name] for name in changes] == ['-66.7', '-9.9', '-4.9', '-50.0']


def test_from_nothing_there_is_no_percentage_and_a_doubtful_absence_is_no_nadir(story):
    gone, back = rows_at(story, 1)['L002'], rows_at(story, 3)['L002']
    assert (gone['dvolume_prev_pct'], gone['dld_prev_mm']) == ('-100.0', '-12.0')
    assert (back['dvolume_prev_pct'], back['dld_prev_mm']) == ('n/a', '6.0')
    assert back['dld_nadir_mm'] == '-6.0'
    assert back['dvolume_baseline_pct'] == '-83.3'


def test_a_lesion_that_came_up_after_baseline_has_no_change_since_then(story):
    row = rows_at(story, 3)['L003']
    assert 'dvolume_baseline_pct' not in row
    assert 'dvolume_prev_pct' not in row


def test_roles_and_what_is_measurable_stand_for_each_criterion(story):
    first, last = rows_at(story, 0), rows_at(story, 3)
    assert [first[name]['role_rano_bm'] for name in ('L001', 'L002')] == ['target', 'target']
    assert (first['L001']['measurable_rano_bm'], first['L001']['not_measurable_reason']) == (
        '1',
        '',
    )
    assert (last['L002']['measurable_rano_bm'], last['L002']['not_measurable_reason']) == (
        '0',
        'ld',
    )
    assert last['L003']['role_rano_bm'] == 'fragment'
    assert 'measurable_rano_bm' not in rows_at(story, 1)['L002']


def test_where_criteria_differ_each_names_the_clause_by_which_it_fails():
    found = a_set(sized(1, 9.0, 500))
    summaries = visits(found)
    tracking = through_time.a_tracking(found, {'L001': [1]})
    edits = (ReaderEdit(session=None, action='exclude_ids', item='', value='L001'),)
    history = through_time.a_history(
        summaries, [tracking], criteria=('rano_bm', 'rano_bm_volume'), edits=edits
    )
    row = rows_at((summaries, history), 0)['L001']
    assert row['not_measurable_reason'] == 'ld'
    assert (row['role_rano_bm'], row['exclude_reason']) == ('excluded', 'reader')
    (first, *_) = history.responses['rano_bm']
    (standing,) = first.standings
    other = dataclasses.replace(first, standings=(dataclasses.replace(standing, failing=''),))
    history = dataclasses.replace(
        history, responses={'rano_bm': (other,), 'x': history.responses['rano_bm_volume']}
    )
    row = rows_at((summaries, history), 0)['L001']
    assert row['not_measurable_reason'] == 'x:ld'


def test_lesions_of_two_tissues_with_one_name_keep_their_own_roles():
    pair = Diameters(
        ld_mm=20.0,
        sd_mm=15.0,
        slice=1,
        ld=Line(start=HERE, end=HERE),
        sd=Line(start=HERE, end=HERE),
    )
    rim = a_lesion(1, longest=pair, largest_product=pair)
    small = a_lesion(1, tissue='NonCE')
    sets = a_set(rim, disease='glioma', tissue='ET'), a_set(small, disease='glioma', tissue='NonCE')
    visit = a_visit('07', '1', days=0)
    summary = dataclasses.replace(a_summary(visit), lesion_sets=sets)
    trackings = [through_time.a_tracking(one, {'L001': [1]}) for one in sets]
    history = through_time.a_history([summary], trackings, criteria=('rano2',))
    roles = [
        following.lesion_rows(history, 0, tracking=tracking, visit=visit, found=found)[0]
        for tracking, found in zip(trackings, sets, strict=True)
    ]
    assert [row['role_rano2'] for row in roles] == ['target', 'nontarget']
    assert [row['measurable_rano2'] for row in roles] == ['1', '0']


def test_places_are_also_given_in_the_space_in_which_lesions_are_followed(story):
    first, second = rows_at(story, 0)['L001'], rows_at(story, 1)['L001']
    assert [first[f'centroid_ref_{axis}'] for axis in 'xyz'] == ['1.000', '2.000', '3.000']
    assert [second[f'centroid_{axis}'] for axis in 'xyz'] == ['1.000', '2.000', '3.000']
    assert [second[f'centroid_ref_{axis}'] for axis in 'xyz'] == ['-4.000', '4.000', '2.500']


def test_the_space_is_shared_by_visits_that_were_registered_and_never_by_one_alone(story):
    summaries, history = story
    assert common_space.followed(history) == ('1', '2', '4')
    assert not common_space.mean_grid(history)
    moved = {**history.registrations, '1': history.registrations['2']}
    assert common_space.mean_grid(dataclasses.replace(history, registrations=moved))
    failed = dataclasses.replace(history.registrations['2'], matrix=None, failure='ran away')
    some = {**history.registrations, '2': failed, '4': failed}
    assert common_space.followed(dataclasses.replace(history, registrations=some)) == ()
    assert common_space.followed(dataclasses.replace(history, untracked='sessionwise')) == ()
    assert len(summaries) == 4


def test_lesions_of_a_visit_that_was_not_followed_have_numbers_of_their_own():
    sets = a_set(sized(1, 20.0, 2000)), a_set(sized(1, 20.0, 2000))
    summaries = visits(*sets)
    lost = Event(lesion_id='U001', visit=1, status='present', component_index=1)
    tracking = through_time.a_tracking(sets[0], {'L001': [1, 'not_evaluable']}, lost)
    history = through_time.a_history(summaries, [tracking], criteria=('rano_bm',))
    rows = rows_at((summaries, history), 1)
    assert (rows['U001']['index'], rows['U001']['ld_mm']) == ('10001', '20.0')
    assert rows['L001']['status'] == 'not_evaluable'
    assert 'role_rano_bm' not in rows['U001']
    assert [row['name'] for row in following.track_rows(history, tracking)] == ['L001']


def test_a_component_that_a_reader_rejected_has_no_row():
    found = a_set(sized(1, 20.0, 2000), sized(2, 10.0, 500))
    summaries = visits(found)
    tracking = through_time.a_tracking(found, {'L001': [1]})
    history = through_time.a_history(summaries, [tracking])
    assert list(rows_at((summaries, history), 0)) == ['L001']


def test_a_later_visit_changes_no_row_of_an_earlier_one(story):
    summaries, history = story
    (whole,) = history.trackings
    before = {place: rows_at(story, place) for place in (0, 1, 2)}
    cut = [
        dataclasses.replace(track, events=track.events[:3])
        for track in whole.tracks
        if track.events[0].visit < 3
    ]
    shorter = dataclasses.replace(whole, tracks=tuple(cut))
    early = through_time.a_history(summaries[:3], [shorter], criteria=('rano_bm',))
    assert {place: rows_at((summaries, early), place) for place in (0, 1, 2)} == before


def test_the_table_of_tracks_says_where_each_lesion_comes_from(story):
    _, history = story
    (tracking,) = history.trackings
    rows = following.track_rows(history, tracking)
    listed = columns.columns_named(columns.track_columns(['rano_bm']))
    assert listed == [
        *('index', 'name', 'color', 'first_session', 'last_session', 'n_visits_present'),
        *('role_rano_bm', 'parent_id', 'merged_into', 'family_root'),
    ]
    assert [[row.get(name) for name in listed] for row in rows] == [
        ['1', 'L001', '#E69F00', 'ses-1', 'ses-4', '3', 'target', 'n/a', 'n/a', 'L001'],
        ['2', 'L002', '#56B4E9', 'ses-1', 'ses-4', '2', 'target', 'n/a', 'n/a', 'L002'],
        ['3', 'L003', '#009E73', 'ses-4', 'ses-4', '1', 'fragment', 'L001', 'n/a', 'L001'],
    ]


def test_columns_of_criteria_stand_before_the_reasons():
    listed = columns.columns_named(columns.lesion_columns(['rano_bm', 'rano2']))
    at = listed.index('role_rano_bm')
    assert listed[at : at + 6] == [
        *('role_rano_bm', 'role_rano2', 'exclude_reason'),
        *('measurable_rano_bm', 'measurable_rano2', 'not_measurable_reason'),
    ]
    words = columns.described(columns.lesion_columns(['rano_bm']))
    assert words['role_rano_bm']['Levels'].keys() == columns.ROLES.keys()
    assert words['ld_mm']['CDISC'] == 'TR LDIAM'


def test_dates_stand_in_rows_only_where_the_history_holds_them(story):
    summaries, history = story
    assert rows_at(story, 0)['L001']['acq_date'] == 'n/a'
    kept = dataclasses.replace(history, dates=('2020-01-02', None, None, None))
    assert rows_at((summaries, kept), 0)['L001']['acq_date'] == '2020-01-02'
    assert rows_at((summaries, kept), 1)['L001']['acq_date'] == 'n/a'
