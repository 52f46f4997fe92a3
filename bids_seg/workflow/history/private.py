# SPDX-License-Identifier: Apache-2.0
"""Dates taken out of what goes into an output: days on the scale of the visits instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from bids_seg.records import Visit

MOMENTS = ('rt_end_date', 'immunotherapy_start', 'treatment_start')
"""Columns that may hold a date."""


def without_dates(visit: Visit) -> Visit:
    """Return a visit without dates; those of its clinical columns become days.

    Parameters
    ----------
    visit
        With its date, if it is known.

    Examples
    --------
    >>> visit = Visit(participant='1', session='a', scans=(), days=30, date='2020-02-01',
    ...     clinical={'rt_end_date': '2020-01-01', 'kps': '90'})
    >>> without_dates(visit).clinical
    {'rt_end_date': '-1', 'kps': '90'}
    """
    return replace(visit, date=None, clinical=columns_without_dates(visit.clinical, [visit]))


def columns_without_dates(row: Mapping[str, str], visits: Sequence[Visit]) -> dict[str, str]:
    """Return columns in which dates are days on the scale of some visits.

    Parameters
    ----------
    row
        Cells by column.
    visits
        At least one that has both date and day tells the scale; without one a date cannot be
        shown and becomes `n/a`.
    """
    both = [(visit.date, visit.days) for visit in visits]
    start = next(
        (_ordinal(when) - days for when, days in both if when is not None and days is not None),
        None,
    )
    return {name: _day(text, start) if name in MOMENTS else text for name, text in row.items()}


def _day(text: str, start: int | None) -> str:
    """Return the days that a cell means; as it is where it holds no date."""
    try:
        day = _ordinal(text)
    except ValueError:
        return text
    return 'n/a' if start is None else str(day - start)


def _ordinal(text: str) -> int:
    """Return the number of the day of an ISO date."""
    return date.fromisoformat(text.strip()[:10]).toordinal()
