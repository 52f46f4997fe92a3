# SPDX-License-Identifier: Apache-2.0
"""Worked scenarios of lesions through time, on the level of the graph."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_seg.discover.dates import order
from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit, Tracking, from_json, to_json
from bids_seg.track.follow import LOW_CONFIDENCE, VisitComponents, family, follow
from bids_seg.track.match import Component, Edge, Graph, Known, Residue

NOT_EVALUABLE = None
Edges = Mapping[str, float | tuple[float, float, float]]


def visit(volumes: Mapping[str, int] | None, *, ld_mm: float = 10.0) -> VisitComponents:
    """Make a visit; a component is named by a letter and lies far from all others."""
    if volumes is None:
        return VisitComponents(components=(), evaluable=False)
    parts = tuple(
        Component(
            index=ord(name) - ord('a') + 1,
            volume_mm3=volume,
            centroid=(float(ord(name)), 0.0, 0.0),
            ld_mm=ld_mm,
        )
        for name, volume in volumes.items()
    )
    return VisitComponents(components=parts)


def run(
    visits: Sequence[VisitComponents],
    edges: Mapping[int, Edges] | None = None,
    distances: Mapping[int, Mapping[str, float]] | None = None,
    **more,
) -> Tracking:
    """Follow visits whose edges are given as {'L1-p': o} or {'L1-p': (o, a, b)}."""
    residues = more.pop('residues', {})

    def look(known: Sequence[Known], place: int) -> Graph:
        made = []
        for pair, given_edge in (edges or {}).get(place, {}).items():
            o, a, b = given_edge if isinstance(given_edge, tuple) else (given_edge, 0.5, 0.5)
            lesion, component = names(pair)
            if lesion in {one.lesion_id for one in known}:
                made.append(Edge(lesion_id=lesion, component=component, a=a, b=b, overlap_mm3=o))
        spans = {names(pair): span for pair, span in (distances or {}).get(place, {}).items()}
        return Graph(
            components=visits[place].components,
            edges=tuple(made),
            distances=spans,
            residues=residues.get(place, {}),
        )

    return follow(visits, look, disease='metastases', tissue='TC', **more)


def names(pair: str) -> tuple[str, int]:
    lesion, letter = pair.split('-')
    return f'L{int(lesion[1:]):03d}', ord(letter) - ord('a') + 1


def said(tracking: Tracking, place: int) -> dict[str, str]:
    """Return each lesion at a visit as `component identity+events <parent >host`."""
    found = {}
    for track in tracking.tracks:
        event = track.at(place)
        if event is None:
            continue
        letter = chr(96 + event.component_index) if event.component_index else event.status
        what = '+'.join([event.identity or '', *event.events])
        tail = f' <L{int(event.parent_id[1:])}' if event.identity == 'fragment' else ''
        tail += f' >L{int(event.merged_into[1:])}' if event.merged_into else ''
        found[f'L{int(track.lesion_id[1:])}'] = f'{letter} {what}{tail}'
    return found


TWO = {'a': 500, 'b': 100}
MERGE = ([{'a': 900, 'b': 300}, {'p': 1500}], {1: {'L1-p': 900, 'L2-p': 300}})
SPLIT = ([{'a': 1500}, {'p': 800, 'q': 400}], {1: {'L1-p': 800, 'L1-q': 400}})


def then(base, volumes, edges):
    """Return a scenario that goes on from another."""
    return [*base[0], volumes], {**base[1], 2: edges}


SCENARIOS = {
    'S1': ([{'a': 500}, {'p': 520}], {1: {'L1-p': 480}}, {}, {1: {'L1': 'p continuing'}}),
    'S2 at 40 percent': (
        [{'a': 500}, {'p': 700}], {1: {'L1-p': 500}}, {}, {1: {'L1': 'p continuing+growing'}},
    ),
    'S2 below': (
        [{'a': 500}, {'p': 699}], {1: {'L1-p': 500}}, {}, {1: {'L1': 'p continuing'}},
    ),
    'S3': (
        [{'a': 500}, {'p': 300}], {1: {'L1-p': 300}}, {}, {1: {'L1': 'p continuing+shrinking'}},
    ),
    'S3 below': (
        [{'a': 500}, {'p': 301}], {1: {'L1-p': 300}}, {}, {1: {'L1': 'p continuing'}},
    ),
    'S4': ([{'a': 50}, {'p': 75}], {1: {'L1-p': 50}}, {}, {1: {'L1': 'p continuing'}}),
    'S4 at 30 mm3': (
        [{'a': 50}, {'p': 80}], {1: {'L1-p': 50}}, {}, {1: {'L1': 'p continuing+growing'}},
    ),
    'S5': (
        [{'a': 500}, {'p': 500, 'q': 80}], {1: {'L1-p': 500}}, {},
        {0: {'L1': 'a baseline'}, 1: {'L1': 'p continuing', 'L2': 'q new'}},
    ),
    'S6': (
        [TWO, {'p': 500}, {'s': 480, 'r': 90}],
        {1: {'L1-p': 500}, 2: {'L1-s': 470, 'L2-r': 60}}, {},
        {1: {'L1': 'p continuing', 'L2': 'absent resolved'},
         2: {'L1': 's continuing', 'L2': 'r recurrent'}},
    ),
    'S7': (
        [TWO, NOT_EVALUABLE, {'s': 480, 'r': 90}], {2: {'L1-s': 470, 'L2-r': 60}}, {},
        {1: {'L1': 'not_evaluable ', 'L2': 'not_evaluable '},
         2: {'L1': 's continuing', 'L2': 'r continuing'}},
    ),
    'S8': (*MERGE, {}, {1: {'L1': 'p continuing+merged', 'L2': 'absorbed merged_into >L1'}}),
    'S9': (
        *then(MERGE, {'x': 850, 'y': 280}, {'L1-x': 850, 'L1-y': 280, 'L2-y': 270}), {},
        {2: {'L1': 'x continuing', 'L2': 'y separated'}},
    ),
    'S10': (
        *then(MERGE, {'x': 1400}, {'L1-x': 1400, 'L2-x': 300}), {},
        {2: {'L1': 'x continuing', 'L2': 'absorbed  >L1'}},
    ),
    'S11': (*then(MERGE, {}, {}), {}, {2: {'L1': 'absent resolved', 'L2': 'absent resolved'}}),
    'S12': (*SPLIT, {}, {1: {'L1': 'p continuing+split', 'L2': 'q fragment <L1'}}),
    'S13': (
        *then(SPLIT, {'x': 700}, {'L1-x': 700}), {},
        {2: {'L1': 'x continuing', 'L2': 'absent resolved'}},
    ),
    'S14': (
        *then(SPLIT, {'x': 1600}, {'L1-x': 800, 'L2-x': 400}), {},
        {2: {'L1': 'x continuing+merged', 'L2': 'absorbed merged_into >L1'}},
    ),
    'S15': (
        [{'a': 500, 'b': 400}, {'q': 600, 'p': 450}], {1: {'L1-p': 430, 'L2-q': 390}}, {},
        {1: {'L1': 'p continuing', 'L2': 'q continuing+growing'}},
    ),
    'S16': (
        [{'a': 1000, 'b': 600}, {'p': 900, 'q': 500}],
        {1: {'L1-p': 400, 'L1-q': 450, 'L2-q': 500}}, {},
        {1: {'L1': 'p continuing', 'L2': 'q continuing'}},
    ),
    'S17': ([{'a': 14}, {'p': 16}], {}, {1: {'L1-p': 4.0}}, {1: {'L1': 'p continuing'}}),
    'S17 at the gate': ([{'a': 14}, {'p': 16}], {}, {1: {'L1-p': 5.0}}, {1: {'L1': 'p continuing'}}),
    'S18': (
        [{'a': 14}, {'p': 16}], {}, {1: {'L1-p': 5.1}},
        {1: {'L1': 'absent resolved', 'L2': 'p new'}},
    ),
    'S19': (
        [{'a': 14}, {'p': 120}], {}, {1: {'L1-p': 3.0}},
        {1: {'L1': 'absent resolved', 'L2': 'p new'}},
    ),
    'S19 at the ratio': (
        [{'a': 14}, {'p': 112}], {}, {1: {'L1-p': 3.0}}, {1: {'L1': 'p continuing+growing'}},
    ),
    'S20': (
        [{'a': 1000, 'b': 800}, {'p': 700, 'q': 900, 'r': 200}],
        {1: {'L1-p': 600, 'L1-q': 300, 'L2-q': 600, 'L2-r': 190}}, {},
        {1: {'L1': 'p continuing', 'L2': 'q continuing+split', 'L3': 'r fragment <L2'}},
    ),
    'S21': (
        [{'a': 500, 'b': 300}, {'p': 500}, {'x': 900}],
        {1: {'L1-p': 500}, 2: {'L1-x': 500, 'L2-x': 280}}, {},
        {1: {'L1': 'p continuing', 'L2': 'absent resolved'},
         2: {'L1': 'x continuing+growing', 'L2': 'absent '}},
    ),
    'S22': (
        [{}, {'p': 100}, {'q': 110}], {2: {'L1-q': 95}}, {},
        {0: {}, 1: {'L1': 'p new'}, 2: {'L1': 'q continuing'}},
    ),
    'S23': (
        [{'a': 1000}, {}, {'x': 300, 'y': 200}], {2: {'L1-x': 300, 'L1-y': 200}}, {},
        {1: {'L1': 'absent resolved'}, 2: {'L1': 'x recurrent+split', 'L2': 'y fragment <L1'}},
    ),
    'S24': (
        [{'a': 30, 'b': 30}, {'p': 33, 'q': 31}], {},
        {1: {'L1-p': 4.5, 'L1-q': 2.0, 'L2-q': 2.5, 'L2-p': 4.8}},
        {1: {'L1': 'q continuing', 'L2': 'p continuing'}},
    ),
    'S28': (
        [{'a': 1000}, {'p': 1000, 'q': 60}],
        {1: {'L1-p': (950, 0.95, 0.95), 'L1-q': (20, 0.02, 0.33)}}, {},
        {1: {'L1': 'p continuing', 'L2': 'q new'}},
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', SCENARIOS)
def test_a_worked_scenario_comes_out_as_written(name):
    volumes, edges, distances, expected = SCENARIOS[name]
    tracking = run([visit(one) for one in volumes], edges, distances)
    for place, lesions in expected.items():
        assert {key: text.rstrip() for key, text in said(tracking, place).items()} == {
            key: text.rstrip() for key, text in lesions.items()
        }


@pytest.mark.parametrize('name', SCENARIOS)
def test_a_later_visit_changes_no_earlier_event(name):
    volumes, edges, distances, _ = SCENARIOS[name]
    visits = [visit(one) for one in volumes]
    for last in range(1, len(visits)):
        before = run(visits[:last], edges, distances)
        after = run(visits, edges, distances)
        old = {
            track.lesion_id: [event for event in track.events if event.visit < last]
            for track in after.tracks
        }
        assert {t.lesion_id: list(t.events) for t in before.tracks} == {
            name: events for name, events in old.items() if events
        }


@pytest.mark.parametrize('name', SCENARIOS)
def test_the_order_of_components_and_edges_is_irrelevant(name):
    volumes, edges, distances, _ = SCENARIOS[name]
    visits = [visit(one) for one in volumes]
    generator = random.Random(3)  # noqa: S311
    turned = [
        replace(one, components=tuple(generator.sample(one.components, len(one.components))))
        for one in visits
    ]
    backwards = {place: dict(reversed(list(some.items()))) for place, some in edges.items()}
    assert run(turned, backwards, distances) == run(visits, edges, distances)


def test_how_a_lesion_was_found_again_is_recorded():
    volumes, edges, distances, _ = SCENARIOS['S1']
    event = run([visit(one) for one in volumes], edges, distances).tracks[0].at(1)
    assert (event.match, event.match_o_mm3) == ('overlap', 480)
    volumes, edges, distances, _ = SCENARIOS['S24']
    tracking = run([visit(one) for one in volumes], edges, distances)
    assert [track.at(1).match for track in tracking.tracks] == ['proximity', 'proximity']


def test_d07_a_lesion_missed_once_keeps_its_name_and_says_so():
    volumes, edges, distances, _ = SCENARIOS['S6']
    event = run([visit(one) for one in volumes], edges, distances).tracks[1].at(2)
    assert (event.gap_visits, event.flags) == (1, ('possible_missed_detection',))


def test_a_lesion_missed_twice_is_not_called_a_missed_detection():
    tracking = run([visit({'a': 90}), visit({}), visit({}), visit({'p': 90})], {3: {'L1-p': 80}})
    event = tracking.tracks[0].at(3)
    assert (event.identity, event.gap_visits, event.flags) == ('recurrent', 2, ())
    assert tracking.tracks[0].at(2).identity is None


@pytest.mark.parametrize(('o', 'winner'), [(51, 'L1'), (49, 'L2')])
def test_a_lesion_that_was_absent_counts_half(o, winner):
    visits = [visit(TWO), visit({'p': 500}), visit({'x': 400})]
    found = said(run(visits, {1: {'L1-p': 500}, 2: {'L1-x': o, 'L2-x': 100}}), 2)
    assert found[winner].startswith('x ')


def test_a_gap_counts_evaluable_visits_alone():
    tracking = run([visit({'a': 90}), visit({}), visit(None), visit({'p': 90})], {3: {'L1-p': 80}})
    assert tracking.tracks[0].at(3).gap_visits == 1


def test_a_fresh_satellite_names_the_lesion_that_it_touches():
    volumes, edges, distances, _ = SCENARIOS['S28']
    tracking = run([visit(one) for one in volumes], edges, distances)
    assert tracking.tracks[1].at(1).adjacent_to == 'L001'


@pytest.mark.parametrize(('b', 'identity'), [(0.50, 'fragment'), (0.49, 'new')])
def test_half_of_a_fragment_lies_in_the_earlier_lesion(b, identity):
    edges = {1: {'L1-p': 800, 'L1-q': (200, 0.2, b)}}
    tracking = run([visit({'a': 1500}), visit({'p': 800, 'q': 400})], edges)
    assert tracking.tracks[1].at(1).identity == identity


@pytest.mark.parametrize(('a', 'status'), [(0.50, 'absorbed'), (0.49, 'absent')])
def test_half_of_an_absorbed_lesion_lies_in_its_host(a, status):
    edges = {1: {'L1-p': 900, 'L2-p': (100, a, 0.1)}}
    tracking = run([visit({'a': 900, 'b': 300}), visit({'p': 1500})], edges)
    event = tracking.tracks[1].at(1)
    assert event.status == status
    assert event.adjacent_to == (None if status == 'absorbed' else 'L001')


@pytest.mark.parametrize(('a', 'identity'), [(0.25, 'continuing'), (0.24, 'resolved')])
def test_a_touch_below_a_quarter_is_no_identity(a, identity):
    tracking = run([visit({'a': 900}), visit({'p': 900})], {1: {'L1-p': (200, a, 0.1)}})
    assert tracking.tracks[0].at(1).identity == identity


def test_d07_one_voxel_in_common_does_not_win_over_a_better_lesion():
    # D7: the lowest number grabs first in a program that matches in order of numbers.
    edges = {1: {'L1-p': (1, 0.3, 0.01), 'L2-p': (10, 0.9, 0.9)}}
    tracking = run([visit({'a': 500, 'b': 11}), visit({'p': 12})], edges)
    assert said(tracking, 1)['L2'] == 'p continuing'
    assert said(tracking, 1)['L1'].startswith('absent resolved')


def test_d13_one_vanished_and_one_new_lesion_are_not_the_same():
    # D13, D19: an assignment without a gate pairs whatever is left.
    tracking = run([visit({'a': 500}), visit({'p': 500})], {}, {1: {'L1-p': 60.0}})
    assert said(tracking, 1) == {'L1': 'absent resolved', 'L2': 'p new'}


def test_d20_an_impossible_pair_does_not_displace_a_possible_one():
    # D20: with the gate after the assignment, L1-q and L2-p (sum 6.0) would both be lost.
    spans = {1: {'L1-p': 1.0, 'L1-q': 0.5, 'L2-p': 5.5, 'L2-q': 40.0}}
    tracking = run([visit({'a': 30, 'b': 29}), visit({'p': 31, 'q': 32})], {}, spans)
    assert said(tracking, 1)['L1'] == 'q continuing'
    assert said(tracking, 1)['L2'] == 'absent resolved'
    assert said(tracking, 1)['L3'] == 'p new'


def test_d19_merges_are_one_to_one_and_name_both_lesions():
    # D7, D19: the second identity of a merge does not disappear without a word.
    tracking = run([visit(one) for one in MERGE[0]], MERGE[1])
    assert tracking.tracks[1].at(1).merged_into == 'L001'


def test_equal_candidates_go_to_the_larger_then_the_lower_component():
    edges = {1: {'L1-p': 100, 'L1-q': 100}}
    tracking = run([visit({'a': 300}), visit({'p': 200, 'q': 210})], edges)
    assert said(tracking, 1)['L1'].startswith('q ')
    parts = (
        Component(index=1, volume_mm3=200, centroid=(0.0, 0.0, 9.0)),
        Component(index=2, volume_mm3=200, centroid=(9.0, 9.0, 8.0)),
    )
    edges = {1: {'L1-a': 100, 'L1-b': 100}}
    tracking = run([visit({'a': 300}), VisitComponents(components=parts)], edges)
    assert said(tracking, 1)['L1'].startswith('b ')


def test_new_lesions_are_numbered_by_volume_and_numbers_are_never_used_again():
    tracking = run([visit({'a': 10, 'b': 30}), visit({}), visit({'p': 5, 'q': 90, 'r': 40})])
    assert [track.at(0).component_index for track in tracking.tracks[:2]] == [2, 1]
    assert [said(tracking, 2)[name][0] for name in ('L3', 'L4', 'L5')] == ['q', 'r', 'p']


def test_lesions_of_a_visit_that_cannot_be_tracked_are_never_mixed_with_others():
    lost = replace(visit({'p': 100, 'q': 300}), evaluable=False)
    tracking = run([visit({'a': 500}), lost, lost, visit({'z': 500})], {3: {'L1-z': 500}})
    assert [event.lesion_id for event in tracking.untracked] == ['U001', 'U002', 'U003', 'U004']
    assert tracking.untracked[0].component_index == ord('q') - 96
    assert [track.lesion_id for track in tracking.tracks] == ['L001']
    assert tracking.tracks[0].at(3).identity == 'continuing'


def test_the_first_evaluable_visit_gives_the_baseline_identities():
    tracking = run([visit(None), visit({'a': 500})])
    assert tracking.tracks[0].events[0].identity == 'baseline'
    assert tracking.tracks[0].at(0) is None


def test_a_site_that_no_earlier_visit_shows_gives_an_unverified_lesion():
    part = Component(index=1, volume_mm3=50, centroid=(0.0, 0.0, 0.0), in_view=())
    seen = replace(part, in_view=(0,))
    for one, identity in ((part, 'new_unverified'), (seen, 'new')):
        tracking = run([visit({}), VisitComponents(components=(one,))])
        assert tracking.tracks[0].events[0].identity == identity


@pytest.mark.parametrize(
    ('residue', 'low', 'flags'),
    [
        (Residue(probability=LOW_CONFIDENCE), True, ()),
        (Residue(probability=0.29), False, ()),
        (Residue(probability=0.0, speck=True), True, ('speck_remains',)),
        (Residue(probability=None), False, ('no_probabilities',)),
    ],
)
def test_what_is_left_at_the_place_lowers_confidence_in_an_absence(residue, low, flags):
    residues = {1: {'L001': residue}}
    event = run([visit({'a': 500}), visit({})], residues=residues).tracks[0].at(1)
    assert (event.low_confidence, event.flags) == (low, flags)


@pytest.mark.parametrize(('ld', 'flags'), [(5.0, ('review_detection',)), (4.9, ())])
def test_an_empty_visit_after_a_lesion_of_some_size_is_reviewed(ld, flags):
    assert run([visit({'a': 500}, ld_mm=ld), visit({})]).visit_flags[1] == flags


def test_a_patient_without_lesions_has_no_tracks():
    tracking = run([visit({}), visit({})])
    assert (tracking.tracks, tracking.visit_flags) == ((), ((), ()))


def test_very_many_components_are_said():
    parts = tuple(
        Component(index=i, volume_mm3=9, centroid=(float(i), 0.0, 0.0)) for i in range(1, 202)
    )
    assert run([VisitComponents(components=parts)]).visit_flags == (('n_components_high',),)


def test_a_family_is_a_lesion_and_all_that_split_from_it():
    visits, edges = then(SPLIT, {'x': 700, 'y': 300, 'z': 90}, {
        'L1-x': 700, 'L2-y': 300, 'L2-z': 90,
    })  # fmt: skip
    tracking = run([visit(one) for one in visits], edges)
    assert family(tracking.tracks, 'L001') == ('L001', 'L002', 'L003')
    assert family(tracking.tracks, 'L002') == ('L002', 'L003')
    assert {track.family_root for track in tracking.tracks} == {'L001'}


def edit(action: str, item: str, value: str = '') -> ReaderEdit:
    return ReaderEdit(session='2', action=action, item=item, value=value)


def read(edits: list[ReaderEdit], volumes: list[dict[str, int]], edges: Edges) -> Tracking:
    visits = [replace(visit(one), session=str(i + 1)) for i, one in enumerate(volumes)]
    return run(visits, {1: edges}, edits=edits)


P, Q = str(ord('p') - 96), str(ord('q') - 96)


def test_a_reader_can_link_what_does_not_touch():
    tracking = read([edit('link', P, 'L001')], [{'a': 500}, {'p': 90, 'q': 480}], {'L1-q': 450})
    assert said(tracking, 1)['L1'].startswith('p continuing')
    assert tracking.tracks[0].at(1).match == 'reader'


def test_a_reader_can_unlink_and_reject_and_merge():
    both = [{'a': 500}, {'p': 500, 'q': 90}]
    edges = {'L1-p': 450, 'L1-q': 80}
    assert said(read([edit('unlink', P, 'L001')], both, edges), 1)['L1'].startswith('q ')
    assert len(read([edit('reject', Q)], both, edges).tracks) == 1
    tracking = read([edit('merge', Q, 'L001')], both, {'L1-p': 450})
    assert said(tracking, 1)['L2'] == 'q fragment <L1'
    tracking = read([edit('merge', 'L002', 'L001')], [TWO, {'p': 600}], {'L1-p': 450})
    assert said(tracking, 1)['L2'] == 'absorbed merged_into >L1'


@pytest.mark.parametrize(
    ('action', 'item', 'value', 'words'),
    [
        ('link', '99', 'L001', '`99` is no component'),
        ('link', P, 'L009', '`L009` is no earlier lesion'),
        ('reject', 'L001', '', '`L001` is no component'),
    ],
)
def test_an_edit_that_cannot_be_applied_says_what_is_there(action, item, value, words):
    with pytest.raises(CommandError, match=words):
        read([edit(action, item, value)], [{'a': 500}, {'p': 90}], {})


def test_tracks_survive_being_written_and_read():
    tracking = run([visit(one) for one in SPLIT[0]], SPLIT[1])
    assert from_json(Tracking, to_json(tracking)) == tracking


def test_d08_sessions_without_dates_are_ordered_as_numbers():
    # S27 and D8: never Visit_10 before Visit_2.
    found = order(['10', '1', '2'], sources=[])
    assert found.labels == ('1', '2', '10')
    assert found.warnings[0].startswith('order_from_label')


@given(st.data())
def test_any_patient_is_followed_the_same_in_any_order_and_without_later_visits(data):
    draw = data.draw
    volumes = [
        draw(st.one_of(st.none(), st.dictionaries(st.sampled_from('abcde'), st.integers(8, 900))))
        for _ in range(draw(st.integers(1, 4)))
    ]
    share = st.sampled_from([0.1, 0.25, 0.5, 1.0])
    edges = {}
    for place in range(1, len(volumes)):
        letters = sorted(volumes[place] or {})
        pairs = [f'L{i}-{letter}' for i in range(1, 8) for letter in letters]
        some = draw(st.lists(st.sampled_from(pairs), max_size=6, unique=True)) if pairs else []
        edges[place] = {pair: (draw(st.integers(1, 50)), draw(share), draw(share)) for pair in some}
    visits = [visit(one) for one in volumes]
    whole = run(visits, edges)
    turned = [replace(one, components=one.components[::-1]) for one in visits]
    assert run(turned, edges) == whole
    early = run(visits[:-1], edges)
    for track in early.tracks:
        now = next(one for one in whole.tracks if one.lesion_id == track.lesion_id)
        assert now.events[: len(track.events)] == track.events
    for place, one in enumerate(visits):
        events = [track.at(place) for track in whole.tracks if track.at(place)]
        here = sorted(event.component_index for event in events if event.component_index)
        if one.evaluable:
            assert here == sorted(part.index for part in one.components)
    for track in whole.tracks:
        assert track.parent_id is None or track.parent_id < track.lesion_id
