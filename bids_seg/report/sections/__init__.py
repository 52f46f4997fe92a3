# SPDX-License-Identifier: Apache-2.0
"""The sections of the participant's page, one file each; a new file is a new section."""

import importlib
import pkgutil
from functools import cache

from bids_seg.report.section import Section


@cache
def listed() -> tuple[Section, ...]:
    """Return the sections in the order of the page, by scope (top, visit, end) and order."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f'{__name__}.{name}').SECTION for name in names]
    scopes = ('top', 'visit', 'end')
    return tuple(sorted(found, key=lambda section: (scopes.index(section.scope), section.order)))
