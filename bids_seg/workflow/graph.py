# SPDX-License-Identifier: Apache-2.0
"""The graph of a run: one sub-workflow for each participant, its visits side by side in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from nipype import Node, Workflow
from nipype.interfaces.utility import Merge

from bids_seg.segment import models
from bids_seg.settings import TASKS, Settings, digest
from bids_seg.workflow import choice, resources
from bids_seg.workflow.history import job as jobs
from bids_seg.workflow.nodes import Finish, Follow, Prepare, Report, Segment
from bids_seg.workflow.progress import Watched
from bids_seg.workflow.state import VisitState


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the run may use."""

    processors: int
    """Processes and threads in all."""
    threads: int
    """Threads of one process."""
    memory_gb: float
    """Memory in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The visits of one participant that are to be done."""

    participant: str
    """Label without `sub-`."""
    states: tuple[VisitState, ...]
    """In order of time; may be empty where only the page is built."""
    resumable: bool
    """Whether nipype may use what it kept of an earlier run."""
    work_dir: Path
    """The work folder, where it is kept how lesions are followed."""

    @property
    def plans(self) -> tuple[Path, ...]:
        """Files of the states at the start."""
        return tuple(state.at('plan') for state in self.states)


def build(
    courses: Sequence[Course], settings: Settings, *, context: Path, limits: Limits, base_dir: Path
) -> Workflow:
    """Return the workflow of a batch of participants.

    Parameters
    ----------
    courses
        What is to be done.
    settings
        What was asked for.
    context
        RunContext as JSON.
    limits
        What the run may use.
    base_dir
        Where nipype keeps its own folders.

    Notes
    -----
    For each visit `prepare`; for each participant `brain`, `glioma` and `metastases`, one
    after another, since each takes all threads; for each visit `finish`; then `report`.
    """
    workflow = Workflow(name='bids_seg', base_dir=str(base_dir))
    for course in courses:
        workflow.add_nodes([_participant(course, settings, context=context, limits=limits)])
    return workflow


def node_name(prefix: str, label: str | None) -> str:
    """Return a name that nipype takes; labels may hold a plus.

    Examples
    --------
    >>> node_name('sub', 'a+b'), node_name('ses', None)
    ('sub_a_2b_b', 'ses')
    """
    if label is None:
        return prefix
    return f'{prefix}_' + re.sub(r'[^0-9a-zA-Z]', lambda found: f'_{ord(found[0]):x}_', label)


def watched(courses: Sequence[Course]) -> Mapping[str, Watched]:
    """Return what each node is about, by the node's full name.

    Parameters
    ----------
    courses
        What is to be done.
    """
    found: dict[str, Watched] = {}
    for course in courses:
        top = f'bids_seg.{node_name("sub", course.participant)}'
        for state in course.states:
            for stage in ('prepare', 'finish'):
                name = node_name(f'{stage}_ses', state.visit.session)
                found[f'{top}.{name}'] = Watched(stage=stage, states=(state,))
        for task in TASKS:
            found[f'{top}.{task}'] = Watched(stage=task, states=course.states)
        found[f'{top}.follow'] = Watched(
            stage='follow',
            states=(),
            participant=course.participant,
            result=jobs.result_place(course.work_dir, course.participant),
        )
    return found


def short_of_memory(courses: Sequence[Course], limits: Limits) -> tuple[str, ...]:
    """Return a warning for each participant whose images may need more than there is.

    Parameters
    ----------
    courses
        What is to be done.
    limits
        What the run may use.
    """
    found = []
    for course in courses:
        needed = max(_memory_gb(stage, course) for stage in ('prepare', *TASKS))
        if course.states and needed > limits.memory_gb:
            found.append(
                f'sub-{course.participant}: about {needed:.1f} GB are needed, '
                f'{limits.memory_gb:.1f} GB may be used; it is tried alone, see --mem and --low-mem'
            )
    return tuple(found)


def _participant(course: Course, settings: Settings, *, context: Path, limits: Limits) -> Workflow:
    """Return the sub-workflow of one participant."""
    flow = Workflow(name=node_name('sub', course.participant))
    report = _node(Report(), 'report', course, limits=limits, stage='report')
    report.inputs.participant = course.participant
    report.inputs.context = str(context)
    report.overwrite = True
    follow = _follow(course, context=context, limits=limits)
    flow.connect(follow, 'out_file', report, 'followed')
    if not course.states:
        return flow
    visits = range(len(course.states))
    prepared = [_prepare(course, number, settings, limits=limits) for number in visits]
    finished = [_finish(course, number, context=context, limits=limits) for number in visits]
    networks = [_network(task, course, settings, limits=limits) for task in TASKS]
    together = Node(Merge(len(visits)), name='visits', run_without_submitting=True)
    done = Node(Merge(len(visits)), name='finished', run_without_submitting=True)
    for number in visits:
        flow.connect(prepared[number], 'out_state', together, f'in{number + 1}')
        flow.connect(networks[-1], ('out_states', nth, number), finished[number], 'in_state')
        flow.connect(finished[number], 'out_state', done, f'in{number + 1}')
    flow.connect(together, 'out', networks[0], 'in_states')
    for earlier, later in pairwise(networks):
        flow.connect(earlier, 'out_states', later, 'in_states')
    flow.connect(done, 'out', follow, 'in_states')
    return flow


def nth(paths: str | list[str], number: int) -> str:
    """Return one of several paths; nipype gives a list of one as its element.

    Examples
    --------
    >>> nth('a', 0), nth(['a', 'b'], 1)
    ('a', 'b')
    """
    return paths if isinstance(paths, str) else paths[number]


def _finish(course: Course, number: int, *, context: Path, limits: Limits) -> Node:
    """Return the node that measures and writes one visit."""
    name = node_name('finish_ses', course.states[number].visit.session)
    node = _node(Finish(), name, course, limits=limits, stage='finish')
    node.inputs.context = str(context)
    # What it writes lies in the output, which nipype does not watch.
    node.overwrite = True
    return node


def _follow(course: Course, *, context: Path, limits: Limits) -> Node:
    """Return the node that follows the lesions of the participant."""
    node = _node(Follow(), 'follow', course, limits=limits, stage='follow')
    node.inputs.job = str(jobs.place(course.work_dir, course.participant))
    node.inputs.context = str(context)
    # What it reads lies in the output, which nipype does not watch.
    node.overwrite = True
    return node


def _prepare(course: Course, number: int, settings: Settings, *, limits: Limits) -> Node:
    """Return the node that aligns one visit."""
    state = course.states[number]
    name = node_name('prepare_ses', state.visit.session)
    node = _node(Prepare(), name, course, limits=limits, stage='prepare')
    node.inputs.in_state = str(course.plans[number])
    node.inputs.bias = 'n4' if settings.n4 else 'keep'
    node.inputs.seed = settings.random_seed
    node.inputs.threads = limits.threads
    return node


def _network(task: str, course: Course, settings: Settings, *, limits: Limits) -> Node:
    """Return the node that runs one network on all visits."""
    node = _node(Segment(), task, course, limits=limits, stage=task)
    node.inputs.task = task
    networks = {key: chosen for state in course.states for key, chosen in state.networks.items()}
    node.inputs.weights_sha256 = digest(choice.shares(networks, {task} & set(networks)))
    node.inputs.device = settings.device
    node.inputs.brain_border = settings.brain_border
    node.inputs.low_mem = settings.low_mem
    node.inputs.seed = settings.random_seed
    node.inputs.threads = limits.threads
    node.inputs.memory_gb = node.mem_gb
    return node


def _node(interface: Any, name: str, course: Course, *, limits: Limits, stage: str) -> Node:
    """Return a node that knows what it needs before it starts."""
    alone = limits.processors == limits.threads or stage in ('prepare', *TASKS)
    threads = limits.threads if alone else 1
    needed = min(_memory_gb(stage, course), limits.memory_gb)
    node = Node(interface, name=name, mem_gb=needed, n_procs=threads)
    node.overwrite = None if course.resumable else True
    return node


def _memory_gb(stage: str, course: Course) -> float:
    """Return what a stage may need; systems of others need more than networks of ours."""
    chosen = {state.networks[stage].model for state in course.states if stage in state.networks}
    more = max((models.find(name).memory_gb for name in chosen), default=0.0)
    return more + resources.memory_gb(stage, tuple(state.visit for state in course.states))
