# SPDX-License-Identifier: Apache-2.0
"""Options of the criteria: clauses that the published texts leave open, each with its default."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from bids_seg.errors import CommandError


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Options in force; all must be checked against the papers before use in a trial."""

    rano2_max_ce: int = 2
    """Most contrast-enhancing targets of RANO 2.0."""
    rano2_max_nonce: int = 2
    """Most non-enhancing targets of RANO 2.0."""
    mr_volume_decrease: int = 40
    """Decrease of volume that is a minor response, %; 35 is the sphere equivalent of 25 % area."""
    confirm_reference: Literal['prelim_pd', 'nadir'] = 'prelim_pd'
    """What a preliminary PD is compared with to be confirmed."""
    nl_min_ld: float = 5.0
    """Least longest diameter of a certain new lesion in RANO-BM, HGG and LGG, mm."""
    lgg_max_targets: int = 5
    """Most targets of RANO-LGG."""
    mrano_max_targets: int = 5
    """Most targets of mRANO."""
    baseline_max_days: int = 14
    """Longest time from baseline to treatment in glioma, days."""
    bm_abs_reference: Literal['nadir', 'own', 'sum'] = 'nadir'
    """From which value the 5 mm of RANO-BM are counted."""
    bm_min_ld: float = 10.0
    """Least longest diameter of a target of RANO-BM, mm; 5 where slices are 1.5 mm or nearer."""
    rt_window_days: int = 84
    """Last day after radiotherapy on which progression is in doubt."""
    flair_pd: Literal['flag', 'apply'] = 'flag'
    """Whether growth on T2/FLAIR alone is progression."""
    confirm_pd: Literal['window', 'always'] = 'window'
    """When RANO 2.0 wants progression confirmed."""
    tiny_rule: Literal['actual', 'recist5'] = 'actual'
    """Whether a target below 5 mm counts as it is or as 5 mm."""
    sd_min_days: int = 0
    """Least days from baseline for SD to be a best response."""

    def in_force(self) -> dict[str, str]:
        """Return all options as text, those at their defaults among them."""
        return {key: str(value) for key, value in dataclasses.asdict(self).items()}

    def differing(self) -> dict[str, str]:
        """Return the options that differ from their default, as text."""
        return {
            field.name: str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


CHOICES = MappingProxyType(
    {
        'rano2_max_ce': (2, 3, 5),
        'rano2_max_nonce': (2, 3, 5),
        'mr_volume_decrease': (40, 35),
        'confirm_reference': ('prelim_pd', 'nadir'),
        'nl_min_ld': (3.0, 5.0, 10.0),
        'lgg_max_targets': (1, 2, 3, 4, 5),
        'mrano_max_targets': (1, 2, 3, 4, 5),
        'baseline_max_days': (14, 21, 28),
        'bm_abs_reference': ('nadir', 'own', 'sum'),
        'bm_min_ld': (10.0, 5.0),
        'rt_window_days': (84, 83),
        'flair_pd': ('flag', 'apply'),
        'confirm_pd': ('window', 'always'),
        'tiny_rule': ('actual', 'recist5'),
    }
)
"""Values that each option may take; one that is not named takes any whole number from 0."""


def parse(items: Iterable[str]) -> Rules:
    """Return the options that the command line asks for.

    Parameters
    ----------
    items
        Each `KEY=VALUE`; the last one wins.

    Raises
    ------
    CommandError
        The key is unknown, or the value is not among its choices.

    Examples
    --------
    >>> parse(['flair_pd=apply', 'nl_min_ld=3']).differing()
    {'nl_min_ld': '3.0', 'flair_pd': 'apply'}
    """
    kinds: dict[str, Callable[[str], float | str]] = {
        name: type(value) for name, value in dataclasses.asdict(Rules()).items()
    }
    found: dict[str, Any] = {}
    for item in items:
        key, equals, text = (part.strip() for part in item.partition('='))
        if not equals or key not in kinds:
            known = ', '.join(kinds)
            raise CommandError(f'no rule `{item}`', where='--rules', do=f'KEY is one of: {known}')
        allowed = CHOICES.get(key)
        value: Any
        try:
            value = kinds[key](text)
        except ValueError:
            value = None
        if value is None or (value not in allowed if allowed else value < 0):
            named = ', '.join(map(str, allowed)) if allowed else 'a whole number from 0'
            raise CommandError(
                f'`{text}` is no value of {key}', where='--rules', do=f'give one of: {named}'
            )
        found[key] = value
    return dataclasses.replace(Rules(), **found)
