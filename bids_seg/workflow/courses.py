# SPDX-License-Identifier: Apache-2.0
"""What is done with each visit of a participant, and what of an earlier run can be used."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from bids_seg import discover
from bids_seg.errors import UserError
from bids_seg.records import Patient, ReaderEdit, Visit
from bids_seg.settings import Settings, digest, shaping
from bids_seg.workflow import choice, finish, given
from bids_seg.workflow.graph import Course
from bids_seg.workflow.history.follow import is_current
from bids_seg.workflow.history.job import job_of, keep
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Tally
from bids_seg.workflow.plan import VisitPlan
from bids_seg.workflow.progress import tell
from bids_seg.workflow.state import Failure, RunContext, VisitState, content_sha256, load, store
from bids_seg.write import names, publish

logger = logging.getLogger(__name__)


def course(
    patient: Patient,
    settings: Settings,
    about: RunContext,
    *,
    edits: Sequence[ReaderEdit] = (),
    log: RunLog,
    tally: Tally,
) -> Course | None:
    """Decide what is done with the visits of a participant; tell and store what is not done.

    Parameters
    ----------
    patient
        With all visits asked for; the participant's lock must be held.
    settings
        What was asked for.
    about
        The run.
    edits
        A reader's decisions about the participant.
    log
        Where it is told.
    tally
        The counts.

    Returns
    -------
    Course or None
        What is to be done; None where everything is there already.
    """
    for warning in patient.warnings:
        logger.warning('sub-%s: %s', patient.participant, warning)
    among = discover.mask_sources(
        settings.derivatives, settings.segmentations, output_dir=about.out_dir
    )
    states: list[VisitState] = []
    told = False
    for visit in patient.visits:
        if settings.overwrite == 'never' and publish.published(about.out_dir, visit):
            _is_there(visit, log=log, tally=tally)
            continue
        planned = given.planned(visit, patient, settings, among)
        if planned.action == 'skip':
            _skip(planned, about, log=log, tally=tally)
            told = True
            continue
        state = _state(planned, settings, about)
        if state.failure is not None:
            _fail(state, state.failure, about, log=log, tally=tally)
            told = True
        elif _is_done(state, settings, about):
            _is_there(visit, log=log, tally=tally)
        else:
            tally.visit(visit.name, 'not done')
            states.append(state)
    job = job_of(patient, settings, edits)
    whole = not states and not told and not _page_is_old(patient, about.out_dir)
    if whole and is_current(about.out_dir, job):
        return None
    keep(job, about.work_dir)
    return _begin(patient.participant, tuple(states), settings, about)


def _state(planned: VisitPlan, settings: Settings, about: RunContext) -> VisitState:
    """Return the state of a visit at the start; its images may turn out to be unreadable."""
    shares = choice.shares(about.networks, planned.tasks)
    state = VisitState(
        visit=planned.visit,
        tasks=planned.tasks,
        models_skipped=planned.models_skipped,
        root=about.work_dir,
        settings_sha256=digest({**shaping(settings), **shares}),
        input_sha256='',
        given=planned.given,
        networks={task: about.networks[task] for task in planned.tasks},
    )
    try:
        digest_of_input = discover.input_sha256(planned.visit, planned.given)
        return dataclasses.replace(
            state, input_sha256=digest_of_input, failure=given.fault(planned.given)
        )
    except (OSError, UserError) as error:
        failure = Failure(
            stage='plan',
            what=f'an image cannot be read ({error})',
            where=planned.visit.name,
            do='check its permissions and whether it is complete',
        )
        return dataclasses.replace(state, failure=failure)


def _is_done(state: VisitState, settings: Settings, about: RunContext) -> bool:
    """Return whether the results of a visit are there and are those of today."""
    return settings.overwrite != 'always' and publish.visit_up_to_date(
        about.out_dir,
        state.visit,
        settings_sha256=state.settings_sha256,
        input_sha256=state.input_sha256,
    )


def _is_there(visit: Visit, *, log: RunLog, tally: Tally) -> None:
    """Tell that the results of a visit stay as they are."""
    tell(log, visit.name, 'plan', 'up to date')
    tally.visit(visit.name, 'up to date')


def _skip(planned: VisitPlan, about: RunContext, *, log: RunLog, tally: Tally) -> None:
    """Store and tell that nothing can be done with a visit."""
    finish.publish_skipped(
        planned.visit,
        about,
        reason=planned.reason,
        models_skipped=dict(planned.models_skipped),
    )
    tell(log, planned.visit.name, 'plan', 'skipped', reason=planned.reason)
    tally.visit(planned.visit.name, 'skipped')


def _fail(
    state: VisitState, failure: Failure, about: RunContext, *, log: RunLog, tally: Tally
) -> None:
    """Store and tell that a visit failed before it began."""
    finish.publish_failure(state, about)
    tell(log, state.visit.name, failure.stage, 'failed', reason=failure.told)
    tally.visit(state.visit.name, 'failed')


def _page_is_old(patient: Patient, out_dir: Path) -> bool:
    """Return whether a participant's page is missing, or older than what became of a visit."""
    page = out_dir / f'sub-{patient.participant}.html'
    if not page.is_file():
        return True
    made = page.stat().st_mtime_ns
    stored = (out_dir / names.summary(visit) for visit in patient.visits)
    return any(path.is_file() and path.stat().st_mtime_ns > made for path in stored)


def _begin(
    label: str, states: tuple[VisitState, ...], settings: Settings, about: RunContext
) -> Course:
    """Write the states at the start; see whether an earlier, unfinished run can be gone on with."""
    resumable = settings.overwrite != 'always' and all(_can_go_on(state) for state in states)
    for state in states:
        if not resumable:
            shutil.rmtree(state.folder / 'anat', ignore_errors=True)
            for path in state.folder.glob('state-*.json'):
                path.unlink()
        store(state, state.at('plan'))
        state.at('finish').unlink(missing_ok=True)
    return Course(participant=label, states=states, resumable=resumable, work_dir=about.work_dir)


def _can_go_on(state: VisitState) -> bool:
    """Return whether what the work folder holds of a visit is whole and belongs to this plan."""
    place = state.at('plan')
    try:
        if not place.is_file() or dataclasses.replace(load(place), content_sha256='') != state:
            return False
        kept = [load(path) for path in state.folder.glob('state-*.json')]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        # Of another version, or damaged: made again.
        return False
    return all(each.failure is None and _is_whole(each) for each in kept)


def _is_whole(state: VisitState) -> bool:
    """Return whether the files of a state are as they were when it was written."""
    return state.content_sha256 == content_sha256(state.files)
