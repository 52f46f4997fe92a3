# SPDX-License-Identifier: Apache-2.0
"""The comparison of a run's lesions and responses with those that were made."""

from pathlib import Path

import pytest

from bids_seg.demo import course

LESIONS = (
    'participant_id', 'session_id', 'disease', 'tissue', 'lesion_id', 'status', 'identity_event',
    'events', 'parent_id', 'centroid_x', 'centroid_y', 'centroid_z',
)  # fmt: skip
TRUE = (
    'participant_id', 'session_id', 'lesion', 'status', 'identity_event', 'events', 'parent',
    'diameter_mm', 'x', 'y', 'z',
)  # fmt: skip


def _write(path: Path, header: tuple[str, ...], rows: list[str]) -> None:
    path.write_text(
        '\n'.join('\t'.join(row) for row in (header, *(row.split() for row in rows))) + '\n'
    )


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """One lesion falls into two while another goes; both sides agree."""
    out, truth = tmp_path / 'out', tmp_path / 'truth'
    out.mkdir()
    truth.mkdir()
    _write(
        truth / 'lesions.tsv', TRUE,
        [
            'sub-1 ses-1 A present baseline n/a n/a 20.0 0 0 0',
            'sub-1 ses-1 B present baseline n/a n/a 10.0 40 0 0',
            'sub-1 ses-2 A present continuing split n/a 8.0 1 -6 0',
            'sub-1 ses-2 B absent resolved n/a n/a 0.0 n/a n/a n/a',
            'sub-1 ses-2 C present fragment n/a A 7.0 1 6 0',
        ],
    )  # fmt: skip
    _write(
        out / 'group_lesions.tsv', LESIONS,
        [
            'sub-1 ses-1 metastases TC L001 present baseline n/a n/a 0.5 0 1',
            'sub-1 ses-1 metastases TC L002 present baseline n/a n/a 41 0 1',
            'sub-1 ses-2 metastases TC L001 present continuing split n/a 1 -7 0',
            'sub-1 ses-2 metastases TC L002 absent resolved n/a n/a n/a n/a n/a',
            'sub-1 ses-2 metastases TC L003 present fragment n/a L001 1 7 0',
        ],
    )  # fmt: skip
    head = ('participant_id', 'session_id', 'criterion', 'response')
    rows = ['sub-1 ses-1 rano_bm n/a', 'sub-1 ses-2 rano_bm PR']
    _write(truth / 'responses.tsv', head, rows)
    _write(out / 'group_visits.tsv', head, rows)
    return out, truth


def test_a_run_that_agrees_is_right_everywhere(trees: tuple[Path, Path]) -> None:
    told = course.told(*trees)
    assert [(one.what, one.right) for one in told] == [
        ('A', True), ('B', True), ('rano_bm', True),
        ('A', True), ('B', True), ('C', True), ('rano_bm', True),
    ]  # fmt: skip
    assert told[5].found == 'L003 present fragment of L001'
    assert course.table(told).endswith('7 of 7 right\n')


@pytest.mark.parametrize(
    ('old', 'new', 'wrong'),
    [
        # Another number, another event, a lesion that is not there, one that is not found again.
        ('ses-2\tmetastases\tTC\tL001', 'ses-2\tmetastases\tTC\tL009', ['A']),
        ('absent\tresolved', 'absent\tn/a', ['B']),
        ('\t1\t7\t0', '\t1\t30\t0', ['C', '']),
        ('fragment\tn/a\tL001', 'fragment\tn/a\tL002', ['C']),
        ('L003\tpresent\tfragment', 'L003\tabsent\tresolved', ['C']),
    ],
)
def test_what_differs_is_wrong(
    trees: tuple[Path, Path], old: str, new: str, wrong: list[str]
) -> None:
    table = trees[0] / 'group_lesions.tsv'
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new))
    assert [one.what for one in course.told(*trees) if not one.right] == wrong


def test_another_response_is_wrong_and_a_run_without_tables_too(trees: tuple[Path, Path]) -> None:
    table = trees[0] / 'group_visits.tsv'
    table.write_text(table.read_text().replace('PR', 'SD'))
    (wrong,) = (one for one in course.told(*trees) if not one.right)
    assert (wrong.made, wrong.found) == ('PR', 'SD')
    for name in ('group_visits.tsv', 'group_lesions.tsv'):
        (trees[0] / name).unlink()
    assert not any(one.right for one in course.told(*trees))
