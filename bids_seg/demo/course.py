# SPDX-License-Identifier: Apache-2.0
"""Whether a run tells the course of each lesion, and the response at each visit, as it was made."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_seg.write.text import read_tsv

HEADER = ('visit', 'what', 'as made', 'as found', '')
TISSUES = {('glioma', 'ET'), ('metastases', 'TC')}
"""Lesions that the truth holds: those that the first criterion of a disease measures."""
LEAST_REACH = 5.0
"""mm between two middles that may be the same lesion's; more for a large one."""
NOTHING = 'n/a'

Row = dict[str, str]
Visit = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One statement about a visit, as it was made and as the run says it."""

    visit: str
    """As in `sub-metastases_ses-02`."""
    what: str
    """A lesion by the name of the truth, or a criterion."""
    made: str
    """By the truth; empty for a lesion that is none."""
    found: str
    """By the run."""

    @property
    def right(self) -> bool:
        """Whether both say the same."""
        return self.made == self.found


def told(output: Path, truth: Path) -> tuple[Told, ...]:
    """Return every statement on lesions and responses, by visit.

    A lesion of the run is one of the truth if their middles are close at the visit; from then on
    its number must stay the same. What is told of the lesion by that number is compared.

    Parameters
    ----------
    output
        Root of the run's derivatives, with `group_lesions.tsv` and `group_visits.tsv`.
    truth
        Root of the truth.
    """
    lesions = _lesions(_rows(output / 'group_lesions.tsv'), _rows(truth / 'lesions.tsv'))
    responses = _responses(_rows(output / 'group_visits.tsv'), _rows(truth / 'responses.tsv'))
    return tuple(sorted((*lesions, *responses), key=lambda one: one.visit))


def table(statements: Sequence[Told]) -> str:
    """Return statements as a table to be read on a terminal, and how many of them are right.

    Parameters
    ----------
    statements
        What `told` gives.

    Examples
    --------
    >>> print(table([Told(visit='a', what='M1', made='new', found='new')]), end='')
    visit  what  as made  as found
    a      M1    new      new       right
    1 of 1 right
    """
    cells: list[tuple[str, ...]] = [HEADER]
    for one in statements:
        verdict = 'right' if one.right else 'WRONG'
        cells.append((one.visit, one.what, one.made or '-', one.found or '-', verdict))
    widths = [max(len(line[place]) for line in cells) for place in range(len(HEADER))]
    lines = [
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    right = sum(one.right for one in statements)
    return '\n'.join([*lines, f'{right} of {len(statements)} right']) + '\n'


def _lesions(found: Sequence[Row], made: Sequence[Row]) -> list[Told]:
    """Compare what became of each lesion."""
    mine = [row for row in found if (row['disease'], row.get('tissue')) in TISSUES]
    names: dict[tuple[str, str], str] = {}
    out = []
    for visit in dict.fromkeys(_visit(row) for row in made):
        true = [row for row in made if _visit(row) == visit]
        seen = [row for row in mine if _visit(row) == visit]
        pairs = _pairs(true, [row for row in seen if row['status'] == 'present'])
        by_id = {row['lesion_id']: row for row in seen}
        for row in true:
            key = visit[0], row['lesion']
            match = pairs.get(row['lesion'])
            if match is not None:
                names.setdefault(key, match['lesion_id'])
            elif row['status'] == 'absent':
                match = by_id.get(names.get(key, ''))
            parent = names.get((visit[0], row['parent']), NOTHING)
            expected = _said(row, names.get(key, row['lesion']), parent)
            said = '' if match is None else _said(match, match['lesion_id'], match['parent_id'])
            out.append(Told(visit='_'.join(visit), what=row['lesion'], made=expected, found=said))
        matched = {row['lesion_id'] for row in pairs.values()}
        out += [
            Told(visit='_'.join(visit), what='', made='', found=_said(row, row['lesion_id'], ''))
            for row in seen
            if row['status'] == 'present' and row['lesion_id'] not in matched
        ]
    return out


def _pairs(true: Sequence[Row], seen: Sequence[Row]) -> dict[str, Row]:
    """Return for each lesion of the truth that of the run with the closest middle."""
    from scipy.optimize import linear_sum_assignment

    there = [row for row in true if row['status'] == 'present']
    if not there or not seen:
        return {}
    far = 1e6
    away = [[_apart(one, other) for other in seen] for one in there]
    cost = [
        [apart if apart <= _reach(one) else far for apart in line]
        for one, line in zip(there, away, strict=True)
    ]
    rows, columns = (places.tolist() for places in linear_sum_assignment(cost))
    chosen = zip(rows, columns, strict=True)
    return {there[i]['lesion']: seen[j] for i, j in chosen if cost[i][j] < far}


def _apart(true: Row, seen: Row) -> float:
    """Return the distance of two middles, mm."""
    return math.dist(
        [float(true[axis]) for axis in 'xyz'], [float(seen[f'centroid_{axis}']) for axis in 'xyz']
    )


def _reach(true: Row) -> float:
    """Return how far the middle of the same lesion may be, mm."""
    return max(LEAST_REACH, float(true['diameter_mm']) / 3)


def _said(row: Row, lesion: str, parent: str) -> str:
    """Return what a row of either side says, in the same words."""
    parts = [f'{lesion} {row["status"]}']
    parts += [row[name] for name in ('identity_event', 'events') if row[name] != NOTHING]
    parts += [f'of {parent}'] if row['identity_event'] == 'fragment' else []
    return ' '.join(parts)


def _responses(found: Sequence[Row], made: Sequence[Row]) -> list[Told]:
    """Compare the responses."""
    by_key = {(*_visit(row), row.get('criterion', NOTHING)): row for row in found}
    out = []
    for row in made:
        match = by_key.get((*_visit(row), row['criterion']))
        said = '' if match is None else match['response']
        out.append(
            Told(
                visit='_'.join(_visit(row)),
                what=row['criterion'],
                made=row['response'],
                found=said,
            )
        )
    return out


def _visit(row: Row) -> Visit:
    """Return participant and session of a row."""
    return row['participant_id'], row['session_id']


def _rows(path: Path) -> list[Row]:
    """Return the rows of a table; none where there is none."""
    return read_tsv(path)[1] if path.is_file() else []
