# SPDX-License-Identifier: Apache-2.0
"""How lesions changed since earlier visits, from recorded values.

Only earlier visits are looked at: a later one changes no row of an earlier one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from bids_seg.records import Event, History, Lesion, Track, Tracking
from bids_seg.write import tables
from bids_seg.write.text import MISSING


@dataclass(frozen=True, slots=True)
class Size:
    """What a lesion measures at a visit; nothing where it is absent."""

    volume: int
    """mm3."""
    ld: int
    """Tenths of mm."""
    sure: bool
    """Whether nothing is left at its place where it is absent."""


def criteria_of(history: History, tracking: Tracking) -> list[str]:
    """Return the criteria in force that judge the lesions of one tissue.

    Parameters
    ----------
    history
        The participant through time.
    tracking
        Lesions of the tissue.
    """
    return [
        name
        for name, rows in history.responses.items()
        if (name in history.criteria and history.criteria[name].tissue == tracking.tissue)
        or any(one.tissue == tracking.tissue for row in rows for one in row.standings)
    ]


def changes(
    history: History, place: int, *, tracking: Tracking, track: Track, lesion: Lesion | None
) -> dict[str, str]:
    """Return how a lesion changed since earlier visits.

    Parameters
    ----------
    history
        The participant through time.
    place
        Of the visit, from 0.
    tracking
        Lesions of the tissue.
    track
        The lesion.
    lesion
        Its measurement at this visit; None where it is not there.
    """
    event = track.at(place)
    now = None if event is None else _size(event, lesion)
    if now is None:
        return {}
    known = {
        before: size
        for before in range(track.events[0].visit, place)
        if (size := _size_at(history, before, tracking=tracking, track=track)) is not None
    }
    cells: dict[str, str] = {}
    if known:
        last = known[max(known)]
        cells['dvolume_prev_pct'] = percent(now.volume, last.volume)
        cells['dld_prev_mm'] = _tenths(now.ld - last.ld)
    sure = [size.ld for size in known.values() if size.sure]
    if sure:
        cells['dld_nadir_mm'] = _tenths(now.ld - min(sure))
    baseline = _baseline(history, place, tracking)
    if baseline in known or baseline == place:
        cells['dvolume_baseline_pct'] = percent(now.volume, {**known, place: now}[baseline].volume)
    return cells


def percent(now: int, then: int) -> str:
    """Return a change in percent with one decimal, rounded half up; `n/a` from nothing.

    Parameters
    ----------
    now, then
        Recorded values in the same unit.

    Examples
    --------
    >>> percent(300, 250), percent(0, 250), percent(5, 0)
    ('20.0', '-100.0', 'n/a')
    """
    if then == 0:
        return MISSING
    share = Decimal(100 * (now - then)) / Decimal(then)
    return str(share.quantize(Decimal('0.1'), rounding=ROUND_HALF_UP) + Decimal('0.0'))


def observed(history: History, place: int, *, tracking: Tracking, name: str) -> Lesion | None:
    """Return the measurement that the criteria were given of a lesion; None where it is not there.

    Parameters
    ----------
    history
        The participant through time.
    place
        Of the visit, from 0.
    tracking
        Lesions of the tissue.
    name
        Of the lesion.
    """
    course = history.courses.get(tracking.disease)
    if course is None:
        return None
    seen = course.visits[place].observations.get(tracking.tissue, ())
    return next((one.lesion for one in seen if one.event.lesion_id == name), None)


def _size(event: Event, lesion: Lesion | None) -> Size | None:
    """Return what a lesion measures; None where it is not known or part of another."""
    if event.status == 'absent':
        return Size(0, 0, not event.low_confidence)
    if event.status != 'present' or lesion is None:
        return None
    longest = Decimal(tables.fixed(lesion.longest.ld_mm, 1))
    return Size(lesion.volume_mm3, int(longest * 10), sure=True)


def _baseline(history: History, place: int, tracking: Tracking) -> int | None:
    """Return the place of the baseline visit of a row; None before it."""
    for name in criteria_of(history, tracking):
        row = history.responses[name][place]
        if row.baseline_session is not None or row.reason == 'baseline':
            session = row.baseline_session
            return history.visits.index(session) if session in history.visits else None
        return None
    faults = history.faults or ('',) * len(history.visits)
    return next((at for at, fault in enumerate(faults) if not fault and at <= place), None)


def _size_at(history: History, place: int, *, tracking: Tracking, track: Track) -> Size | None:
    """Return what a lesion measures at an earlier visit; None where that is not known."""
    event = track.at(place)
    lesion = observed(history, place, tracking=tracking, name=track.lesion_id)
    return None if event is None else _size(event, lesion)


def _tenths(value: int) -> str:
    """Return tenths of mm as mm."""
    return f'{Decimal(value) / 10:.1f}'
