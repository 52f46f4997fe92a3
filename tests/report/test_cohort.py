# SPDX-License-Identifier: Apache-2.0
"""The group's page."""

import re

import pytest

from bids_seg import report
from bids_seg.errors import NothingToDoError
from bids_seg.report.cohort.strips import strips
from bids_seg.report.cohort.visits import judged


@pytest.fixture
def page(tmp_path, group_tables):
    group_tables(tmp_path)
    return report.group(tmp_path).read_text(encoding='utf-8')


def test_visits_are_counted_by_status(page):
    assert '12 participants, 12 visits: 10 complete, 1 skipped, 1 failed.' in page


def test_only_participants_with_a_page_are_linked(page):
    assert re.findall(r'href="(sub-[^"]+)"', page) == ['sub-001.html']


def test_what_stands_out_is_marked_and_nothing_else(page):
    marked = re.findall(r'<li class="warn">.*?<b>([^<]+):</b> ([^<]+)\.</span>', page)
    assert [name for name, _ in marked] == ['sub-006 01', 'sub-008 01']
    assert 'brain of 2400 mL is unusually large' in marked[0][1]
    assert 'alignment of FLAIR: mutual information 1.002 is unusually small' in marked[1][1]


def test_text_of_tables_is_escaped(page):
    assert 'no &lt;usable&gt; image' in page
    assert '<usable>' not in page


def test_the_page_loads_nothing(page):
    assert 'http' not in page.replace('http://www.w3.org/2000/svg', '').replace('http-equiv', '')
    assert 'src=' not in page


def test_the_same_tables_give_the_same_bytes(tmp_path, group_tables):
    group_tables(tmp_path)
    first = report.group(tmp_path).read_bytes()
    assert report.group(tmp_path).read_bytes() == first


def test_participants_are_in_natural_order(tmp_path):
    lines = ['participant_id\tsession_id\tvisit_status']
    lines += [f'sub-{name}\tn/a\tcomplete' for name in ('10', '2', '1')]
    (tmp_path / 'group_visits.tsv').write_text('\n'.join(lines) + '\n')
    text = report.group(tmp_path).read_text(encoding='utf-8')
    assert re.findall(r'<th scope="row">([^<]+)</th>', text) == ['sub-1', 'sub-2', 'sub-10']


def test_a_visit_with_several_criteria_is_one_row():
    rows = [
        {'participant_id': 'sub-1', 'session_id': 'ses-a', 'visit_status': 'complete', 'criterion': c}
        for c in ('rano2', 'mrano')
    ]  # fmt: skip
    assert len(judged(rows, [])) == 1


def test_a_visit_with_two_networks_has_two_rows_and_counts_once(tmp_path):
    lines = ['participant_id\tsession_id\tvisit_status\tdisease\ttc_mm3\tbrain_mm3']
    lines += ['sub-1\tn/a\tcomplete\tglioma\t5000\t1400000']
    lines += ['sub-1\tn/a\tcomplete\tmetastases\t70\t1400000']
    (tmp_path / 'group_visits.tsv').write_text('\n'.join(lines) + '\n')
    text = report.group(tmp_path).read_text(encoding='utf-8')
    assert '1 participant, 1 visit: 1 complete, 0 skipped, 0 failed.' in text
    assert text.count('<th scope="row">sub-1</th>') == 2
    # Two values are no spread to draw.
    assert '<circle' not in text


def test_strips_are_drawn_for_each_network_and_once_for_the_brain():
    rows = [
        {'participant_id': f'sub-{i}', 'visit_status': 'complete', 'disease': disease,
         'tc_mm3': str(100 * i), 'brain_mm3': '1400000'}
        for i in range(3)
        for disease in ('glioma', 'metastases')
    ]  # fmt: skip
    titles = [title for title, _, _ in strips(judged(rows, []))]
    assert titles == [
        'glioma, tumour core (TC), mL', 'metastases, tumour core (TC), mL', 'brain, mL',
    ]  # fmt: skip


def test_a_reason_comes_from_the_table_of_quality():
    key = {'participant_id': 'sub-1', 'session_id': 'n/a', 'visit_status': 'failed'}
    (visit,) = judged([key], [{**key, 'reason': 'cut short'}])
    assert visit.reason == 'cut short'


def test_few_or_equal_visits_give_no_outliers():
    rows = [
        {'participant_id': f'sub-{i}', 'session_id': 'n/a', 'brain_mm3': value}
        for i, value in enumerate(['1400000'] * 9 + ['1410000'])
    ]
    assert not any(visit.remarks for visit in judged(rows, []))
    assert not any(
        visit.remarks for visit in judged([*rows[:5], {**rows[5], 'brain_mm3': '9'}], [])
    )


def test_without_tables_nothing_is_made(tmp_path):
    with pytest.raises(NothingToDoError, match=r'group_visits\.tsv: no visits in it'):
        report.group(tmp_path)
    assert list(tmp_path.iterdir()) == []
