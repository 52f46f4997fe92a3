# SPDX-License-Identifier: Apache-2.0
"""The group's page put together and written."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bids_seg
from bids_seg.errors import NothingToDoError
from bids_seg.image import write_bytes
from bids_seg.report.cohort.inputs import matrix
from bids_seg.report.cohort.panel import panel
from bids_seg.report.cohort.people import Judgement, judgements, read_histories
from bids_seg.report.cohort.strips import strips
from bids_seg.report.cohort.visits import GroupVisit, judged
from bids_seg.report.outputs import Row, read_table
from bids_seg.report.page import BANNER, SIGNS
from bids_seg.report.section import TEMPLATES, environment
from bids_seg.report.wording import NOTHING, number

SMALL_TABLE = 200_000
"""Bytes up to which the table of lesions is part of the page."""


def group(out_dir: Path) -> Path:
    """Write the group's page from the group's tables; return its path.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset, with `group_visits.tsv`; `group_qc.tsv`, `group_best.tsv`
        and the participants' histories are read if there.

    Raises
    ------
    NothingToDoError
        If there is no table of visits.
    """
    table = out_dir / 'group_visits.tsv'
    rows = read_table(table)
    if not rows:
        raise NothingToDoError(
            'no visits in it, or it is not there', where=table, do='run the participant level first'
        )
    quality = read_table(out_dir / 'group_qc.tsv')
    path = out_dir / 'group.html'
    best = read_table(out_dir / 'group_best.tsv')
    names = dict.fromkeys(row['participant_id'] for row in best)
    histories = read_histories(out_dir, names)
    parts = {
        **_visits(judged(rows, quality), pages=_pages(out_dir)),
        'panels': _panels(judgements(best, rows, histories), rows, pages=_pages(out_dir)),
        'matrix': matrix(rows, quality, histories),
        'tables': sorted(p.name for p in out_dir.glob('group_*.tsv')),
        'lesions': _embedded(out_dir / 'group_lesions.tsv'),
    }
    write_bytes(path, _page(parts).encode())
    return path


def _pages(out_dir: Path) -> set[str]:
    """Return the participants that have a page."""
    return {path.stem for path in out_dir.glob('sub-*.html')}


def _panels(
    found: Sequence[Judgement], rows: Sequence[Row], *, pages: set[str]
) -> list[dict[str, Any]]:
    """Return what is shown by each criterion."""
    visits = Counter(
        name
        for name, _ in dict.fromkeys((row['participant_id'], row.get('session_id')) for row in rows)
    )
    return [panel(judgement, visits=visits, pages=pages) for judgement in found]


def _embedded(path: Path) -> str:
    """Return a small table as an address that holds it; nothing for a large one or none."""
    if not path.is_file() or path.stat().st_size > SMALL_TABLE:
        return ''
    coded = base64.b64encode(path.read_bytes()).decode()
    return f'data:text/tab-separated-values;charset=utf-8;base64,{coded}'


def _cells(visit: GroupVisit) -> list[tuple[str, str, str]]:
    """Return text, sorting key and kind of each number of a visit's row."""
    cells = []
    for column in ('days_from_first', 'n_lesions', 'wt_mm3', 'tc_mm3', 'et_mm3', 'brain_mm3'):
        value = number(visit.row.get(column))
        shown = 'n/a'
        if value is not None:
            shown = f'{value / 1000:.1f}' if column.endswith('_mm3') else f'{value:.0f}'
        # Missing values sort last, whichever way.
        cells.append((shown, '' if value is None else f'{value:.10g}', 'n'))
    return cells


def _visits(visits: Sequence[GroupVisit], *, pages: set[str]) -> dict[str, Any]:
    """Return what is shown of the visits: counts, spreads, what stands out, rows."""
    by_status = {visit.name: visit.status for visit in visits}
    return {
        'participants': len({visit.participant for visit in visits}),
        'visits': len(by_status),
        'counts': {status: list(by_status.values()).count(status) for status in SIGNS},
        'strips': strips(visits),
        'odd': [visit for visit in visits if visit.remarks],
        'rows': [
            {
                'name': visit.participant,
                'link': f'{visit.participant}.html' if visit.participant in pages else '',
                'session': visit.session or NOTHING,
                'status': visit.status,
                'sign': SIGNS.get(visit.status, ''),
                'cells': _cells(visit),
                'remarks': visit.remarks,
                'reason': visit.reason,
                'disease': visit.disease or NOTHING,
            }
            for visit in visits
        ],
    }


def _page(parts: dict[str, Any]) -> str:
    """Return the whole page."""
    return (
        environment()
        .get_template('group.html')
        .render(
            banner=BANNER,
            version=bids_seg.__version__,
            style=(TEMPLATES / 'style.css').read_text(encoding='utf-8'),
            **parts,
        )
    )
