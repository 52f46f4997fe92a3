# SPDX-License-Identifier: Apache-2.0
"""After the graph: what became of each visit, told also where a worker could not."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

from bids_seg.errors import UserError
from bids_seg.records import Patient
from bids_seg.workflow import crashes, finish, graph, stages
from bids_seg.workflow.graph import Course
from bids_seg.workflow.history import job as jobs
from bids_seg.workflow.history import stage as follow_stage
from bids_seg.workflow.history.job import FollowResult
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Tally
from bids_seg.workflow.plugin import KILLED
from bids_seg.workflow.progress import STAGES, tell
from bids_seg.workflow.state import (
    Failure,
    PageResult,
    RunContext,
    VisitState,
    load,
    load_as,
    store,
)
from bids_seg.write import dataset

logger = logging.getLogger(__name__)


def settle(
    course: Course,
    about: RunContext,
    *,
    broken: Mapping[str, str],
    stopped: bool,
    log: RunLog,
    tally: Tally,
) -> None:
    """Note what became of the visits of a participant, and make its page if nobody did.

    Parameters
    ----------
    course
        What was to be done.
    about
        The run.
    broken
        What nipype wrote about nodes that broke, by their full names.
    stopped
        Whether the run was ended by its first failure.
    log
        Where it is told.
    tally
        The counts.
    """
    page = about.work_dir / f'sub-{course.participant}' / 'page.json'
    late = False
    for state in course.states:
        place = state.at('finish')
        if place.is_file():
            last = load(place)
        else:
            last = _lost(state, course, broken, stopped=stopped)
            if last.failure is None:
                continue
            late = True
            if stopped:
                logger.debug('%s: its failure ended the run', state.visit.name)
            else:
                tell(log, state.visit.name, last.failure.stage, 'failed', reason=last.failure.told)
            _store_failure(last, place, about)
        tally.visit(state.visit.name, 'ok' if last.failure is None else 'failed')
        if last.failure is not None and last.failure.trace:
            crashes.write(last, last.failure, log)
    followed = jobs.result_place(about.work_dir, course.participant)
    if late and not stopped and not followed.is_file():
        # A visit that was lost kept nipype from going on with the others.
        follow_stage.run(jobs.place(about.work_dir, course.participant), about.context)
    if not stopped or followed.is_file():
        _settle_follow(course.participant, followed, log=log, tally=tally)
    if late or (not stopped and not page.is_file()):
        stages.report(course.participant, about.context)
    if stopped and not page.is_file():
        # The next run sees that the page is missing or old.
        return
    _settle_page(course.participant, page, log=log, tally=tally)


def list_participant(patient: Patient, about: RunContext, tally: Tally) -> None:
    """List a participant in the table of a group run, with what became of it.

    Parameters
    ----------
    patient
        Participant whose visits were asked for.
    about
        The run.
    tally
        The counts.
    """
    if not (about.out_dir / f'sub-{patient.participant}').is_dir():
        return
    words = tally.words([visit.name for visit in patient.visits])
    status = 'n/a'
    if 'failed' in words:
        status = 'failed'
    elif {'ok', 'up to date'} & set(words):
        status = 'complete'
    elif 'skipped' in words:
        status = 'skipped'
    dataset.append_participant(about.out_dir, patient.participant, status=status)


def _lost(
    state: VisitState, course: Course, broken: Mapping[str, str], *, stopped: bool
) -> VisitState:
    """Return a visit without an end: with the failure of its last stage, or of its worker."""
    kept = [load(state.at(stage)) for stage in STAGES if state.at(stage).is_file()]
    last = kept[-1] if kept else state
    if last.failure is not None or stopped:
        return last
    stage, trace = _broken_stage(state, course, broken)
    what = trace.strip().splitlines()[-1] if trace.strip() else KILLED
    if KILLED in trace:
        what = KILLED
    failure = Failure(
        stage=stage,
        what=f'{what}, twice, in the stage {stage}',
        where=state.visit.name,
        do='see the crash file; if memory was short, see --mem and --nprocs, and run it again',
        trace=trace or what,
    )
    return dataclasses.replace(last, failure=failure)


def _broken_stage(state: VisitState, course: Course, broken: Mapping[str, str]) -> tuple[str, str]:
    """Return the stage at which the worker of a visit was, and what nipype says of it."""
    for node, about in graph.watched([course]).items():
        if node in broken and state.visit.name in {each.visit.name for each in about.states}:
            return about.stage, broken[node]
    after = [stage for stage in STAGES if not state.at(stage).is_file()]
    return (after[0] if after else STAGES[-1]), ''


def _store_failure(last: VisitState, place: Path, about: RunContext) -> None:
    """Write the summary of a visit that failed, and its last state."""
    try:
        finish.publish_failure(last, about)
        with contextlib.suppress(OSError):
            store(last, place)
    except (OSError, UserError) as error:
        logger.error('%s: its failure cannot be written (%s)', last.visit.name, error)


def _settle_follow(label: str, place: Path, *, log: RunLog, tally: Tally) -> None:
    """Note whether the lesions of a participant were followed."""
    try:
        result = load_as(FollowResult, place)
        place.unlink()
    except OSError:
        tally.follow_failed(label)
        tell(log, f'sub-{label}', 'follow', 'failed', reason=f'{KILLED}, twice')
        return
    if result.error:
        tally.follow_failed(label)
    if result.trace:
        log.write_crash(f'sub-{label}', 'follow', result.trace)


def _settle_page(label: str, page: Path, *, log: RunLog, tally: Tally) -> None:
    """Note whether the page of a participant was made."""
    try:
        error = load_as(PageResult, page).error
        page.unlink()
    except OSError as lost:
        error = f'nothing is known of it: {lost}'
    if error:
        tally.page_failed(label)
        log.write_crash(f'sub-{label}', 'report', error)
        reason = log.anonymous(error.strip().splitlines()[-1])
        tell(log, f'sub-{label}', 'report', 'failed', reason=reason)
