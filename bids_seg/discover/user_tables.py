# SPDX-License-Identifier: Apache-2.0
"""Tables that a user gives beside the dataset: visits and their columns, a reader's decisions."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_seg.discover import dates
from bids_seg.discover.text import Table, read_tsv, said
from bids_seg.errors import CommandError
from bids_seg.records import ReaderEdit, Tissue

logger = logging.getLogger(__name__)

OF_VISITS = (
    'steroid_mg',
    'steroid_physiologic',
    'kps',
    'ecog',
    'clinical_status',
    'rt_end_date',
    'immunotherapy_start',
    'antiangiogenic',
    'histology_recurrence',
)
"""Clinical columns of a visit that the response rules read."""
OF_PATIENTS = ('setting', 'treatment_start', 'baseline_session')
"""Columns that are said once of a patient, on any of its rows."""
DAYS = ('days', 'days_from_first', 'days_from_first_visit')
"""Columns that count days instead of giving dates."""
MOMENTS = ('rt_end_date', 'immunotherapy_start', 'treatment_start')
"""Columns that hold a date, or days on the scale of the visits."""

EDITS = ('link', 'unlink', 'merge', 'reject')
"""What a reader can do to identities of lesions."""
OVERRIDES = (
    *('target_ids', 'exclude_ids', 'nontarget_override', 'newlesion_override'),
    *('flair_override', 'response_override'),
)
"""What a reader can decide otherwise in a response."""

TISSUES: tuple[Tissue, ...] = ('ET', 'TC', 'WT', 'NonCE')
"""Sets of lesions that a correction may be about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRows:
    """A table of visits that wins over those of the dataset."""

    rows: Mapping[tuple[str, str], Mapping[str, str]]
    """Cells that say something, by participant and session, both without prefix."""

    def of(self, participant: str) -> dict[str, Mapping[str, str]]:
        """Return the rows of a participant by session; empty for a visit without session.

        Parameters
        ----------
        participant
            Label without `sub-`.
        """
        return {ses: row for (sub, ses), row in self.rows.items() if sub == participant}

    def info(self, participant: str) -> dict[str, str]:
        """Return what is said of a patient as a whole, the first row that says it.

        Parameters
        ----------
        participant
            Label without `sub-`.
        """
        found: dict[str, str] = {}
        for row in self.of(participant).values():
            for name in OF_PATIENTS:
                if name in row:
                    found.setdefault(name, row[name])
        return found


def read_visit_rows(path: Path) -> VisitRows:
    """Return a table of dates or days and clinical columns of visits.

    Parameters
    ----------
    path
        TSV with `participant_id` and `session_id`, and any of `acq_time`, `days` and the
        clinical columns.

    Raises
    ------
    CommandError
        The file, a column or a cell is not as it must be; the message names row and column.
    """
    table = _table(path, needed=('participant_id', 'session_id'), option='--sessions-file')
    known = ('participant_id', 'session_id', 'acq_time', *DAYS, *OF_VISITS, *OF_PATIENTS)
    for column in table.columns:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=3, cutoff=0.0)
            logger.warning(
                '%s: column %s is not read; the nearest are %s', path.name, column, ', '.join(near)
            )
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for number, row in enumerate(table.rows, start=2):
        cells = {name: text for name, text in row.items() if said(text) is not None}
        key = (_label(cells, 'sub', number, path), _label(cells, 'ses', number, path))
        if key in rows:
            raise _wrong(
                path, number, 'session_id', 'the visit stands in the table twice', 'keep one'
            )
        for name in known[2:]:
            if name in cells:
                _check(name, cells[name], number, path)
        rows[key] = cells
    return VisitRows(rows=rows)


def read_edits(path: Path) -> dict[str, tuple[ReaderEdit, ...]]:
    """Return a reader's corrections and overrides by participant without `sub-`.

    Parameters
    ----------
    path
        TSV with `participant_id`, `session_id`, `item`, `action`, `value`, and `tissue` where
        several sets of lesions are followed.

    Raises
    ------
    CommandError
        The file, a column or a cell is not as it must be; the message names row and column.
    """
    needed = ('participant_id', 'session_id', 'item', 'action', 'value')
    table = _table(path, needed=needed, option='--reader-file')
    found: dict[str, tuple[ReaderEdit, ...]] = {}
    for number, row in enumerate(table.rows, start=2):
        cells = {name: text for name, text in row.items() if said(text) is not None}
        participant = _label(cells, 'sub', number, path)
        session = _label(cells, 'ses', number, path) or None
        edit = _edit(cells, session, number, path)
        found[participant] = (*found.get(participant, ()), edit)
    return found


def _edit(cells: Mapping[str, str], session: str | None, number: int, path: Path) -> ReaderEdit:
    """Return one row of a reader's file."""
    action, known = cells.get('action', ''), (*EDITS, *OVERRIDES)
    if action not in known:
        near = ', '.join(difflib.get_close_matches(action, known, n=3, cutoff=0.0))
        raise _wrong(path, number, 'action', f'`{action}` is no action', f'did you mean {near}?')
    item, value = cells.get('item', ''), cells.get('value', '')
    if action in EDITS and not re.fullmatch(r'\d+|L\d{3,}', item):
        do = 'give the component_index of the lesion table, or an id as L001'
        raise _wrong(path, number, 'item', f'`{item}` is no lesion', do)
    if action in EDITS and action != 'reject' and not re.fullmatch(r'L\d{3,}', value):
        raise _wrong(path, number, 'value', f'`{value}` is no id of a lesion', 'give one as L001')
    if action in OVERRIDES and not (value or item):
        raise _wrong(path, number, 'value', f'{action} says nothing', 'give a value')
    tissue = next((one for one in TISSUES if one == cells.get('tissue', '')), None)
    if 'tissue' in cells and tissue is None:
        do = f'give one of: {", ".join(TISSUES)}'
        raise _wrong(path, number, 'tissue', f'`{cells["tissue"]}` is no tissue', do)
    return ReaderEdit(session=session, action=action, item=item, value=value, tissue=tissue or '')


def _table(path: Path, *, needed: Sequence[str], option: str) -> Table:
    """Return a table that is there and has the columns that it must have."""
    if not path.is_file():
        raise CommandError('there is no such file', where=path, do=f'see {option}')
    table = read_tsv(path, shown=path.name)
    if not table.columns:
        raise CommandError('nothing can be read in it', where=path, do='give a TSV with a header')
    for column in needed:
        if column not in table.columns:
            raise CommandError(
                f'no column {column}; there are {", ".join(table.columns)}',
                where=path,
                do=f'give the columns {", ".join(needed)}, separated by tabs',
            )
    for warning in table.warnings:
        logger.warning('%s', warning)
    return table


def _label(cells: Mapping[str, str], prefix: str, number: int, path: Path) -> str:
    """Return the label of a participant, or of a session, which may be missing."""
    column = {'sub': 'participant_id', 'ses': 'session_id'}[prefix]
    label = cells.get(column, '').removeprefix(f'{prefix}-')
    if re.fullmatch(r'[0-9a-zA-Z+]+', label) or (prefix == 'ses' and not label):
        return label
    do = f'give a label as {prefix}-01'
    raise _wrong(path, number, column, f'`{cells.get(column, "")}` is no label', do)


def _check(name: str, text: str, number: int, path: Path) -> None:
    """Refuse a cell that is not of the kind of its column."""
    try:
        wanted = _fault(name, text)
    except ValueError as error:
        wanted = str(error)
    if wanted:
        raise _wrong(path, number, name, f'`{text}` cannot be read', wanted)


def _fault(name: str, text: str) -> str:
    """Return what a cell should hold; empty where it holds it."""
    if name == 'acq_time':
        dates.moment(text)
    elif name in DAYS:
        dates.counted(text)
    elif name in MOMENTS and not re.fullmatch(r'[+-]?\d{1,6}', text):
        return _not_readable(dates.moment, text, 'a date as 2024-01-31, or days')
    elif name in ('steroid_mg', 'kps', 'ecog') and not re.fullmatch(r'\d+(\.\d+)?', text):
        return 'give a number from 0'
    elif name in _YES_OR_NO and text.lower() not in _WORDS:
        return 'give 1 or 0'
    elif name in _CHOICES and text not in _CHOICES[name]:
        return f'give one of: {", ".join(_CHOICES[name])}'
    return ''


_YES_OR_NO = ('steroid_physiologic', 'antiangiogenic', 'histology_recurrence')
_WORDS = ('1', 'true', 'yes', 'y', '0', 'false', 'no', 'n')
_CHOICES = {
    'clinical_status': ('better', 'stable', 'worse'),
    'setting': ('newly_diagnosed', 'recurrent'),
}


def _not_readable(read: Callable[[str], object], text: str, wanted: str) -> str:
    """Return what was wanted where a cell cannot be read."""
    try:
        read(text)
    except ValueError:
        return f'give {wanted}'
    return ''


def _wrong(path: Path, number: int, column: str, what: str, do: str) -> CommandError:
    """Return the error for one cell."""
    return CommandError(what, where=f'{path.name}, line {number}, column {column}', do=do)
