# SPDX-License-Identifier: Apache-2.0
"""From a patient's visits in order to lesions with one identity for life, and their events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from bids_seg.records import Disease, Event, Identity, ReaderEdit, Tissue, Track, Tracking
from bids_seg.track.edits import orders_of
from bids_seg.track.match import Component, Graph, Known, Matching, Orders, Residue, match

GROWN = (5, 7)
"""Growing: 5 V >= 7 V0, thus 40 % more."""
SHRUNK = (5, 3)
"""Shrinking: 5 V <= 3 V0, thus 40 % less."""
CHANGE_MM3 = 30
"""Least change of volume that is an event, mm3."""
LOW_CONFIDENCE = 0.30
"""Probability from which something is left at the place of an absent lesion."""
REVIEW_MM = 5.0
"""A visit without any lesion is reviewed where one of this diameter was known, mm."""
MANY = 200
"""More components than this are said to be many."""

_AGAIN: Mapping[str, Identity] = {
    'present': 'continuing',
    'absent': 'recurrent',
    'absorbed': 'separated',
}

Look = Callable[[Sequence[Known], int], Graph]
"""Relates lesions known so far to the components of a visit, given by its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitComponents:
    """The components of one visit."""

    components: tuple[Component, ...]
    """In any order."""
    evaluable: bool = True
    """Whether segmentation and registration passed their checks."""
    session: str | None = None
    """Label without `ses-`."""
    flags: tuple[str, ...] = ()
    """What is known about the visit already."""


@dataclass(frozen=True, slots=True)
class _Patient:
    """All that is carried from one visit to the next."""

    known: Mapping[str, Known] = field(default_factory=dict)
    untracked: int = 0
    started: bool = False


def follow(
    visits: Sequence[VisitComponents],
    look: Look,
    *,
    disease: Disease,
    tissue: Tissue,
    edits: Sequence[ReaderEdit] = (),
) -> Tracking:
    """Give every lesion of a patient one identity for life.

    Parameters
    ----------
    visits
        In order of time.
    look
        Called once for each evaluable visit with the lesions known before it. What it returns
        may depend on earlier visits alone, so that a later visit changes nothing.
    disease, tissue
        For the record.
    edits
        A reader's `link`, `unlink`, `merge` and `reject`.

    Raises
    ------
    CommandError
        A reader's edit names a component or a lesion that is not there.
    """
    patient = _Patient()
    events: list[Event] = []
    flags = []
    for place, visit in enumerate(visits):
        before = patient
        if visit.evaluable:
            graph = look(tuple(before.known.values()), place)
            own = [edit for edit in edits if edit.session == visit.session]
            orders = orders_of(own, graph=graph, known=before.known)
            patient, found = advance(before, place, graph=graph, orders=orders)
        else:
            patient, found = _passed_over(before, place, visit)
        events += found
        flags.append(_visit_flags(visit, before))
    tracks = [_track(name, one, patient.known, events) for name, one in patient.known.items()]
    return Tracking(
        disease=disease,
        tissue=tissue,
        tracks=tuple(sorted(tracks, key=lambda track: number(track.lesion_id))),
        untracked=tuple(event for event in events if event.lesion_id.startswith('U')),
        visit_flags=tuple(flags),
    )


def advance(
    patient: _Patient, place: int, *, graph: Graph, orders: Orders
) -> tuple[_Patient, list[Event]]:
    """Return what is known after an evaluable visit, and the events of the visit.

    Parameters
    ----------
    patient
        What was known before.
    place
        Place of the visit among the patient's, from 0.
    graph
        Its components and how they relate to known lesions.
    orders
        What a reader has decided.
    """
    known = dict(patient.known)
    matching = match(list(known.values()), graph, orders=orders)
    components = {one.index: one for one in graph.components}
    events: dict[str, Event] = {}
    for index, found in matching.found.items():
        before = known[found.lesion_id]
        event = _again(before, matching, index, place)
        events[before.lesion_id] = replace(event, in_view=components[index].in_view)
        known[before.lesion_id] = _present(before, components[index], place)
    fresh = [components[index] for index in (*matching.new, *matching.fragments)]
    for one in sorted(fresh, key=lambda one: one.rank):
        name = f'L{len(known) + 1:03d}'
        parent = matching.fragments.get(one.index)
        events[name] = Event(
            lesion_id=name,
            visit=place,
            status='present',
            identity=_first(parent, one, patient.started, place),
            component_index=one.index,
            parent_id=parent,
            adjacent_to=matching.beside.get(one.index),
            in_view=one.in_view,
        )
        known[name] = _present(None, one, place, name=name, parent=parent)
    for name, event, after in _missing(patient.known, matching, place, graph.residues):
        events[name], known[name] = event, after
    _end_with_host(known, events, graph.residues)
    _topology(events, patient.known, known)
    after_all = _Patient(known=known, untracked=patient.untracked, started=True)
    return after_all, [events[name] for name in known]


def family(tracks: Sequence[Track], lesion_id: str) -> tuple[str, ...]:
    """Return a lesion and all that split from it, by number.

    Parameters
    ----------
    tracks
        All lesions of the patient.
    lesion_id
        Where to start.
    """
    members = {lesion_id}
    for track in sorted(tracks, key=lambda track: number(track.lesion_id)):
        if track.parent_id in members:
            members.add(track.lesion_id)
    return tuple(sorted(members, key=number))


def number(lesion_id: str) -> int:
    """Return the number in a lesion's name.

    Parameters
    ----------
    lesion_id
        `L001` or `U001`.

    Examples
    --------
    >>> number('L012')
    12
    """
    return int(lesion_id[1:])


def _present(
    before: Known | None,
    one: Component,
    place: int,
    *,
    name: str = '',
    parent: str | None = None,
) -> Known:
    """Return a lesion as it is known after a visit at which it is present."""
    return Known(
        lesion_id=before.lesion_id if before else name,
        state='present',
        visit=place,
        component=one.index,
        volume_mm3=one.volume_mm3,
        centroid=one.centroid,
        ld_mm=one.ld_mm,
        parent_id=before.parent_id if before else parent,
    )


def _first(parent: str | None, one: Component, started: bool, place: int) -> Identity:  # noqa: FBT001
    """Return the identity event of a first presence."""
    if parent is not None:
        return 'fragment'
    if not started:
        return 'baseline'
    seen = one.in_view is None or any(visit < place for visit in one.in_view)
    return 'new' if seen else 'new_unverified'


def _again(before: Known, matching: Matching, index: int, place: int) -> Event:
    """Return the event of a known lesion that was found at a visit."""
    found = matching.found[index]
    recurrent = before.state == 'absent'
    common = found.overlap_mm3
    return Event(
        lesion_id=before.lesion_id,
        visit=place,
        status='present',
        identity=_AGAIN[before.state],
        component_index=index,
        parent_id=before.parent_id,
        match=found.how,
        match_o_mm3=None if common is None else _whole(common),
        gap_visits=before.gap if recurrent else None,
        flags=('possible_missed_detection',) if recurrent and before.gap == 1 else (),
    )


def _whole(value: float) -> int:
    """Return a number rounded half up."""
    return int(Decimal(repr(float(value))).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _missing(
    known: Mapping[str, Known],
    matching: Matching,
    place: int,
    residues: Mapping[str, Residue],
) -> list[tuple[str, Event, Known]]:
    """Return event and state of every known lesion that no component stands for."""
    there = {found.lesion_id for found in matching.found.values()}
    rows = []
    for name, before in known.items():
        if name in there:
            continue
        host = matching.absorbed.get(name) or before.host
        if host is not None:
            fresh = name in matching.absorbed
            event = Event(
                lesion_id=name,
                visit=place,
                status='absorbed',
                identity='merged_into' if fresh else None,
                parent_id=before.parent_id,
                merged_into=host,
            )
            rows.append((name, event, replace(before, state='absorbed', host=host)))
            continue
        event = _absent(before, place, residues.get(name))
        event = replace(event, adjacent_to=matching.left_beside.get(name))
        rows.append((name, event, replace(before, state='absent', gap=before.gap + 1)))
    return rows


def _absent(before: Known, place: int, residue: Residue | None) -> Event:
    """Return the event of a lesion that is absent."""
    flags = []
    low = False
    if residue is not None:
        low = residue.speck or (residue.probability or 0.0) >= LOW_CONFIDENCE
        flags += ['speck_remains'] * residue.speck
        flags += ['no_probabilities'] * (residue.probability is None)
    return Event(
        lesion_id=before.lesion_id,
        visit=place,
        status='absent',
        identity=None if before.state == 'absent' else 'resolved',
        parent_id=before.parent_id,
        low_confidence=low,
        flags=tuple(flags),
    )


def _end_with_host(
    known: dict[str, Known], events: dict[str, Event], residues: Mapping[str, Residue]
) -> None:
    """Let absorbed lesions resolve where the lesion that holds them does."""
    for name, one in list(known.items()):
        host = one
        while host.host is not None:
            host = known[host.host]
        if one.host is not None and host.state == 'absent':
            events[name] = _absent(one, events[name].visit, residues.get(name))
            known[name] = replace(one, state='absent', host=None, gap=1)


def _topology(
    events: dict[str, Event], before: Mapping[str, Known], after: Mapping[str, Known]
) -> None:
    """Add splits, merges and changes of size to the events of a visit."""
    every = list(events.values())
    split = {event.parent_id for event in every if event.identity == 'fragment'}
    merged = {event.merged_into for event in every if event.identity == 'merged_into'}
    left = set()
    for event in every:
        host = before[event.lesion_id].host if event.identity == 'separated' else None
        while host is not None:
            left.add(host)
            host = before[host].host
    for name, event in events.items():
        found = ['split'] * (name in split) + ['merged'] * (name in merged)
        if event.identity == 'continuing' and not found and name not in left:
            found = _size_events(before[name].volume_mm3, after[name].volume_mm3)
        events[name] = replace(event, events=tuple(found))


def _size_events(then: int, now: int) -> list[str]:
    """Return what a change of volume is called."""
    if GROWN[0] * now >= GROWN[1] * then and now - then >= CHANGE_MM3:
        return ['growing']
    if SHRUNK[0] * now <= SHRUNK[1] * then and then - now >= CHANGE_MM3:
        return ['shrinking']
    return []


def _passed_over(
    patient: _Patient, place: int, visit: VisitComponents
) -> tuple[_Patient, list[Event]]:
    """Return the events of a visit that cannot be judged; no lesion changes its state."""
    events = [
        Event(
            lesion_id=name,
            visit=place,
            status='not_evaluable',
            parent_id=one.parent_id,
            merged_into=one.host,
        )
        for name, one in patient.known.items()
    ]
    count = patient.untracked
    for one in sorted(visit.components, key=lambda one: one.rank):
        count += 1
        events.append(
            Event(
                lesion_id=f'U{count:03d}',
                visit=place,
                status='present',
                component_index=one.index,
            )
        )
    return replace(patient, untracked=count), events


def _visit_flags(visit: VisitComponents, before: _Patient) -> tuple[str, ...]:
    """Return what a reader should look at in a visit."""
    there = [one for one in before.known.values() if one.state == 'present']
    lost = visit.evaluable and not visit.components
    flags = list(visit.flags)
    if lost and any(one.ld_mm >= REVIEW_MM for one in there):
        flags.append('review_detection')
    if len(visit.components) > MANY:
        flags.append('n_components_high')
    return tuple(dict.fromkeys(flags))


def _track(name: str, last: Known, known: Mapping[str, Known], events: Sequence[Event]) -> Track:
    """Return a lesion with all its events."""
    root = last
    while root.parent_id is not None:
        root = known[root.parent_id]
    own = tuple(event for event in events if event.lesion_id == name)
    return Track(lesion_id=name, parent_id=last.parent_id, family_root=root.lesion_id, events=own)
