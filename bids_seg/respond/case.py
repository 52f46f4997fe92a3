# SPDX-License-Identifier: Apache-2.0
"""One patient's course as one criterion sees it: whole numbers, by lesion and visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from bids_seg.records import Course, Event, Lesion, VisitMeasurements
from bids_seg.respond.arithmetic import recorded
from bids_seg.respond.clinical import Clinical, read
from bids_seg.respond.criterion import Criterion
from bids_seg.respond.rules import Rules
from bids_seg.respond.times import Calendar, calendar

OF_PATIENT = ('rt_end_date', 'immunotherapy_start')
"""Clinical columns that may be given once for a patient."""

Bound = Literal['low', 'high']
"""Lesions drawn at a higher probability (low) or at a lower one (high)."""
TINY = 50
"""Below this diameter a target may be counted as 5 mm, tenths of mm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Recorded numbers of a lesion: tenths of mm, hundredths of mm2, mm3."""

    ld: int
    """Longest diameter."""
    sd: int
    """Perpendicular diameter."""
    product: int
    """Of both."""
    volume: int
    """Of the label mask."""
    n_slices: int = 2
    """Slices that it reaches."""
    spacing: float = 1.0
    """Distance between slice centres, mm."""
    probability: float | None = None
    """Mean inside; None where a person drew it."""
    low: tuple[int, int, int] | None = None
    """Diameter, product and volume at the probability that draws it small."""
    high: tuple[int, int, int] | None = None
    """The same at the probability that draws it large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A lesion at a visit."""

    event: Event
    """What became of its identity."""
    size: Size | None
    """None where it is not present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a criterion needs of a patient."""

    course: Course
    """As it came in."""
    criterion: Criterion
    """The criterion."""
    rules: Rules
    """Options in force."""
    calendar: Calendar
    """Days of the visits."""
    clinical: tuple[Clinical, ...]
    """Of each visit."""
    seen: Mapping[str, Mapping[int, Seen]]
    """By lesion id and place of the visit."""
    faults: tuple[str, ...]
    """Why each visit cannot be judged; empty where it can."""

    def evaluable(self, place: int) -> bool:
        """Tell whether a visit can be judged.

        Parameters
        ----------
        place
            Of the visit.
        """
        return not self.faults[place]

    def at(self, lesion_id: str, place: int) -> Seen | None:
        """Return a lesion at a visit; None where it is not known then.

        Parameters
        ----------
        lesion_id
            Name of the lesion.
        place
            Of the visit.
        """
        return self.seen[lesion_id].get(place)

    def day(self, place: int) -> int | None:
        """Return the day of a visit as the patient's table counts, or since the first visit.

        Parameters
        ----------
        place
            Of the visit.
        """
        since = self.calendar.between(0, place)
        return None if since is None else since + (self.course.visits[0].days or 0)

    def present(self, lesion_id: str, place: int) -> Size | None:
        """Return the size of a lesion that is present at a visit that can be judged.

        Parameters
        ----------
        lesion_id
            Name of the lesion.
        place
            Of the visit.
        """
        seen = self.seen[lesion_id].get(place) if self.evaluable(place) else None
        return seen.size if seen is not None and seen.event.status == 'present' else None


def prepare(course: Course, criterion: Criterion, rules: Rules) -> Case:
    """Return a patient's course as a criterion sees it.

    Parameters
    ----------
    course
        All visits.
    criterion
        One that measures; not a mixed one.
    rules
        Options in force.
    """
    when = calendar(course.visits)
    seen: dict[str, dict[int, Seen]] = {}
    for place, visit in enumerate(course.visits):
        for one in visit.observations.get(criterion.tissue, ()):
            if one.event.lesion_id.startswith('U'):
                continue
            size = None if one.lesion is None else size_of(one.lesion, visit, criterion)
            seen.setdefault(one.event.lesion_id, {})[place] = Seen(event=one.event, size=size)
    return Case(
        course=course,
        criterion=criterion,
        rules=rules,
        calendar=when,
        clinical=tuple(read(_columns(course, visit), when) for visit in course.visits),
        seen=dict(sorted(seen.items())),
        faults=tuple(_fault(visit, criterion) for visit in course.visits),
    )


def size_of(lesion: Lesion, visit: VisitMeasurements, criterion: Criterion) -> Size:
    """Return the recorded numbers of a lesion that a criterion uses.

    Parameters
    ----------
    lesion
        Its measurement.
    visit
        Where it was measured.
    criterion
        Says which pair of diameters counts.
    """
    cross = lesion.longest if criterion.pair == 'longest' else lesion.largest_product
    ld, sd = recorded(cross.ld_mm, 10), recorded(cross.sd_mm, 10)
    spacing = lesion.slice_spacing_mm
    if criterion.tissue in ('WT', 'NonCE'):
        spacing = max(spacing, visit.flair_spacing_mm or 0.0)
    longest = recorded(lesion.longest.ld_mm, 10)

    def drawn(diameter: float | None, volume: int | None) -> tuple[int, int, int] | None:
        if diameter is None or volume is None or longest == 0:
            return None
        # Only the longest diameter is measured at other probabilities: the rest is to scale.
        share = Decimal(recorded(diameter, 10)) / longest
        return recorded(ld * share, 1), recorded(ld * sd * share * share, 1), volume

    return Size(
        ld=ld,
        sd=sd,
        product=ld * sd,
        volume=lesion.volume_mm3,
        n_slices=lesion.n_slices,
        spacing=spacing,
        probability=lesion.mean_prob,
        low=drawn(lesion.ld_low_mm, lesion.volume_low_mm3),
        high=drawn(lesion.ld_high_mm, lesion.volume_high_mm3),
    )


def _columns(course: Course, visit: VisitMeasurements) -> dict[str, str]:
    """Return the clinical columns of a visit, with those of the patient where it has none."""
    own = {name: text for name, text in visit.clinical.items() if text.strip() not in ('', 'n/a')}
    shared = {name: course.info[name] for name in OF_PATIENT if name in course.info}
    return {**shared, **own}


def _fault(visit: VisitMeasurements, criterion: Criterion) -> str:
    """Return why a visit cannot be judged by a criterion; empty where it can."""
    if not visit.evaluable:
        return visit.reason or 'not_evaluable'
    if not set(criterion.images) & set(visit.roles):
        return 'no_t1c' if criterion.images == ('T1wCE',) else 'no_flair'
    return '' if criterion.tissue in visit.observations else 'not_measured'
