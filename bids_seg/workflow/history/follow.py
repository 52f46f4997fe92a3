# SPDX-License-Identifier: Apache-2.0
"""The lesions of a participant through time, from what lies in the output to its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_seg import image, register, respond
from bids_seg.errors import CommandError
from bids_seg.image import Volume
from bids_seg.records import (
    Course,
    Disease,
    History,
    ReaderEdit,
    Registration,
    VisitSummary,
    to_json,
)
from bids_seg.track.edits import ACTIONS
from bids_seg.workflow.history import course as courses
from bids_seg.workflow.history import job as jobs
from bids_seg.workflow.history import kept, place
from bids_seg.workflow.history.course import Judged, judge
from bids_seg.workflow.history.job import FollowJob
from bids_seg.workflow.history.kinds import Kind, kind_of, with_further
from bids_seg.workflow.history.place import Space
from bids_seg.workflow.history.seen import Seen, seen
from bids_seg.workflow.history.sets import Followed
from bids_seg.workflow.history.sets import follow as follow_set
from bids_seg.write import history as written
from bids_seg.write import names

NOBODY = 'no visit has measured lesions'
"""Why nothing is followed where there is nothing."""
SESSIONWISE = 'sessionwise: every visit stands for itself, as was asked for'
"""Why nothing is followed where nobody wants it."""
RENUMBERED = 'visits were put before those already known, so lesions have new numbers'
"""What a reader must know who has seen an earlier history."""


def is_current(out_dir: Path, job: FollowJob) -> bool:
    """Return whether the history in the output is that of today, with all its files.

    Parameters
    ----------
    out_dir
        Root of the output.
    job
        What is asked for.
    """
    history = written.read_history(out_dir, job.participant)
    summaries = kept.summaries(out_dir, job)
    if history is None:
        return not summaries
    if history.settings_sha256 != jobs.digest(job, summaries):
        return False
    paths = written.paths(history, summaries)
    return all((out_dir / path).is_file() for path in paths)


def follow(out_dir: Path, work_dir: Path, job: FollowJob) -> str:
    """Follow the lesions of a participant and write all that comes of it.

    Parameters
    ----------
    out_dir
        Root of the output; the participant's lock must be held.
    work_dir
        The work folder.
    job
        What is asked for.

    Returns
    -------
    What is wrong with what the user gave; empty where nothing is.
    """
    summaries = kept.summaries(out_dir, job)
    if not summaries:
        return ''
    digest = jobs.digest(job, summaries)
    earlier = written.read_history(out_dir, job.participant)
    measured = [with_further(out_dir, one, job) for one in summaries]
    found = _found(out_dir, measured, job, earlier)
    history = _history(measured, job, found, digest=digest, earlier=earlier)
    _write(out_dir, work_dir, measured, job, found, history)
    return '; '.join([*([found.error] if found.error else []), *found.judged.errors])


@dataclass(frozen=True, eq=False, kw_only=True)
class _Found:
    """What was found out of a participant."""

    untracked: str
    """Why lesions were not followed; empty where they were."""
    error: str
    """The same where the user must mend it."""
    where: Space | None
    """The space in which they were followed."""
    followed: tuple[Followed, ...]
    """Each set of lesions."""
    courses: Mapping[Disease, Course]
    """What the criteria were given, with dates."""
    judged: Judged
    """What they said."""


def _found(
    out_dir: Path,
    summaries: Sequence[VisitSummary],
    job: FollowJob,
    earlier: History | None,
) -> _Found:
    """Follow lesions and apply the criteria, unless something is in the way."""
    there = place.usable(summaries)
    nothing = Judged(responses={}, best={}, in_force={}, errors=())
    untracked = job.unordered or (SESSIONWISE if job.reference == 'sessionwise' else '')
    untracked = untracked or ('' if there else NOBODY)
    error = ''
    if not untracked:
        known: Mapping[str, Registration] = {} if earlier is None else earlier.registrations
        where = place.space(out_dir, there, job, earlier=known)
        try:
            followed = _follow_all(out_dir, summaries, job, where)
        except CommandError as wrong:
            error = untracked = str(wrong)
        else:
            by_disease = {
                disease: courses.course(
                    summaries,
                    [one for one in followed if one.kind.disease == disease],
                    disease,
                    job,
                )
                for disease in names.DISEASES
                if any(one.kind.disease == disease for one in followed)
            }
            return _Found(
                untracked='',
                error='',
                where=where,
                followed=followed,
                courses=by_disease,
                judged=judge(by_disease, job),
            )
    alone = tuple(
        Followed(
            kind=kind,
            visits=tuple(seen(out_dir, one, kind, None) for one in summaries),
            common=tuple(None for _ in summaries),
            tracking=None,
        )
        for kind in _kinds(summaries)
    )
    return _Found(
        untracked=untracked, error=error, where=None, followed=alone, courses={}, judged=nothing
    )


def _kinds(summaries: Sequence[VisitSummary]) -> list[Kind]:
    """Return the sets of lesions that were measured at some visit, in the order of tables."""
    every = [kind_of(found) for one in summaries if kept.files(one) for found in one.lesion_sets]
    return sorted(set(every), key=lambda kind: (kind.disease, kind.tissue != 'ET', kind.tissue))


def _follow_all(
    out_dir: Path, summaries: Sequence[VisitSummary], job: FollowJob, where: Space
) -> tuple[Followed, ...]:
    """Follow each set of lesions by itself."""
    kinds = _kinds(summaries)
    edits = _edits(job, kinds)
    found = []
    for kind in kinds:
        visits = [_seen(out_dir, one, kind, where) for one in summaries]
        found.append(follow_set(out_dir, visits, kind, where=where, edits=edits.get(kind, ())))
    return tuple(found)


def _seen(out_dir: Path, summary: VisitSummary, kind: Kind, where: Space) -> Seen:
    """Return one set of lesions at one visit."""
    return seen(out_dir, summary, kind, where.matrix(kept.key(summary.visit)))


def _edits(job: FollowJob, kinds: Sequence[Kind]) -> dict[Kind, tuple[ReaderEdit, ...]]:
    """Return a reader's corrections of identities by the set of lesions that they are about.

    A line that names no tissue is about the enhancing lesions of a glioma and the core of
    metastases; WT where there is nothing else.
    """
    found: dict[Kind, tuple[ReaderEdit, ...]] = {}
    first = {kind.disease: kind for kind in reversed(kinds)}
    for edit in job.edits:
        if edit.action not in ACTIONS:
            continue
        meant = [kind for kind in kinds if kind.tissue == edit.tissue]
        meant = meant if edit.tissue else list(first.values())
        if len(meant) != 1:
            tissues = ', '.join(dict.fromkeys(kind.tissue for kind in kinds))
            raise CommandError(
                f'{edit.action} of `{edit.item}` does not say which lesions are meant',
                where=f'reader file, sub-{job.participant}, ses-{edit.session}, column tissue',
                do=f'give one of: {tissues}',
            )
        found[meant[0]] = (*found.get(meant[0], ()), edit)
    return found


def _history(
    summaries: Sequence[VisitSummary],
    job: FollowJob,
    found: _Found,
    *,
    digest: str,
    earlier: History | None,
) -> History:
    """Put the record together; without dates unless they are asked for."""
    visits = [one.visit for one in summaries]
    where, rules = found.where, respond.parse(job.rules)
    several = len(summaries) > 1
    shown = {
        disease: seen if job.keep_dates else courses.without_dates(seen, summaries)
        for disease, seen in found.courses.items()
    }
    sessions = tuple(visit.session for visit in visits)
    return History(
        participant=job.participant,
        visits=sessions,
        reference=None if where is None else where.reference,
        untracked=found.untracked,
        alignments={} if where is None else where.alignments,
        trackings=tuple(one.tracking for one in found.followed if one.tracking is not None),
        courses=shown,
        responses=found.judged.responses,
        best=found.judged.best,
        rules=rules.differing(),
        edits=job.edits,
        settings_sha256=digest,
        warnings=_warnings(job, found, sessions, earlier),
        criteria=found.judged.in_force,
        options=rules.in_force(),
        days=tuple(visit.days for visit in visits),
        dates=tuple(visit.date if job.keep_dates else None for visit in visits),
        statuses=tuple(one.status for one in summaries),
        faults=tuple(_fault(one, where) for one in summaries),
        registrations={} if where is None or not several else where.registrations,
    )


def _warnings(
    job: FollowJob, found: _Found, sessions: Sequence[str | None], earlier: History | None
) -> tuple[str, ...]:
    """Return what a reader must know of the history as a whole."""
    warnings = [*job.warnings, *found.judged.errors]
    if earlier is not None:
        before = tuple(sessions[: len(earlier.visits)]) != earlier.visits
        if (before and earlier.trackings) or RENUMBERED in earlier.warnings:
            warnings.append(RENUMBERED)
    return tuple(dict.fromkeys(warnings))


def _fault(summary: VisitSummary, where: Space | None) -> str:
    """Return why the lesions of a visit could not be followed; empty where they were."""
    if summary.status != 'complete':
        return f'the visit is {summary.status}'
    if where is None:
        return ''
    if not summary.lesion_sets:
        return 'no lesions were measured'
    one = where.registrations.get(kept.key(summary.visit))
    return '' if one is None or not one.failure else f'not registered: {one.failure}'


def _write(
    out_dir: Path,
    work_dir: Path,
    summaries: Sequence[VisitSummary],
    job: FollowJob,
    found: _Found,
    history: History,
) -> None:
    """Write images, transforms and records; the history last, so that what is half done shows."""
    grid = None if found.where is None or not found.where.several else found.where.grid
    tracks: dict[str, Volume] = {}
    for number, summary in enumerate(summaries):
        if not kept.files(summary):
            continue
        labels: dict[str, Volume] = {}
        individual: dict[str, Volume] = {}
        for one in found.followed:
            own = one.labels(number)
            if own is not None:
                labels[one.kind.name] = own
            common = None if grid is None else one.individual(number, grid)
            if common is not None:
                individual[one.kind.name] = common
        written.write_visit(
            out_dir,
            kept.stored(summary, job),
            history,
            labels=labels,
            individual=individual,
            transform=_transform(work_dir, summary, found.where) if individual else None,
        )
    if grid is not None:
        tracks = {one.kind.name: one.tracks(grid) for one in found.followed}
    mean = (
        _mean(out_dir, summaries, found.where) if job.reference == 'unbiased' and tracks else None
    )
    written.write_participant(out_dir, history, tracks=tracks, mean=mean)
    for summary in summaries:
        stored = kept.stored(summary, job)
        place_of = out_dir / names.summary(summary.visit)
        content = to_json(stored).encode()
        if place_of.read_bytes() != content:
            image.write_bytes(place_of, content)
    written.prune(out_dir, history, summaries)
    written.write_history(out_dir, history)


def _transform(work_dir: Path, summary: VisitSummary, where: Space | None) -> Path | None:
    """Write how a visit lies in the participant's space; return the file."""
    matrix = None if where is None else where.matrix(kept.key(summary.visit))
    if matrix is None:
        return None
    path = work_dir / f'sub-{summary.visit.participant}' / f'{summary.visit.name}_individual.txt'
    register.write_transform(matrix, path)
    return path


def _mean(out_dir: Path, summaries: Sequence[VisitSummary], where: Space | None) -> Volume | None:
    """Return the mean of all reference images in the participant's space, as bright as each other."""
    if where is None:
        return None
    total = np.zeros(where.grid.shape, dtype=np.float64)
    for summary in place.usable(summaries):
        matrix = where.matrix(kept.key(summary.visit))
        if matrix is None:
            continue
        moved = place.carried(kept.reference_image(out_dir, summary), matrix)
        array = image.resample(moved, where.grid, order=1).array
        total += array / max(float(np.percentile(array, 99)), 1e-6)
    return Volume((1000 * total / max(float(total.max()), 1e-6)).astype(np.float32), where.grid)
