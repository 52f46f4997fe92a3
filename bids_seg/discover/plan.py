# SPDX-License-Identifier: Apache-2.0
"""The plan: which file plays which part in each visit, and why others do not."""

from collections.abc import Iterable, Mapping

from bids_seg.records import ROLES, Patient, Visit

COLUMNS = ('visit', 'role', 'file', 'state', 'reason')
"""Columns of the plan. State is `used`, `passed over`, `skipped` or `warning`."""


def plan(patients: Iterable[Patient]) -> list[dict[str, str]]:
    """Return the plan as rows, `n/a` where a column does not apply.

    Parameters
    ----------
    patients
        With their visits.

    Examples
    --------
    >>> plan([Patient(participant='01', visits=(Visit(participant='01', session=None, scans=()),))])
    [{'visit': 'sub-01', 'role': 'n/a', 'file': 'n/a', 'state': 'skipped', 'reason': 'no usable image'}]
    """
    rows: list[dict[str, str]] = []
    for patient in patients:
        name = f'sub-{patient.participant}'
        rows += [_row(name, state='warning', reason=warning) for warning in patient.warnings]
        for visit in patient.visits:
            rows += _visit(visit)
    return rows


def as_tsv(rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows of a plan as TSV text with a line of column names.

    Parameters
    ----------
    rows
        As `plan` returns them, perhaps with further columns.
    """
    listed = list(rows)
    columns = list(dict.fromkeys([*COLUMNS, *(key for row in listed for key in row)]))
    lines = [columns, *([row.get(column, 'n/a') for column in columns] for row in listed)]
    return ''.join('\t'.join(' '.join(cell.split()) for cell in line) + '\n' for line in lines)


def _visit(visit: Visit) -> list[dict[str, str]]:
    """Return the rows of one visit: used, passed over, warnings."""
    rows = [
        _row(
            visit.name,
            state='used',
            role=scan.role,
            file=scan.relative,
            reason='; '.join(scan.notes) or 'n/a',
        )
        for role in ROLES
        for scan in visit.scans
        if scan.role == role
    ]
    if not rows:
        rows = [_row(visit.name, state='skipped', reason='no usable image')]
    rows += [
        _row(
            visit.name,
            state='passed over',
            role=item.role or 'n/a',
            file=item.relative,
            reason=item.reason,
        )
        for item in visit.passed_over
    ]
    rows += [_row(visit.name, state='warning', reason=warning) for warning in visit.warnings]
    return rows


def _row(
    visit: str, *, state: str, reason: str, role: str = 'n/a', file: str = 'n/a'
) -> dict[str, str]:
    """Return one row."""
    return {'visit': visit, 'role': role, 'file': file, 'state': state, 'reason': reason}
