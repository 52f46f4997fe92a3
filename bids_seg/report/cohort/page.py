# SPDX-License-Identifier: Apache-2.0
"""The group's page put together and written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bids_seg
from bids_seg.errors import NothingToDoError
from bids_seg.image import write_bytes
from bids_seg.report.cohort.strips import strips
from bids_seg.report.cohort.visits import GroupVisit, judged
from bids_seg.report.outputs import read_table
from bids_seg.report.page import BANNER, SIGNS
from bids_seg.report.section import TEMPLATES, environment
from bids_seg.report.wording import NOTHING, number


def group(out_dir: Path) -> Path:
    """Write the group's page from the group's tables; return its path.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset, with `group_visits.tsv`; `group_qc.tsv` is read if there.

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
    visits = judged(rows, read_table(out_dir / 'group_qc.tsv'))
    pages = {path.stem for path in out_dir.glob('sub-*.html')}
    path = out_dir / 'group.html'
    write_bytes(
        path, _page(visits, pages, sorted(p.name for p in out_dir.glob('group_*.tsv'))).encode()
    )
    return path


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


def _page(visits: Sequence[GroupVisit], pages: set[str], tables: Sequence[str]) -> str:
    """Return the whole page."""
    by_status = {visit.name: visit.status for visit in visits}
    counts = {status: list(by_status.values()).count(status) for status in SIGNS}
    rows = [
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
    ]
    return (
        environment()
        .get_template('group.html')
        .render(
            banner=BANNER,
            version=bids_seg.__version__,
            style=(TEMPLATES / 'style.css').read_text(encoding='utf-8'),
            participants=len({visit.participant for visit in visits}),
            visits=len(by_status),
            counts=counts,
            signs=SIGNS,
            strips=strips(visits),
            odd=[visit for visit in visits if visit.remarks],
            rows=rows,
            tables=tables,
        )
    )
