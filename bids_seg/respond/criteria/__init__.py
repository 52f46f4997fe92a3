# SPDX-License-Identifier: Apache-2.0
"""The registry: each file beside this one holds one constant `CRITERION`; no list names them."""

from __future__ import annotations

import importlib
import pkgutil

from bids_seg.errors import CommandError
from bids_seg.respond.criterion import Criterion


def names() -> tuple[str, ...]:
    """Return the names of all criteria, sorted.

    Examples
    --------
    >>> names()[:3]
    ('mrano', 'mrano_volume', 'rano2')
    """
    return tuple(sorted(found.name for found in pkgutil.iter_modules(__path__)))


def find(name: str) -> Criterion:
    """Return a criterion.

    Parameters
    ----------
    name
        One of `names()`.

    Raises
    ------
    CommandError
        No file of that name is in the registry.

    Examples
    --------
    >>> find('rano_bm').progression.percent
    20
    """
    if name not in names():
        known = ', '.join(names())
        raise CommandError(f'no criterion {name!r}', where='--criteria', do=f'choose of: {known}')
    criterion = importlib.import_module(f'{__name__}.{name}').CRITERION
    if not isinstance(criterion, Criterion):
        raise CommandError(
            f'CRITERION of {name!r} is {type(criterion).__name__}',
            where='--criteria',
            do='make it a Criterion',
        )
    return criterion
