# SPDX-License-Identifier: Apache-2.0
"""The participant level: find the visits, plan them, run the graph, count what became of them."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bids_seg import __version__, discover
from bids_seg.errors import LockedError
from bids_seg.image import write_bytes
from bids_seg.records import Patient, to_json
from bids_seg.segment import models, weights
from bids_seg.settings import Settings, Task, digest, shaping
from bids_seg.workflow import engine, finish, folders, graph, machine, plan
from bids_seg.workflow.graph import Course, Limits
from bids_seg.workflow.log import RunLog
from bids_seg.workflow.outcome import Outcome, Word, together
from bids_seg.workflow.plan import VisitPlan
from bids_seg.workflow.plugin import KILLED
from bids_seg.workflow.state import (
    Failure,
    PageResult,
    RunContext,
    VisitState,
    load,
    load_as,
    store,
)
from bids_seg.write import dataset, locks, publish

logger = logging.getLogger(__name__)

BATCH = 50
"""Participants in one graph: nipype's bookkeeping grows with the square of its nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a run was pointed at, checked before a log is begun."""

    labels: tuple[str, ...]
    """Participants without `sub-`."""
    filters: discover.Filters | None
    """From the filter file."""
    work_dir: Path
    """The work folder."""


def choose(settings: Settings) -> Chosen:
    """Return whom the run is about and where it works; nothing is computed.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    UserError
        If a label, a filter, a folder, a plugin file or the weights are wrong.
    """
    labels = discover.select(settings.bids_dir, settings.participant_label)
    file = settings.bids_filter_file
    filters = discover.read_filters(file) if file is not None else None
    if settings.use_plugin is not None:
        engine.read_plugin(settings.use_plugin)
    for task in plan.possible(settings.models):
        weights.verify(models.find(task))
    work_dir = folders.open_work(
        settings.work_dir,
        bids_dir=settings.bids_dir,
        output_dir=settings.output_dir,
        empty=settings.clean_workdir,
    )
    return Chosen(labels=labels, filters=filters, work_dir=work_dir)


def limits(settings: Settings) -> Limits:
    """Return what the run may use.

    Parameters
    ----------
    settings
        What was asked for.
    """
    processors = settings.nprocs or machine.processors()
    threads = min(settings.omp_nthreads or 8, processors)
    memory = settings.mem or machine.SHARE * machine.memory_mb()
    return Limits(processors=processors, threads=threads, memory_gb=memory / 1000)


def run(settings: Settings, chosen: Chosen, log: RunLog) -> Outcome:
    """Do all visits that were asked for and that are not up to date.

    Parameters
    ----------
    settings
        What was asked for.
    chosen
        What `choose` returned.
    log
        Where it is told.

    Raises
    ------
    UserError
        If nothing at all can be done.
    """
    index_dir = chosen.work_dir / f'index-{log.run}'
    index_dir.mkdir()
    try:
        if not settings.skip_bids_validation:
            discover.validate(settings.bids_dir, participants=chosen.labels, index_dir=index_dir)
        folders.check_space((settings.output_dir, chosen.work_dir), visits=len(chosen.labels))
        origin = dataset.Origin(
            version=__version__, bids_dir=settings.bids_dir, container=_container()
        )
        for warning in dataset.write_root(settings.output_dir, origin, labels=_DESCRIBED):
            logger.warning('%s', warning)
        outcomes = [
            _batch(patients, settings, chosen, log=log)
            for patients in _batches(settings, chosen, index_dir=index_dir)
        ]
    finally:
        shutil.rmtree(index_dir, ignore_errors=True)
    outcome = together(outcomes)
    if outcome.locked and not outcome.visits:
        raise LockedError(
            f'{len(outcome.locked)} participants are being worked on by another run',
            where=settings.output_dir,
            do='try again when it has ended',
        )
    return outcome


_DESCRIBED = ('brain', 'preproc', 'entropy', 'glioma', 'metastases')


def _container() -> Mapping[str, str]:
    """Return what the image says of itself."""
    named = {'Type': 'TYPE', 'Tag': 'TAG', 'URI': 'URI'}
    return {key: os.environ.get(f'BIDS_SEG_CONTAINER_{name}', '') for key, name in named.items()}


def _batches(
    settings: Settings, chosen: Chosen, *, index_dir: Path
) -> Iterator[tuple[Patient, ...]]:
    """Yield patients, some at a time."""
    found = discover.patients(
        settings.bids_dir,
        participants=chosen.labels,
        sessions=settings.session_label,
        filters=chosen.filters,
        index_dir=index_dir,
    )
    while batch := tuple(itertools.islice(found, BATCH)):
        yield batch


def _batch(
    patients: Sequence[Patient], settings: Settings, chosen: Chosen, *, log: RunLog
) -> Outcome:
    """Do one batch of participants, each under its lock."""
    about = RunContext(
        bids_dir=settings.bids_dir.resolve(),
        out_dir=settings.output_dir.resolve(),
        work_dir=chosen.work_dir,
        run=log.run,
        settings=shaping(settings),
        versions=plan.versions(),
        seed=settings.random_seed,
    )
    context = chosen.work_dir / f'run-{log.run}.json'
    write_bytes(context, to_json(about).encode())
    locked: list[str] = []
    with ExitStack() as held:
        held.callback(context.unlink, missing_ok=True)
        ours: list[Patient] = []
        for patient in patients:
            try:
                held.enter_context(locks.participant_lock(about.out_dir, patient.participant))
            except LockedError as error:
                logger.warning('%s', error)
                locked.append(patient.participant)
                continue
            ours.append(patient)
        words, courses = _plan(ours, settings, about, log=log)
        _run_graph(courses, settings, about, context=context, log=log)
        ended = [_account(course, about, log=log) for course in courses]
    done = together(ended)
    return dataclasses.replace(done, visits=(*words, *done.visits), locked=tuple(locked))


def _plan(
    patients: Sequence[Patient], settings: Settings, about: RunContext, *, log: RunLog
) -> tuple[tuple[Word, ...], tuple[Course, ...]]:
    """Decide what is done with each visit; tell and store what is not done."""
    words: list[Word] = []
    courses: list[Course] = []
    for patient in patients:
        for warning in patient.warnings:
            logger.warning('sub-%s: %s', patient.participant, warning)
        tasks, note = plan.tasks_for(patient, settings.models)
        states: list[VisitState] = []
        page = False
        for visit in patient.visits:
            noted = dataclasses.replace(
                visit, warnings=(*patient.warnings, *visit.warnings, *((note,) if note else ()))
            )
            planned = plan.plan(noted, tasks)
            if planned.action == 'skip':
                _skip(planned, about, log=log)
                words.append('skipped')
                page = True
                continue
            state = _state(planned, settings, about)
            if _is_done(state, settings, about):
                _tell(log, visit.name, 'plan', 'up to date')
                words.append('up to date')
                continue
            states.append(state)
        if states or page:
            courses.append(_course(patient.participant, tuple(states), settings))
        dataset.append_participant(about.out_dir, patient.participant, status='n/a')
    return tuple(words), tuple(courses)


def _state(planned: VisitPlan, settings: Settings, about: RunContext) -> VisitState:
    """Return the state of a visit at the start."""
    shares = {f'weights-{task}': _weights(task) for task in planned.tasks}
    return VisitState(
        visit=planned.visit,
        tasks=planned.tasks,
        models_skipped=planned.models_skipped,
        root=about.work_dir,
        settings_sha256=digest({**shaping(settings), **shares}),
        input_sha256=discover.input_sha256(planned.visit),
    )


def _weights(task: Task) -> str:
    """Return the checksums of a task's weights."""
    return ' '.join(member.sha256 for member in models.find(task).members)


def _is_done(state: VisitState, settings: Settings, about: RunContext) -> bool:
    """Return whether the results of a visit are there and are to be kept."""
    if settings.overwrite == 'always':
        return False
    if settings.overwrite == 'never':
        return bool(publish.published(about.out_dir, state.visit))
    return publish.visit_up_to_date(
        about.out_dir,
        state.visit,
        settings_sha256=state.settings_sha256,
        input_sha256=state.input_sha256,
    )


def _skip(planned: VisitPlan, about: RunContext, *, log: RunLog) -> None:
    """Store and tell that nothing can be done with a visit."""
    finish.publish_skipped(
        planned.visit,
        about,
        reason=planned.reason,
        models_skipped=dict(planned.models_skipped),
    )
    _tell(log, planned.visit.name, 'plan', 'skipped', reason=planned.reason)


def _course(label: str, states: tuple[VisitState, ...], settings: Settings) -> Course:
    """Write the states at the start; see whether an earlier, unfinished run can be gone on with."""
    resumable = settings.overwrite != 'always'
    for state in states:
        place = state.at('plan')
        stored = [path for path in state.folder.glob('state-*.json') if path != place]
        same = place.is_file() and dataclasses.replace(load(place), content_sha256='') == state
        resumable = resumable and same and all(load(path).failure is None for path in stored)
        store(state, place)
        state.at('finish').unlink(missing_ok=True)
    return Course(participant=label, states=states, resumable=resumable)


def _run_graph(
    courses: Sequence[Course],
    settings: Settings,
    about: RunContext,
    *,
    context: Path,
    log: RunLog,
) -> None:
    """Run the graph; run it once more for visits that a killed worker took with it."""
    allowed = limits(settings)
    left = list(courses)
    for attempt in range(2):
        if not left:
            return
        if attempt:
            logger.warning('%d participants are tried once more, one by one', len(left))
            allowed = dataclasses.replace(allowed, processors=allowed.threads)
        watched = graph.watched(left)
        engine.run(
            graph.build(
                left, settings, context=context, limits=allowed, base_dir=about.work_dir / 'nipype'
            ),
            limits=allowed,
            plugin_file=settings.use_plugin,
            crash_dir=log.folder / log.run,
            told=lambda node, status, watched=watched: _told(node, status, watched, log=log),  # type: ignore[misc]
            stop=settings.stop_on_first_crash,
        )
        left = [course for course in left if not _is_whole(course)]
        if settings.stop_on_first_crash:
            return


def _is_whole(course: Course) -> bool:
    """Return whether every visit has come to its end, well or not."""
    return all(state.at('finish').is_file() for state in course.states)


def _told(
    node: str, status: str, watched: Mapping[str, tuple[str, tuple[Path, ...]]], *, log: RunLog
) -> None:
    """Tell, for each visit, that a stage has ended."""
    stage, paths = watched.get(node, ('', ()))
    for path in paths if status == 'end' else ():
        state = load(path)
        costs = [cost for cost in state.costs if cost.stage == stage]
        if not costs:
            continue
        failure = state.failure
        word = 'ok' if failure is None else 'failed'
        reason = '' if failure is None else f'{failure.what} ({failure.where}); {failure.do}'
        _tell(
            log,
            state.visit.name,
            stage,
            word,
            reason=reason,
            seconds=costs[-1].seconds,
            peak_mb=costs[-1].peak_mb,
        )


def _tell(
    log: RunLog,
    visit: str,
    node: str,
    status: str,
    *,
    reason: str = '',
    seconds: float | None = None,
    peak_mb: float | None = None,
) -> None:
    """Write one line to stderr and log, and one event."""
    took = '' if seconds is None else f' {seconds:.1f} s'
    level = logging.ERROR if status == 'failed' else logging.INFO
    logger.log(level, '%s %s: %s%s%s', visit, node, status, took, f': {reason}' if reason else '')
    log.event(
        visit=visit, node=node, status=status, reason=reason, seconds=seconds, peak_mb=peak_mb
    )


def _account(course: Course, about: RunContext, *, log: RunLog) -> Outcome:
    """Return what became of the visits of a participant; write what a killed worker could not."""
    words: list[Word] = []
    page = about.work_dir / f'sub-{course.participant}' / 'page.json'
    lost = False
    for state in course.states:
        place = state.at('finish')
        if not place.is_file():
            ended = dataclasses.replace(state, failure=_lost(state))
            finish.publish_failure(ended, about)
            store(ended, place)
            lost = True
            _tell(log, state.visit.name, 'finish', 'failed', reason=KILLED)
        failure = load(place).failure
        words.append('ok' if failure is None else 'failed')
        if failure is not None and failure.trace:
            log.write_crash(state.visit.name, failure.stage, failure.trace)
    if lost or not page.is_file():
        page.unlink(missing_ok=True)
        from bids_seg.workflow.stages import report

        context = about.work_dir / f'run-{about.run}.json'
        report(course.participant, context)
    result = load_as(PageResult, page)
    page.unlink()
    if result.error:
        log.write_crash(f'sub-{course.participant}', 'report', result.error)
        logger.error('sub-%s report: failed: %s', course.participant, result.error.strip()[-300:])
    return Outcome(visits=tuple(words), pages_failed=int(bool(result.error)))


def _lost(state: VisitState) -> Failure:
    """Return why a visit has no end: its worker died twice, or the run was stopped."""
    done = [
        stage for stage in ('prepare', 'brain', 'glioma', 'metastases') if state.at(stage).is_file()
    ]
    stage = done[-1] if done else 'prepare'
    return Failure(
        stage=stage,
        what=f'{KILLED}, after the stage {stage} had begun, or the run was stopped',
        where=state.visit.name,
        do='give more memory or fewer processes, see --mem and --nprocs, and run it again',
    )
