# SPDX-License-Identifier: Apache-2.0
"""What a user asked for: one frozen record, passed down as arguments, read by no room."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_seg.errors import CommandError

Task = Literal['brain', 'glioma', 'metastases']
"""What a network can be asked for."""

TASKS: tuple[Task, ...] = ('brain', 'glioma', 'metastases')
"""All tasks, in the order in which they run."""

Level = Literal['participant', 'group']
"""A level of analysis of BIDS Apps."""

_UNITS_MB = {
    '': 1.0,
    'm': 1.0,
    'mb': 1.0,
    'mib': 1.048576,
    'g': 1000.0,
    'gb': 1000.0,
    'gib': 1073.741824,
}
_SMALLEST_BARE_MB = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a run was told; the fields are the long options of the command line."""

    bids_dir: Path
    """Root of the dataset."""
    output_dir: Path
    """Root of the derivative dataset."""
    analysis_level: tuple[Level, ...]
    """Levels to run, in this order."""
    participant_label: tuple[str, ...] = ()
    """Participants without `sub-`; none: all."""
    session_label: tuple[str, ...] = ()
    """Sessions without `ses-`; none: all."""
    bids_filter_file: Path | None = None
    """JSON of filters, one set for each role."""
    skip_bids_validation: bool = False
    """Whether the external validator is left out."""
    models: tuple[Task | Literal['auto'], ...] = ('auto',)
    """Tasks to run, or `auto`."""
    brain_extraction: str = 'default'
    """Network that draws the brain, by its name in the registry."""
    glioma: str = 'default'
    """Network that draws gliomas."""
    metastases: str = 'default'
    """Network that draws metastases."""
    weights: tuple[str, ...] = ()
    """`NAME=PATH` for each network whose weights lie elsewhere."""
    weights_dir: Path | None = None
    """Folder of weights that do not ship."""
    parity: bool = False
    """Whether published systems keep their known defects."""
    mc_dropout: int = 0
    """Further opinions by random dropout."""
    derivatives: tuple[str, ...] = ()
    """`[NAME=]DIR` for each dataset from which brain masks are taken."""
    segmentations: Path | None = None
    """Dataset whose label maps take the place of the networks."""
    brain_border: float = 0.0
    """Millimetres by which the brain mask is grown, or shrunk below 0."""
    n4: bool = False
    """Whether the bias field is corrected before registration and networks."""
    device: str = 'auto'
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    criteria: tuple[str, ...] = ('auto',)
    """Response criteria, `auto` or `none`."""
    rules: tuple[str, ...] = ()
    """`KEY=VALUE` for each option of the criteria that is set."""
    reader_file: Path | None = None
    """TSV of a reader's corrections and overrides."""
    subject_anatomical_reference: Literal['first-date', 'first-lex', 'unbiased', 'sessionwise'] = (
        'first-date'
    )
    """Visit on whose grid lesions are followed; `sessionwise`: they are not."""
    sessions_file: Path | None = None
    """TSV of dates or days and clinical columns; wins over the dataset's own tables."""
    keep_dates: bool = False
    """Whether calendar dates are written."""
    output_spaces: tuple[str, ...] = ()
    """Further grids for masks, e.g. `MNI152NLin2009aSym:res-1`."""
    aggregate_session_reports: int = 4
    """More visits than this get a page each."""
    viewer: bool = False
    """Whether an interactive page is made for each visit."""
    work_dir: Path | None = None
    """Folder of intermediate files; none: `work` here, or under TMPDIR."""
    clean_workdir: bool = False
    """Whether the work folder is emptied first."""
    overwrite: Literal['never', 'changed', 'always'] = 'changed'
    """Which visits that already have results are done again."""
    nprocs: int | None = None
    """Processes and threads in all; none: what this process may use."""
    omp_nthreads: int | None = None
    """Threads of one process; none: at most 8."""
    mem: int | None = None
    """Memory that may be used, MB; none: 0.9 of what there is."""
    low_mem: bool = False
    """Whether networks work patch by patch, one visit at a time."""
    use_plugin: Path | None = None
    """YAML with a nipype plugin and its arguments."""
    stop_on_first_crash: bool = False
    """Whether the run ends with the first failure."""
    reports_only: bool = False
    """Whether only the pages are built again."""
    dry_run: bool = False
    """Whether only the plan is printed."""
    random_seed: int = 1
    """Seed of everything that draws numbers."""
    verbose: int = 0
    """0 warnings and progress, 1 information, 2 and more everything."""
    notrack: bool = False
    """Accepted for the sake of scripts; there is no telemetry."""


def memory_mb(text: str, *, bare: Literal['MB', 'GB'] = 'MB') -> int:
    """Return an amount of memory in MB.

    Parameters
    ----------
    text
        `16G`, `16GB`, `16GiB`, `1.5G`, `16000M`, or a bare number.
    bare
        Unit of a bare number.

    Raises
    ------
    CommandError
        If it is no amount, or a bare number of MB that can only have been meant as GB.

    Examples
    --------
    >>> memory_mb('1.5G'), memory_mb('16000'), memory_mb('4', bare='GB')
    (1500, 16000, 4000)
    """
    found = re.fullmatch(r'\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*', text)
    unit = found.group(2).lower() if found else ''
    if not found or unit not in _UNITS_MB or float(found.group(1)) == 0:
        raise CommandError(
            f'{text!r} is no amount of memory', where='--mem', do='write e.g. 16G or 16000M'
        )
    amount = float(found.group(1))
    if unit:
        return round(amount * _UNITS_MB[unit])
    if bare == 'GB':
        return round(amount * 1000)
    if amount < _SMALLEST_BARE_MB:
        raise CommandError(
            f'{text} without a unit means {text} MB', where='--mem', do=f'write {text}G'
        )
    return round(amount)


def label(text: str, *, prefix: Literal['sub-', 'ses-']) -> str:
    """Return a label with one leading prefix removed.

    Examples
    --------
    >>> label('sub-sub1', prefix='sub-'), label('bus', prefix='sub-')
    ('sub1', 'bus')

    Raises
    ------
    CommandError
        If something other than letters, digits and `+` is left, or nothing.
    """
    bare = text.removeprefix(prefix)
    if not re.fullmatch(r'[0-9a-zA-Z+]+', bare):
        option = '--participant-label' if prefix == 'sub-' else '--session-label'
        raise CommandError(
            f'{text!r} is no label', where=option, do='labels hold letters, digits and + only'
        )
    return bare


def shaping(settings: Settings) -> Mapping[str, str]:
    """Return the settings that change results, as text by option name.

    Threads, memory, folders and verbosity are left out: they change nothing.
    """
    found = {
        'brain-border': f'{settings.brain_border:g}',
        'n4': str(settings.n4).lower(),
        'random-seed': str(settings.random_seed),
        'low-mem': str(settings.low_mem).lower(),
    }
    if settings.output_spaces:
        found['output-spaces'] = ' '.join(sorted(set(settings.output_spaces)))
    return found


def digest(values: Mapping[str, str]) -> str:
    """Return the SHA-256 of a mapping, whatever its order.

    Examples
    --------
    >>> digest({'a': '1', 'b': '2'}) == digest({'b': '2', 'a': '1'})
    True
    """
    text = json.dumps(dict(values), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
