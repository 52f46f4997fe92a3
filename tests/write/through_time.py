# SPDX-License-Identifier: Apache-2.0
"""Participants through time for the tests: identities said by hand, responses by the engine."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from bids_seg import image, respond
from bids_seg.records import (
    Course,
    Event,
    History,
    LesionSet,
    Observation,
    Registration,
    Track,
    Tracking,
    VisitAlignment,
    VisitMeasurements,
    VisitSummary,
)
from bids_seg.write import history as written
from bids_seg.write import names, tables

FIGURES = VisitAlignment(
    disagreement_mm=0.21,
    rotation_deg=4.56789,
    mutual_information=1.25,
    mutual_information_before=1.1,
    brain_dice=0.9712,
)
SHIFT = (1.0, 0, 0, 5.0, 0, 1.0, 0, -2.0, 0, 0, 1.0, 0.5, 0, 0, 0, 1.0)
"""From mm of the common space to mm of a visit that lies 5, -2, 0.5 mm away."""
STILL = tuple(np.eye(4).ravel().tolist())
Told = list[Any]
"""For each visit: a component, a status, a mapping of fields of the event, or None before it."""


def a_track(name: str, told: Told) -> Track:
    first = next(place for place, one in enumerate(told) if one is not None)
    events = []
    for place, one in enumerate(told[first:], start=first):
        fields = dict(one) if isinstance(one, dict) else {}
        if isinstance(one, int):
            fields = {'component_index': one, 'status': 'present'}
        elif isinstance(one, str):
            fields = {'status': one}
        usual = ('baseline' if first == 0 else 'new') if place == first else 'continuing'
        if fields['status'] == 'present':
            fields.setdefault('identity', usual)
        events.append(Event(lesion_id=name, visit=place, **fields))
    parent = events[0].parent_id
    return Track(lesion_id=name, parent_id=parent, family_root=parent or name, events=tuple(events))


def a_tracking(found: LesionSet, told: dict[str, Told], *untracked: Event) -> Tracking:
    return Tracking(
        disease=found.disease,
        tissue=found.tissue,
        tracks=tuple(a_track(name, one) for name, one in told.items()),
        untracked=untracked,
        visit_flags=(),
    )


def observations(summary: VisitSummary, place: int, tracking: Tracking) -> tuple[Observation, ...]:
    lesions = {
        lesion.component_index: lesion
        for found in summary.lesion_sets
        if (found.disease, found.tissue) == (tracking.disease, tracking.tissue)
        for lesion in found.lesions
    }
    events = [event for track in tracking.tracks if (event := track.at(place))]
    return tuple(
        Observation(event=event, lesion=lesions.get(event.component_index)) for event in events
    )


def a_course(
    summaries: list[VisitSummary], trackings: list[Tracking], edits: tuple = (), **info: str
) -> Course:
    visits = tuple(
        VisitMeasurements(
            session=summary.visit.session,
            days=summary.visit.days,
            date=None,
            evaluable=summary.status == 'complete',
            reason='' if summary.status == 'complete' else 'failed',
            roles=tuple(summary.visit.roles),
            observations={one.tissue: observations(summary, place, one) for one in trackings},
            wt_mm3=None,
            flair_spacing_mm=None,
            clinical={'steroid_mg': '2', 'kps': '90'},
        )
        for place, summary in enumerate(summaries)
    )
    label = summaries[0].visit.participant
    return Course(participant=label, visits=visits, info=info, edits=edits)


def a_history(
    summaries: list[VisitSummary],
    trackings: list[Tracking],
    *,
    criteria: tuple[str, ...] = (),
    info: dict[str, str] | None = None,
    **more: Any,
) -> History:
    """All visits but the first lie 5, -2, 0.5 mm away from it."""
    courses = {
        disease: a_course(
            summaries,
            [one for one in trackings if one.disease == disease],
            more.get('edits', ()),
            **(info or {}),
        )
        for disease in {one.disease for one in trackings}
    }
    found = [respond.find(name) for name in criteria]
    judged = {
        one.name: respond.respond(courses['metastases' if one.tissue == 'TC' else 'glioma'], one)
        for one in found
    }
    key = [one.visit.session or '' for one in summaries]
    registrations = {
        session: Registration(
            made_from='x',
            matrix=SHIFT if place else STILL,
            figures=FIGURES if place else None,
        )
        for place, session in enumerate(key)
        if summaries[place].status == 'complete'
    }
    usual = History(
        participant=summaries[0].visit.participant,
        visits=tuple(one.visit.session for one in summaries),
        reference=summaries[0].visit.session,
        untracked='',
        alignments={},
        trackings=tuple(trackings),
        courses=courses,
        responses={name: rows for name, (rows, _) in judged.items()},
        best={name: best for name, (_, best) in judged.items()},
        rules={},
        edits=(),
        settings_sha256='7' * 64,
        criteria={one.name: one.in_force(respond.Rules()) for one in found},
        days=tuple(one.visit.days for one in summaries),
        dates=(None,) * len(summaries),
        statuses=tuple(one.status for one in summaries),
        faults=tuple('' if one.status == 'complete' else 'failed' for one in summaries),
        registrations=registrations if len(summaries) > 1 else {},
    )
    return dataclasses.replace(usual, **more)


def numbered(out: Path, summary: VisitSummary, tracking: Tracking, place: int) -> image.Volume:
    """The label image of a visit with the numbers of lesions in place of components."""
    label = names.lesion_set(tracking.disease, tracking.tissue)
    volume = image.read_labels(out / names.lesion_image(summary.visit, label))
    table = {
        event.component_index: tables.index_of(event.lesion_id)
        for track in tracking.tracks
        if (event := track.at(place)) and event.component_index
    }
    table |= {
        event.component_index: tables.index_of(event.lesion_id)
        for event in tracking.untracked
        if event.visit == place
    }
    array = np.zeros(volume.array.shape, np.uint16)
    for component, index in table.items():
        array[volume.array == tables.UNTRACKED + component] = index
    return image.Volume(array, volume.grid)


def follow(out: Path, work: Path, summaries: list[VisitSummary], history: History) -> set[str]:
    """Write a participant as the workflow does; return the files that changed."""
    changed: set[str] = set()
    transform = work / 'transform.txt'
    transform.parent.mkdir(parents=True, exist_ok=True)
    transform.write_bytes(b'#Insight Transform File V1.0\n')
    tracks: dict[str, image.Volume] = {}
    for place, summary in enumerate(summaries):
        if summary.status != 'complete':
            continue
        labels = {
            names.lesion_set(one.disease, one.tissue): known(out, summary, one, place)
            for one in history.trackings
        }
        several = len(summaries) > 1
        tracks = tracks or labels
        changed |= set(
            written.write_visit(
                out,
                summary,
                history,
                labels=labels,
                individual=labels if several else {},
                transform=transform if several else None,
            )
        )
    only = {name: image.Volume(np.minimum(one.array, 1), one.grid) for name, one in tracks.items()}
    changed |= set(written.write_participant(out, history, tracks=only, mean=None))
    changed |= set(written.prune(out, history, summaries))
    written.write_history(out, history)
    return changed


def known(out: Path, summary: VisitSummary, tracking: Tracking, place: int) -> image.Volume:
    """The numbered image, also where it was numbered before."""
    label = names.lesion_set(tracking.disease, tracking.tissue)
    stored = image.read_labels(out / names.lesion_image(summary.visit, label))
    values = np.unique(stored.array)
    if (values > tables.UNTRACKED).any():
        return numbered(out, summary, tracking, place)
    return image.Volume(stored.array.astype(np.uint16), stored.grid)
