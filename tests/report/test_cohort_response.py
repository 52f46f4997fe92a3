# SPDX-License-Identifier: Apache-2.0
"""Responses on the group's page: rates, charts, what is missing, and five hundred participants."""

import re
import time
from dataclasses import replace
from pathlib import Path

import made_cohort
import pytest

from bids_seg import report
from bids_seg.records import CriterionInForce
from bids_seg.report.cohort import inputs, people, rates, spider, swimmer, waterfall
from bids_seg.report.cohort.people import Judgement, Person, Point
from bids_seg.report.outputs import read_table


def person(name: str, best: float | None, bor: str, **more: object) -> Person:
    """Return a participant with a visit at day 84."""
    made = Person(
        participant=f'sub-{name}', best=best, bor=bor, unconfirmed=bor, basis='full',
        points=(
            Point(session='1', days=0, percent=0.0, response='n/a', new=False),
            Point(session='2', days=84, percent=best, response=bor, new=False),
        ),
        first=84.0 if bor == 'PR' else None, confirmed=None,
        progression=84.0 if bor == 'PD' else None, why='', last=84.0, censored=bor != 'PD',
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def judgement(*found: Person, name: str = 'rano_bm') -> Judgement:
    rules = CriterionInForce(**made_cohort.CRITERIA[name])  # type: ignore[arg-type]
    return Judgement(criterion=name, rules=rules, people=found)


def heights(svg: str) -> list[float]:
    """Return the heights of the bars of a waterfall, from left to right."""
    return [float(one) for one in re.findall(r'</title><rect [^>]*height="([\d.]+)"', svg)]


@pytest.mark.parametrize(
    ('hits', 'total', 'low', 'high'),
    # Published tables of exact intervals.
    [(0, 10, 0, 0.3085), (10, 10, 0.6915, 1), (3, 10, 0.0667, 0.6525), (50, 100, 0.3983, 0.6017)],
)
def test_limits_are_those_of_clopper_and_pearson(
    hits: int, total: int, low: float, high: float
) -> None:
    assert rates.clopper_pearson(hits, total) == pytest.approx((low, high), abs=5e-5)


def test_the_limits_hold_the_tails_of_the_binomial() -> None:
    from math import comb

    low, high = rates.clopper_pearson(7, 23)
    above = sum(comb(23, k) * low**k * (1 - low) ** (23 - k) for k in range(7, 24))
    below = sum(comb(23, k) * high**k * (1 - high) ** (23 - k) for k in range(8))
    assert [above, below] == pytest.approx([0.025, 0.025])


def test_who_was_not_evaluable_counts_and_who_has_only_a_baseline_does_not() -> None:
    held = judgement(
        person('1', -40.0, 'PR'), person('2', -10.0, 'SD'), person('3', None, 'NE'),
        person('4', 30.0, 'PD'), person('5', None, 'n/a'),
    )  # fmt: skip
    response, control = rates.rates(held)
    assert (response.hits, response.total, control.hits) == (1, 4, 2)
    assert rates.counts(held, confirmed=True) == {'CR': 0, 'PR': 1, 'SD': 1, 'PD': 1, 'NE': 1}


def test_minor_responses_count_apart_where_a_criterion_knows_them() -> None:
    held = judgement(person('1', -40.0, 'MR'), person('2', -60.0, 'PR'), name='rano_lgg')
    assert [(one.name, one.hits) for one in rates.rates(held)] == [
        ('ORR: CR or PR', 1), ('with MR', 2), ('DCR: CR, PR, MR or SD', 2),
    ]  # fmt: skip


def test_bars_are_sorted_as_long_as_the_change_and_cut_at_the_cap() -> None:
    held = judgement(
        person('a', -50.0, 'PR'), person('b', 240.0, 'PD'), person('c', 20.0, 'SD'),
        person('d', None, 'n/a'),
    )  # fmt: skip
    svg = waterfall.waterfall(held, width=1160)
    assert heights(svg) == pytest.approx([135.0, 27.0, 67.5])
    assert re.findall(r'<title>sub-(\w)', svg) == ['b', 'c', 'a']
    assert '>+240<' in svg
    assert 'sub-b +240 % PD, sub-c +20 % SD, sub-a \N{MINUS SIGN}50 % PR' in svg


def test_limits_of_the_criterion_stand_at_their_heights() -> None:
    svg = waterfall.waterfall(judgement(person('a', -50.0, 'PR')), width=1160)
    middle = waterfall.TOP + waterfall.PLOT / 2
    for limit, name in ((-30, 'pr'), (20, 'pd')):
        y = f'{middle - limit / 200 * waterfall.PLOT:.1f}'
        assert re.search(
            rf'd="M48.0 {y}L[\d.]+ {y}"[^>]*stroke="var\(--{name}\)"[^>]*dasharray', svg
        )


def test_new_lesions_no_change_and_images_alone_are_marked() -> None:
    new = Point(session='2', days=84, percent=-40.0, response='PD', new=True)
    held = judgement(
        person('a', -40.0, 'PD', points=(new,)), person('b', 0.0, 'SD'),
        person('c', -10.0, 'SD', basis='imaging_only'),
    )  # fmt: skip
    svg = waterfall.waterfall(held, width=1160)
    assert '>PD*<' in svg
    assert '>SD+<' in svg
    assert re.search(r'sub-c[^<]*imaging only</title><rect [^>]*fill="var\(--grey\)"', svg)
    # The end tells the response.
    assert re.search(r'var\(--grey\)"/><rect [^>]*height="4" fill="var\(--sd\)"', svg)


def test_a_new_lesion_after_progression_is_no_mark_of_the_best_change() -> None:
    late = Point(session='3', days=200, percent=-40.0, response='PD', new=True)
    one = person('a', -40.0, 'PD')
    assert not replace(one, points=(*one.points, late)).new


def test_many_bars_have_rows_of_ticks_instead_of_letters() -> None:
    held = judgement(*(person(str(i), -i / 2, 'PR' if i > 60 else 'SD') for i in range(150)))
    svg = waterfall.waterfall(held, width=1160)
    assert len(heights(svg)) == 150
    assert set(re.findall(r'>(CR|PR|SD|PD)</text>', svg)) == {'PR', 'SD'}
    # One tick for each participant.
    rows = re.findall(r'<path d="(M[^"]+)" stroke="var\(--(?:pr|sd)\)" stroke-width="8"', svg)
    assert sorted(row.count('M') for row in rows) == [61, 89]


def test_a_spider_goes_through_every_visit() -> None:
    one = person('a', -50.0, 'PR')
    later = Point(session='3', days=168, percent=150.0, response='PD', new=True)
    svg = spider.spider(judgement(replace(one, points=(*one.points, later))), width=350)
    top, middle = spider.TOP, spider.TOP + spider.PLOT / 2
    assert f'M48.0 {middle:.1f}L192.0 {middle + spider.PLOT / 4:.1f}L336.0 {top:.1f}' in svg
    assert '84: \N{MINUS SIGN}50 %, 168: +150 %' in svg
    # The star of the new lesion.
    assert '<polygon' in svg


def test_a_swimmer_ends_at_the_last_visit_and_shows_what_happened() -> None:
    going = person('a', -50.0, 'PR', last=200.0, confirmed=150.0)
    ended = person('b', 30.0, 'PD', last=100.0, treatments=(('rt_end_date', -30.0),))
    svg = swimmer.swimmer(judgement(ended, going), width=1160)
    widths = [float(one) for one in re.findall(r'</title><rect [^>]*?width="([\d.]+)"', svg)]
    assert widths[0] / widths[1] == pytest.approx(2.0, abs=0.01)
    assert re.findall(r'<title>sub-(\w)', svg) == ['a', 'b']
    assert '>R</text>' in svg
    assert 'response on day 84' in svg
    assert 'sub-b PD, 100 days, PD on day 84' in svg


def test_tables_and_histories_become_courses(tmp_path: Path) -> None:
    made_cohort.write(tmp_path, number=12)
    best = read_table(tmp_path / 'group_best.tsv')
    visits = read_table(tmp_path / 'group_visits.tsv')
    histories = people.read_histories(tmp_path, [row['participant_id'] for row in best])
    (held,) = people.judgements(best, visits, histories)
    assert held.options == ('bm_min_ld=5',)
    assert held.title == 'RANO-BM'
    assert held.rules is not None
    assert held.rules.partial_pct == 30
    for row, one in zip(best, held.people, strict=True):
        mine = [each for each in visits if each['participant_id'] == row['participant_id']]
        assert len(one.points) == len(mine)
        assert one.bor == row['bor']
        assert ('treatment_start' in dict(one.treatments)) is True
        if one.basis == 'full':
            assert dict(one.treatments)['rt_end_date'] == -30
        if one.confirmed is not None and one.first is not None:
            assert one.confirmed > one.first


def test_without_histories_charts_have_no_limits_but_are_there(tmp_path: Path) -> None:
    made_cohort.write(tmp_path, number=9)
    for path in tmp_path.glob('sub-*/figures/*.json'):
        path.write_text('{"participant": ')
    text = report.group(tmp_path).read_text(encoding='utf-8')
    assert 'Best change from baseline by RANO-BM, 9 participants' in text
    assert 'PD +20 %' not in text


def test_each_criterion_has_a_choice_and_a_panel(tmp_path: Path) -> None:
    made_cohort.write(tmp_path, number=9, criteria=('rano_bm', 'rano_lgg'))
    text = report.group(tmp_path).read_text(encoding='utf-8')
    assert re.findall(r'for="by-\d">([^<]+)<', text) == ['RANO-BM', 'RANO-LGG']
    assert text.count('class="panel"') == 2
    assert text.count(' checked>') == 1
    assert 'Options: bm_min_ld=5.' in text
    assert 'MR from \N{MINUS SIGN}25 %' in text
    assert text.count('must be checked against the published papers') == 2
    assert 'download="group_lesions.tsv" href="data:text/tab-separated-values' in text


def test_baselines_alone_have_rows_but_no_charts(tmp_path: Path) -> None:
    made_cohort.write(tmp_path, number=3)
    visits = (tmp_path / 'group_visits.tsv').read_text().splitlines()
    kept = [visits[0], *(line for line in visits if '\tses-01\tcomplete' in line)]
    (tmp_path / 'group_visits.tsv').write_text('\n'.join(kept) + '\n')
    header, *rows = (tmp_path / 'group_best.tsv').read_text().splitlines()
    blank = ['\t'.join([*row.split('\t')[:2], *['n/a'] * 9, 'full']) for row in rows]
    (tmp_path / 'group_best.tsv').write_text('\n'.join([header, *blank]) + '\n')
    text = report.group(tmp_path).read_text(encoding='utf-8')
    assert '0 of 3 participants with a visit after baseline count' in text
    assert 'Best change from baseline' not in text
    assert text.count('<a href="sub-00') == 6


def test_inputs_that_a_visit_lacks_are_named() -> None:
    visits = [
        {'participant_id': 'sub-1', 'session_id': 'ses-a', 'days_from_first': '0', 'C': 'stable',
         'steroid_mg': '0'},
        {'participant_id': 'sub-1', 'session_id': 'ses-b', 'days_from_first': 'n/a', 'C': 'unknown',
         'steroid_mg': 'n/a'},
    ]  # fmt: skip
    image = {'participant_id': 'sub-1', 'session_id': 'ses-b', 'spacing_mm': '1.0 x 1.0 x 1.0'}
    quality = [
        {**image, 'image_role': 'T1wCE'},
        {**image, 'image_role': 'n/a', 'spacing_mm': 'n/a'},
    ]
    held = inputs.matrix(visits, quality)
    assert held.inputs == (
        'T1wCE', 'T1w', 'T2w', 'FLAIR', 'day', 'steroid_mg', 'kps, ecog or clinical_status',
    )  # fmt: skip
    assert [(line.name, line.there) for line in held.lines] == [
        ('sub-1 a', (False, False, False, False, True, True, True)),
        ('sub-1 b', (True, False, False, False, False, False, False)),
    ]
    assert held.shares[0] == (1, 2)
    course = {'visits': [{'session': 'b', 'clinical': {'kps': '90', 'steroid_mg': '2'}}]}
    told = inputs.matrix(visits, quality, [{'participant': '1', 'courses': {'glioma': course}}])
    assert told.lines[1].there[-1]


def test_many_visits_share_rows_by_what_they_have() -> None:
    visits = [
        {'participant_id': f'sub-{i}', 'days_from_first': 'n/a' if i < 10 else '0'}
        for i in range(100)
    ]
    held = inputs.matrix(visits, [])
    assert [(line.name, line.there[4]) for line in held.lines] == [('90', True), ('10', False)]


def test_five_hundred_participants_stay_usable(tmp_path: Path) -> None:
    made_cohort.write(tmp_path, number=500, criteria=('rano_bm', 'rano_lgg'))
    began = time.monotonic()
    path = report.group(tmp_path)
    assert time.monotonic() - began < 20
    assert path.stat().st_size < 5_000_000
    text = path.read_text(encoding='utf-8')
    assert text.count('<tr><th scope="row"><a href="sub-') >= 1500
    # No names of five hundred in the charts.
    for svg in re.findall(r'<svg [^>]*role="img".*?</svg>', text, flags=re.DOTALL):
        assert svg.count('<text') < 40
