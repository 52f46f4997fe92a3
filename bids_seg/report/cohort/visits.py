# SPDX-License-Identifier: Apache-2.0
"""The visits of the group, and what stands out in their quality."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bids_seg.report.outputs import Row
from bids_seg.report.wording import natural, number

FAR = 3.5
"""Robust z-score from which a value stands out
(Iglewicz and Hoaglin 1993, How to detect and handle outliers)."""
FEWEST = 8
"""Values that a spread is judged from."""
ALIKE: Mapping[str, float] = {'brain_mm3': 0.03, 'registration_nmi': 0.01}
"""Smallest spread that is believed, as a share of the median: five equal heads are no law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupVisit:
    """A row of the group page's table: one visit as one network saw it."""

    participant: str
    """With `sub-`."""
    session: str
    """Label without `ses-`; empty where there are none."""
    status: str
    """complete, failed, skipped."""
    disease: str
    """Whose totals these are; empty where no tumour network was run."""
    row: Row
    """Its row in the visits' table."""
    remarks: tuple[str, ...]
    """What stands out in its quality; on the first row of a visit alone."""
    reason: str
    """Why it was skipped or failed."""

    @property
    def name(self) -> str:
        """Participant and session."""
        return f'{self.participant} {self.session}'.strip()


def judged(rows: Sequence[Row], quality: Sequence[Row]) -> tuple[GroupVisit, ...]:
    """Return one entry for each visit and disease, with what stands out, in natural order.

    Parameters
    ----------
    rows
        The table of visits; of several criteria for one visit and disease the first row counts.
    quality
        The table of quality, one row for each image.
    """
    remarks = _brains(rows)
    for key, words in _registrations(quality).items():
        remarks.setdefault(key, []).extend(words)
    reasons = {
        _key(row): row['reason']
        for row in reversed([*quality, *rows])
        if row.get('visit_status') != 'complete' and row.get('reason', 'n/a') != 'n/a'
    }
    found: dict[tuple[str, str, str], GroupVisit] = {}
    for row in rows:
        participant, session = _key(row)
        disease = row.get('disease', 'n/a').replace('n/a', '')
        if (participant, session, disease) not in found:
            found[participant, session, disease] = GroupVisit(
                participant=participant,
                session='' if session == 'n/a' else session.removeprefix('ses-'),
                status=row.get('visit_status', 'n/a'),
                disease=disease,
                row=row,
                remarks=tuple(remarks.pop((participant, session), ())),
                reason=reasons.get((participant, session), ''),
            )
    return tuple(
        sorted(found.values(), key=lambda one: (natural(one.participant), natural(one.session)))
    )


def _key(row: Row) -> tuple[str, str]:
    """Return participant and session of a row of any table."""
    return row.get('participant_id', ''), row.get('session_id', 'n/a')


def _brains(rows: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """Return remarks on brain volumes that are far from those of the other visits."""
    brains = {_key(row): number(row.get('brain_mm3')) for row in rows}
    marks = _marks(list(brains.values()), 'brain_mm3')
    return {
        key: [f'brain of {(mm3 or 0) / 1000:.0f} mL is unusually {mark}']
        for (key, mm3), mark in zip(brains.items(), marks, strict=True)
        if mark
    }


def _registrations(quality: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """Return remarks on the alignment of images, compared with the same contrast of others."""
    found: dict[tuple[str, str], list[str]] = {}
    for role in dict.fromkeys(row.get('image_role', '') for row in quality):
        same = [row for row in quality if row.get('image_role') == role]
        values = [number(row.get('registration_nmi')) for row in same]
        for row, value, mark in zip(same, values, _marks(values, 'registration_nmi'), strict=True):
            if mark == 'small':
                found.setdefault(_key(row), []).append(
                    f'alignment of {role}: mutual information {value:.3f} is unusually small'
                )
    for row in quality:
        flags = row.get('flags') or 'n/a'
        if flags != 'n/a':
            said = f'{row.get("image_role", "")}: {flags.replace("_", " ").replace(";", ", ")}'
            found.setdefault(_key(row), []).append(said)
    return found


def _marks(values: Sequence[float | None], column: str) -> list[str]:
    """Return `small`, `large` or nothing for each value, by its distance from the median."""
    known = [value for value in values if value is not None]
    if len(known) < FEWEST:
        return [''] * len(values)
    middle = statistics.median(known)
    spread = statistics.median(abs(value - middle) for value in known) * 1.4826
    spread = max(spread, ALIKE[column] * abs(middle), 1e-12)
    marks = []
    for value in values:
        z = 0.0 if value is None else (value - middle) / spread
        marks.append('large' if z > FAR else 'small' if z < -FAR else '')
    return marks
