# SPDX-License-Identifier: Apache-2.0
"""Tables that a user gives beside the dataset: what they change, and what is refused."""

import pytest

from bids_seg import discover
from bids_seg.discover import user_tables
from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit
from bids_seg.respond.engine import OVERRIDES
from bids_seg.track.edits import ACTIONS


@pytest.fixture
def table(tmp_path):
    """Return a function that writes lines of words as a TSV."""

    def write(*lines):
        path = tmp_path / 'table.tsv'
        path.write_text(''.join('\t'.join(line.split()) + '\n' for line in lines))
        return path

    return write


@pytest.fixture
def patient(make_dataset, tmp_path):
    """Return a function that finds a participant of three visits with a table of the user."""
    image = {'shape': (20, 21, 22), 'spacing': (8.0, 8.0, 6.0)}
    files = {
        'participants.tsv': 'participant_id\tsetting\nsub-01\trecurrent\n',
        'sub-01/sub-01_sessions.tsv': (
            'session_id\tacq_time\tkps\n'
            'ses-a\t2020-01-01T10:00:00\t90\nses-b\t2020-02-01T10:00:00\t80\n'
        ),
        **{f'sub-01/ses-{s}/anat/sub-01_ses-{s}_T1w.nii.gz': image for s in 'abc'},
    }
    root = make_dataset(files)

    def find(path=None, **more):
        given = None if path is None else discover.read_visit_rows(path)
        (found,) = discover.patients(
            root, participants=['01'], index_dir=tmp_path, given=given, **more
        )
        return found

    return find


def test_what_the_user_gives_wins_over_the_tables_of_the_dataset(patient, table):
    path = table(
        'participant_id session_id days steroid_mg rt_end_date setting',
        'sub-01 ses-a 300 4 n/a newly_diagnosed',
        'sub-01 ses-b 100 n/a -20 n/a',
        '01 c 200 0 n/a n/a',
    )
    found = patient(path)
    assert [(v.session, v.days, v.date) for v in found.visits] == [
        ('b', 0, None),
        ('c', 100, None),
        ('a', 200, None),
    ]
    assert found.info['setting'] == 'newly_diagnosed'
    # Days are counted from the first visit, those of treatment too; cells it leaves out stay.
    assert dict(found.visits[0].clinical) == {'kps': '80', 'rt_end_date': '-120'}
    assert dict(found.visits[2].clinical) == {'kps': '90', 'steroid_mg': '4'}


def test_visits_not_asked_for_keep_their_place_in_time(patient):
    found = patient(sessions=['b'])
    assert [visit.session for visit in found.visits] == ['b']
    assert [(visit.session, visit.days) for visit in found.timeline] == [
        ('a', 0),
        ('b', 31),
        ('c', None),
    ]
    assert not any(visit.scans for visit in found.timeline)


def test_a_column_that_nobody_reads_is_told(table, caplog):
    discover.read_visit_rows(table('participant_id session_id steriod_mg', '01 a 4'))
    assert 'steriod_mg is not read; the nearest are steroid_mg' in caplog.text


@pytest.mark.parametrize(
    ('lines', 'words'),
    [
        (['session_id days', 'a 1'], 'participant_id'),
        (['participant_id days', '01 1'], 'session_id'),
        (['participant_id session_id days', '01 a 1', '01 a 2'], 'line 3, column session_id'),
        (['participant_id session_id days', '01 a_b 2'], 'line 2, column session_id'),
        (['participant_id session_id days', '01 a 1.5'], 'line 2, column days'),
        (['participant_id session_id acq_time', '01 a 15.06.1877'], 'column acq_time'),
        (['participant_id session_id kps', '01 a ninety'], 'column kps'),
        (['participant_id session_id steroid_mg', '01 a -4'], 'column steroid_mg'),
        (['participant_id session_id antiangiogenic', '01 a maybe'], 'column antiangiogenic'),
        (['participant_id session_id clinical_status', '01 a fine'], 'column clinical_status'),
        (['participant_id session_id rt_end_date', '01 a spring'], 'column rt_end_date'),
        (['participant_id session_id setting', '01 a old'], 'column setting'),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line_and_column(table, lines, words):
    with pytest.raises(CommandError, match=words):
        discover.read_visit_rows(table(*lines))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for read in (discover.read_visit_rows, discover.read_edits):
        with pytest.raises(CommandError, match='no such file'):
            read(tmp_path / 'none.tsv')


def test_a_reader_decides_by_participant(table):
    path = table(
        'participant_id session_id item action value tissue',
        'sub-01 ses-b 2 link L001 n/a',
        '01 b 3 reject n/a ET',
        '02 n/a n/a target_ids L001;L002 n/a',
    )
    assert discover.read_edits(path) == {
        '01': (
            ReaderEdit(session='b', action='link', item='2', value='L001'),
            ReaderEdit(session='b', action='reject', item='3', value='', tissue='ET'),
        ),
        '02': (ReaderEdit(session=None, action='target_ids', item='', value='L001;L002'),),
    }


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ('01 a 2 join L001 n/a', 'column action: `join` is no action; did you mean'),
        ('01 a two link L001 n/a', 'column item'),
        ('01 a 2 link 1 n/a', 'column value'),
        ('01 a n/a response_override n/a n/a', 'column value'),
        ('01 a 2 link L001 brain', 'column tissue'),
        ('sub_1 a 2 link L001 n/a', 'column participant_id'),
    ],
)
def test_a_wrong_decision_is_refused_with_its_column(table, line, words):
    path = table('participant_id session_id item action value tissue', line)
    with pytest.raises(CommandError, match=words):
        discover.read_edits(path)


def test_a_file_of_a_reader_has_its_columns(table):
    with pytest.raises(CommandError, match='no column action'):
        discover.read_edits(table('participant_id session_id item value', '01 a 2 L001'))


def test_the_words_are_those_of_tracking_and_response():
    assert user_tables.EDITS == ACTIONS
    assert set(OVERRIDES) < set(user_tables.OVERRIDES)
