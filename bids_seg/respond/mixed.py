# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0 with enhancing and non-enhancing disease: both parts judged, then put together."""

from __future__ import annotations

from dataclasses import replace

from bids_seg.records import Response
from bids_seg.respond.criterion import Criterion
from bids_seg.respond.finish import Rows

_COLUMNS = ('CR', 'PR', 'MR', 'SD', 'PD', 'NE')
_TABLE = {
    'CR': ('CR', 'PR', 'MR', 'SD', 'PD', 'NE'),
    'PR': ('PR', 'PR', 'MR', 'PR', 'PD', 'NE'),
    'SD': ('SD', 'PR', 'MR', 'SD', 'PD', 'NE'),
    'PD': ('PD', 'PD', 'PD', 'PD', 'PD', 'PD'),
    'NE': ('NE', 'NE', 'NE', 'NE', 'PD', 'NE'),
}
_PRELIMINARY = ('PD', 'PD_prelim')


def combined(enhancing: str, other: str) -> str:
    """Return the response of mixed disease.

    Parameters
    ----------
    enhancing, other
        Responses of both parts. A preliminary PD wins as PD does, but stays preliminary; one
        that was not confirmed counts as SD.

    Notes
    -----
    Table of RANO 2.0, Wen 2023, 10.1200/JCO.23.01059.

    Examples
    --------
    >>> combined('PR', 'SD'), combined('CR', 'MR'), combined('SD', 'PD_prelim')
    ('PR', 'MR', 'PD_prelim')
    """
    both = (enhancing, other)
    if 'PD' not in both and 'PD_prelim' in both:
        return 'PD_prelim'
    first, second = ('SD' if one == 'PD_prelim_not_confirmed' else one for one in both)
    if first == 'PD_prelim' or second == 'PD_prelim':
        return 'PD'
    found = _TABLE[first][_COLUMNS.index(second)]
    unconfirmed = 'PD_prelim_not_confirmed'
    return unconfirmed if found == 'SD' and unconfirmed in both else found


def combine(criterion: Criterion, enhancing: Rows, other: Rows) -> Rows:
    """Return the responses of mixed disease; the figures are those of the enhancing part.

    Parameters
    ----------
    criterion
        The mixed one.
    enhancing, other
        Both parts.
    """
    rows = tuple(
        _row(criterion, first, second)
        for first, second in zip(enhancing.rows, other.rows, strict=True)
    )
    dated: dict[int, int] = {}
    for part in (enhancing, other):
        for place, day in part.dated.items():
            dated[place] = min(day, dated.get(place, day))
    return Rows(rows=rows, dated=dated, baseline=enhancing.baseline)


def _row(criterion: Criterion, first: Response, second: Response) -> Response:
    """Return the response of mixed disease at one visit."""
    both = (*first.standings, *second.standings)
    named = replace(first, criterion=criterion.name, standings=both)
    if first.response == 'n/a':
        return named
    kept, left = (first, second) if _there(first) else (second, first)
    if not _there(left) and left.response not in _PRELIMINARY:
        return replace(kept, criterion=criterion.name, standings=both)
    response = combined(first.response, second.response)
    waiting = next((one for one in (first, second) if one.response == response), first)
    return replace(
        named,
        response=response,
        rule_fired=f'2.8;{first.rule_fired}|{second.rule_fired}',
        reason=waiting.reason,
        sentence=f'{response}: enhancing {first.sentence} | non-enhancing {second.sentence}',
        provisional=first.provisional or second.provisional,
        confirm_status=waiting.confirm_status,
        confirm_session=waiting.confirm_session,
        threshold_sensitive=first.threshold_sensitive or second.threshold_sensitive,
        flags=tuple(dict.fromkeys((*first.flags, *second.flags))),
    )


def _there(row: Response) -> bool:
    """Tell whether a part of the disease was there at baseline, or may have been."""
    unknown = row.response == 'NE' and row.rule_fired == 'n/a'
    return unknown or row.n_targets > 0 or row.nontarget != 'NONE'
