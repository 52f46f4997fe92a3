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
ALIKE: Mapping[str, tuple[float, float]] = {
    'brain_mm3': (0.03, 0.0),
    'registration_nmi': (0.01, 0.0),
    'registration_dice': (0.0, 0.02),
    'registration_rotation_deg': (0.0, 2.0),
}
"""Smallest spread that is believed, as a share of the median and in the column's unit: five equal
heads are no law."""
ALIGNMENTS: Mapping[str, tuple[str, str, str]] = {
    'registration_nmi': ('small', 'mutual information', '.3f'),
    'registration_dice': ('small', 'overlap of the brains', '.3f'),
    'registration_rotation_deg': ('large', 'rotation in degrees', '.1f'),
}
"""Columns of the alignment of images: which side is a bad sign, its name, digits."""


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
    scores = robust(list(brains.values()), 'brain_mm3')
    return {
        key: [f'brain of {(mm3 or 0) / 1000:.0f} mL is unusually {_side(z)} (robust z {_z(z)})']
        for (key, mm3), z in zip(brains.items(), scores, strict=True)
        if abs(z) > FAR
    }


def _registrations(quality: Sequence[Row]) -> dict[tuple[str, str], list[str]]:
    """Return remarks on the alignment of images, compared with the same contrast of others."""
    found: dict[tuple[str, str], list[str]] = {}
    for role in dict.fromkeys(row.get('image_role', '') for row in quality):
        same = [row for row in quality if row.get('image_role') == role]
        for column, (bad, name, digits) in ALIGNMENTS.items():
            values = [number(row.get(column)) for row in same]
            for row, value, z in zip(same, values, robust(values, column), strict=True):
                if abs(z) > FAR and _side(z) == bad and value is not None:
                    found.setdefault(_key(row), []).append(
                        f'alignment of {role}: {name} {value:{digits}} is unusually {bad} '
                        f'(robust z {_z(z)})'
                    )
    for row in quality:
        flags = row.get('flags') or 'n/a'
        if flags != 'n/a':
            said = f'{row.get("image_role", "")}: {flags.replace("_", " ").replace(";", ", ")}'
            found.setdefault(_key(row), []).append(said)
    return found


def robust(values: Sequence[float | None], column: str) -> list[float]:
    """Return the robust z-score of each value: its distance from the median in spreads.

    Parameters
    ----------
    values
        0 is returned for those that are missing, and for all where fewer than `FEWEST` are known.
    column
        Whose they are: of `ALIKE`.
    """
    known = [value for value in values if value is not None]
    if len(known) < FEWEST:
        return [0.0] * len(values)
    middle = statistics.median(known)
    share, least = ALIKE[column]
    spread = statistics.median(abs(value - middle) for value in known) * 1.4826
    spread = max(spread, share * abs(middle), least, 1e-12)
    return [0.0 if value is None else (value - middle) / spread for value in values]


def _side(z: float) -> str:
    """Return on which side a value stands out."""
    return 'large' if z > 0 else 'small'


def _z(z: float) -> str:
    """Return a score for a reader."""
    return f'{z:.1f}'.replace('-', '\N{MINUS SIGN}')
