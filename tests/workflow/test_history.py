# SPDX-License-Identifier: Apache-2.0
"""Lesions of painted patients through time, from files as a run writes them to the history."""

import dataclasses
import hashlib
import itertools
import json

import numpy as np
import pytest
from painted_course import Painted, movement

from bids_seg import image, register
from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit, VisitAlignment
from bids_seg.workflow.history import chosen
from bids_seg.workflow.history.follow import NOBODY, RENUMBERED, follow, is_current
from bids_seg.write import names
from bids_seg.write.history import read_history

HERE, THERE, FAR = (20.0, 20.0, 10.0), (-30.0, 10.0, 5.0), (-10.0, -40.0, 5.0)
GOOD = VisitAlignment(
    disagreement_mm=0.2,
    rotation_deg=5.0,
    mutual_information=1.3,
    mutual_information_before=1.1,
    brain_dice=0.98,
)


@pytest.fixture
def painted(tmp_path):
    return Painted(tmp_path)


@pytest.fixture
def registered(monkeypatch):
    """Let registration find the movements that a test says, and count how often it is asked."""
    asked = []

    def install(*found):
        answers = itertools.cycle(found)

        def head_to_head(moving, fixed, **how):
            asked.append(how)
            answer = next(answers)
            return answer if isinstance(answer, tuple) else (answer, GOOD)

        monkeypatch.setattr(register, 'head_to_head', head_to_head)
        return asked

    return install


def done(painted, *visits, **more):
    """Follow a patient and return the history."""
    assert follow(painted.out, painted.root / 'work', painted.job(*visits, **more)) == ''
    return read_history(painted.out, '01')


def told(history, number=0):
    """Return what happened to each lesion at each visit, by its name."""
    return {
        track.lesion_id: [
            '+'.join(filter(None, [event.identity or event.status, *event.events]))
            for event in track.events
        ]
        for track in history.trackings[number].tracks
    }


def digests(out):
    files = (path for path in sorted(out.rglob('*')) if path.is_file())
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def labels(painted, visit, label='metastases'):
    return image.read_labels(painted.out / names.lesion_image(visit, label))


@pytest.mark.slow
def test_forty_lesions_in_a_moving_head_keep_their_names_through_six_visits(painted):
    way = np.arange(-44.0, 45.0, 22.0)
    lattice = itertools.product(way, np.arange(-66.0, 67.0, 22.0), way)
    inside = [np.array(p) for p in lattice if np.linalg.norm(np.divide(p, (54, 72, 58))) < 0.95]
    still = inside[6:40]
    beside = np.array([0.0, 7.0, 0.0])
    a, b, c, d, e, f = inside[:6]
    courses = {
        'grown': [[(a, r)] for r in (5, 5, 8, 8, 8, 8)],
        'shrunk': [[(b, r)] for r in (8, 8, 8, 5, 5, 5)],
        'back': [[(c, 6)], [], [], [(c, 6)], [(c, 6)], [(c, 6)]],
        'late': [[], [], [(d, 6)], [(d, 6)], [(d, 6)], [(d, 6)]],
        'parted': [[(e, 9)]] * 3 + [[(e - beside, 5), (e + beside, 5)]] * 3,
        'joined': [[(f - beside, 5), (f + beside, 5)]] * 4 + [[(f, 10)]] * 2,
    }
    turns = [(0, (0, 0, 0)), (10, (8, -9, 9)), (-6, (2, 1, -4)), (3, (-12, 5, 7)),
             (-10, (4, 4, 4)), (8, (-5, -6, 2))]  # fmt: skip
    visits = []
    for number, (degrees, shift) in enumerate(turns):
        every = [(p, 5 + 0.05 * rank) for rank, p in enumerate(still)]
        every += [ball for course in courses.values() for ball in course[number]]
        made = painted.visit(
            str(number + 1),
            every,
            days=60 * number,
            matrix=movement(degrees, shift),
            seed=number,
        )
        visits.append(made)
    history = done(painted, *visits)
    assert history.faults == ('',) * 6
    for (degrees, shift), session in zip(turns, '123456', strict=True):
        matrix = np.array(history.registrations[session].matrix).reshape(4, 4)
        true = movement(degrees, shift)
        assert register.distance(matrix, true, around=np.zeros(3)) < 1.0
    # Each lesion by its place in the head at rest.
    there = {}
    tracking = history.trackings[0]
    for track in tracking.tracks:
        lesion = next(
            one.lesion
            for visit in history.courses['metastases'].visits
            for one in visit.observations['TC']
            if one.event.lesion_id == track.lesion_id and one.lesion is not None
        )
        first = track.events[0].visit
        base = np.linalg.inv(movement(*turns[first]))
        there[track.lesion_id] = (base @ [*lesion.centroid, 1.0])[:3]
    what = told(history)

    def at(spot):
        (name,) = [n for n, p in there.items() if np.linalg.norm(p - spot) < 4]
        return name, what[name]

    quiet = 'continuing'
    for spot in still:
        assert at(spot)[1] == ['baseline'] + [quiet] * 5
    assert at(a)[1] == ['baseline', quiet, 'continuing+growing', quiet, quiet, quiet]
    assert at(b)[1] == ['baseline', quiet, quiet, 'continuing+shrinking', quiet, quiet]
    assert at(c)[1] == ['baseline', 'resolved', 'absent', 'recurrent', quiet, quiet]
    assert at(d)[1] == ['new', quiet, quiet, quiet]
    parent, events = at(e)
    assert events == ['baseline', quiet, quiet, 'continuing+split', quiet, quiet]
    (part,) = [track for track in tracking.tracks if track.parent_id == parent]
    assert what[part.lesion_id] == ['fragment', quiet, quiet]
    pair = [at(f - beside)[1], at(f + beside)[1]]
    assert sorted(events[4] for events in pair) == ['continuing+merged', 'merged_into']
    assert len(tracking.tracks) == len(still) + 8
    lost = {row.new_lesion for row in history.responses['rano_bm'][2:]}
    assert lost == {'unequivocal'}


def test_one_visit_has_names_for_life_and_no_space_of_its_own(painted):
    visit = painted.visit(None, [(HERE, 8), (THERE, 6)], grey=False)
    history = done(painted, visit)
    assert told(history) == {'L001': ['baseline'], 'L002': ['baseline']}
    assert (history.reference, history.registrations, history.faults) == (None, {}, ('',))
    assert [row.reason for row in history.responses['rano_bm']] == ['baseline']
    assert sorted(np.unique(labels(painted, visit).array)) == [0, 1, 2]
    assert not list(painted.out.rglob('*individual*'))
    assert is_current(painted.out, painted.job(visit))


def test_a_second_run_changes_nothing_and_a_later_visit_nothing_that_was(painted, registered):
    true = movement(5, (4, -3, 6))
    asked = registered(true)
    first = painted.visit('1', [(HERE, 8), (THERE, 6)], days=0, grey=False)
    second = painted.visit('2', [(THERE, 6), (HERE, 6)], days=50, matrix=true, grey=False)
    before = done(painted, first, second)
    assert told(before) == {
        'L001': ['baseline', 'continuing+shrinking'],
        'L002': ['baseline', 'continuing'],
    }
    files = digests(painted.out)
    done(painted, first, second)
    assert digests(painted.out) == files
    third = painted.visit('3', [(FAR, 7), (HERE, 6)], days=90, matrix=true, grey=False)
    after = done(painted, first, second, third)
    assert len(asked) == 2, 'what was registered is not registered again'
    assert told(after)['L003'] == ['new']
    for old, new in zip(before.trackings[0].tracks, after.trackings[0].tracks, strict=False):
        assert new.events[: len(old.events)] == old.events
    now = digests(painted.out)
    own = [name for name in files if '/ses-' in name]
    assert {name for name in own if files[name] != now[name]} == set()
    assert not after.warnings


def test_a_visit_put_before_the_others_is_told(painted, registered):
    registered(np.eye(4))
    second = painted.visit('2', [(HERE, 8)], days=50, grey=False)
    third = painted.visit('3', [(HERE, 8)], days=80, grey=False, seed=3)
    done(painted, second, third)
    first = painted.visit('1', [(FAR, 8)], days=0, grey=False, seed=1)
    history = done(painted, first, second, third)
    assert history.visits == ('1', '2', '3')
    assert told(history) == {
        'L001': ['baseline', 'resolved', 'absent'],
        'L002': ['new', 'continuing'],
    }
    assert history.warnings == (RENUMBERED,)


def test_a_visit_that_cannot_be_registered_is_passed_over_with_its_reason(painted, registered):
    bad = dataclasses.replace(GOOD, disagreement_mm=7.0)
    worse = dataclasses.replace(bad, brain_dice=0.4)
    asked = registered(*((np.eye(4), one) for one in (worse, worse, bad, worse)), np.eye(4))
    visits = [
        painted.visit(name, [(HERE, 8)], days=30 * i, grey=False, seed=i)
        for i, name in enumerate('abc')
    ]
    history = done(painted, *visits)
    assert [(how['within'], how['starts']) for how in asked] == [
        ('brain', 'headers'),
        ('brain', 'many'),
        ('head', 'headers'),
        ('head', 'many'),
        ('brain', 'headers'),
    ]
    # Of tries that fail, the one with the fewest faults is told.
    assert history.faults[1].startswith('not registered: forward and reverse')
    assert 'Dice' not in history.faults[1]
    assert told(history) == {'L001': ['baseline', 'not_evaluable', 'continuing']}
    assert [event.lesion_id for event in history.trackings[0].untracked] == ['U001']
    assert [row.response for row in history.responses['rano_bm']] == ['n/a', 'NE', 'SD']
    assert set(np.unique(labels(painted, visits[1]).array)) == {0, 10001}
    assert set(history.alignments) == {'c'}
    assert not list((painted.out / 'sub-01/ses-b').rglob('*individual*'))
    # A failure is remembered as well as a success.
    done(painted, *visits)
    assert len(asked) == 5


def test_heads_are_compared_where_the_brains_alone_do_not_come_together(painted, registered):
    bad = dataclasses.replace(GOOD, disagreement_mm=107.0, brain_dice=0.6)
    asked = registered(*((np.eye(4), one) for one in (bad, bad)), movement(5.0, (2.0, 0.0, 1.0)))
    visits = [
        painted.visit(name, [(HERE, 8)], days=30 * i, grey=False, seed=i)
        for i, name in enumerate('ab')
    ]
    history = done(painted, *visits)
    assert [how['within'] for how in asked] == ['brain', 'brain', 'head']
    assert history.faults == ('', '')
    assert [history.registrations[name].within for name in 'ab'] == ['brain', 'head']
    (sidecar,) = (painted.out / 'sub-01/ses-b').rglob('*to-individual*_xfm.json')
    assert json.loads(sidecar.read_text())['Method'].endswith('of the whole heads')


def test_a_visit_that_failed_is_not_evaluable(painted, registered):
    registered(np.eye(4))
    visits = [
        painted.visit(name, [(HERE, 8)], days=30 * i, grey=False, seed=i)
        for i, name in enumerate('ab')
    ]
    file = painted.out / names.summary(visits[1])
    file.write_text(file.read_text().replace('"status": "complete"', '"status": "failed"'))
    history = done(painted, *visits)
    assert history.statuses == ('complete', 'failed')
    assert history.faults == ('', 'the visit is failed')
    assert told(history) == {'L001': ['baseline', 'not_evaluable']}
    assert history.responses['rano_bm'][1].reason == 'visit_failed'


def test_a_doubt_at_the_place_of_a_lesion_that_is_gone_is_seen(painted, registered):
    registered(np.eye(4))
    first = painted.visit('1', [(HERE, 8), (THERE, 8)], days=0, grey=False)
    second = painted.visit('2', [], left=[(HERE, 8)], days=40, grey=False, seed=1)
    gone = [track.at(1) for track in done(painted, first, second).trackings[0].tracks]
    assert sorted(event.low_confidence for event in gone) == [False, True]


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        ({'reference': 'sessionwise'}, 'sessionwise'),
        ({'warnings': ('order_unknown: dates and labels disagree',)}, 'order_unknown'),
    ],
)
def test_where_nothing_is_followed_visits_stand_for_themselves(painted, registered, more, words):
    registered(np.eye(4))
    visits = [painted.visit(n, [(HERE, 8)], days=None, grey=False, seed=ord(n)) for n in 'ab']
    done(painted, *visits)
    history = done(painted, *visits, **more)
    assert history.untracked.startswith(words)
    assert (history.trackings, history.responses, history.registrations) == ((), {}, {})
    assert set(np.unique(labels(painted, visits[1]).array)) == {0, 10001}
    assert not list(painted.out.rglob('*individual*'))


def test_a_patient_without_results_is_told_so(painted):
    visit = painted.visit('1', [(HERE, 8)], grey=False)
    file = painted.out / names.summary(visit)
    file.write_text(file.read_text().replace('"status": "complete"', '"status": "skipped"'))
    assert done(painted, visit).untracked == NOBODY


def test_a_reader_links_what_was_taken_for_two_lesions(painted, registered):
    registered(np.eye(4))
    first = painted.visit('1', [(HERE, 6)], days=0, grey=False)
    second = painted.visit('2', [(FAR, 6), (THERE, 4)], days=40, grey=False, seed=1)
    edits = (
        ReaderEdit(session='2', action='link', item='1', value='L001'),
        ReaderEdit(session='2', action='reject', item='2', value=''),
    )
    history = done(painted, first, second, edits=edits)
    assert told(history) == {'L001': ['baseline', 'continuing']}
    assert history.edits == edits
    assert set(np.unique(labels(painted, second).array)) == {0, 1}


def test_a_decision_about_what_is_not_there_is_told_and_visits_stand_for_themselves(painted):
    visit = painted.visit('1', [(HERE, 6)], grey=False)
    edit = ReaderEdit(session='1', action='reject', item='7', value='')
    error = follow(painted.out, painted.root / 'work', painted.job(visit, edits=(edit,)))
    assert 'reader file, ses-1, reject: `7` is no component' in error
    assert read_history(painted.out, '01').untracked == error


def test_lesions_beside_the_enhancing_ones_are_measured_where_a_criterion_wants_them(tmp_path):
    painted = Painted(tmp_path, disease='glioma')
    visit = painted.visit('1', [(HERE, 9)], grey=False)
    history = done(painted, visit)
    assert [one.tissue for one in history.trackings] == ['ET', 'NonCE']
    assert list(history.responses) == ['rano2']
    further = labels(painted, visit, 'gliomaNonCE').array
    assert not (further & labels(painted, visit, 'glioma').array).any()
    assert [one.tissue for one in done(painted, visit, criteria=('rano_hgg',)).trackings] == ['ET']
    assert not list(painted.out.rglob('*NonCE*'))
    both = done(painted, visit, criteria=('rano_lgg', 'rano_bm'))
    assert [one.tissue for one in both.trackings] == ['ET', 'WT']
    assert list(both.responses) == ['rano_lgg']
    none = done(painted, visit, criteria=('none',))
    assert (none.responses, [one.tissue for one in none.trackings]) == ({}, ['ET'])


@pytest.mark.parametrize('keep', [False, True])
def test_dates_stand_in_no_file_unless_they_are_asked_for(tmp_path, registered, keep):
    painted = Painted(tmp_path, keep_dates=keep)
    registered(np.eye(4))
    visits = [
        painted.visit(
            name,
            [(HERE, 8)],
            days=31 * i,
            date=f'2020-0{i + 1}-01',
            clinical={'rt_end_date': '2019-12-31', 'steroid_mg': '2'},
            grey=False,
            seed=i,
        )
        for i, name in enumerate('ab')
    ]
    history = done(painted, *visits, info={'treatment_start': '2020-01-02'})
    seen = history.courses['metastases']
    assert [row.days_from_rt_end for row in history.responses['rano_bm']] == [1, 32]
    written = [p for p in painted.out.rglob('*') if p.suffix in ('.json', '.tsv')]
    dated = [p.name for p in written if '2020-0' in p.read_text() or '2019-12' in p.read_text()]
    assert bool(dated) is keep
    assert seen.info['treatment_start'] == ('2020-01-02' if keep else '1')
    assert seen.visits[0].clinical['rt_end_date'] == ('2019-12-31' if keep else '-1')
    assert history.dates == (('2020-01-01', '2020-02-01') if keep else (None, None))


def test_a_clinical_value_that_cannot_be_read_leaves_the_lesions_alone(painted):
    visit = painted.visit('1', [(HERE, 8)], grey=False, clinical={'kps': 'ninety'})
    error = follow(painted.out, painted.root / 'work', painted.job(visit))
    assert 'RANO-BM was not applied: column kps' in error
    history = read_history(painted.out, '01')
    assert told(history) == {'L001': ['baseline']}
    assert history.responses == {}
    assert error in history.warnings


def test_the_middle_of_all_visits_belongs_to_none_of_them(painted, registered):
    true = movement(8, (6, 0, 3))
    asked = registered(true)
    first = painted.visit('1', [(HERE, 8)], days=0, grey=False)
    second = painted.visit('2', [(HERE, 8)], days=9, matrix=true, grey=False)
    history = done(painted, first, second, reference='unbiased')
    ends = [np.array(history.registrations[s].matrix).reshape(4, 4) for s in '12']
    assert np.allclose(ends[1] @ np.linalg.inv(ends[0]), true, atol=1e-5)
    assert not np.allclose(ends[0], np.eye(4))
    assert told(history) == {'L001': ['baseline', 'continuing']}
    (mean,) = painted.out.rglob('*desc-mean_T1w.nii.gz')
    assert image.read_map(mean).array.max() == pytest.approx(1000)
    files = digests(painted.out)
    done(painted, first, second, reference='unbiased', rules=('tiny_rule=recist5',))
    assert len(asked) == 1
    now = digests(painted.out)
    assert {n for n in files if n.endswith('.nii.gz') and files[n] != now[n]} == set()


def test_the_first_by_label_may_stay_where_another_was_first_in_time(painted, registered):
    registered(np.eye(4))
    later = painted.visit('a', [(HERE, 8)], days=40, grey=False)
    first = painted.visit('b', [(HERE, 8)], days=0, grey=False, seed=1)
    history = done(painted, first, later, reference='first-lex')
    assert (history.visits, history.reference) == (('b', 'a'), 'a')


def test_a_lesion_outside_of_every_earlier_view_is_not_called_new(painted, registered):
    shift = movement(0, (0, 0, 60))
    registered(shift)
    first = painted.visit('1', [(HERE, 8)], days=0, grey=False)
    # The second visit shows 60 mm more of the lower head, where the first has nothing.
    low = (0.0, 0.0, -120.0)
    second = painted.visit('2', [(HERE, 8), (low, 6)], days=30, matrix=shift, grey=False)
    assert told(done(painted, first, second)) == {
        'L001': ['baseline', 'continuing'],
        'L002': ['new_unverified'],
    }


@pytest.mark.parametrize(
    ('asked', 'rules', 'words'),
    [
        (('rano_mb',), (), "no criterion 'rano_mb'; did you mean rano_bm"),
        (('none', 'auto'), (), '`none` stands beside'),
        ((), ('flair=apply',), "no rule 'flair=apply'; did you mean flair_pd"),
        ((), ('flair_pd=maybe',), '`maybe` is no value of flair_pd'),
    ],
)
def test_what_is_not_known_is_refused_with_what_is_nearest(asked, rules, words):
    with pytest.raises(CommandError, match=words):
        chosen.check(asked, rules)
