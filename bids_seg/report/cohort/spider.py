# SPDX-License-Identifier: Apache-2.0
"""The spider: the sum of every participant through time, as a change from its baseline."""

from __future__ import annotations

import html
import statistics

from bids_seg.report import chart
from bids_seg.report.chart import NARROW, Scale
from bids_seg.report.cohort.marks import CAP, HALO, days, ink, percent, shape
from bids_seg.report.cohort.people import Judgement, Person

PLOT = 300.0
"""Height from -100 to +100 %, pixels."""
TOP = 24.0
"""Room above it."""
FEW = 60
"""Participants up to which visits are dots and new lesions stars."""
NAMED = 14
"""Participants up to which lines have a name."""


def shown(judgement: Judgement) -> tuple[Person, ...]:
    """Return who has a line: at least two visits with a day and a sum.

    Parameters
    ----------
    judgement
        All participants by one criterion.
    """
    return tuple(
        person
        for person in judgement.people
        if sum(point.percent is not None for point in person.points) > 1
    )


def spider(judgement: Judgement, *, width: float) -> str:
    """Return the chart as SVG.

    Parameters
    ----------
    judgement
        All participants by one criterion; `shown` names at least one.
    width
        Pixels.
    """
    people = shown(judgement)
    named = len(people) <= NAMED and width > NARROW
    longest = max(max(point.days for one in people for point in one.points), 1.0)
    ticks = [day for day in chart.ticks(longest, number=5) if day <= longest and day == int(day)]
    time = Scale(low=0, high=longest, start=48, end=width - (110 if named else 14))
    change = Scale(low=-CAP, high=CAP, start=TOP + PLOT, end=TOP)
    drawn = _axes(judgement, time, change, ticks)
    ends = []
    for person in people:
        places = [
            (time.at(point.days), change.at(min(point.percent, CAP)))
            for point in person.points
            if point.percent is not None
        ]
        drawn.append(_line(person, places, few=len(people) <= FEW))
        ends.append(places[-1])
    drawn += [
        shape(person.bor, end, radius=5.5 if len(people) <= FEW else 3.2)
        for person, end in zip(people, ends, strict=True)
    ]
    if len(people) <= FEW:
        drawn += _stars(people, time, change)
    if named:
        drawn += _names(people, ends)
    bottom = TOP + PLOT + 38
    return chart.svg(drawn, size=(width, bottom), alt=told(judgement))


def told(judgement: Judgement) -> str:
    """Return what the chart shows, with the numbers.

    Parameters
    ----------
    judgement
        As of `spider`.
    """
    people = shown(judgement)
    lasts = [[p.percent for p in one.points if p.percent is not None][-1] for one in people]
    longest = max(point.days for one in people for point in one.points)
    said = (
        f'Change from baseline through time by {judgement.title}, {len(people)} participants over '
        f'up to {days(longest)} days; last change {percent(min(lasts))} to {percent(max(lasts))}, '
        f'median {percent(statistics.median(lasts))}'
    )
    if len(people) <= NAMED:
        each = []
        for one in people:
            steps = [f'{days(p.days)}: {percent(p.percent)}' for p in one.points if p.percent]
            each.append(f'{one.participant} by day {", ".join(steps) or "no change"}')
        said += '. ' + '; '.join(each)
    return said + '.'


def _axes(judgement: Judgement, time: Scale, change: Scale, ticks: list[float]) -> list[str]:
    """Return grid lines, days, and the limit of response."""
    ends = (time.start, time.end)
    drawn = []
    for value in (-100, -50, 0, 50, 100):
        y = change.at(value)
        faint = 0.55 if value == 0 else 0.16
        drawn.append(chart.line([(ends[0], y), (ends[1], y)], width=1, opacity=faint))
        said = percent(value).removesuffix(' %')
        drawn.append(chart.text((ends[0] - 8, y + 4.5), said, anchor='end'))
    drawn.append(chart.text((ends[0] - 8, TOP - 10), '%', anchor='end'))
    if judgement.rules is not None:
        y = change.at(-judgement.rules.partial_pct)
        drawn.append(chart.line([(ends[0], y), (ends[1], y)], ink=ink('PR'), dash='6 4'))
    base = change.start
    drawn += [
        chart.text((time.at(day), base + 18), days(day), anchor='middle', size=12) for day in ticks
    ]
    drawn.append(chart.text((time.end, base + 34), 'days from baseline', anchor='end', size=12))
    return drawn


def _line(person: Person, places: list[tuple[float, float]], *, few: bool) -> str:
    """Return the line of one participant; dashed where only images are known."""
    said = f'{person.participant}: {person.bor}'
    if person.best is not None:
        said += f', best {percent(person.best)}'
    drawn = chart.line(
        places,
        ink=ink(person.bor),
        width=2.0 if few else 1.0,
        opacity=1.0 if few else 0.5,
        dash='5 3' if person.imaging_only and few else '',
    )
    if few:
        drawn += ''.join(chart.dot(at, ink=ink(person.bor), radius=2.4) for at in places[:-1])
    return f'<g><title>{html.escape(said)}</title>{drawn}</g>'


def _stars(people: tuple[Person, ...], time: Scale, change: Scale) -> list[str]:
    """Return stars at visits with a certain new lesion, beside the line."""
    return [
        chart.star((time.at(point.days) - 1, change.at(min(point.percent or 0.0, CAP)) - 13))
        for person in people
        for point in person.points
        if point.new
    ]


def _names(people: tuple[Person, ...], ends: list[tuple[float, float]]) -> list[str]:
    """Return the names of participants beside the ends of their lines, none over another."""
    drawn: list[str] = []
    placed: list[tuple[float, float, float]] = []
    for person, (x, y) in sorted(zip(people, ends, strict=True), key=lambda one: one[1][1]):
        name = _short(person.participant.removeprefix('sub-'))
        left, right, level = x + 9, x + 9 + chart.width(name, size=12), y - 2
        while any(
            left < other + 2 and before < right + 2 and abs(level - height) < 12
            for before, other, height in placed
        ):
            level += 3
        placed.append((left, right, level))
        drawn.append(chart.text((left, level + 4), name, size=12, style=HALO))
    return drawn


def _short(name: str) -> str:
    """Return a name that fits beside the chart."""
    return name if len(name) <= 14 else f'{name[:13]}\N{HORIZONTAL ELLIPSIS}'
