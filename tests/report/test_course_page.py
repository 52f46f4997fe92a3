# SPDX-License-Identifier: Apache-2.0
"""The page of a participant through time: what it says is what the records say."""

import dataclasses
import html
import re

import numpy as np
import pytest
from judged_output import CLINICAL, RADII, judge, keep, store

from bids_seg import report
from bids_seg.records import Course, Event, History, Registration, from_json, to_json
from bids_seg.report import chart, clock, history, strip, sums, timeline
from bids_seg.report.outputs import read_patient
from bids_seg.report.section import PLAIN, PageShape
from bids_seg.report.sections import missing, response
from bids_seg.respond import Rules, find, respond


@pytest.fixture(scope='module')
def course(tmp_path_factory):
    """Four visits: SD, PR, then PD with a new lesion; one lesion goes."""
    out = tmp_path_factory.mktemp('course')
    made = store(out)
    return out, made, report.participant(out, '09').read_text(encoding='utf-8')


def plain(text):
    """Return the words of a page."""
    bare = re.sub(r'<style>.*?</style>|<[^>]+>', ' ', text, flags=re.DOTALL)
    return re.sub(r'\s+', ' ', html.unescape(bare))


def changed(course, history, *, shape=PLAIN):
    """Return the page of the same visits with another history."""
    out, made, _ = course
    keep(out, history)
    try:
        return report.participant(out, '09', shape=shape).read_text(encoding='utf-8')
    finally:
        keep(out, made)


def again(course, **changes):
    """Return the history of the same visits, judged otherwise."""
    seen = [visit.observations['TC'] for visit in course[1].courses['metastases'].visits]
    return judge(seen, **changes)


def told(course, history_made):
    """Return the first account of another history."""
    patient = dataclasses.replace(read_patient(course[0], '09'), history=history_made)
    return history.accounts(patient)[0]


def account(out):
    """Return the first account of a participant."""
    return history.accounts(read_patient(out, '09'))[0]


def test_the_first_words_are_the_latest_response_with_its_numbers(course):
    _, made, text = course
    last = made.responses['rano_bm'][-1]
    words = plain(text)
    start = words.index('latest visit 04, day 190')
    card = words[start : start + 900]
    assert last.response == 'PD'
    assert f'PD Sum {last.aggregate / 10:.1f} mm' in card
    assert f'+{last.pct_from_nadir}%' in card
    assert f'since the best (03) +{last.pct_from_nadir}%' in card
    assert f'since baseline (01) \N{MINUS SIGN}{last.pct_from_baseline.lstrip("-")}%' in card
    assert 'lesions now 3 1 new' in card


def test_the_table_of_categories_has_the_numbers_of_the_responses(course):
    _, made, text = course
    words = plain(text)
    for row in made.responses['rano_bm'][1:]:
        at = words.index(f'{row.session} {row.days} {row.response} ')
        assert f'{row.aggregate / 10:.1f} mm' in words[at : at + 60]
        assert row.rule_fired in words[at : at + 400]


def test_lesions_by_visits_have_the_recorded_sizes_and_events(course):
    out, _, text = course
    table = plain(text[text.index('class="followed"') : text.index('id="target-lesions"')])
    for one in account(out).lesions:
        for place in one.present:
            pair = one.lesion(place).longest
            assert f'{pair.ld_mm:.1f} \N{MULTIPLICATION SIGN} {pair.sd_mm:.1f}' in table
    assert table.count('✕ gone') == 2, 'once in the table, once in the legend'
    assert 'baseline' in table
    assert 'nadir' in table


def test_each_target_and_each_new_or_resolved_lesion_has_a_strip_of_all_visits(course):
    out, _, text = course
    for name in RADII:
        figure = (
            out / 'sub-09' / 'figures' / f'sub-09_desc-metastases{name}strip_dseg.svg'
        ).read_text()
        assert figure.count('<image') == 4
        assert figure.count('<use') == 8, 'drawn on and plain'
        assert f'id="sub-09_desc-metastases{name}strip_dseg"' in text
    new = (out / 'sub-09' / 'figures' / 'sub-09_desc-metastasesL004strip_dseg.svg').read_text()
    assert new.count('not yet segmented') == 6, 'over three pictures and in the words'


def test_the_place_of_a_lesion_that_is_not_there_moves_with_the_head(course):
    out, made, _ = course
    found = account(out)
    gone = next(one for one in found.lesions if one.lesion_id == 'L003')
    then = np.array(gone.lesion(1).centroid)
    now = np.array(strip.expected(found, gone, 3, made))
    # The head lay (4, -6, 3) off at the second visit and (2, 2, 6) at the fourth.
    assert now - then == pytest.approx([-2, 8, 3])


def test_without_its_movement_a_visit_gets_no_cross(course):
    made = course[1]
    lost = {**made.registrations, '04': Registration(made_from='', matrix=None, figures=None)}
    text = changed(course, dataclasses.replace(made, registrations=lost))
    assert 'place not known here' in plain(text)


def test_lines_stand_where_pr_and_pd_begin(course):
    out, _, _ = course
    found = account(out)
    first, last = found.rows[0], found.rows[-1]
    said = [words for words, _ in sums.limits(found, found.criterion)]
    least, most = (re.search(r'[\d.]+', words)[0] for words in said)
    # One tenth of a mm to either side decides.
    pr, pd = round(float(least) * 10), round(float(most) * 10)
    assert 10 * pr <= 7 * first.baseline_aggregate < 10 * (pr + 1)
    assert 5 * (pd - 1) < 6 * last.nadir_aggregate <= 5 * pd


def test_the_timeline_is_to_scale(course):
    out, _, _ = course
    time = clock.clock(account(out).visits, left=0, right=190)
    assert time.dated
    assert [time.x(place) for place in range(4)] == [0, 58, 121, 190]


def test_without_days_visits_stand_apart_evenly(course):
    out, _, _ = course
    bare = [dataclasses.replace(visit, days=None) for visit in account(out).visits]
    time = clock.clock(bare, left=0, right=90)
    assert not time.dated
    assert [time.x(place) for place in range(4)] == [0, 30, 60, 90]
    assert time.names == ('01', '02', '03', '04')


def test_dates_stand_on_the_page_only_where_they_are_kept(course):
    made = course[1]
    visits = tuple(
        dataclasses.replace(visit, date=f'2031-0{place + 1}-07')
        for place, visit in enumerate(made.courses['metastases'].visits)
    )
    dated = dataclasses.replace(made.courses['metastases'], visits=visits)
    with_dates = dataclasses.replace(made, courses={'metastases': dated})
    without = changed(course, with_dates)
    kept = changed(course, with_dates, shape=PageShape(keep_dates=True))
    assert '2031' not in without
    assert 'latest visit 04, 2031-04-07' in plain(kept)


def test_a_date_of_treatment_finds_its_day_from_a_dated_visit(course):
    out, _, _ = course
    visit = dataclasses.replace(account(out).visits[1], date='2030-03-01')
    assert timeline.day_of('2030-02-01', [visit]) == 58 - 28
    assert timeline.day_of('-12', []) == -12
    assert timeline.day_of('2030-02-01', []) is None
    assert timeline.day_of('n/a', [visit]) is None


def test_radiotherapy_shades_the_weeks_after_it(course):
    clinical = ({**CLINICAL[0], 'rt_end_date': '-20'}, *CLINICAL[1:])
    found = told(course, again(course, clinical=clinical, info={'treatment_start': '5'}))
    spans = timeline.treatments(found)
    assert [(span.name, span.start, span.end) for span in spans] == [
        ('radiotherapy', None, -20.0),
        ('treatment', 5.0, None),
    ]
    drawn = timeline.draw(found, width=chart.WIDE, alt='x', dates=False)
    assert '84 days after radiotherapy' in drawn
    assert 'radiotherapy ended day \N{MINUS SIGN}20' in drawn


def test_what_is_missing_is_named_with_its_visits(course):
    clinical = ({'steroid_mg': '4'}, {}, {'steroid_mg': '0'}, {'steroid_mg': 'n/a'})
    rows = missing.missing(told(course, again(course, clinical=clinical)))
    found = {column: where for column, where, _ in rows}
    assert found['steroid_mg'] == '02, 04'
    assert found['kps, ecog or clinical_status'] == 'all visits'
    assert 'rt_end_date' not in found, 'asked for in glioma only'


def test_a_provisional_category_is_drawn_hollow(course):
    page = changed(course, again(course, clinical=({},) * 4))
    assert 'class="badge hollow"' in page
    assert 'class="badge hollow"' not in course[2]
    said = 'Imaging only: dose of steroids and clinical state are not known. Provisional.'
    assert said in plain(page)


def test_a_preliminary_pd_is_never_called_progression(course):
    made = course[1]
    rows = list(made.responses['rano_bm'])
    rows[-1] = dataclasses.replace(
        rows[-1], response='PD_prelim', confirm_status='pending',
        sentence='preliminary PD, to be confirmed: sum 38.9 mm', flags=(),
    )  # fmt: skip
    text = changed(course, dataclasses.replace(made, responses={'rano_bm': tuple(rows)}))
    card = text[text.index('class="answer response"') : text.index('id="through-time"')]
    assert 'PD?' in card
    assert 'Not yet confirmed' in card
    assert 'progression' not in plain(card).lower()


def test_what_could_change_the_answer_is_listed(course):
    out, made, _ = course
    rows = list(made.responses['rano_bm'])
    rows[-1] = dataclasses.replace(
        rows[-1], threshold_sensitive=True, alternative_response='SD;PR', n_new_equivocal=2,
        reader_response='SD', flags=('merge_review',),
    )  # fmt: skip
    found = dataclasses.replace(account(out), rows=tuple(rows))
    said = ' '.join(text for _, text in response.doubts(found, rows[-1]))
    assert 'would give SD or PR' in said
    assert '2 possible new lesions' in said
    assert 'reader it is SD' in said
    assert 'grown together with another lesion' in said


def test_options_stand_on_every_page_with_the_line_to_check_them(course):
    _, made, text = course
    assert text.count('must be checked against the') >= 3
    assert made.options
    for key, value in made.options.items():
        assert f'{key} {value} default' in plain(text)


def test_a_visit_that_cannot_be_judged_is_hollow_and_says_why(course):
    lost = again(course, lost=(2,))
    words = plain(changed(course, lost))
    assert 'Registration failed.' in words
    assert '✕ no' in words
    drawn = timeline.draw(told(course, lost), width=chart.WIDE, alt='x', dates=False)
    assert drawn.count('r="5" fill="var(--card, #fff)"') == 1


def test_a_single_visit_says_what_it_will_be_compared_with(tmp_path):
    made = store(tmp_path, n=1)
    words = plain(report.participant(tmp_path, '09').read_text(encoding='utf-8'))
    first = made.responses['rano_bm'][0]
    assert f'Baseline by RANO-BM: sum {first.aggregate / 10:.1f} mm over 2 targets.' in words
    assert 'L003 non-target' in words
    assert 'How sure is it' not in words


def test_without_a_criterion_lesions_are_still_followed(course):
    words = plain(changed(course, again(course, criteria=())))
    assert 'Three lesions segmented: 1 new since the visit before.' in words
    assert 'criterion: none in force' in words


def test_a_participant_who_is_not_followed_says_why(course):
    why = 'the order of the visits is not known'
    loose = dataclasses.replace(course[1], untracked=why, trackings=(), responses={})
    words = plain(changed(course, loose))
    assert 'not followed from visit to visit: The order of the visits is not known.' in words


def test_many_visits_get_pages_of_their_own(tmp_path):
    store(tmp_path)
    path = report.participant(tmp_path, '09', shape=PageShape(aggregate=3))
    pages = sorted(page.name for page in tmp_path.glob('*.html'))
    assert pages == ['sub-09.html', *(f'sub-09_ses-0{number}.html' for number in (1, 2, 3, 4))]
    text = path.read_text(encoding='utf-8')
    own = (tmp_path / pages[4]).read_text(encoding='utf-8')
    assert all(f'href="{name}"' in text for name in pages[1:])
    assert 'href="sub-09.html"' in own
    links = re.findall(r'href="([\w.-]*)#([^"]+)"', text)
    for name, anchor in links:
        target = (tmp_path / name).read_text(encoding='utf-8') if name else text
        assert f'id="{anchor}"' in target, anchor
    report.participant(tmp_path, '09')
    assert [page.name for page in tmp_path.glob('*.html')] == ['sub-09.html']


def test_lesions_that_split_and_join_are_drawn_so(course):
    out, _, _ = course
    found = account(out)
    one, other = found.lesions[:2]
    fragment = dataclasses.replace(other, seen=(None, *other.seen[1:]))
    seen = dataclasses.replace(
        fragment.seen[1],
        event=Event(
            lesion_id='L002', visit=1, status='present', identity='fragment', parent_id='L001'
        ),
    )
    fragment = dataclasses.replace(fragment, seen=(None, seen, *fragment.seen[2:]))
    from bids_seg.report.sections import followed, lesion_curves

    both = dataclasses.replace(found, lesions=(one, fragment))
    assert followed.cell(fragment, both, 1).event == '⊖ part of L001'
    drawn = lesion_curves.draw(both, width=chart.WIDE, alt='x')
    assert drawn.count('stroke-dasharray="2 3"') == 1


def test_both_tissues_of_a_mixed_glioma_are_told(course):
    out, made, _ = course
    visits = tuple(
        dataclasses.replace(
            visit, roles=('T1wCE', 'FLAIR'), flair_spacing_mm=1.0,
            observations={'ET': visit.observations['TC'], 'NonCE': visit.observations['TC'][:1]},
        )
        for visit in made.courses['metastases'].visits
    )  # fmt: skip
    mixed = Course(participant='09', visits=visits)
    rows, best = respond(mixed, find('rano2'))
    judged = dataclasses.replace(
        made, courses={'glioma': mixed}, responses={'rano2': rows}, best={'rano2': best},
        criteria={'rano2': find('rano2').in_force(Rules())},
    )  # fmt: skip
    patient = dataclasses.replace(read_patient(out, '09'), history=judged)
    found = history.accounts(patient)
    assert [(one.label, one.criterion is None) for one in found] == [
        ('glioma', False),
        ('gliomaNonCE', True),
    ]
    assert history.leading(found) == found[:1]
    assert [one.role for one in found[1].lesions] == ['target']
    assert 'mm²' in sums.limits(found[0], found[0].criterion)[0][0]


def test_lesions_that_are_gone_are_not_counted_at_a_visit(course):
    out = course[0]
    table = out / 'sub-09/ses-04/anat/sub-09_ses-04_space-orig_seg-metastasesLesions_dseg.tsv'
    before = table.read_text()
    lines = [f'{line}\tpresent' for line in before.splitlines()]
    lines[0] = lines[0].replace('\tpresent', '\tstatus')
    gone = '\t'.join(['3', 'L003', *lines[-1].split('\t')[2:-1], 'absent'])
    table.write_text('\n'.join([*lines, gone]) + '\n')
    found = read_patient(out, '09').visits[-1].diseases[0].lesions[0].rows
    table.write_text(before)
    assert [row['name'] for row in found] == ['L001', 'L004', 'L002']


def test_methods_say_how_lesions_were_followed_and_judged(course):
    words = plain(course[2])
    assert 'lesions were followed by the overlap of their masks' in words
    assert 'by RANO-BM (2015, doi:10.1016/S1470-2045(15)70057-4)' in words


def test_a_part_of_a_lesion_says_whose_it_was_before_it_split(course):
    one = account(course[0]).lesions[1]
    split = dataclasses.replace(one.seen[1].event, identity='fragment', parent_id='L001')
    seen = (None, dataclasses.replace(one.seen[1], event=split), *one.seen[2:])
    piece = dataclasses.replace(one, seen=seen)
    assert piece.parent == 'L001'
    assert strip.told(account(course[0]), piece, 0) == 'part of L001'


def test_a_history_that_cannot_be_read_is_named(course, tmp_path):
    store(tmp_path, n=1)
    path = tmp_path / 'sub-09' / 'figures' / 'sub-09_desc-history.json'
    path.write_text('{"participant": 3}')
    with pytest.raises(report.page.OutputError, match='not a history of a participant'):
        report.participant(tmp_path, '09')


def test_the_record_of_the_fixture_comes_back_whole(course):
    _, made, _ = course
    assert from_json(History, to_json(made)) == made


@pytest.mark.slow
def test_the_interactive_page_stands_alone_and_is_small(tmp_path):
    store(tmp_path, n=1)
    text = report.participant(tmp_path, '09', shape=PageShape(viewer=True)).read_text(
        encoding='utf-8'
    )
    name = 'sub-09/figures/sub-09_ses-01_desc-viewer.html'
    assert f'href="{name}"' in text
    page = (tmp_path / name).read_text(encoding='utf-8')
    assert not re.search(r'(?:src|href)="https?:', page)
    assert 'not a diagnosis' in page
    assert '"radiological": true' in page
    assert len(page) < 2_000_000
    report.participant(tmp_path, '09')
    assert not (tmp_path / name).exists()
