# SPDX-License-Identifier: Apache-2.0
"""The time axis of charts: days where all visits have them, else the order of the visits."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from bids_seg.records import VisitMeasurements
from bids_seg.report.chart import Scale
from bids_seg.report.wording import number


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where visits stand in time."""

    places: tuple[float, ...]
    """Days, or ranks of the visits."""
    dated: bool
    """Whether they are days."""
    scale: Scale
    """From days or ranks to pixels."""

    names: tuple[str, ...]
    """What is written below each visit."""

    def x(self, place: int) -> float:
        """Return where a visit stands."""
        return self.scale.at(self.places[place])

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Where each visit stands, and what is written there."""
        return [(self.x(place), name) for place, name in enumerate(self.names)]


def clock(
    visits: Sequence[VisitMeasurements], *, left: float, right: float, further: Sequence[float] = ()
) -> Clock:
    """Return the time axis of visits.

    Parameters
    ----------
    visits
        In order of time.
    left, right
        Ends of the axis, pixels.
    further
        Other days that must be on it.
    """
    days = [visit.days for visit in visits]
    known = [float(day) for day in days if day is not None]
    if len(known) == len(days) and len(set(known)) > 1:
        ends = [*known, *further]
        scale = Scale(low=min(ends), high=max(ends), start=left, end=right)
        names = tuple(f'day {day:.0f}' for day in known)
        return Clock(places=tuple(known), dated=True, scale=scale, names=names)
    ranks = tuple(float(rank) for rank in range(len(visits)))
    scale = Scale(low=0, high=max(ranks[-1], 1.0) if ranks else 1.0, start=left, end=right)
    names = tuple(visit.session or 'visit' for visit in visits)
    return Clock(places=ranks, dated=False, scale=scale, names=names)


def day_of(value: str | None, visits: Sequence[VisitMeasurements]) -> float | None:
    """Return a column's date or day as a day on the patient's scale; None where it cannot be told.

    Parameters
    ----------
    value
        A whole number, or an ISO date.
    visits
        Of which one must have day and date for a date to be placed.
    """
    plain = number(value)
    if plain is not None:
        return plain
    try:
        date = datetime.date.fromisoformat((value or '')[:10])
    except ValueError:
        return None
    for visit in visits:
        if visit.days is not None and visit.date:
            return float(visit.days + (date - datetime.date.fromisoformat(visit.date[:10])).days)
    return None
