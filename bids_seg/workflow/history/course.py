# SPDX-License-Identifier: Apache-2.0
"""What the response criteria are given of a participant, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bids_seg import respond
from bids_seg.errors import CommandError
from bids_seg.records import (
    BestResponse,
    Course,
    CriterionInForce,
    Disease,
    Observation,
    Response,
    VisitMeasurements,
    VisitSummary,
)
from bids_seg.workflow.history import chosen
from bids_seg.workflow.history.job import FollowJob
from bids_seg.workflow.history.private import columns_without_dates
from bids_seg.workflow.history.sets import Followed

NOT_COMPLETE = {'failed': 'visit_failed', 'skipped': 'visit_skipped'}
"""Reason of a visit that is not there, by its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What all criteria in force say of a participant."""

    responses: Mapping[str, tuple[Response, ...]]
    """By criterion, one for each visit."""
    best: Mapping[str, BestResponse]
    """By criterion."""
    in_force: Mapping[str, CriterionInForce]
    """The criteria, by name."""
    errors: tuple[str, ...]
    """Why a criterion could not be applied; sentences."""


def course(
    summaries: Sequence[VisitSummary],
    followed: Sequence[Followed],
    disease: Disease,
    job: FollowJob,
) -> Course:
    """Return a participant's visits as the criteria of one disease see them.

    Parameters
    ----------
    summaries
        In order of time.
    followed
        Sets of lesions of the disease through time.
    disease
        What the network looked for.
    job
        The columns of the patient and a reader's overrides.
    """
    places = range(len(summaries))
    return Course(
        participant=job.participant,
        visits=tuple(_visit(summaries[place], place, followed, disease) for place in places),
        info=job.info,
        edits=job.edits,
    )


def judge(courses: Mapping[Disease, Course], job: FollowJob) -> Judged:
    """Apply the criteria in force; one that cannot read its input does not stop the others.

    Parameters
    ----------
    courses
        With dates, by disease.
    job
        Says which criteria and options are in force.
    """
    rules = respond.parse(job.rules)
    responses, best, in_force, errors = {}, {}, {}, []
    for disease, seen in courses.items():
        for criterion in chosen.criteria(job.criteria, disease):
            try:
                rows, line = respond.respond(seen, criterion, rules=rules)
            except CommandError as error:
                errors.append(f'{criterion.title} was not applied: {error}')
                continue
            responses[criterion.name], best[criterion.name] = rows, line
            in_force[criterion.name] = criterion.in_force(rules)
    unique = tuple(dict.fromkeys(errors))
    return Judged(responses=responses, best=best, in_force=in_force, errors=unique)


def without_dates(seen: Course, summaries: Sequence[VisitSummary]) -> Course:
    """Return a course as it may stand in the output: days instead of dates.

    Parameters
    ----------
    seen
        With dates.
    summaries
        Its visits, with dates.
    """
    visits = [summary.visit for summary in summaries]
    bare = tuple(
        replace(one, date=None, clinical=columns_without_dates(one.clinical, visits))
        for one in seen.visits
    )
    return replace(seen, visits=bare, info=columns_without_dates(seen.info, visits))


def _visit(
    summary: VisitSummary, place: int, followed: Sequence[Followed], disease: Disease
) -> VisitMeasurements:
    """Return one visit as the criteria see it."""
    reason = NOT_COMPLETE.get(summary.status, '')
    sets = [found for found in summary.lesion_sets if found.disease == disease]
    if not reason and not sets:
        reason = 'not_segmented'
    if not reason and followed and followed[0].visits[place].matrix is None:
        reason = 'not_registered'
    visit = summary.visit
    # The largest distance is that of the slices, unless voxels are almost cubes.
    spacing = [max(scan.spacing) for scan in visit.scans if scan.role == 'FLAIR']
    spacing += [max(scan.spacing) for scan in visit.scans if scan.role == 'T2w']
    totals = sets[0].totals_mm3 if sets and summary.status == 'complete' else {}
    return VisitMeasurements(
        session=visit.session,
        days=visit.days,
        date=visit.date,
        evaluable=not reason,
        reason=reason,
        roles=tuple(scan.role for scan in visit.scans),
        observations={} if reason else dict(_observed(place, followed)),
        wt_mm3=totals.get('WT'),
        flair_spacing_mm=spacing[0] if spacing else None,
        clinical=visit.clinical,
    )


def _observed(
    place: int, followed: Sequence[Followed]
) -> list[tuple[str, tuple[Observation, ...]]]:
    """Return the lesions of a visit by tissue; a tissue that was not measured has no entry."""
    found = []
    for one in followed:
        visit = one.visits[place]
        if not visit.evaluable or one.tracking is None:
            continue
        events = [event for each in one.tracking.tracks if (event := each.at(place)) is not None]
        seen = tuple(
            Observation(event=event, lesion=visit.lesions.get(event.component_index or 0))
            for event in events
        )
        found.append((str(one.kind.tissue), seen))
    return found
