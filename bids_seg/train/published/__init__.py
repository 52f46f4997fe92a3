# SPDX-License-Identifier: Apache-2.0
"""The recipes of others: each file beside this one holds one constant `PRESET`.

A dash in the name of a model is an underscore in that of its file.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bids_seg.train.preset import Preset


def names() -> tuple[str, ...]:
    """Return the names of all recipes, sorted; nothing heavy is imported.

    Examples
    --------
    >>> names()[:2]
    ('brainmets', 'budakeras-brain')
    """
    return tuple(sorted(found.name.replace('_', '-') for found in pkgutil.iter_modules(__path__)))


def find(name: str) -> Preset:
    """Return a recipe; loads Keras.

    Parameters
    ----------
    name
        One of `names()`.
    """
    preset: Preset = importlib.import_module(f'{__name__}.{name.replace("-", "_")}').PRESET
    return preset
