# SPDX-License-Identifier: Apache-2.0
"""What no patient may change: units, order, names; what growth may never improve; known defects."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from patients import course, run, said

WORST = ('CR', 'PR', 'MR', 'SD', 'PD')
few = settings(max_examples=40, deadline=None)


def tenths(least, most):
    return st.integers(least, most).map(lambda value: value / 10)


@st.composite
def lesions(draw, *, visits=4, gone=True):
    """Two to five targets, of any size after baseline."""
    found = {}
    for number in range(draw(st.integers(1, 5))):
        later = tenths(10, 600) if not gone else st.one_of(st.none(), tenths(10, 600))
        sizes = [draw(tenths(100, 400)), *(draw(later) for _ in range(visits - 1))]
        found[f'L00{number + 1}'] = [
            None if one is None else (one, min(one, 10.0) if i == 0 else one / 2)
            for i, one in enumerate(sizes)
        ]
    return found


def states(patient, criterion='rano_bm'):
    return [(row.target, row.response, row.confirm_status) for row in run(patient, criterion)]


@few
@given(lesions(gone=False), st.integers(2, 9))
def test_the_unit_of_length_does_not_matter_to_relative_limits(sizes, factor):
    square = {name: [(ld, ld) for ld, _ in some] for name, some in sizes.items()}
    scaled = {
        name: [(round(ld * factor, 1), round(ld * factor, 1)) for ld, _ in some]
        for name, some in square.items()
    }
    for criterion in ('rano_hgg', 'rano_lgg'):
        tissue = 'ET' if criterion == 'rano_hgg' else 'WT'
        first, second = (run(course(tissue, **some), criterion) for some in (square, scaled))
        assert [row.target for row in first] == [row.target for row in second]


@few
@given(lesions(), st.data())
def test_growth_of_a_target_never_improves_its_response(sizes, data):
    before = run(course(**sizes))[-1]
    name = data.draw(st.sampled_from(sorted(sizes)))
    ld, sd = sizes[name][-1] or (0.0, 0.0)
    more = data.draw(tenths(1, 300))
    grown = {**sizes, name: [*sizes[name][:-1], (round(ld + more, 1), sd + 0.1)]}
    after = run(course(**grown))[-1]
    assert WORST.index(after.target) >= WORST.index(before.target)


@few
@given(lesions(), st.randoms(use_true_random=False))
def test_names_and_order_of_lesions_do_not_matter(sizes, random):
    names = list(sizes)
    random.shuffle(names)
    renamed = {f'L1{i}0': sizes[name] for i, name in enumerate(names)}
    assert states(course(**renamed)) == states(course(**sizes))
    patient = course(**sizes)
    turned = [
        replace(visit, observations={'TC': visit.observations['TC'][::-1]})
        for visit in patient.visits
    ]
    assert states(replace(patient, visits=tuple(turned))) == states(patient)


@few
@given(lesions(visits=3), st.permutations(['1', '2', '10']))
def test_labels_of_sessions_with_dates_do_not_matter(sizes, labels):
    assert states(course(**sizes, sessions=list(labels))) == states(course(**sizes))


@few
@given(lesions(visits=3))
def test_dates_and_days_say_the_same(sizes):
    dated = course(**sizes, dates=['2024-01-01', '2024-01-31', '2024-03-01'])
    assert states(dated) == states(course(**sizes))


@few
@given(lesions(visits=3))
def test_a_repeated_last_visit_changes_no_state_before_it(sizes):
    repeated = {name: [*some, some[-1]] for name, some in sizes.items()}
    first, second = run(course(**sizes)), run(course(**repeated))
    assert [row.target for row in first] == [row.target for row in second[:3]]
    # The same sum once more is never progression from itself.
    if first[-1].target in ('SD', 'PR', 'CR'):
        assert second[-1].target == first[-1].target or first[-1].flags


@few
@given(lesions())
def test_complete_response_is_given_whenever_nothing_is_left(sizes):
    gone = {name: [*some, None] for name, some in sizes.items()}
    assert said(course(**gone))[-1] == 'CR'


def test_d01_complete_response_is_not_lost_to_the_nadir():
    assert said(course(L001=[(40.0, 9.0), None])) == ['n/a', 'CR']


def test_d02_two_millimetres_are_no_progression():
    assert said(course(L001=[(10.0, 9.0), (12.0, 9.0)])) == ['n/a', 'SD']


def test_d12_the_nadir_counts_and_nothing_left_is_not_stable_for_ever():
    sizes = [(40.0, 9.0), (20.0, 9.0), (26.0, 9.0)]
    assert said(course(L001=sizes)) == ['n/a', 'PR', 'PD']
    assert said(course(L001=[(40.0, 9.0), None, (30.0, 9.0)])) == ['n/a', 'CR', 'PD']
