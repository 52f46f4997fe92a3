# SPDX-License-Identifier: Apache-2.0
"""Both sides of every boundary: sums, measurable lesions, non-targets, dates, clinical states."""

from decimal import Decimal

import pytest
from patients import At, by_products, by_volumes, course, products, run, said

from bids_seg.respond import Rules, find, parse
from bids_seg.respond.arithmetic import Limit, percent, recorded, shown
from bids_seg.respond.case import Size
from bids_seg.respond.clinical import Clinical, clinical_state, read, steroid_state
from bids_seg.respond.plan import measurable
from bids_seg.respond.times import Calendar

EXACT = {
    ('increase', 20): (5, 6),
    ('increase', 25): (4, 5),
    ('increase', 40): (5, 7),
    ('increase', 73): (100, 173),
    ('decrease', 25): (4, 3),
    ('decrease', 30): (10, 7),
    ('decrease', 35): (20, 13),
    ('decrease', 40): (5, 3),
    ('decrease', 50): (2, 1),
    ('decrease', 65): (20, 7),
}


@pytest.mark.parametrize(('change', 'limit'), EXACT)
def test_tests_of_change_are_tests_of_whole_numbers(change, limit):
    left, right = EXACT[change, limit]
    rule = Limit(change=change, percent=limit, source='')
    for reference in range(1, 60):
        for now in range(120):
            sides = left * now, right * reference
            expected = sides[0] >= sides[1] if change == 'increase' else sides[0] <= sides[1]
            assert rule.met(now, reference) == expected


def test_no_change_is_relative_to_nothing():
    with pytest.raises(ValueError, match='no relative change'):
        Limit(change='increase', percent=20, source='').met(5, 0)


@pytest.mark.parametrize(
    ('now', 'then', 'text'),
    [
        (281, 400, '-29.8'),
        (400, 400, '0.0'),
        (250, 200, '25.0'),
        (5, 0, None),
        (20005, 20000, '0.0'),
    ],
)
def test_percent_is_shown_rounded_half_up(now, then, text):
    assert percent(now, then) == text


def test_values_are_recorded_half_up_in_decimals():
    assert [recorded(value, 10) for value in (12.25, 12.249, 0.15, 2.35)] == [123, 122, 2, 24]
    assert [shown(5, 'ld'), shown(5, 'product')] == ['0.5 mm', '0.05 mm2']


BM = {
    'BM1': ([(20, 20), (20, 20), (14, 14)], 'PR'),
    'BM2': ([(20, 20), (20, 20), (14, 14.1)], 'SD'),
    'BM3': ([(20, 20), (12.5, 12.5), (17.5, 12.5)], 'PD'),
    'BM4': ([(20, 20), (12.5, 12.5), (17.4, 12.6)], 'SD'),
    'BM5': ([(20, 20), (12.5, 12.5), (17.4, 12.5)], 'SD'),
    'BM6': ([(20, 20), (20, 20), (24, 24)], 'SD'),
    'BM7': ([(30, 30), (10, 10), (15, 10)], 'PD'),
    'BM8': ([(12, None), (12, None), (None, None)], 'CR'),
    'BM9': ([(12, None), (None, None), (5, None)], 'PD'),
    'BM10': ([(12, None), (None, None), (4.9, None)], 'PR'),
    'BM11': ([(10, None), (10, None), (12, None)], 'SD'),
}


def bm(rows):
    sizes = [[None if one is None else (one, min(one, 8.0)) for one in row] for row in rows]
    return course(L001=[row[0] for row in sizes], L002=[row[1] for row in sizes])


@pytest.mark.parametrize('name', BM)
def test_rano_bm_draws_its_lines_where_they_are_written(name):
    rows, expected = BM[name]
    last = run(bm(rows))[-1]
    assert last.target == expected
    assert ('reappearance_equivocal' in last.flags) == (name == 'BM10')


def test_the_five_millimetres_can_be_counted_otherwise():
    # BM6 is PD by RECIST 1.1, which counts the sum; `own` counts from each target's smallest.
    assert run(bm(BM['BM6'][0]), bm_abs_reference='sum')[-1].target == 'PD'
    rows = [(20, 20), (14, 12), (12, 15), (17, 14.1), (17.0, 14.4)]
    assert [row.target for row in run(bm(rows))][2:] == ['PR', 'SD', 'SD']
    own = run(bm(rows), bm_abs_reference='own')
    assert own[3].target == 'SD'
    assert own[4].target == 'PD'


GLIOMA = {
    'G1': (['rano_hgg', 'rano2_ce'], [80000, 80000, 40000], 'PR'),
    'G2': (['rano_hgg', 'rano2_ce'], [80000, 80000, 40001], 'SD'),
    'G3': (['rano_hgg', 'rano2_ce', 'mrano'], [80000, 40000, 50000], 'PD'),
    'G4': (['rano_hgg', 'rano2_ce', 'mrano'], [80000, 40000, 49999], 'SD'),
    'G4 minor': (['rano_lgg', 'rano2_nonce'], [80000, 40000, 49999], 'MR'),
    'G9': (['rano_lgg', 'rano2_nonce'], [100000, 100000, 75000], 'MR'),
    'G10': (['rano_lgg', 'rano2_nonce'], [100000, 100000, 75001], 'SD'),
    'G11': (['rano_lgg', 'rano2_nonce'], [100000, 100000, 50000], 'PR'),
    'G12': (['rano_lgg', 'rano2_nonce'], [100000, 100000, 50001], 'MR'),
    'G15': (['rano_hgg'], [80000, 80000, 0], 'CR'),
}


@pytest.mark.parametrize(
    ('name', 'criterion'), [(name, one) for name, row in GLIOMA.items() for one in row[0]]
)
def test_products_draw_their_lines_where_they_are_written(name, criterion):
    _, sums, expected = GLIOMA[name]
    tissue = find(criterion).tissue
    pairs = [products(one) if one else (None, None) for one in sums]
    patient = course(tissue, L001=[p[0] for p in pairs], L002=[p[1] for p in pairs])
    last = run(patient, criterion)[-1]
    assert (last.target, last.aggregate) == (expected, sums[-1])


def test_a_single_small_target_can_vanish():
    # G15 with the smallest target there is.
    patient = course('ET', L001=[(10.0, 10.0), (10.0, 10.0), None])
    assert run(patient, 'rano_hgg')[-1].target == 'CR'


VOLUMES = {
    'G5': (['rano2_ce_volume', 'mrano_volume', 'rano2_nonce_volume'], (10000, 10000, 3500), 'PR'),
    'G6': (['rano2_ce_volume', 'mrano_volume'], (10000, 10000, 3501), 'SD'),
    'G6 minor': (['rano2_nonce_volume'], (10000, 10000, 3501), 'MR'),
    'G7': (['rano2_ce_volume', 'mrano_volume', 'rano2_nonce_volume'], (10000, 10000, 14000), 'PD'),
    'G8': (['rano2_ce_volume', 'mrano_volume', 'rano2_nonce_volume'], (10000, 10000, 13999), 'SD'),
    'G13': (['rano2_nonce_volume'], (10000, 10000, 6000), 'MR'),
    'G14': (['rano2_nonce_volume'], (10000, 10000, 6001), 'SD'),
    'exploratory PR': (['rano_bm_volume'], (10000, 10000, 3500), 'PR'),
    'exploratory SD': (['rano_bm_volume'], (10000, 10000, 17299), 'SD'),
    'exploratory PD': (['rano_bm_volume'], (10000, 10000, 17300), 'PD'),
}


@pytest.mark.parametrize(
    ('name', 'criterion'), [(name, one) for name, row in VOLUMES.items() for one in row[0]]
)
def test_volumes_draw_their_lines_where_they_are_written(name, criterion):
    _, volumes, expected = VOLUMES[name]
    patient = by_volumes(*volumes, tissue=find(criterion).tissue)
    assert run(patient, criterion)[-1].target == expected


@pytest.mark.parametrize(('volume', 'expected'), [(6500, 'MR'), (6501, 'SD')])
def test_a_minor_response_by_volume_can_be_that_of_a_sphere(volume, expected):
    patient = by_volumes(10000, 10000, volume, tissue='NonCE')
    rows = run(patient, 'rano2_nonce_volume', mr_volume_decrease=35)
    assert rows[-1].target == expected


MEASURABLE = [
    ('rano_bm', 10.0, 5.0, 1.0, ''),
    ('rano_bm', 9.9, 9.9, 1.0, 'ld'),
    ('rano_bm', 10.0, 4.9, 1.0, 'sd'),
    ('rano_bm', 10.0, 5.0, 5.0, ''),
    ('rano_bm', 11.9, 6.0, 6.0, 'spacing'),
    ('rano_bm', 12.0, 6.0, 6.0, ''),
    ('rano_bm', 12.0, 5.9, 6.0, 'spacing'),
    ('rano_bm', 13.0, 6.5, 6.5, ''),
    ('rano_bm', 12.9, 6.5, 6.5, 'spacing'),
    ('rano_hgg', 10.0, 10.0, 5.0, ''),
    ('rano_hgg', 10.0, 9.9, 5.0, 'sd'),
    ('rano_hgg', 12.0, 12.0, 6.0, ''),
    ('rano_hgg', 12.0, 11.9, 6.0, 'spacing'),
    ('rano_lgg', 10.0, 10.0, 1.0, ''),
    ('mrano', 10.0, 9.9, 1.0, 'sd'),
    ('rano2_ce', 10.0, 10.0, 1.0, ''),
    ('rano2_nonce', 9.9, 9.9, 1.0, 'ld'),
]


def size(ld, sd, spacing=1.0, n_slices=5):
    tenths = recorded(ld, 10), recorded(sd, 10)
    product = tenths[0] * tenths[1]
    return Size(
        ld=tenths[0], sd=tenths[1], product=product, volume=9, n_slices=n_slices, spacing=spacing
    )


@pytest.mark.parametrize(('criterion', 'ld', 'sd', 'spacing', 'reason'), MEASURABLE)
def test_d15_lesions_of_exactly_the_least_size_are_measurable(criterion, ld, sd, spacing, reason):
    assert measurable(size(ld, sd, spacing), find(criterion), Rules()) == reason


@pytest.mark.parametrize('criterion', ['rano_bm', 'rano_hgg', 'rano_lgg', 'mrano', 'rano2_ce'])
def test_d15_a_lesion_on_one_slice_is_not_measurable(criterion):
    assert measurable(size(30, 30, n_slices=1), find(criterion), Rules()) == 'slices'


@pytest.mark.parametrize(
    ('spacing', 'ld', 'reason'), [(1.5, 5.0, ''), (1.6, 5.0, 'ld'), (1.5, 4.9, 'ld')]
)
def test_small_targets_are_allowed_on_thin_slices_alone(spacing, ld, reason):
    rules = Rules(bm_min_ld=5.0)
    assert measurable(size(ld, 5.0, spacing), find('rano_bm'), rules) == reason


@pytest.mark.parametrize(
    ('now', 'expected'),
    [((10.1, 10.0), 'NONCR_NONPD'), ((11.0, 10.0), 'PD'), ((14.0, 9.9), 'NONCR_NONPD')],
)
def test_non_targets_of_glioma_progress_once_measurable_and_grown(now, expected):
    patient = course('ET', L001=[(30.0, 30.0)] * 2, L002=[(9.0, 9.0), now])
    assert run(patient, 'rano_hgg')[-1].nontarget == expected


@pytest.mark.parametrize(
    ('then', 'now', 'expected'),
    [
        (9.9, 14.9, 'PD'),
        (9.9, 14.8, 'NONCR_NONPD'),
        (4.0, 10.0, 'PD'),
        (4.0, 9.9, 'NONCR_NONPD'),
    ],
)
def test_non_target_metastases_progress_by_size_share_and_growth(then, now, expected):
    patient = course(L001=[(30.0, 9.0)] * 2, L002=[(then, 4.0), (now, 4.0)])
    assert run(patient)[-1].nontarget == expected


@pytest.mark.parametrize(('ld', 'expected'), [(25.1, 'PD'), (25.0, 'NONCR_NONPD')])
def test_a_non_target_of_glioma_that_only_lengthens_progresses_beyond_five_millimetres(
    ld, expected
):
    largest = {f'L00{i}': [(40.0, 40.0)] * 2 for i in range(1, 6)}
    patient = course('ET', **largest, L006=[(20.0, 13.0), (ld, 10.0)])
    assert run(patient, 'rano_hgg')[-1].nontarget == expected


def test_a_large_non_target_must_grow_by_a_fifth():
    six = {f'L00{i}': [(40.0, 9.0)] * 2 for i in range(1, 6)}
    for now, expected in ((36.0, 'PD'), (35.9, 'NONCR_NONPD')):
        patient = course(**six, L006=[(30.0, 9.0), (now, 9.0)])
        assert run(patient)[-1].nontarget == expected


@pytest.mark.parametrize(('ld', 'expected'), [(5.0, 'unequivocal'), (4.9, 'equivocal')])
def test_a_new_metastasis_is_certain_from_five_millimetres(ld, expected):
    patient = course(L001=[(20.0, 9.0)] * 2, L002=[None, (ld, 4.0)])
    assert run(patient)[-1].new_lesion == expected


@pytest.mark.parametrize(
    ('criterion', 'size', 'expected'),
    [
        ('rano2_ce', (10.0, 10.0), 'unequivocal'),
        ('rano2_ce', (10.0, 9.9), 'equivocal'),
        ('mrano', (10.0, 10.0), 'unequivocal'),
        ('mrano', (9.9, 9.9), 'equivocal'),
        ('rano_hgg', (5.0, 4.0), 'unequivocal'),
        ('rano_hgg', (4.9, 4.9), 'equivocal'),
    ],
)
def test_a_new_lesion_of_glioma_is_certain_from_a_size(criterion, size, expected):
    patient = course('ET', L001=[(30.0, 30.0)] * 2, L002=[None, size])
    assert run(patient, criterion)[-1].new_lesion == expected


@pytest.mark.parametrize(
    ('at', 'expected'),
    [
        (At((8.0, 8.0), lesion={'n_slices': 2}), 'unequivocal'),
        (At((8.0, 8.0), lesion={'n_slices': 1}), 'equivocal'),
        (At((8.0, 8.0), lesion={'mean_prob': 0.5}), 'unequivocal'),
        (At((8.0, 8.0), lesion={'mean_prob': 0.49}), 'equivocal'),
        (At((8.0, 8.0), lesion={'mean_prob': None}), 'unequivocal'),
        (At((8.0, 8.0), event={'in_view': (0,)}), 'unequivocal'),
        (At((8.0, 8.0), event={'in_view': (), 'identity': 'new_unverified'}), 'equivocal'),
    ],
)
def test_a_new_lesion_is_certain_by_slices_probability_and_view(at, expected):
    assert run(course(L001=[(20.0, 9.0)] * 2, L002=[None, at]))[-1].new_lesion == expected


@pytest.mark.parametrize(
    ('wt', 'state'),
    [(28000, 'worse'), (27999, 'ok'), (None, 'NE')],
)
def test_the_t2_flair_volume_is_worse_by_forty_percent(wt, state):
    patient = course('ET', L001=[(30.0, 30.0)] * 3, wt=[30000, 20000, wt])
    assert run(patient, 'rano_hgg')[-1].flair == state


@pytest.mark.parametrize(('wt', 'state'), [(10000, 'worse'), (9999, 'ok')])
def test_the_t2_flair_volume_is_worse_by_five_millilitres(wt, state):
    patient = course('ET', L001=[(30.0, 30.0)] * 2, wt=[5000, wt])
    assert run(patient, 'rano_hgg')[-1].flair == state
    assert said(patient, 'rano_hgg')[-1] == 'SD'
    applied = said(patient, 'rano_hgg', flair_pd='apply')[-1]
    assert applied == ('PD' if state == 'worse' else 'SD')


def test_rano2_looks_at_t2_flair_under_antiangiogenic_drugs_alone():
    row = {'steroid_mg': '0', 'clinical_status': 'stable'}
    patient = course('ET', L001=[(30.0, 30.0)] * 2, wt=[5000, 20000], clinical=row)
    assert run(patient, 'rano2_ce')[-1].flair == 'not_used'
    patient = course(
        'ET', L001=[(30.0, 30.0)] * 2, wt=[5000, 20000], clinical={**row, 'antiangiogenic': '1'}
    )
    assert run(patient, 'rano2_ce')[-1].flair == 'worse'


@pytest.mark.parametrize(
    ('ld', 'volume', 'expected'), [(5.0, 40, 'PD'), (4.9, 40, 'SD'), (4.9, 100, 'PD')]
)
def test_new_enhancement_of_a_low_grade_glioma_is_progression(ld, volume, expected):
    at = At((ld, 3.0), lesion={'volume_mm3': volume})
    patient = course('WT', L001=[(30.0, 30.0)] * 2, more={'ET': {'L001': [None, at]}})
    last = run(patient, 'rano_lgg')[-1]
    assert last.response == expected
    assert last.provisional


KPS = [
    (90, 70, 'worse'),
    (90, 80, 'stable'),
    (100, 70, 'worse'),
    (80, 60, 'worse'),
    (80, 70, 'stable'),
    (60, 50, 'worse'),
    (50, 40, 'stable'),
    (50, 30, 'worse'),
]


def clinical(**more):
    nothing = dict.fromkeys(('steroid_mg', 'kps', 'ecog', 'status', 'rt_end', 'immunotherapy'))
    flags = dict.fromkeys(('physiologic', 'antiangiogenic', 'histology'), False)
    numbers = {k: Decimal(v) if isinstance(v, int) else v for k, v in more.items()}
    flags.update({k: v for k, v in more.items() if isinstance(v, bool)})
    return Clinical(**{**nothing, **numbers, **flags})


@pytest.mark.parametrize(('then', 'now', 'expected'), KPS)
def test_the_karnofsky_status_falls_by_the_rule(then, now, expected):
    assert clinical_state(clinical(kps=now), clinical(kps=then)) == (expected, True)


@pytest.mark.parametrize(
    ('then', 'now', 'expected'),
    [(0, 2, 'worse'), (1, 2, 'worse'), (0, 1, 'stable'), (2, 3, 'worse'), (3, 4, 'stable')],
)
def test_the_ecog_status_falls_by_the_rule(then, now, expected):
    assert clinical_state(clinical(ecog=now), clinical(ecog=then)) == (expected, True)


def test_a_persons_judgement_of_the_patient_comes_first():
    now = clinical(status='better', kps=40)
    assert clinical_state(now, clinical(kps=90)) == ('better', False)
    assert clinical_state(clinical(kps=40), clinical()) == ('unknown', False)


@pytest.mark.parametrize(
    ('now', 'expected'),
    [
        ({'steroid_mg': 0}, 'none'),
        ({'steroid_mg': 2, 'physiologic': True}, 'physiologic'),
        ({'steroid_mg': 2}, 'decreased'),
        ({'steroid_mg': 4}, 'stable'),
        ({'steroid_mg': 5}, 'increased'),
        ({}, 'unknown'),
    ],
)
def test_doses_of_steroids_are_compared_exactly(now, expected):
    assert steroid_state(clinical(**now), clinical(steroid_mg=4)) == expected


def test_clinical_values_that_cannot_be_read_are_named():
    from bids_seg.errors import CommandError

    calendar = Calendar(days=(0,), shift=0, dated=False)
    for name, value in (
        ('steroid_mg', '-1'),
        ('kps', 'good'),
        ('clinical_status', 'fine'),
        ('rt_end_date', 'May'),
        ('antiangiogenic', '2'),
    ):
        with pytest.raises(CommandError, match=f'column {name}: `{value}` cannot be read'):
            read({name: value}, calendar)


def test_six_months_are_calendar_months_clamped_to_their_end():
    from datetime import date

    dated = Calendar(days=(), shift=None, dated=True)
    start = date(2023, 8, 31).toordinal()
    assert date.fromordinal(dated.months_after(start, 6)) == date(2024, 2, 29)
    assert Calendar(days=(), shift=0, dated=False).months_after(0, 6) == 183


def test_options_are_read_and_what_differs_is_told():
    from bids_seg.errors import CommandError

    rules = parse(['rano2_max_ce=3', 'sd_min_days=42', 'confirm_reference = nadir'])
    assert rules.differing() == {
        'rano2_max_ce': '3',
        'confirm_reference': 'nadir',
        'sd_min_days': '42',
    }
    for item, words in (
        ('rano2_max=3', 'no rule'),
        ('rano2_max_ce=4', 'give one of: 2, 3, 5'),
        ('flair_pd', 'no rule'),
        ('sd_min_days=-1', 'a whole number'),
        ('nl_min_ld=big', 'give one of: 3.0, 5.0, 10.0'),
    ):
        with pytest.raises(CommandError, match=words):
            parse([item])


@pytest.mark.parametrize('name', ['rano_bm', 'rano_hgg', 'rano_lgg', 'mrano', 'rano2_ce'])
def test_every_limit_says_its_source(name):
    criterion = find(name)
    limits = (criterion.partial, criterion.progression, criterion.minor)
    assert all(limit.source.startswith('10.') for limit in limits if limit is not None)
    assert criterion.source.startswith('10.')


def test_sums_of_products_made_for_the_tests_are_what_they_say():
    last = run(by_products(80000, 49999), 'rano_hgg')[-1]
    assert (last.aggregate, last.baseline_aggregate, last.aggregate_unit) == (49999, 80000, 'mm2')
