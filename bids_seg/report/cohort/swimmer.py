# SPDX-License-Identifier: Apache-2.0
"""The swimmer: how long every participant was followed, and what happened when."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import groupby

from bids_seg.report import chart
from bids_seg.report.chart import NARROW, Scale
from bids_seg.report.cohort.marks import days, ink, rank, shape
from bids_seg.report.cohort.people import TREATMENTS, Judgement, Person

FEW, MANY = 40, 150
"""Participants up to which rows have a name, and up to which they have symbols."""
TOP = 12.0
"""Room above the rows."""
EARLIEST = -120.0
"""Day before which treatment is not shown."""
LETTERS = {'rt_end_date': 'R', 'treatment_start': 'T', 'immunotherapy_start': 'I'}
"""Letter of each treatment."""


def shown(judgement: Judgement) -> tuple[Person, ...]:
    """Return who has a row: with the best response first, the longest followed first among equals.

    Parameters
    ----------
    judgement
        All participants by one criterion.
    """
    known = [person for person in judgement.people if person.last is not None]
    return tuple(sorted(known, key=lambda one: (rank(one.bor), one.bor, -(one.last or 0.0))))


def swimmer(judgement: Judgement, *, width: float) -> str:
    """Return the chart as SVG.

    Parameters
    ----------
    judgement
        All participants by one criterion; `shown` names at least one.
    width
        Pixels.
    """
    people = shown(judgement)
    row = 24.0 if len(people) <= FEW else 9.0 if len(people) <= MANY else 1.8
    left = 40.0
    if len(people) <= FEW:
        names = max(chart.width(_short(one.participant, width), size=12) for one in people)
        left = names + 50
    lettered = len(people) <= FEW and width > NARROW
    treated = [day for one in people for _, day in one.treatments if day >= EARLIEST]
    longest = max(*(person.last or 0.0 for person in people), 1.0)
    ticks = [day for day in chart.ticks(longest, number=5) if day <= longest and day == int(day)]
    low = min([0.0, *treated]) if lettered else 0.0
    time = Scale(low=low, high=longest, start=left, end=width - 20)
    bottom = TOP + row * len(people) + 6
    drawn = []
    for day in ticks:
        x = time.at(day)
        drawn.append(chart.line([(x, TOP), (x, bottom)], width=1, opacity=0.16))
        drawn.append(chart.text((x, bottom + 16), days(day), anchor='middle', size=12))
    drawn.append(chart.text((time.end, bottom + 33), 'days from baseline', anchor='end', size=12))
    drawn += _groups(people, row, left)
    for place, person in enumerate(people):
        y = TOP + row * (place + 0.5)
        if len(people) <= FEW:
            drawn.append(
                chart.text(
                    (left - 44, y + 4), _short(person.participant, width), anchor='end', size=12
                )
            )
        drawn.append(_lane(person, time, y, row))
        if lettered:
            drawn += [
                _treatment(name, time.at(day), y)
                for name, day in person.treatments
                if day >= EARLIEST
            ]
    return chart.svg(drawn, size=(width, bottom + 40), alt=told(judgement))


def told(judgement: Judgement) -> str:
    """Return what the chart shows, with the numbers.

    Parameters
    ----------
    judgement
        As of `swimmer`.
    """
    people = shown(judgement)
    lasts = [person.last or 0.0 for person in people]
    progressed = sum(person.progression is not None for person in people)
    said = (
        f'Follow-up by {judgement.title}, {len(people)} participants, {days(min(lasts))} to '
        f'{days(max(lasts))} days from baseline; PD in {progressed}'
    )
    if len(people) <= 30:
        each = []
        for one in people:
            words = [f'{one.participant} {one.bor}, {days(one.last)} days']
            words += [f'response on day {days(one.first)}'] if one.first is not None else []
            words += [f'PD on day {days(one.progression)}'] if one.progression is not None else []
            each.append(', '.join(words))
        said += ': ' + '; '.join(each)
    return said + '.'


def treatments(judgement: Judgement) -> list[tuple[str, str]]:
    """Return letter and words of the treatments that are shown.

    Parameters
    ----------
    judgement
        As of `swimmer`.
    """
    if len(shown(judgement)) > FEW:
        return []
    found = {name for one in shown(judgement) for name, day in one.treatments if day >= EARLIEST}
    return [(LETTERS[name], TREATMENTS[name]) for name in LETTERS if name in found]


def _groups(people: Sequence[Person], row: float, left: float) -> list[str]:
    """Return the name of each best response beside its rows, and lines between them."""
    drawn, place = [], 0
    for name, members in groupby(people, key=lambda one: one.bor):
        count = len(list(members))
        top, bottom = TOP + row * place + 1, TOP + row * (place + count) - 1
        drawn.append(
            f'<rect x="{left - 36:.1f}" y="{top:.1f}" width="5" height="{max(bottom - top, 1):.1f}" '
            f'fill="{ink(name)}"/>'
        )
        if bottom - top > 11:
            said = name if len(name) < 4 else 'PD?'
            drawn.append(
                chart.text((left - 28, min(top + 16, (top + bottom) / 2 + 5)), said, size=12)
            )
        place += count
    return drawn


def _lane(person: Person, time: Scale, y: float, row: float) -> str:
    """Return the bar of one participant and what happened on it."""
    last = person.last or 0.0
    start, end = time.at(0), max(time.at(last), time.at(0) + 2)
    said = f'{person.participant}: {person.bor}, followed for {days(last)} days'
    thick = row * (0.55 if row > 20 else 0.8)
    fill = 'var(--grey)' if person.imaging_only else ink(person.bor)
    drawn = [
        f'<rect x="{start:.1f}" y="{y - thick / 2:.1f}" width="{end - start:.1f}" '
        f'height="{thick:.1f}" fill="{fill}" fill-opacity=".5"/>'
    ]
    marks = [('PR', person.first), ('PD', person.progression)]
    radius = min(6.0, max(row * 0.45, 1.4))
    if row > 20 and person.confirmed is not None:
        drawn.append(chart.dot((time.at(person.confirmed), y), radius=5, ink='currentColor'))
    if row > 5:
        drawn += [
            shape(name, (time.at(day), y), radius=radius) for name, day in marks if day is not None
        ]
        if person.censored:
            half = thick / 2 + 2
            drawn.append(
                f'<path d="M{end:.1f} {y - half:.1f}l{half * 1.3:.1f} {half:.1f}l-{half * 1.3:.1f} '
                f'{half:.1f}z" fill="{fill}" fill-opacity=".8"/>'
            )
    else:
        drawn += [
            f'<rect x="{time.at(day) - 1.5:.1f}" y="{y - row / 2:.1f}" width="3" height="{row:.1f}" '
            f'fill="{ink(name)}"/>'
            for name, day in marks
            if day is not None
        ]
    return f'<g><title>{html.escape(said)}</title>{"".join(drawn)}</g>'


def _treatment(name: str, x: float, y: float) -> str:
    """Return a treatment's letter on a small ground."""
    return (
        f'<rect x="{x - 7:.1f}" y="{y - 8:.1f}" width="14" height="16" rx="3" '
        'fill="var(--card, #fff)" stroke="currentColor" stroke-width="1"/>'
        + chart.text((x, y + 4.2), LETTERS[name], anchor='middle', size=11)
    )


def _short(participant: str, width: float) -> str:
    """Return a name that fits beside the rows."""
    name = participant.removeprefix('sub-')
    most = 9 if width <= NARROW else 20
    return name if len(name) <= most else f'{name[: most - 1]}\N{HORIZONTAL ELLIPSIS}'
