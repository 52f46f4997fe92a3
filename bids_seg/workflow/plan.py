# SPDX-License-Identifier: Apache-2.0
"""What will be done with each visit, and why not more: decided before anything is opened."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Literal

from bids_seg import __version__
from bids_seg.records import Disease, Given, Patient, Role, Visit
from bids_seg.segment import models
from bids_seg.segment.model import Model
from bids_seg.settings import TASKS, Task

WORDS: Mapping[str, tuple[Task, ...]] = {
    'metast': ('brain', 'metastases'),
    'glio': ('brain', 'glioma'),
    'astro': ('brain', 'glioma'),
    'oligo': ('brain', 'glioma'),
    'gbm': ('brain', 'glioma'),
    'healthy': ('brain',),
    'control': ('brain',),
    'volunteer': ('brain',),
}
"""What a diagnosis says about the tasks, by the first of these words that it holds."""

LIBRARIES = (
    *('keras', 'tensorflow-cpu', 'tensorflow', 'SimpleITK', 'numpy', 'scipy'),
    *('nibabel', 'pybids', 'nipype'),
)
"""Libraries whose versions shape results."""

DIAGNOSIS_COLUMNS = ('diagnosis', 'pathology', 'group')
"""Columns of participants.tsv that may hold a diagnosis, the first that has one counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPlan:
    """What will be done with one visit."""

    visit: Visit
    """The visit."""
    action: Literal['run', 'up to date', 'skip']
    """What will be done."""
    reason: str
    """Why it is skipped or left as it is; empty where it runs."""
    tasks: tuple[Task, ...]
    """What the networks will be asked for."""
    models_skipped: Mapping[str, str]
    """Tasks that were asked for and cannot be done, with the reason."""
    given: tuple[Given, ...] = ()
    """Masks that take the place of networks."""


def tasks_for(patient: Patient, asked: Sequence[str]) -> tuple[tuple[Task, ...], str]:
    """Return the tasks of a participant, and what the user should know about the choice.

    Parameters
    ----------
    patient
        With the row of participants.tsv.
    asked
        `auto`, or the tasks.

    Examples
    --------
    >>> tasks_for(Patient(participant='01', visits=(), info={'group': 'Glioma'}), ('auto',))
    (('brain', 'glioma'), '')
    """
    if 'auto' not in asked:
        return tuple(task for task in TASKS if task in asked or task == 'brain'), ''
    for column in DIAGNOSIS_COLUMNS:
        diagnosis = patient.info.get(column, 'n/a').lower()
        for word, tasks in WORDS.items():
            if word in diagnosis:
                return tasks, ''
    note = (
        'participants.tsv names no diagnosis that bids-seg knows, so both tumour networks ran: '
        'at most one of them was made for this disease'
    )
    return TASKS, note


def disease_of(tasks: Sequence[Task]) -> Disease | None:
    """Return the one disease that tasks are about; None where there are two, or none.

    Parameters
    ----------
    tasks
        Tasks of a participant.

    Examples
    --------
    >>> disease_of(('brain', 'glioma')), disease_of(TASKS)
    ('glioma', None)
    """
    found: list[Disease] = [task for task in tasks if task != 'brain']
    return found[0] if len(found) == 1 else None


def left(tasks: Sequence[Task], given: Sequence[Given], asked: Sequence[str]) -> tuple[Task, ...]:
    """Return what is left to the networks where masks were given.

    Parameters
    ----------
    tasks
        Tasks of the participant.
    given
        What was given for the visit.
    asked
        `auto`, or the tasks that the user named.

    Notes
    -----
    A visit whose lesions are given runs no network unless it is named; a tumour network that is
    named brings the brain's along, which it needs.

    Examples
    --------
    >>> drawn = (Given(task='glioma'),)
    >>> left(TASKS, drawn, ('auto',)), left(TASKS, drawn, ('glioma', 'metastases'))
    ((), ('brain', 'metastases'))
    """
    there = {each.task for each in given}
    if not there - {'brain'}:
        return tuple(task for task in tasks if task not in there)
    named = {task for task in TASKS if task in asked and task not in there}
    needed = {'brain'} - there if named - {'brain'} else set()
    return tuple(task for task in TASKS if task in named or task in needed)


def possible(asked: Sequence[str]) -> tuple[Task, ...]:
    """Return the tasks that may come up for some participant.

    Parameters
    ----------
    asked
        `auto`, or the tasks.
    """
    return TASKS if 'auto' in asked else tuple(t for t in TASKS if t in asked or t == 'brain')


def versions() -> Mapping[str, str]:
    """Return the versions of the program and of the libraries that shape results."""
    found = {'bids-seg': __version__, 'python': platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def runnable(model: Model, roles: frozenset[Role]) -> str:
    """Return why a model cannot run on these images, nothing if it can.

    Parameters
    ----------
    model
        A model of the registry.
    roles
        Roles that have an image.
    """
    if not roles:
        return 'there is no usable image'
    if not model.needs or any(set(needed) <= roles for needed in model.needs):
        return ''
    needed = ' or '.join(' and '.join(roles) for roles in model.needs)
    return f'it needs {needed}, this visit has {", ".join(sorted(roles))}'


def plan(
    visit: Visit,
    tasks: Sequence[Task],
    given: Sequence[Given] = (),
    *,
    selected: Mapping[Task, Model] = MappingProxyType({}),
) -> VisitPlan:
    """Return what can be done with a visit, whatever lies in the output already.

    Parameters
    ----------
    visit
        The visit.
    tasks
        What is asked of the networks.
    given
        Masks that take the place of networks.
    selected
        Model of each task; that of the same name where none is said.
    """
    every = {task: selected[task] if task in selected else models.find(task) for task in tasks}
    reasons = {task: runnable(every[task], visit.roles) for task in tasks}
    brain = reasons.get('brain', '')
    if brain:
        # A tumour is looked for inside the brain.
        reasons = {task: reason or f'no brain: {brain}' for task, reason in reasons.items()}
    able: tuple[Task, ...] = tuple(task for task in tasks if not reasons[task])
    refused = {str(task): reason for task, reason in reasons.items() if reason}
    if not able and not given:
        reason = next(iter(refused.values()))
        passed = [f'{item.relative}: {item.reason}' for item in visit.passed_over]
        return VisitPlan(
            visit=visit,
            action='skip',
            reason='; '.join([reason, *passed[:4]]),
            tasks=(),
            models_skipped=refused,
        )
    return VisitPlan(
        visit=visit,
        action='run',
        reason='',
        tasks=able,
        models_skipped=refused,
        given=tuple(given),
    )
