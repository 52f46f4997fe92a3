# SPDX-License-Identifier: Apache-2.0
"""The registry: each file beside this one holds one constant `MODEL`; no list names them.

A dash in the name of a model is an underscore in that of its file.
"""

from __future__ import annotations

import importlib
import pkgutil

from bids_seg.errors import CommandError
from bids_seg.segment.model import Model


def names() -> tuple[str, ...]:
    """Return the names of all models, sorted.

    Examples
    --------
    >>> names()  # doctest: +ELLIPSIS
    ('brain', 'brainmets', ..., 'nobrainer', 'segresnet')
    """
    return tuple(sorted(found.name.replace('_', '-') for found in pkgutil.iter_modules(__path__)))


def find(name: str) -> Model:
    """Return the record of a model; no network is made and no weights are read.

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
    >>> find('glioma').regions
    ('WT', 'TC', 'ET')
    """
    if name not in names():
        known = ', '.join(names())
        raise CommandError(f'no model {name!r}', where='models', do=f'choose one of: {known}')
    model = importlib.import_module(f'{__name__}.{name.replace("-", "_")}').MODEL
    if not isinstance(model, Model):
        raise CommandError(
            f'MODEL of {name!r} is {type(model).__name__}', where='models', do='make it a Model'
        )
    return model
