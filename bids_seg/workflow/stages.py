# SPDX-License-Identifier: Apache-2.0
"""The stages of a visit, file in and file out; each can be called without nipype.

A stage reads a `VisitState`, calls a room, and writes the next one. What fails ends in the
state as a `Failure`: the other visits go on, and later stages pass it on.
"""

from __future__ import annotations

import dataclasses
import logging
import resource
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.errors import FULL, UserError
from bids_seg.image import write_bytes
from bids_seg.records import Cost, ModelRun, Role, from_json, to_json
from bids_seg.segment import models
from bids_seg.segment.job import Job, VisitJob
from bids_seg.settings import Task
from bids_seg.workflow import given, network
from bids_seg.workflow.state import (
    Failure,
    PageResult,
    RunContext,
    VisitState,
    load,
    load_as,
    store,
)
from bids_seg.write import names

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a network is to be run."""

    task: Task
    """What it draws."""
    device: str
    """`auto`, `cpu`, `gpu` or `gpu:N`."""
    brain_border: float
    """Growth of the brain mask, mm."""
    low_mem: bool
    """Whether it works patch by patch."""
    seed: int
    """Seed of all that is drawn."""
    threads: int
    """Threads that it may use."""
    memory_gb: float
    """What it was thought to need."""


def prepare(in_state: Path, *, bias: str, seed: int, threads: int) -> Path:
    """Bring the images of a visit onto the grid of its reference.

    Parameters
    ----------
    in_state
        The state at the start.
    bias
        `keep` or `n4`.
    seed
        Of the registration.
    threads
        Threads that it may use.

    Returns
    -------
    Path
        The state after it.
    """

    def work(state: VisitState) -> VisitState:
        from bids_seg.preprocess.visit import prepare as prepare_visit

        every = {scan.role for scan in state.visit.scans}
        files = _paths(state, names.visit_files(state.visit, aligned=every, tasks={}))
        prepared = prepare_visit(
            state.visit,
            images=_by_role(files, 'preproc'),
            transforms=_by_role(files, 'xfm'),
            bias='n4' if bias == 'n4' else 'keep',
            seed=seed,
            threads=threads,
        )
        usable = set(prepared.usable)
        kept = {key: path for key, path in files.items() if key.rpartition(':')[2] in usable}
        aligned = dataclasses.replace(
            state,
            files=kept,
            alignments=prepared.alignments,
            stripped=tuple(role for role, stripped in prepared.stripped.items() if stripped),
            warnings=prepared.warnings,
        )
        return given.draw(aligned)

    return _stage('prepare', in_state, work)


def segment(in_states: Sequence[Path], asked: Asked) -> tuple[Path, ...]:
    """Run one network on all visits of a participant, in a program of its own.

    Parameters
    ----------
    in_states
        States of the visits before it.
    asked
        Which network, and how.

    Returns
    -------
    tuple of Path
        States of the visits after it, in the same order.
    """
    states = [load(path) for path in in_states]
    todo = {
        state.visit.name: job for state in states if (job := _visit_job(state, asked)) is not None
    }
    results = _guarded(states, todo, asked) if todo else {}
    out: list[Path] = []
    for state in states:
        result = results.get(state.visit.name)
        after = state if result is None else _with_result(state, todo, result, asked)
        out.append(state.at(asked.task))
        store(after, out[-1])
    return tuple(out)


def finish(in_state: Path, context: Path) -> Path:
    """Measure the lesions of a visit and move its set of files into the output.

    Parameters
    ----------
    in_state
        The state after the networks.
    context
        RunContext as JSON.

    Returns
    -------
    Path
        The state at the end.
    """
    from bids_seg.workflow.finish import measure_and_publish, publish_failure

    about = load_as(RunContext, context)
    path = _stage('finish', in_state, lambda state: measure_and_publish(state, about))
    state = load(path)
    if state.failure is not None:
        try:
            publish_failure(state, about)
        except (OSError, UserError) as error:
            logger.error('%s: its failure cannot be written (%s)', state.visit.name, error)
    return path


def report(participant: str, context: Path) -> Path:
    """Write the tables and the page of a participant from what lies in the output.

    Parameters
    ----------
    participant
        Label without `sub-`.
    context
        RunContext as JSON.

    Returns
    -------
    Path
        PageResult as JSON.
    """
    from bids_seg.workflow.finish import page

    about = load_as(RunContext, context)
    error = ''
    try:
        page(
            participant,
            about.out_dir,
            aggregate=about.aggregate,
            viewer=about.viewer,
            keep_dates=about.keep_dates,
        )
    except Exception:  # noqa: BLE001 -- the images are complete: a page may fail without them
        error = traceback.format_exc()
    path = about.work_dir / f'sub-{participant}' / 'page.json'
    write_bytes(path, to_json(PageResult(participant=participant, error=error)).encode())
    return path


def failure_of(error: Exception, *, stage: str, visit: str) -> Failure:
    """Return what a user is told of an exception.

    Parameters
    ----------
    error
        What was raised; call it while it is being handled.
    stage
        The stage that raised it.
    visit
        Name of the visit.
    """
    if isinstance(error, UserError):
        return Failure(stage=stage, what=error.what, where=error.where, do=error.do)
    if isinstance(error, MemoryError):
        what, do = 'the memory was not enough', 'give more memory, see --mem'
        return Failure(stage=stage, what=what, where=visit, do=do, trace=traceback.format_exc())
    if isinstance(error, OSError) and error.errno in FULL:
        where = str(error.filename or visit)
        do = 'make room in the output and the work folder, and run it again'
        return Failure(stage=stage, what=f'the disk is full ({error.strerror})', where=where, do=do)
    return Failure(
        stage=stage,
        what=f'a defect of bids-seg ({type(error).__name__}: {error})',
        where=visit,
        do='see the crash file and report it',
        trace=traceback.format_exc(),
    )


def _stage(name: str, in_state: Path, work: Callable[[VisitState], VisitState]) -> Path:
    """Do one stage of one visit, keep what it took, and turn what fails into a Failure."""
    state = load(in_state)
    began = time.monotonic()
    after = state
    if state.failure is None:
        try:
            after = work(state)
        except Exception as error:  # noqa: BLE001 -- one visit fails, the others go on
            failure = failure_of(error, stage=name, visit=state.visit.name)
            after = dataclasses.replace(state, failure=failure)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        cost = Cost(stage=name, seconds=round(time.monotonic() - began, 2), peak_mb=round(peak))
        after = dataclasses.replace(after, costs=(*after.costs, cost))
    store(after, state.at(name))
    return state.at(name)


def _paths(state: VisitState, files: Mapping[str, str]) -> dict[str, Path]:
    """Return where files of a visit lie in the work folder."""
    return {key: state.root / relative for key, relative in files.items()}


def _by_role(files: Mapping[str, Path], kind: str) -> dict[Role, Path]:
    """Return the files of one kind by the role in their key."""
    found: dict[Any, Path] = {}
    for key, path in files.items():
        if key.startswith(f'{kind}:'):
            found[key.partition(':')[2]] = path
    return found


def _visit_job(state: VisitState, asked: Asked) -> VisitJob | None:
    """Return what the network is to do for a visit; nothing where it cannot."""
    if state.failure is not None or asked.task not in state.tasks:
        return None
    reference = state.visit.reference
    if reference is None:
        return None
    regions = models.find(state.networks[asked.task].model).regions
    files = names.visit_files(state.visit, aligned=(), tasks={asked.task: regions})
    outputs = _paths(state, files)
    outputs = {key: path for key, path in outputs.items() if not key.startswith('preproc:')}
    return VisitJob(
        visit=state.visit.name,
        images=_by_role(state.files, 'preproc'),
        reference=reference.role,
        brain=state.files.get('brain_mask'),
        stripped=state.stripped,
        outputs=outputs,
    )


def _guarded(
    states: Sequence[VisitState], todo: Mapping[str, VisitJob], asked: Asked
) -> Mapping[str, Mapping[str, Any]]:
    """Run the child; whatever keeps it from running becomes the result of its visits."""
    try:
        return _run_jobs(states, todo, asked)
    except Exception as error:  # noqa: BLE001 -- these visits fail, the others go on
        return {
            name: {
                'status': 'failed',
                **dataclasses.asdict(failure_of(error, stage=asked.task, visit=name)),
            }
            for name in todo
        }


def _run_jobs(
    states: Sequence[VisitState], todo: Mapping[str, VisitJob], asked: Asked
) -> Mapping[str, Mapping[str, Any]]:
    """Run the child on all visits, again on those left when it dies."""
    folder = states[0].root / f'sub-{states[0].visit.participant}'
    results = folder / f'results-{asked.task}.jsonl'
    chosen = next(state.networks[asked.task] for state in states if state.visit.name in todo)

    def start(visits: Sequence[str]) -> network.Ended:
        job = Job(
            choice=chosen,
            device=asked.device,
            threads=asked.threads,
            seed=asked.seed,
            brain_border_mm=asked.brain_border,
            low_mem=asked.low_mem,
            results=results,
            visits=tuple(todo[name] for name in visits),
        )
        path = folder / f'job-{asked.task}.json'
        write_bytes(path, to_json(job).encode())
        return network.run_child(
            ['-m', 'bids_seg.segment.worker', str(path)],
            threads=asked.threads,
            log=folder / f'log-{asked.task}.txt',
            limit_s=network.LIMIT_S * len(visits) * chosen.looks,
        )

    return network.all_visits(tuple(todo), start, results=results, memory_gb=asked.memory_gb)


def _with_result(
    state: VisitState,
    todo: Mapping[str, VisitJob],
    result: Mapping[str, Any],
    asked: Asked,
) -> VisitState:
    """Return the state of a visit after the child said what became of it."""
    cost = Cost(
        stage=asked.task,
        seconds=float(result.get('seconds') or 0.0),
        peak_mb=result.get('peak_mb'),
    )
    costs = (*state.costs, cost)
    if result['status'] != 'ok':
        failure = Failure(
            stage=asked.task,
            what=str(result['what']),
            where=str(result['where']),
            do=str(result['do']),
            trace=str(result.get('trace') or ''),
        )
        return dataclasses.replace(state, costs=costs, failure=failure)
    run = from_json(ModelRun, to_json(result['run']))
    outputs = todo[state.visit.name].outputs
    written = {key: path for key, path in outputs.items() if path.is_file()}
    return dataclasses.replace(
        state, costs=costs, files={**state.files, **written}, models=(*state.models, run)
    )
