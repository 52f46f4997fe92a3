# SPDX-License-Identifier: Apache-2.0
"""The table of long options: what each is called, how it is read, what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.settings import TASKS, memory_mb


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One long option."""

    name: str
    """Without dashes in front."""
    help: str
    """What it does."""
    read: Callable[[str], Any] = str
    """Turns one word into a value; raises UserError or ValueError."""
    many: bool = False
    """Whether it takes several words."""
    flag: bool = False
    """Whether it takes none."""
    choices: tuple[str, ...] | None = None
    """The only words that it takes."""
    metavar: str | None = None
    """What its value is called in the help text."""
    aliases: tuple[str, ...] = ()
    """Other spellings, with their dashes."""

    @property
    def field(self) -> str:
        """Field of Settings that it fills."""
        return self.name.replace('-', '_')


def _positive(word: str) -> int:
    """Return a whole number above 0."""
    number = int(word)
    if number < 1:
        message = f'{word} is below 1'
        raise ValueError(message)
    return number


def _count(word: str) -> int:
    """Return a whole number from 0 on."""
    number = int(word)
    if number < 0:
        message = f'{word} is below 0'
        raise ValueError(message)
    return number


def _border(word: str) -> float:
    """Return a border that a head can have."""
    number = float(word)
    if not -20 <= number <= 50:
        message = f'{word} mm lies outside -20..50'
        raise ValueError(message)
    return number


def _space(word: str) -> str:
    """Return a grid of a template, its resolution said."""
    name, colon, resolution = word.partition(':')
    resolution = resolution if colon else 'res-1'
    if name != 'MNI152NLin2009aSym' or resolution not in ('res-1', 'res-2'):
        message = f'{word} is not MNI152NLin2009aSym:res-1 or MNI152NLin2009aSym:res-2'
        raise ValueError(message)
    return f'{name}:{resolution}'


OPTIONS = (
    Option(
        name='participant-label', many=True, metavar='L', help='participants, with or without sub-'
    ),
    Option(
        name='session-label',
        many=True,
        metavar='L',
        aliases=('--session-id',),
        help='sessions, with or without ses-',
    ),
    Option(name='bids-filter-file', read=Path, metavar='F', help='JSON of filters for each role'),
    Option(
        name='skip-bids-validation',
        flag=True,
        aliases=('--skip-bids-validator',),
        help='do not run the external validator',
    ),
    Option(
        name='derivatives',
        many=True,
        metavar='[NAME=]DIR',
        aliases=('-d',),
        help='datasets from which brain masks are taken (not their images); NAME is what sidecars '
        'call it, else the name of the folder',
    ),
    Option(
        name='segmentations',
        read=Path,
        metavar='DIR',
        help='dataset whose masks take the place of the networks: our own names, a _dseg with a '
        'table, or label-{WT,TC,ET,RC,lesion,brain}_mask; a visit whose lesions are given runs no '
        'network that --models does not name',
    ),
    Option(
        name='models',
        many=True,
        choices=('auto', *TASKS),
        metavar='T',
        help='tasks: auto (default), brain, glioma, metastases',
    ),
    *(
        Option(
            name=name,
            metavar='N',
            help=f'network for {what}: default, a name that bids-seg models prints, or list',
        )
        for name, what in (
            ('brain-extraction', 'the brain'),
            ('glioma', 'gliomas'),
            ('metastases', 'metastases'),
        )
    ),
    Option(
        name='weights', many=True, metavar='NAME=PATH', help='weights of a network: file or folder'
    ),
    Option(
        name='weights-dir',
        read=Path,
        metavar='D',
        help='where weights that do not ship are looked for, as D/<network>/<published name>',
    ),
    Option(
        name='parity', flag=True, help='published systems with their known defects, as the original'
    ),
    Option(
        name='mc-dropout',
        read=_count,
        metavar='N',
        help='further opinions by random dropout, where a network has it (default: 0)',
    ),
    Option(
        name='brain-border', read=_border, metavar='MM', help='grow the brain mask by so many mm'
    ),
    Option(name='n4', flag=True, help='correct the bias field first'),
    Option(name='device', metavar='D', help='auto (default), cpu, gpu or gpu:N'),
    Option(
        name='criteria',
        many=True,
        metavar='N',
        help='response criteria: auto (default), none, or names such as rano_bm, rano2',
    ),
    Option(name='rules', many=True, metavar='KEY=VALUE', help='options of the response criteria'),
    Option(
        name='reader-file',
        read=Path,
        metavar='F',
        help='TSV of corrections and overrides of a reader',
    ),
    Option(
        name='subject-anatomical-reference',
        choices=('first-date', 'first-lex', 'unbiased', 'sessionwise'),
        help='visit on whose grid lesions are followed (default: first-date); sessionwise: none',
    ),
    Option(
        name='sessions-file',
        read=Path,
        metavar='F',
        help='TSV of dates or days and clinical columns of visits; wins over those of the dataset',
    ),
    Option(name='keep-dates', flag=True, help='write calendar dates, not only days'),
    Option(
        name='output-spaces',
        many=True,
        read=_space,
        metavar='S',
        help="further grids for classes: MNI152NLin2009aSym:res-1 (nilearn's), by affine movement",
    ),
    Option(
        name='aggregate-session-reports',
        read=_positive,
        metavar='N',
        help='more visits than this: a page for each (default: 4)',
    ),
    Option(name='viewer', flag=True, help='also an interactive page for each visit'),
    Option(
        name='work-dir',
        read=Path,
        metavar='D',
        aliases=('-w',),
        help='folder for intermediate files',
    ),
    Option(name='clean-workdir', flag=True, help='empty the work folder first'),
    Option(
        name='overwrite',
        choices=('never', 'changed', 'always'),
        help='visits to do again that have results (default: changed)',
    ),
    Option(
        name='nprocs',
        read=_positive,
        metavar='N',
        aliases=('--n-cpus', '--nthreads'),
        help='processes and threads in all',
    ),
    Option(name='omp-nthreads', read=_positive, metavar='N', help='threads of one process'),
    Option(
        name='mem',
        read=memory_mb,
        metavar='M',
        aliases=('--mem-mb',),
        help='memory to use, e.g. 16G (a bare number is MB)',
    ),
    Option(name='low-mem', flag=True, help='patch by patch, one visit at a time'),
    Option(name='use-plugin', read=Path, metavar='F', help='YAML with a nipype plugin'),
    Option(name='stop-on-first-crash', flag=True, help='end with the first failure'),
    Option(name='reports-only', flag=True, help='build the pages again from the results'),
    Option(name='dry-run', flag=True, help='print the plan as TSV and leave nothing behind'),
    Option(
        name='random-seed', read=int, metavar='N', help='seed of all that is drawn (default: 1)'
    ),
    Option(name='notrack', flag=True, help='accepted, without effect: there is no telemetry'),
)
"""All long options but --config-file, --mem-gb, --verbose, --version and --help."""
