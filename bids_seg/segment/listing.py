# SPDX-License-Identifier: Apache-2.0
"""The registry as a table: what each model needs, where its weights come from, what it scored."""

from __future__ import annotations

from collections.abc import Iterable

from bids_seg.segment import models
from bids_seg.segment.model import Model, Own, Weights

COLUMNS = (
    *('name', 'task', 'images', 'regions', 'grid', 'networks', 'ships', 'licence', 'use'),
    *('weights', 'sha256', 'md5', 'url', 'source', 'scores', 'title'),
)
"""First line of the table."""

USE = {True: 'any use', False: 'not commercial', None: 'use not stated'}
"""What a licence says of commercial use."""


def table() -> str:
    """Return all models as TSV, a line for each, the names of columns first."""
    rows = [COLUMNS, *(_row(models.find(name)) for name in models.names())]
    return ''.join('\t'.join(row) + '\n' for row in rows)


def card(name: str) -> str:
    """Return the card of a model, and where its weights come from.

    Parameters
    ----------
    name
        One of the registry.

    Raises
    ------
    CommandError
        If there is no such model.
    """
    model = models.find(name)
    if model.ships:
        return model.card.rstrip() + '\n'
    use = f', {USE[model.licence.commercial]}'
    lines = [
        f'- **Licence of the weights**: {model.licence.name}{use}.',
        f'- **Weights**, in `{model.name}/` under `--weights-dir`, or `--weights {model.name}=PATH`:',
        *(f'  - {_described(member)}' for member in model.members),
    ]
    return '\n'.join([model.card.rstrip(), *lines]) + '\n'


def _row(model: Model) -> tuple[str, ...]:
    """Return the cells of one model; what is not known is n/a."""
    own = model.system if isinstance(model.system, Own) else None
    cells = {
        'name': model.name,
        'task': model.task,
        'images': ' or '.join('+'.join(needed) for needed in model.needs) or 'any one',
        'regions': ' '.join(model.regions),
        'grid': f'{own.spacing:g} mm' if own else 'its own',
        'networks': str(len(model.members)),
        'ships': 'yes' if model.ships else 'no',
        'licence': model.licence.name,
        'use': USE[model.licence.commercial],
        'weights': _joined(member.file for member in model.members),
        'sha256': _joined(member.sha256 for member in model.members),
        'md5': _joined(member.md5 for member in model.members),
        'url': _joined(dict.fromkeys(member.url for member in model.members)),
        'source': model.source,
        'scores': model.scores,
        'title': model.title,
    }
    return tuple(cells[column] or 'n/a' for column in COLUMNS)


def _joined(words: Iterable[str]) -> str:
    """Return what is there of some words, with spaces between them."""
    return ' '.join(filter(None, words))


def _described(member: Weights) -> str:
    """Return name, address and digests of one file of weights."""
    published = {'SHA-256': member.sha256, 'MD5': member.md5}
    sums = [f'{kind} {value}' for kind, value in published.items() if value]
    return ', '.join([f'`{member.file or "any name"}` from {member.url}', *sums])
