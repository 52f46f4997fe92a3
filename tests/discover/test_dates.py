# SPDX-License-Identifier: Apache-2.0
"""Dates and the order of visits: rules 15 to 18 of the input contract."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_seg import discover
from bids_seg.discover import dates
from bids_seg.discover.dates import When, counted, moment, order
from bids_seg.discover.names import natural


@pytest.mark.parametrize(
    ('value', 'clock'),
    [
        ('1877-06-15T13:45:30', '13:45:30'),
        ('1877-06-15T13:45:30.5', '13:45:30'),
        ('1877-06-15T13:45:30.123456Z', '13:45:30'),
        ('1877-06-15T13:45:30+02:00', '13:45:30'),
        ('1877-06-15T13:45', '13:45:00'),
        ('1877-06-15', ''),
    ],
)
def test_the_forms_of_bids_are_accepted(value, clock):
    assert moment(value) == When(day=moment('1877-06-15').day, clock=clock, date='1877-06-15')


@pytest.mark.parametrize(
    'value', ['15.06.1877', '###', '1877', '1877-06', '1877-13-01', '1877-02-30', '1877-06-15T25:00:00',
              'yesterday', '18770615']
)  # fmt: skip
def test_other_forms_are_refused_with_the_value(value):
    with pytest.raises(ValueError, match=re.escape(value)):
        moment(value)


@pytest.mark.parametrize('value', [None, '', 'n/a'])
def test_nothing_said_is_no_date(value):
    assert moment(value) is None
    assert counted(value) is None


def test_days_are_whole_numbers():
    assert counted('157') == When(day=157)
    assert counted('157.0') == When(day=157)
    with pytest.raises(ValueError, match='whole number'):
        counted('1.5')


def at(**times):
    return {label.removeprefix('s'): moment(value) for label, value in times.items()}


def test_dates_order_visits_against_their_labels():
    made = order(
        ['1', '2', '10'],
        sources=[at(s1='2020-03-01T10:00', s2='2020-01-01T10:00', s10='2020-02-01T10:00')],
    )
    assert made.labels == ('2', '10', '1')
    assert made.days == {'2': 0, '10': 31, '1': 60}
    assert made.by == 'date'
    assert made.warnings == ()


def test_without_dates_labels_order_by_their_numbers():
    made = order(['10', '1', '2'], sources=[{}])
    assert made.labels == ('1', '2', '10')
    assert made.by == 'label'
    assert set(made.days.values()) == {None}
    assert made.warnings[0].startswith('order_from_label')


def test_some_dates_that_agree_with_the_labels_leave_their_order():
    made = order(['1', '2', '3'], sources=[at(s1='2020-01-01T10:00', s3='2020-01-11T10:00')])
    assert made.labels == ('1', '2', '3')
    assert made.days == {'1': 0, '2': None, '3': 10}
    assert made.by == 'label'


def test_some_dates_that_contradict_the_labels_are_told_with_both_orders():
    made = order(['1', '2', '3'], sources=[at(s1='2020-02-01T10:00', s3='2020-01-01T10:00')])
    assert made.labels == ('1', '2', '3')
    assert set(made.days.values()) == {None}
    (warning,) = made.warnings
    assert warning.startswith('order_unknown')
    assert 'date (ses-3, ses-1)' in warning
    assert 'label (ses-1, ses-3)' in warning


def test_a_source_that_knows_every_visit_is_preferred_and_two_are_never_mixed():
    shifted, real = at(s1='1877-01-01T10:00'), at(s1='2020-01-01T10:00', s2='2020-01-08T10:00')
    made = order(['1', '2'], sources=[shifted, real])
    assert made.days == {'1': 0, '2': 7}
    assert made.dates['1'] == '2020-01-01'
    assert order(['1', '2'], sources=[shifted, {}]).dates == {'1': '1877-01-01', '2': None}
    both = at(s1='1877-01-05T10:00', s2='1877-01-01T10:00')
    assert order(['1', '2'], sources=[both, real]).labels == ('2', '1')


def test_visits_of_one_day_are_ordered_by_time_then_label():
    times = at(s1='2020-01-01T12:00', s2='2020-01-01T09:00', s3='2020-01-01T09:00')
    made = order(['1', '3', '2'], sources=[times])
    assert made.labels == ('2', '3', '1')
    assert set(made.days.values()) == {0}


def test_dates_without_time_are_told():
    made = order(['1', '2'], sources=[at(s1='2020-01-01', s2='2020-01-02')])
    assert made.by == 'date'
    assert 'without a time of day' in made.warnings[0]


def test_an_interval_of_more_than_forty_years_is_told_and_not_counted():
    made = order(['1', '2'], sources=[at(s1='1900-01-01T10:00', s2='2020-01-01T10:00')])
    assert made.days == {'1': 0, '2': None}
    assert 'more than 40 years' in made.warnings[0]


def test_images_outside_of_sessions_come_first_whatever_their_date():
    times = {None: moment('2020-02-01T10:00'), '1': moment('2020-01-01T10:00')}
    made = order(['1', None], sources=[times])
    assert made.labels == (None, '1')
    assert made.days == {None: None, '1': 0}
    early = order(['1', None], sources=[{**times, None: moment('2019-12-31T10:00')}])
    assert early.days == {None: 0, '1': 1}


def test_one_visit_needs_no_order():
    made = order(['1'], sources=[{}])
    assert made.by == 'one'
    assert made.warnings == ()


@given(
    st.dictionaries(
        st.from_regex(r'[0-9a-z]{1,4}', fullmatch=True), st.integers(0, 10000), min_size=2
    )
)
def test_order_does_not_depend_on_how_visits_are_listed(days):
    times = {label: When(day=day) for label, day in days.items()}
    forth, back = (order(labels, sources=[times]) for labels in (list(days), list(reversed(days))))
    assert forth.labels == back.labels
    assert sorted(forth.labels) == sorted(days)
    counted_days = [forth.days[label] for label in forth.labels]
    assert counted_days == sorted(counted_days)
    assert counted_days[0] == 0


@given(st.lists(st.integers(0, 10**6), unique=True))
def test_natural_order_is_the_order_of_numbers(numbers):
    labels = [str(number) for number in numbers]
    assert sorted(labels, key=natural) == [str(number) for number in sorted(numbers)]


def sessions(*visits):
    return {f'sub-01/ses-{ses}/anat/sub-01_ses-{ses}_T1w.nii.gz': {} for ses in visits}


@pytest.fixture
def patient(make_dataset, tmp_path):
    def find(files):
        root = make_dataset(files)
        (one,) = discover.patients(root, participants=('01',), index_dir=tmp_path / 'index')
        return one

    return find


TABLE = 'sub-01/sub-01_sessions.tsv'


def test_the_sessions_table_dates_visits_and_gives_clinical_columns(patient):
    columns = 'session_id\tacq_time\tsteroid_mg\tkps\tantiangiogenic\tother\n'
    found = patient(
        {
            **sessions('a', 'b'),
            TABLE: columns
            + 'ses-b\t1877-06-15T13:45:30\t4\t90\tn/a\tx\n'
            + 'ses-a\t1877-07-15T13:45:30\t2.5\tn/a\ttrue\ty\n',
            'sub-01/ses-a/sub-01_ses-a_scans.tsv': 'filename\tacq_time\nanat/sub-01_ses-a_T1w.nii.gz\t1800-01-01T00:00:00\n',
        }
    )
    assert found.ordered_by == 'date'
    assert [(visit.session, visit.days, visit.date) for visit in found.visits] == [
        ('b', 0, '1877-06-15'),
        ('a', 30, '1877-07-15'),
    ]
    assert [dict(visit.clinical) for visit in found.visits] == [
        {'steroid_mg': '4', 'kps': '90'},
        {'steroid_mg': '2.5', 'antiangiogenic': 'true'},
    ]


@pytest.mark.parametrize('column', ['days', 'days_from_first', 'days_from_first_visit'])
def test_a_column_of_days_orders_visits_without_dates(patient, column):
    found = patient({**sessions('a', 'b'), TABLE: f'session_id\t{column}\nses-a\t100\nses-b\t43\n'})
    assert [(visit.session, visit.days, visit.date) for visit in found.visits] == [
        ('b', 0, None),
        ('a', 57, None),
    ]
    assert found.ordered_by == 'date'


def test_the_scans_table_dates_the_reference_image(patient):
    gd = 'sub-01/ses-a/anat/sub-01_ses-a_ce-gd_T1w.nii.gz'
    rows = {
        'a': 'anat/sub-01_ses-a_T1w.nii.gz\t2020-05-05T10:00:00\nanat/sub-01_ses-a_ce-gd_T1w.nii.gz\t2020-01-09T10:00:00\n',
        'b': 'anat/sub-01_ses-b_T1w.nii.gz\t2020-01-02T10:00:00\n',
    }
    tables = {
        f'sub-01/ses-{ses}/sub-01_ses-{ses}_scans.tsv': f'filename\tacq_time\n{row}'
        for ses, row in rows.items()
    }
    found = patient({**sessions('a', 'b'), gd: {}, **tables})
    assert [(visit.session, visit.days) for visit in found.visits] == [('b', 0), ('a', 7)]


@pytest.mark.parametrize('field', ['AcquisitionDateTime', 'AcquisitionDate'])
def test_the_sidecar_dates_visits_last(patient, field):
    files = sessions('a', 'b')
    for name, value in zip(files, ('2020-01-09T10:00:00', '2020-01-02T10:00:00'), strict=True):
        files[name] = {'sidecar': {field: value}}
    found = patient(files)
    assert [(visit.session, visit.days) for visit in found.visits] == [('b', 0), ('a', 7)]
    assert all(field not in scan.metadata for visit in found.visits for scan in visit.scans)


def test_a_wrong_date_is_told_and_left_out(patient):
    found = patient(
        {**sessions('1', '2'), TABLE: 'session_id\tacq_time\nses-1\t15.06.1877\nses-2\t###\n'}
    )
    assert found.ordered_by == 'label'
    assert any('15.06.1877' in warning for warning in found.warnings)
    assert any('###' in warning for warning in found.warnings)


def test_days_count_from_the_first_visit_even_where_it_is_not_asked_for(make_dataset, tmp_path):
    root = make_dataset(
        {
            **sessions('1', '2'),
            TABLE: 'session_id\tacq_time\nses-1\t2020-01-01T10:00:00\nses-2\t2020-01-31T10:00:00\n',
        }
    )
    (one,) = discover.patients(
        root, participants=('01',), sessions=('2',), index_dir=tmp_path / 'i'
    )
    assert [(visit.session, visit.days) for visit in one.visits] == [('2', 30)]


def test_the_longest_interval_is_forty_years():
    assert moment('2000-01-01').day - moment('1960-01-01').day == dates.LONGEST_DAYS
