# SPDX-License-Identifier: Apache-2.0
"""The timeline: visits, responses, treatment, steroids and the sum over targets on one time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bids_seg.records import VisitMeasurements
from bids_seg.report import chart, history, sums
from bids_seg.report.chart import NARROW, Scale
from bids_seg.report.clock import Clock, clock, day_of
from bids_seg.report.history import Account
from bids_seg.report.wording import number

WINDOW_DAYS = 84
"""Days after radiotherapy in which growth may be its effect (RANO, doi:10.1200/JCO.23.01059)."""
DOSES, BAR = 46.0, 20.0
"""Heights of the steroids' row and of a bar, pixels."""
BOX = (40.0, 24.0)
"""Size of a response's box."""
RADIOTHERAPY, TREATMENT = '#8a6bbf', '#4f8f8b'
"""Colours of bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A treatment on the axis."""

    name: str
    """What it is."""
    start: float | None
    """Day of its start; None where it is not known."""
    end: float | None
    """Day of its end; None where it goes on or is not known."""
    ink: str
    """Its colour."""


def treatments(account: Account) -> list[Span]:
    """Return what is known of the treatment.

    Parameters
    ----------
    account
        Whose patient's columns, and visits' columns.
    """
    columns = dict(account.info)
    for visit in account.visits:
        columns |= {key: value for key, value in visit.clinical.items() if value not in {'', 'n/a'}}
    found = {
        name: day_of(columns.get(name), account.visits)
        for name in ('rt_start_date', 'rt_end_date', 'treatment_start', 'immunotherapy_start')
    }
    ended = [
        row for row in account.rows if row.days is not None and row.days_from_rt_end is not None
    ]
    if found['rt_end_date'] is None and ended:
        last = ended[-1]
        found['rt_end_date'] = float((last.days or 0) - (last.days_from_rt_end or 0))
    spans = []
    if found['rt_end_date'] is not None:
        spans.append(
            Span(
                name='radiotherapy',
                start=found['rt_start_date'],
                end=found['rt_end_date'],
                ink=RADIOTHERAPY,
            )
        )
    for column, name in (
        ('treatment_start', 'treatment'),
        ('immunotherapy_start', 'immunotherapy'),
    ):
        if found[column] is not None:
            spans.append(Span(name=name, start=found[column], end=None, ink=TREATMENT))
    return spans


def draw(account: Account, *, width: float, alt: str, dates: bool) -> str:
    """Return the timeline as SVG.

    Parameters
    ----------
    account
        With at least two visits.
    width
        Pixels.
    alt
        What it shows, with the numbers.
    dates
        Whether calendar dates may be shown.
    """
    narrow = width <= NARROW
    left, right = (54.0, width - 14) if narrow else (78.0, width - 170)
    spans = treatments(account)
    first, last = _ends(account.visits)
    # A treatment long before the first visit must not squeeze the visits together.
    reach = 0.35 * max(last - first, 30.0)
    further = [
        max(day, first - reach)
        for span in spans
        for day in (span.start, span.end)
        if day is not None and day < last + reach
    ]
    time = clock(account.visits, left=left + 12, right=right - 12, further=further)
    y, drawn = _visits(account, time, dates=dates, bounds=(0.0, width))
    top = y
    if time.dated:
        for span in spans:
            drawn.append(_bar(span, time, y, ends=(left, right), narrow=narrow))
            y += BAR
    if any(number(visit.clinical.get('steroid_mg')) is not None for visit in account.visits):
        drawn += _doses(account.visits, time, y + 6, ends=(left, right))
        y += DOSES + 14
    if account.rows and account.criterion is not None:
        drawn += sums.plot(
            account, account.criterion, time, y + 12, ends=(left, right), narrow=narrow
        )
        y += sums.PLOT + 30
    window = _window(spans, time, top=top, bottom=y, ends=(left, right)) if time.dated else []
    drawn += chart.axis(time.ticks, y)
    y += 26
    if narrow and account.criterion is not None:
        for (said, ink), dash in zip(
            sums.limits(account, account.criterion), ('7 5', '3 3'), strict=False
        ):
            drawn.append(
                chart.line([(left, y + 8), (left + 26, y + 8)], ink=ink, dash=dash, width=1.8)
            )
            drawn.append(chart.text((left + 32, y + 12), said, size=12, ink=ink))
            y += 17
    return chart.svg([*window, *drawn], size=(width, y), alt=alt)


def _ends(visits: Sequence[VisitMeasurements]) -> tuple[float, float]:
    """Return the first and the last day."""
    known = [float(visit.days) for visit in visits if visit.days is not None] or [0.0]
    return min(known), max(known)


def _visits(
    account: Account, time: Clock, *, dates: bool, bounds: tuple[float, float]
) -> tuple[float, list[str]]:
    """Return where the row of visits ends, and visits as nodes with their responses."""
    names = [history.name_of(visit) for visit in account.visits]
    half = [max(BOX[0], chart.width(name)) / 2 for name in names]
    spans = [(time.x(i) - half[i], time.x(i) + half[i]) for i in range(len(names))]
    rows = chart.levels(spans)
    node = 14 + (max(rows, default=0) + 1) * 48
    drawn = [chart.line([(time.x(0), node), (time.x(len(names) - 1), node)], opacity=0.5)]
    for place, visit in enumerate(account.visits):
        x = time.x(place)
        y = node - 16 - rows[place] * 48
        if rows[place]:
            drawn.append(chart.line([(x, y + 2), (x, node - 5)], width=1, opacity=0.35))
        middle = min(max(x, bounds[0] + half[place]), bounds[1] - half[place])
        drawn.append(chart.text((middle, y - BOX[1] - 5), names[place], anchor='middle'))
        row = account.rows[place] if account.rows else None
        if row is not None:
            if place == account.baseline:
                drawn.append(chart.text((middle, y - 7), 'baseline', anchor='middle', size=11))
            else:
                drawn.append(_box(row.response, (middle, y - BOX[1]), provisional=row.provisional))
        drawn.append(chart.dot((x, node), hollow=not visit.evaluable, radius=5))
    return node + 16, drawn


def _box(response: str, at: tuple[float, float], *, provisional: bool) -> str:
    """Return a response in its box, solid or, where provisional, hollow."""
    said = history.badge(response)
    small = 13.0 if len(said) < 4 else 9.0
    if response == 'n/a':
        return chart.text((at[0], at[1] + 17), said, anchor='middle')
    ink = sums.INKS.get(response, '#6b6b6b')
    hollow = provisional or response in {'NE', 'PD_prelim', 'PD_prelim_not_confirmed'}
    dash = ' stroke-dasharray="4 3"' if hollow else ''
    fill = 'var(--card, #fff)' if hollow else ink
    letters = 'currentColor' if hollow else '#fff'
    return (
        f'<rect x="{at[0] - BOX[0] / 2:.1f}" y="{at[1]:.1f}" width="{BOX[0]:g}" height="{BOX[1]:g}" '
        f'rx="4" fill="{fill}" stroke="{ink}" stroke-width="2"{dash}/>'
        + chart.text(
            (at[0], at[1] + 16.5),
            said,
            anchor='middle',
            size=small,
            ink=letters,
            style='font-weight="650"',
        )
    )


def _bar(span: Span, time: Clock, y: float, *, ends: tuple[float, float], narrow: bool) -> str:
    """Return a treatment's bar; an end that is not known fades, one that goes on has an arrow."""
    start = ends[0] if span.start is None else max(time.scale.at(span.start), ends[0])
    end = ends[1] if span.end is None else max(time.scale.at(span.end), ends[0])
    drawn = [
        f'<rect x="{start:.1f}" y="{y + 4:.1f}" width="{max(end - start, 3):.1f}" height="9" rx="2" '
        f'fill="{span.ink}" fill-opacity="{0.35 if span.start is None else 0.8}"/>'
    ]
    name = span.name
    if span.end is None:
        drawn.append(
            f'<path d="M{end:.1f} {y + 1:.1f}l9 7.5l-9 7.5z" fill="{span.ink}" fill-opacity=".8"/>'
        )
    else:
        day = f'{span.end:.0f}'.replace('-', '\N{MINUS SIGN}')
        name += f' ended day {day}'
    room = start - 6 > chart.width(name, size=12)
    at = (start - 6, y + 13) if room else (max(end, start) + 12, y + 13)
    if span.end is None and not room:
        at = (start + 4, y + 24)
    drawn.append(chart.text(at, name, anchor='end' if room else 'start', size=11 if narrow else 12))
    return ''.join(drawn)


def _window(
    spans: Sequence[Span], time: Clock, *, top: float, bottom: float, ends: tuple[float, float]
) -> list[str]:
    """Return the shaded weeks after radiotherapy."""
    found = []
    for span in spans:
        if span.name != 'radiotherapy' or span.end is None:
            continue
        start = max(time.scale.at(span.end), ends[0])
        end = min(time.scale.at(span.end + WINDOW_DAYS), ends[1])
        if end > start:
            found.append(
                f'<rect x="{start:.1f}" y="{top:.1f}" width="{end - start:.1f}" '
                f'height="{bottom - top:.1f}" fill="{RADIOTHERAPY}" fill-opacity=".13"/>'
            )
            found.append(
                chart.text(
                    (start + 4, bottom - 6), f'{WINDOW_DAYS} days after radiotherapy', size=11
                )
            )
    return found


def _doses(
    visits: Sequence[VisitMeasurements], time: Clock, y: float, *, ends: tuple[float, float]
) -> list[str]:
    """Return the dose of steroids as a step line; it holds until the next visit that states one."""
    doses = [
        (time.x(place), dose, place)
        for place, visit in enumerate(visits)
        if (dose := number(visit.clinical.get('steroid_mg'))) is not None
    ]
    scale = Scale(
        low=0, high=max(*(dose for _, dose, _ in doses), 1.0), start=y + DOSES, end=y + 14
    )
    points: list[tuple[float, float]] = []
    for x, dose, _ in doses:
        if points:
            points.append((x, points[-1][1]))
        points.append((x, scale.at(dose)))
    drawn = [
        chart.line([(ends[0], y + DOSES), (ends[1], y + DOSES)], width=1, opacity=0.25),
        chart.line(points, width=1.8),
        chart.text((ends[0] - 8, y + 22), 'steroid', anchor='end', size=11),
        chart.text((ends[0] - 8, y + 35), 'mg/day', anchor='end', size=11),
    ]
    drawn += [chart.dot((x, scale.at(dose)), radius=2.5) for x, dose, _ in doses]
    said = [f'{dose:g}' for _, dose, _ in doses]
    beside = [(x + 9, scale.at(dose) - 5) for x, dose, _ in doses]
    for index in chart.clear(beside, said, first=(-1, 0), size=14):
        drawn.append(chart.haloed(beside[index], said[index], size=11))
    return drawn
