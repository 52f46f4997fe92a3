# SPDX-License-Identifier: Apache-2.0
"""Which model does each task, and with which weights: decided before any work."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from bids_seg.errors import CommandError
from bids_seg.segment import models, weights
from bids_seg.segment.job import Choice
from bids_seg.segment.model import Model
from bids_seg.settings import TASKS, Settings, Task
from bids_seg.workflow import network

OPTIONS: Mapping[Task, str] = {
    'brain': 'brain-extraction',
    'glioma': 'glioma',
    'metastases': 'metastases',
}
"""Option that names the model of a task."""

DEFAULT = 'default'
"""Word for the model that ships: it is called as its task."""


def selected(settings: Settings) -> Mapping[Task, Model]:
    """Return the model of each task; no weights are looked for.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    CommandError
        If a name is not in the registry, or is that of a model for another task.
    """
    return {task: _selected(task, settings) for task in TASKS}


def choices(settings: Settings, tasks: Sequence[Task]) -> Mapping[Task, Choice]:
    """Return the model and the weights of each task, after looking at the weights.

    Parameters
    ----------
    settings
        What was asked for.
    tasks
        Those that may come up.

    Raises
    ------
    CommandError
        If a name is wrong.
    UnavailableError
        If weights are missing, or are not those that were published under their name.
    """
    every = selected(settings)
    named = given(settings.weights)
    found = {}
    for task in tasks:
        paths = weights.collect(every[task], given=named, folder=_folder(settings))
        found[task] = Choice(
            model=every[task].name,
            weights=paths,
            sha256=tuple(weights.digest(path) for path in paths),
            parity=settings.parity,
            dropout=settings.mc_dropout,
        )
    return found


def check(networks: Mapping[Task, Choice]) -> None:
    """Refuse weights that do not fit; those that ship are known to.

    Parameters
    ----------
    networks
        Choice for each task.

    Raises
    ------
    UnavailableError
        If a file lacks a tensor, has one too many, one of another shape, or is no such file.
    """
    for choice in networks.values():
        published = {member.sha256 for member in models.find(choice.model).members}
        if not set(choice.sha256) <= published:
            network.check_weights(choice)


def given(words: Sequence[str]) -> Mapping[str, Path]:
    """Return the weights that a user named, by model or task.

    Parameters
    ----------
    words
        `NAME=PATH` for each.

    Raises
    ------
    CommandError
        If one has no name or no path, or its name is no model's.

    Examples
    --------
    >>> given(['segresnet=/weights/model.pt'])
    {'segresnet': PosixPath('/weights/model.pt')}
    """
    found: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition('=')
        if not equals or not path:
            raise CommandError(
                f'{word!r} is not NAME=PATH', where='--weights', do='write e.g. segresnet=model.pt'
            )
        if name not in (*models.names(), *TASKS):
            known = ', '.join(models.names())
            raise CommandError(
                f'no model is called {name!r}', where='--weights', do=f'name one of: {known}'
            )
        # Networks run in folders of their own, where a relative path leads nowhere.
        found[name] = Path(path).expanduser().absolute()
    return found


def shares(networks: Mapping[str, Choice], tasks: Collection[str]) -> Mapping[str, str]:
    """Return what of the choice of models shapes the results of some tasks, as text.

    Parameters
    ----------
    networks
        Choice for each task.
    tasks
        Those that a visit is asked for.
    """
    found: dict[str, str] = {}
    for task in tasks:
        choice = networks[task]
        found[f'weights-{task}'] = ' '.join(choice.sha256)
        if choice.model != task:
            found[f'model-{task}'] = choice.model
            found[f'parity-{task}'] = str(choice.parity).lower()
            found[f'mc-dropout-{task}'] = str(choice.dropout)
    return found


def checksums(networks: Mapping[Task, Choice]) -> Mapping[str, str]:
    """Return the digests of the weights of each model that may run, by its name.

    Parameters
    ----------
    networks
        Choice for each task.
    """
    return {chosen.model: ' '.join(chosen.sha256) for chosen in networks.values()}


def _selected(task: Task, settings: Settings) -> Model:
    """Return the model of one task."""
    said = {
        'brain': settings.brain_extraction,
        'glioma': settings.glioma,
        'metastases': settings.metastases,
    }[task]
    where = f'--{OPTIONS[task]}'
    fitting = [name for name in models.names() if models.find(name).task == task]
    if said != DEFAULT and said not in fitting:
        known = ', '.join((DEFAULT, *fitting))
        raise CommandError(f'{said!r} draws no {task}', where=where, do=f'choose one of: {known}')
    return models.find(task if said == DEFAULT else said)


def _folder(settings: Settings) -> Path | None:
    """Return where weights that do not ship are looked for."""
    place = settings.weights_dir
    return None if place is None else place.expanduser().absolute()
