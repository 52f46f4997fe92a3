# SPDX-License-Identifier: Apache-2.0
"""Which inputs each visit has: images, days, steroids, clinical state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bids_seg.report.outputs import Row
from bids_seg.report.wording import natural, number

ROLES = ('T1wCE', 'T1w', 'T2w', 'FLAIR')
"""Images in the order of the page."""
CLINICAL: Mapping[str, str] = {
    'days': 'day',
    'steroid_mg': 'steroid_mg',
    'clinical': 'kps, ecog or clinical_status',
    'rt': 'rt_end_date',
}
"""Other inputs: by key, the column that holds them."""
STATES = ('kps', 'ecog', 'clinical_status')
"""Columns that tell of the clinical state."""
MOST = 60
"""Visits up to which each has a row; of more, equal ones share a row."""
MOST_PATTERNS = 30
"""Rows of equal visits that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the matrix."""

    name: str
    """A visit, or how many visits."""
    there: tuple[bool, ...]
    """Whether each input is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Visits against inputs."""

    inputs: tuple[str, ...]
    """Names of the columns."""
    shares: tuple[tuple[int, int], ...]
    """Visits with each input, and all visits."""
    lines: tuple[Line, ...]
    """Visits, or patterns from the most common one on."""
    patterns: bool
    """Whether lines are patterns."""
    left_out: int
    """Visits whose pattern is not shown."""


def matrix(
    visits: Sequence[Row], quality: Sequence[Row], histories: Iterable[Mapping[str, Any]] = ()
) -> Matrix:
    """Return which inputs the visits have.

    Parameters
    ----------
    visits
        Rows of `group_visits.tsv`, any number for a visit.
    quality
        Rows of `group_qc.tsv`, one for each image.
    histories
        What `people.read_histories` gives: the tables judge a clinical state against that at
        baseline, and so do not tell of one before baseline, or where the baseline has none.
    """
    held: dict[tuple[str, str], set[str]] = {}
    for row in visits:
        held.setdefault(_key(row), set()).update(_clinical(row))
    for row in quality:
        if row.get('image_role') in ROLES and row.get('spacing_mm', 'n/a') != 'n/a':
            held.setdefault(_key(row), set()).add(row['image_role'])
    for key in _states(histories):
        if key in held:
            held[key].add('clinical')
    # Radiotherapy is asked for only where somebody had it.
    keys = [
        *ROLES,
        *(key for key in CLINICAL if key != 'rt' or any('rt' in h for h in held.values())),
    ]
    order = sorted(held, key=lambda key: (natural(key[0]), natural(key[1])))
    there = {key: tuple(name in held[key] for name in keys) for key in order}
    shares = tuple((sum(line[i] for line in there.values()), len(order)) for i in range(len(keys)))
    lines = tuple(Line(name=' '.join(key).strip(), there=there[key]) for key in order)
    left_out = 0
    if len(order) > MOST:
        common = Counter(there.values()).most_common()
        lines = tuple(Line(name=str(n), there=pattern) for pattern, n in common[:MOST_PATTERNS])
        left_out = sum(n for _, n in common[MOST_PATTERNS:])
    return Matrix(
        inputs=tuple(CLINICAL.get(key, key) for key in keys),
        shares=shares,
        lines=lines,
        patterns=len(order) > MOST,
        left_out=left_out,
    )


def _states(histories: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Return the visits whose clinical state is given."""
    return {
        (f'sub-{history.get("participant")}', visit.get('session') or '')
        for history in histories
        for course in history.get('courses', {}).values()
        for visit in course.get('visits', ())
        if any(visit.get('clinical', {}).get(name, 'n/a') not in {'', 'n/a'} for name in STATES)
    }


def _key(row: Row) -> tuple[str, str]:
    """Return participant and session."""
    session = row.get('session_id', 'n/a').removeprefix('ses-')
    return row.get('participant_id', ''), '' if session == 'n/a' else session


def _clinical(row: Row) -> set[str]:
    """Return which inputs beside the images a row of a visit tells of."""
    found = {
        key
        for key, column in (
            ('days', 'days_from_first'),
            ('steroid_mg', 'steroid_mg'),
            ('rt', 'days_from_rt_end'),
        )
        if number(row.get(column)) is not None
    }
    return found | ({'clinical'} if row.get('C', 'n/a') not in {'n/a', 'unknown', ''} else set())
