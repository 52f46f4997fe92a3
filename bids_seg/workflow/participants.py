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
from tempfile import TemporaryDirectory

from bids_seg import __version__, discover
from bids_seg.discover.masks import Source
from bids_seg.errors import LockedError
from bids_seg.image import write_bytes
from bids_seg.records import Patient, ReaderEdit, to_json
from bids_seg.segment.job import Choice
from bids_seg.settings import Settings, Task, shaping
from bids_seg.workflow import (
    account,
    choice,
    courses,
    crashes,
    engine,
    folders,
    graph,
    leftovers,
    machine,
    network,
    plan,
)
from bids_seg.workflow.graph import Course, Limits
from bids_seg.workflow.history import inputs
from bids_seg.workflow.history.job import result_place
from bids_seg.workflow.log import RunLog, identifier
from bids_seg.workflow.outcome import Tally
from bids_seg.workflow.progress import Progress, Stopped
from bids_seg.workflow.state import RunContext
from bids_seg.write import dataset, locks

logger = logging.getLogger(__name__)

BATCH = 50
"""Participants in one graph: nipype's bookkeeping grows with the square of its nodes."""

_DESCRIBED = ('brain', 'preproc', 'entropy', 'glioma', 'metastases')


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a run was pointed at, checked before a log is begun."""

    patients: Iterator[Patient]
    """Whom the run is about; they are looked for as they are asked for."""
    index_dir: Path
    """Where the names of files are indexed; made and removed by the run."""
    work_dir: Path
    """The work folder."""
    networks: Mapping[Task, Choice]
    """Model and weights of each task that may come up."""
    edits: Mapping[str, tuple[ReaderEdit, ...]]
    """A reader's decisions, by participant."""


def choose(settings: Settings) -> Chosen:
    """Return whom the run is about and where it works; nothing is written unless all is well.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    UserError
        If the dataset, a label, a filter, a folder, a plugin file, the weights or the device
        are wrong.
    """
    labels = discover.select(settings.bids_dir, settings.participant_label)
    file = settings.bids_filter_file
    filters = discover.read_filters(file) if file is not None else None
    _given(settings)
    through_time = inputs.read(settings)
    if settings.use_plugin is not None:
        engine.read_plugin(settings.use_plugin)
    networks = choice.choices(settings, plan.possible(settings.models))
    choice.check(networks)
    if settings.device.startswith('gpu'):
        network.check_device(settings.device)
    wanted_work = (settings.work_dir or folders.default_work()).resolve()
    folders.check_space((settings.output_dir, wanted_work), visits=_visits(settings, labels))
    if not settings.skip_bids_validation:
        with TemporaryDirectory(prefix='bids-seg-') as folder:
            discover.validate(settings.bids_dir, participants=labels, index_dir=Path(folder))
    index_dir = wanted_work / f'index-{identifier()}'
    patients = discover.patients(
        settings.bids_dir,
        participants=labels,
        sessions=settings.session_label,
        filters=filters,
        given=through_time.visits,
        index_dir=index_dir,
    )
    work_dir = folders.open_work(
        wanted_work,
        bids_dir=settings.bids_dir,
        output_dir=settings.output_dir,
        empty=settings.clean_workdir,
    )
    return Chosen(
        patients=patients,
        index_dir=index_dir,
        work_dir=work_dir,
        networks=networks,
        edits=through_time.edits,
    )


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
    # With --low-mem every stage takes all threads, so that one visit is worked on at a time.
    processors = threads if settings.low_mem else processors
    return Limits(processors=processors, threads=threads, memory_gb=memory / 1000)


def run(settings: Settings, chosen: Chosen, *, log: RunLog, tally: Tally) -> None:
    """Do all visits that were asked for and that are not up to date.

    Parameters
    ----------
    settings
        What was asked for.
    chosen
        What `choose` returned.
    log
        Where it is told.
    tally
        The counts; they stand also where the run is interrupted.
    """
    chosen.index_dir.mkdir()
    try:
        origin = dataset.Origin(
            version=__version__,
            bids_dir=settings.bids_dir,
            given={source.link: source.root for source in _given(settings)},
            container=_container(),
        )
        for warning in dataset.write_root(settings.output_dir, origin, labels=_DESCRIBED):
            logger.warning('%s', warning)
        leftovers.sweep_shared(out_dir=settings.output_dir, work_dir=chosen.work_dir)
        while batch := tuple(itertools.islice(chosen.patients, BATCH)):
            _batch(batch, settings, chosen, log=log, tally=tally)
    except Stopped:
        logger.error('the run ends with its first failure, as --stop-on-first-crash asks for')
    finally:
        shutil.rmtree(chosen.index_dir, ignore_errors=True)


def _given(settings: Settings) -> tuple[Source, ...]:
    """Return the datasets that masks are taken from."""
    return discover.mask_sources(
        settings.derivatives, settings.segmentations, output_dir=settings.output_dir
    )


def _visits(settings: Settings, labels: Sequence[str]) -> int:
    """Return about how many visits there are, before any file is looked at."""
    wanted = len(settings.session_label)
    count = 0
    for label in labels:
        found = sum(1 for _ in (settings.bids_dir / f'sub-{label}').glob('ses-*'))
        count += max(1, min(found, wanted) if wanted else found)
    return count


def _container() -> Mapping[str, str]:
    """Return what the image says of itself."""
    named = {'Type': 'TYPE', 'Tag': 'TAG', 'URI': 'URI'}
    return {key: os.environ.get(f'BIDS_SEG_CONTAINER_{name}', '') for key, name in named.items()}


def _batch(
    patients: Sequence[Patient],
    settings: Settings,
    chosen: Chosen,
    *,
    log: RunLog,
    tally: Tally,
) -> None:
    """Do one batch of participants, each under its lock."""
    about = RunContext(
        bids_dir=settings.bids_dir.resolve(),
        out_dir=settings.output_dir.resolve(),
        work_dir=chosen.work_dir,
        run=log.run,
        settings=shaping(settings),
        versions=plan.versions(),
        seed=settings.random_seed,
        networks={str(task): one for task, one in chosen.networks.items()},
        keep_dates=settings.keep_dates,
        aggregate=settings.aggregate_session_reports,
        viewer=settings.viewer,
    )
    write_bytes(about.context, to_json(about).encode())
    with ExitStack() as held:
        held.callback(about.context.unlink, missing_ok=True)
        for patient in patients:
            label = patient.participant
            try:
                held.enter_context(locks.participant_lock(about.out_dir, label))
            except LockedError as error:
                logger.warning('%s', error)
                tally.lock(label)
                continue
            # Called before the lock is freed, however the run ends.
            held.callback(_leave, patient, about, tally)
            leftovers.sweep_participant(label, out_dir=about.out_dir, work_dir=chosen.work_dir)
        ours = [patient for patient in patients if patient.participant not in tally.locked]
        planned = [
            courses.course(
                patient,
                settings,
                about,
                edits=chosen.edits.get(patient.participant, ()),
                log=log,
                tally=tally,
            )
            for patient in ours
        ]
        todo = tuple(course for course in planned if course is not None)
        _run_graph(todo, settings, about, log=log, tally=tally)


def _leave(patient: Patient, about: RunContext, tally: Tally) -> None:
    """Leave no hidden file of a participant, and list it."""
    leftovers.sweep_participant(patient.participant, out_dir=about.out_dir, work_dir=about.work_dir)
    account.list_participant(patient, about, tally)


def _run_graph(
    todo: Sequence[Course], settings: Settings, about: RunContext, *, log: RunLog, tally: Tally
) -> None:
    """Run the graph; run it once more for visits that a killed worker took with it."""
    allowed = limits(settings)
    for warning in graph.short_of_memory(todo, allowed):
        logger.warning('%s', warning)
    crash_dir = about.work_dir / f'crash-{log.run}'
    left = list(todo)
    stopped = True
    try:
        for attempt in range(2):
            if attempt and left:
                logger.warning('%d participants are tried once more, one by one', len(left))
                allowed = dataclasses.replace(allowed, processors=allowed.threads)
                # What was made a moment ago is whole.
                left = [dataclasses.replace(course, resumable=True) for course in left]
            if left:
                _run_once(left, settings, about, limits=allowed, log=log, tally=tally)
            left = [course for course in left if not _has_ended(course)]
        stopped = False
    except Stopped:
        raise
    except BaseException:
        # Interrupted: what is complete stays, the rest is not accounted for.
        todo = ()
        raise
    finally:
        broken = crashes.of_nipype(crash_dir)
        shutil.rmtree(crash_dir, ignore_errors=True)
        for course in todo:
            account.settle(course, about, broken=broken, stopped=stopped, log=log, tally=tally)


def _run_once(
    left: Sequence[Course],
    settings: Settings,
    about: RunContext,
    *,
    limits: Limits,
    log: RunLog,
    tally: Tally,
) -> None:
    """Run the graph of some participants."""
    progress = Progress(
        log=log, tally=tally, watched=graph.watched(left), stop=settings.stop_on_first_crash
    )
    workflow = graph.build(
        left,
        settings,
        context=about.context,
        limits=limits,
        base_dir=about.work_dir / 'nipype',
    )
    engine.run(
        workflow,
        limits=limits,
        plugin_file=settings.use_plugin,
        crash_dir=about.work_dir / f'crash-{log.run}',
        told=progress.told,
    )


def _has_ended(course: Course) -> bool:
    """Return whether every visit has come to its end, well or not, and lesions were followed."""
    followed = result_place(course.work_dir, course.participant).is_file()
    return followed and all(state.at('finish').is_file() for state in course.states)
