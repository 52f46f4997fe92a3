# SPDX-License-Identifier: Apache-2.0
"""Days between visits, and moments given as dates or as days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bids_seg.records import VisitMeasurements

MONTH_DAYS = 365.25 / 12
"""Length of a month where only days are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the visits of a patient were, on one scale of days."""

    days: tuple[int | None, ...]
    """Day of each visit; None where it is not known."""
    shift: int | None
    """Add this to days as counted in the patient's table; None where there is no such scale."""
    dated: bool
    """Whether the scale is that of calendar days."""

    def between(self, first: int, second: int) -> int | None:
        """Return the days from one visit to another, given by their places; None if unknown.

        Parameters
        ----------
        first, second
            Places among the patient's visits.
        """
        start, end = self.days[first], self.days[second]
        return None if start is None or end is None else end - start

    def moment(self, text: str | None) -> int | None:
        """Return the day that a date or a number of days means; None where it cannot be told.

        Parameters
        ----------
        text
            ISO date, or days on the scale of the visits; a time of day is left aside.

        Raises
        ------
        ValueError
            It is neither.
        """
        if text is None or text.strip() in ('', 'n/a'):
            return None
        text = text.strip()
        if text.lstrip('+-').isdigit():
            return None if self.shift is None else int(text) + self.shift
        day = date.fromisoformat(text[:10]).toordinal()
        return day if self.dated else None

    def months_after(self, day: int, months: int) -> int:
        """Return the day some calendar months later, at most the last of its month.

        Parameters
        ----------
        day
            On this scale.
        months
            How many.
        """
        if not self.dated:
            return day + round(months * MONTH_DAYS)
        start = date.fromordinal(day)
        years, month = divmod(start.month - 1 + months, 12)
        year, month = start.year + years, month + 1
        return date(year, month, min(start.day, monthrange(year, month)[1])).toordinal()


def calendar(visits: Sequence[VisitMeasurements]) -> Calendar:
    """Return when visits were: by date where all have one, else by days.

    Parameters
    ----------
    visits
        In order of time.
    """
    dates = [visit.date for visit in visits]
    if dates and all(dates):
        days = [date.fromisoformat(text[:10]).toordinal() for text in dates if text]
        both = [
            day - visit.days
            for day, visit in zip(days, visits, strict=True)
            if visit.days is not None
        ]
        return Calendar(days=tuple(days), shift=both[0] if both else None, dated=True)
    return Calendar(days=tuple(visit.days for visit in visits), shift=0, dated=False)
