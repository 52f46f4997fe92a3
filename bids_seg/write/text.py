# SPDX-License-Identifier: Apache-2.0
"""JSON and TSV as bytes: the same content gives the same bytes."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_seg import image
from bids_seg.errors import FULL, OutputError

MISSING = 'n/a'
"""What stands in a cell without a value."""

Row = Mapping[str, str]
"""One row of a table by column."""


def json_bytes(content: Mapping[str, Any]) -> bytes:
    r"""Return an object as indented JSON in UTF-8, keys in their own order.

    Examples
    --------
    >>> json_bytes({'Manual': False})
    b'{\n  "Manual": false\n}\n'
    """
    return (json.dumps(content, indent=2, ensure_ascii=False) + '\n').encode()


def tsv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    r"""Return a table with one header line; what a row lacks or leaves empty is `n/a`.

    Parameters
    ----------
    columns
        Their names in order; further keys of a row are left out.
    rows
        Cells by column; tabs and line ends within a cell become blanks.

    Examples
    --------
    >>> tsv_bytes(['a', 'b'], [{'b': '2'}])
    b'a\tb\nn/a\t2\n'
    """
    lines = ['\t'.join(columns)]
    lines += ['\t'.join(_cell(row.get(column, '')) for column in columns) for row in rows]
    return ('\n'.join(lines) + '\n').encode()


def read_tsv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns and the rows of a table; other line ends and a BOM are forgiven.

    Parameters
    ----------
    path
        The table; one that is not there is empty.
    """
    if not path.is_file():
        return [], []
    raw = path.read_bytes()
    try:
        content = raw.decode('utf-8-sig')
    except UnicodeDecodeError:
        content = raw.decode('latin-1')
    # str.splitlines would also cut at separators that are legal inside a cell.
    lines = [line for line in re.split(r'\r\n|\r|\n', content) if line.strip()]
    if not lines:
        return [], []
    columns = [cell.strip().strip('"') for cell in lines[0].split('\t')]
    rows = []
    for line in lines[1:]:
        cells = [cell.strip().strip('"') or MISSING for cell in line.split('\t')]
        cells += [MISSING] * (len(columns) - len(cells))
        rows.append(dict(zip(columns, cells, strict=False)))
    return columns, rows


def read_json(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file; empty where there is none that can be read.

    Parameters
    ----------
    path
        The file.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8-sig'))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_if_different(path: Path, content: bytes) -> bool:
    """Write a file whole, unless it already holds just that; return whether it was written.

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    content
        What it shall hold.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        if path.is_file() and path.read_bytes() == content:
            return False
        image.write_bytes(path, content)
    except OSError as error:
        raise refused(error, path.parent, size=len(content)) from error
    return True


def refused(error: OSError, folder: Path, *, size: int) -> OutputError:
    """Return what a user can do about a failed write.

    Parameters
    ----------
    error
        What the system said.
    folder
        Where something was to be written.
    size
        How much, bytes.
    """
    if error.errno in FULL:
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        return OutputError(
            f'the disk is full: {size / 1e6:.1f} MB are needed, {free / 1e6:.1f} MB are free',
            where=folder,
            do='make room or choose another output folder; nothing half-written was left',
        )
    return OutputError(
        f'cannot be written ({error.strerror})',
        where=error.filename or folder,
        do='check its permissions or choose another output folder',
    )


def natural(label: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts labels as people do: `2` before `10`.

    Examples
    --------
    >>> sorted(['ses-10', 'ses-2', 'ses-b'], key=natural)
    ['ses-2', 'ses-10', 'ses-b']
    """
    parts = re.findall(r'\d+|\D+', label)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _cell(value: str) -> str:
    """Return a cell that neither breaks its line nor is empty."""
    return re.sub(r'[\t\r\n]+', ' ', value).strip() or MISSING
