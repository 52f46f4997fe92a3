# SPDX-License-Identifier: Apache-2.0
"""Rows of lesions that are followed from visit to visit, from records alone."""

from __future__ import annotations

from collections.abc import Mapping

from bids_seg.records import (
    Event,
    History,
    Lesion,
    LesionSet,
    Standing,
    Track,
    Tracking,
    Visit,
)
from bids_seg.write import changes, common_space, tables
from bids_seg.write.text import MISSING, Row

_GONE = {
    **dict.fromkeys(('ld_mm', 'sd_mm', 'bp_ld_mm', 'bp_sd_mm', 'hull_ld_mm'), '0.0'),
    'bp_mm2': '0.00',
    'esd_mm': '0.00',
    **dict.fromkeys(('n_slices', 'volume_mm3', 'volume_filled_mm3', 'n_voxels'), '0'),
}
"""Sizes of a lesion that is not there."""


def lesion_rows(
    history: History, place: int, *, tracking: Tracking, visit: Visit, found: LesionSet
) -> list[Row]:
    """Return the lesions of one tissue at one visit: all that are known by then.

    Parameters
    ----------
    history
        The participant through time.
    place
        Of the visit, from 0.
    tracking
        Lesions of the tissue.
    visit
        The visit.
    found
        What was measured at it; empty where nothing could be.

    Notes
    -----
    Components that a reader rejected have no row.
    """
    own = {lesion.component_index: lesion for lesion in found.lesions}
    events: list[tuple[Track | None, Event]] = [
        (track, event) for track in tracking.tracks if (event := track.at(place))
    ]
    events += [(None, event) for event in tracking.untracked if event.visit == place]
    dated = {
        'days_from_first': _days(history, place, visit),
        'acq_date': date(history, place),
    }
    rows: list[Row] = []
    for track, event in events:
        lesion = _lesion(history, place, tracking=tracking, event=event, own=own)
        if event.status == 'present' and lesion is None:
            continue
        row = {**tables.key_cells(visit, found, event.lesion_id), **dated, **_identity(event)}
        row |= _sized(found, event, lesion)
        if lesion is not None:
            row |= common_space.centroid_cells(history, visit.session, lesion.centroid)
        row |= _standing(history, place, tracking=tracking, event=event)
        if track is not None:
            row |= changes.changes(history, place, tracking=tracking, track=track, lesion=lesion)
        row['flags'] = ';'.join(_flags(event, lesion))
        rows.append(row)
    return rows


def track_rows(history: History, tracking: Tracking) -> list[Row]:
    """Return all lesions of one tissue, for life.

    Parameters
    ----------
    history
        The participant through time.
    tracking
        Lesions of the tissue.
    """
    return [_track_row(history, tracking, track) for track in tracking.tracks]


def nothing_measured(tracking: Tracking) -> LesionSet:
    """Return the empty set of lesions of a visit without results.

    Parameters
    ----------
    tracking
        Says which lesions are looked for.
    """
    return LesionSet(
        disease=tracking.disease,
        tissue=tracking.tissue,
        measurement_space=MISSING,
        lesions=(),
        n_specks=0,
        totals_mm3={},
    )


def date(history: History, place: int) -> str:
    """Return the date of a visit; `n/a` unless dates are kept.

    Parameters
    ----------
    history
        The participant through time.
    place
        Of the visit, from 0.
    """
    return (history.dates[place] if place < len(history.dates) else None) or MISSING


def _lesion(
    history: History,
    place: int,
    *,
    tracking: Tracking,
    event: Event,
    own: Mapping[int, Lesion],
) -> Lesion | None:
    """Return the measurement of a lesion; None where it is not there."""
    if event.status != 'present' or event.component_index is None:
        return None
    found = own.get(event.component_index)
    return found or changes.observed(history, place, tracking=tracking, name=event.lesion_id)


def _identity(event: Event) -> dict[str, str]:
    """Return what became of the identity of a lesion."""
    return {
        'status': event.status,
        'identity_event': event.identity or MISSING,
        'events': ';'.join(event.events),
        'parent_id': event.parent_id or MISSING,
        'merged_into': event.merged_into or MISSING,
        'match': event.match or MISSING,
        'match_o_mm3': tables.whole(event.match_o_mm3),
        'gap_visits': tables.whole(event.gap_visits),
        'adjacent_to': event.adjacent_to or MISSING,
    }


def _sized(found: LesionSet, event: Event, lesion: Lesion | None) -> dict[str, str]:
    """Return what a lesion measures: nothing where it is absent, not known where it is elsewhere."""
    if lesion is not None:
        return {**tables.measured(found, lesion), 'status': event.status}
    if event.status != 'absent':
        return {}
    shares = ('et_mm3', 'ncr_mm3') if found.tissue == 'ET' else ()
    return {**_GONE, **dict.fromkeys(shares, '0'), 'measurement_space': found.measurement_space}


def _standing(history: History, place: int, *, tracking: Tracking, event: Event) -> dict[str, str]:
    """Return as what a lesion counts by each criterion, and whether it is measurable."""
    found: dict[str, Standing] = {}
    for name in changes.criteria_of(history, tracking):
        rows = history.responses[name]
        standings = rows[place].standings if place < len(rows) else ()
        for one in standings:
            if (one.tissue, one.lesion_id) == (tracking.tissue, event.lesion_id):
                found[name] = one
    cells = {f'role_{name}': one.role or MISSING for name, one in found.items()}
    failing = {name: one.failing for name, one in found.items() if one.failing is not None}
    cells |= {f'measurable_{name}': str(int(not why)) for name, why in failing.items()}
    if any(one.role == 'excluded' for one in found.values()):
        cells['exclude_reason'] = 'reader'
    if len(set(failing.values())) == 1:
        cells['not_measurable_reason'] = next(iter(failing.values()))
    else:
        told = (f'{name}:{why}' for name, why in failing.items() if why)
        cells['not_measurable_reason'] = ';'.join(told)
    return cells


def _flags(event: Event, lesion: Lesion | None) -> tuple[str, ...]:
    """Return what a reader should look at."""
    low = ('low_confidence_absence',) if event.low_confidence else ()
    own = () if lesion is None else lesion.flags
    return tuple(dict.fromkeys((*own, *event.flags, *low)))


def _track_row(history: History, tracking: Tracking, track: Track) -> Row:
    """Return one lesion for life."""
    index, last = tables.index_of(track.lesion_id), track.events[-1]
    there = [event.visit for event in track.events if event.status == 'present']
    roles = {
        f'role_{name}': one.role
        for name in changes.criteria_of(history, tracking)
        for row in history.responses[name]
        for one in row.standings
        if (one.tissue, one.lesion_id) == (tracking.tissue, track.lesion_id) and one.role
    }
    return {
        'index': str(index),
        'name': track.lesion_id,
        'color': tables.colour(index),
        'first_session': _session(history.visits[there[0]]),
        'last_session': _session(history.visits[there[-1]]),
        'n_visits_present': str(len(there)),
        **roles,
        'parent_id': track.parent_id or MISSING,
        'merged_into': last.merged_into or MISSING,
        'family_root': track.family_root,
    }


def _days(history: History, place: int, visit: Visit) -> str:
    """Return the day of a visit."""
    days = history.days[place] if place < len(history.days) else visit.days
    return MISSING if days is None else str(days)


def _session(label: str | None) -> str:
    """Return a session as tables write it."""
    return MISSING if label is None else f'ses-{label}'
