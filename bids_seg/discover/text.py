# SPDX-License-Identifier: Apache-2.0
"""Reading JSON and TSV as people really write them; what was odd is said, not refused."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MISSING = frozenset({'', 'n/a', 'N/A', 'na', 'NA', 'nan', 'NaN'})
"""Cells that say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A TSV file as text."""

    columns: tuple[str, ...]
    """Names of the columns."""
    rows: tuple[Mapping[str, str], ...]
    """Cells by column; `n/a` where nothing is said."""
    warnings: tuple[str, ...] = ()
    """What was unusual about the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """A JSON object."""

    values: Mapping[str, Any]
    """Its fields; none where the file cannot be read."""
    warnings: tuple[str, ...] = ()
    """What was unusual about the file."""


def read_json(path: Path, *, shown: str) -> Fields:
    """Return the object in a JSON file; one that cannot be read has no fields and a warning.

    Parameters
    ----------
    path
        The file. One that is not there, or a link that leads nowhere, has no fields.
    shown
        How warnings call it.
    """
    if not path.exists():
        return Fields(values={})
    try:
        text, odd = _decode(path)
        values = json.loads(text)
    except OSError as error:
        return Fields(values={}, warnings=(f'{shown} cannot be read ({error.strerror})',))
    except ValueError as error:
        what = 'is empty' if path.stat().st_size == 0 else f'is not valid JSON ({error})'
        return Fields(values={}, warnings=(f'{shown} {what} and was left out',))
    if not isinstance(values, dict):
        return Fields(values={}, warnings=(f'{shown} holds no JSON object and was left out',))
    warnings = [f'{shown} is not UTF-8, it was read as Latin-1'] if 'Latin-1' in odd else []
    return Fields(values=values, warnings=tuple(warnings))


def read_tsv(path: Path, *, shown: str) -> Table:
    """Return a TSV file, with what had to be forgiven; a missing file has no rows.

    Parameters
    ----------
    path
        The file. One that is not there, or a link that leads nowhere, has no rows.
    shown
        How warnings call it.
    """
    if not path.exists():
        return Table(columns=(), rows=())
    try:
        text, odd = _decode(path)
    except OSError as error:
        return Table(columns=(), rows=(), warnings=(f'{shown} cannot be read ({error.strerror})',))
    if '\r' in text:
        odd.append('line ends of another system')
        text = text.replace('\r\n', '\n').replace('\r', '\n')
    lines = [line for line in csv.reader(io.StringIO(text), delimiter='\t') if any(line)]
    if '"' in text:
        odd.append('quoted fields')
    if any(cell != cell.strip() for line in lines for cell in line):
        odd.append('blanks around values')
    table = [[cell.strip() for cell in line] for line in lines]
    if any(len(line) != len(table[0]) for line in table):
        odd.append('rows of unequal length')
    columns = tuple(table[0]) if table else ()
    rows = tuple(_row(columns, line) for line in table[1:])
    warnings = (f'{shown} was accepted in spite of {", ".join(odd)}',) if odd else ()
    return Table(columns=columns, rows=rows, warnings=warnings)


def said(value: str | None) -> str | None:
    """Return a cell, or None where it says nothing."""
    return None if value is None or value in MISSING else value


def _row(columns: tuple[str, ...], line: list[str]) -> Mapping[str, str]:
    """Return one row by column, `n/a` where its cell is empty or missing."""
    cells = line + ['n/a'] * (len(columns) - len(line))
    return {column: cell or 'n/a' for column, cell in zip(columns, cells, strict=False)}


def _decode(path: Path) -> tuple[str, list[str]]:
    """Return the text of a file and what was odd about its encoding."""
    content = path.read_bytes()
    odd = ['a byte order mark'] if content.startswith(b'\xef\xbb\xbf') else []
    try:
        return content.decode('utf-8-sig'), odd
    except UnicodeDecodeError:
        return content.decode('latin-1'), ['Latin-1']
