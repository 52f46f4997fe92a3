# SPDX-License-Identifier: Apache-2.0
"""The external validator, where there is one: only what concerns us stops the run."""

import json
import logging
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_seg.discover.index import link_folder
from bids_seg.errors import InputError

logger = logging.getLogger(__name__)

PROGRAM = 'bids-validator-deno'
"""Its name as a package of the Python index installs it."""
LIMIT_S = 300.0
"""Seconds after which it is given up: it looks at a large dataset for minutes."""

# Names of images that we look for, and tables without the column that we look them up by.
# Broken or oddly encoded text stops nothing: our own readers forgive it or warn of it for the
# one visit that it belongs to.
_IMAGE = re.compile(r'/sub-[^/]+/(ses-[^/]+/)?anat/[^/]*(t1w|t2w|flair)[^/]*', re.IGNORECASE)
_NAME_CODES = frozenset({
    'FILENAME_MISMATCH',
    'NOT_INCLUDED',
    'INVALID_ENTITY_LABEL',
    'ENTITY_WITH_NO_LABEL',
    'MISSING_REQUIRED_ENTITY',
    'INVALID_LOCATION',
    'DATATYPE_MISMATCH',
    'EXTENSION_MISMATCH',
    'CASE_COLLISION',
})  # fmt: skip
_TABLE = re.compile(r'/([^/]+/){0,2}([^/]+_)?(participants|sessions|scans)\.tsv')


def validate(
    bids_dir: Path, *, participants: Sequence[str], index_dir: Path, limit_s: float = LIMIT_S
) -> None:
    """Run the external validator on some participants; what it finds elsewhere is counted.

    Parameters
    ----------
    bids_dir
        Root of the dataset.
    participants
        Labels of those that are asked for.
    index_dir
        Where a folder of links is made for a moment.
    limit_s
        Seconds that it may take.

    Raises
    ------
    InputError
        If it finds wrong names of images that we look for, or a table without its key.
    """
    program = _program()
    if program is None:
        logger.info('%s is not installed, only our own checks were made', PROGRAM)
        return
    root = [path.name for path in bids_dir.iterdir() if path.is_file() and path.name[0] != '.']
    ignore = ['.bidsignore'] if (bids_dir / '.bidsignore').is_file() else []
    links = link_folder(bids_dir, participants, parent=index_dir, files=[*root, *ignore])
    try:
        found = _run(program, links, limit_s=limit_s)
    finally:
        shutil.rmtree(links, ignore_errors=True)
    if found is not None:
        judge(found, bids_dir=bids_dir)


def judge(issues: Sequence[Mapping[str, Any]], *, bids_dir: Path) -> None:
    """Refuse the dataset where an error concerns what we read; count the rest in the log.

    Parameters
    ----------
    issues
        As the validator lists them: `code`, `severity`, `location`.
    bids_dir
        Root of the dataset, for the message.

    Raises
    ------
    InputError
        If there is such an error; the message names the first three.
    """
    counts = Counter(str(issue.get('severity')) for issue in issues)
    errors = [issue for issue in issues if issue.get('severity') == 'error']
    encoded = (issue for issue in errors if issue.get('code') == 'INVALID_FILE_ENCODING')
    unreadable = frozenset(str(issue.get('location')) for issue in encoded)
    ours = [issue for issue in errors if _concerns_us(issue, unreadable)]
    logger.info(
        '%s: %d errors, %d warnings, %d concern us',
        PROGRAM,
        counts['error'],
        counts['warning'],
        len(ours),
    )
    if not ours:
        return
    shown = ', '.join(f'{issue["location"]} ({issue["code"]})' for issue in ours[:3])
    more = f' and {len(ours) - 3} more' if len(ours) > 3 else ''
    raise InputError(
        f'the BIDS validator finds {shown}{more}',
        where=bids_dir,
        do='mend the names, or give --skip-bids-validation: our own checks then pass them over',
    )


def _concerns_us(issue: Mapping[str, Any], unreadable: frozenset[str]) -> bool:
    """Return whether an error is about a name or table that we depend on."""
    location, code = str(issue.get('location', '')), issue.get('code')
    if _IMAGE.fullmatch(location):
        return code in _NAME_CODES
    # Of a table in another encoding the validator sees no column at all; we do.
    return (
        bool(_TABLE.fullmatch(location))
        and code == 'TSV_COLUMN_MISSING'
        and location not in unreadable
    )


def _program() -> str | None:
    """Return the validator on the path, or beside the interpreter that runs us."""
    beside = Path(sys.executable).parent / PROGRAM
    return shutil.which(PROGRAM) or (str(beside) if beside.is_file() else None)


def _run(program: str, folder: Path, *, limit_s: float) -> list[Mapping[str, Any]] | None:
    """Return the issues that the validator finds; None where it did not come to an end."""
    command = [program, '--format', 'json', '--ignoreNiftiHeaders', '--no-color', str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program on a folder that we made
            command, capture_output=True, text=True, timeout=limit_s, check=False
        )
        issues: list[Mapping[str, Any]] = json.loads(done.stdout)['issues']['issues']
    except subprocess.TimeoutExpired:
        logger.warning('%s took more than %.0f s and was given up', PROGRAM, limit_s)
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning('%s did not answer (%s)', PROGRAM, error)
    else:
        return issues
    return None
