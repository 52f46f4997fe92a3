# SPDX-License-Identifier: Apache-2.0
"""The waterfall: the best change of every participant, from the largest growth to the largest loss."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bids_seg.report import chart
from bids_seg.report.chart import NARROW, Scale
from bids_seg.report.cohort.marks import CAP, HALO, ink, percent, rank
from bids_seg.report.cohort.people import Judgement, Person
from bids_seg.report.cohort.rates import RESPONSES

PLOT = 270.0
"""Height from -100 to +100 %, pixels."""
TOP = 24.0
"""Room for letters above it."""
LETTERED = 24.0
"""Width of a bar's place from which its response stands on it."""
MARKED = 7.0
"""Width from which single marks stand on bars; below, rows under the chart hold them."""
NAMED = 13.0
"""Width from which bars have the participant's name below."""
WIDEST = 76.0
"""Most a bar takes, pixels."""
ROW = 11.0
"""Height of a row of marks under the chart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where things stand."""

    left: float
    right: float
    slot: float
    """Width of a bar's place."""
    scale: Scale
    """From percent to pixels."""

    def x(self, place: int) -> float:
        """Return the middle of a bar."""
        return self.left + (place + 0.5) * self.slot


def shown(judgement: Judgement) -> tuple[Person, ...]:
    """Return who has a bar, the largest growth first.

    Parameters
    ----------
    judgement
        All participants by one criterion.
    """
    known = [person for person in judgement.people if person.best is not None]
    return tuple(sorted(known, key=lambda one: (-(one.best or 0.0), rank(one.bor))))


def waterfall(judgement: Judgement, *, width: float) -> str:
    """Return the chart as SVG.

    Parameters
    ----------
    judgement
        All participants by one criterion; at least one has a measured change.
    width
        Pixels.
    """
    people = shown(judgement)
    left, right = 48.0, width - (8.0 if width <= NARROW else 74.0)
    frame = _Frame(
        left=left,
        right=right,
        slot=min((right - left) / len(people), WIDEST),
        scale=Scale(low=-CAP, high=CAP, start=TOP + PLOT, end=TOP),
    )
    drawn = [*(_bar(frame, i, one) for i, one in enumerate(people)), *_axes(frame, judgement)]
    drawn += [_letters(frame, i, one) for i, one in enumerate(people)]
    # Letters of the lowest bars need their room.
    bottom = TOP + PLOT + (22 if frame.slot >= LETTERED else 10)
    if frame.slot < LETTERED:
        rows, bottom = _rows(frame, people, bottom)
        drawn += rows
    if frame.slot >= NAMED:
        names, bottom = _names(frame, people, bottom)
        drawn += names
    return chart.svg(drawn, size=(width, bottom + 6), alt=told(judgement))


def told(judgement: Judgement) -> str:
    """Return what the chart shows, with the numbers.

    Parameters
    ----------
    judgement
        As of `waterfall`.
    """
    people = shown(judgement)
    ends = [one.best for one in people if one.best is not None]
    middle = sorted(ends)[len(ends) // 2]
    said = (
        f'Best change from baseline by {judgement.title}, {len(people)} participants: from '
        f'{percent(max(ends))} to {percent(min(ends))}, median {percent(middle)}'
    )
    if len(people) <= 30:
        each = [f'{one.participant} {percent(one.best or 0.0)} {one.bor}' for one in people]
        said += ': ' + ', '.join(each)
    return said + '.'


def _axes(frame: _Frame, judgement: Judgement) -> list[str]:
    """Return grid lines, and the limits of response and progression as dashed lines."""
    drawn = []
    for value in (-100, -50, 0, 50, 100):
        y = frame.scale.at(value)
        ends = [(frame.left, y), (frame.right, y)]
        drawn.append(chart.line(ends, width=1, opacity=0.55 if value == 0 else 0.16))
        said = percent(value).removesuffix(' %')
        drawn.append(chart.text((frame.left - 8, y + 4.5), said, anchor='end'))
    drawn.append(chart.text((frame.left - 8, TOP - 10), '%', anchor='end'))
    rules = judgement.rules
    if rules is not None:
        limits = [(-rules.partial_pct, 'PR'), (rules.progression_pct, 'PD')]
        limits += [(-rules.minor_pct, 'MR')] if rules.minor_pct is not None else []
        for limit, name in limits:
            y = frame.scale.at(limit)
            ends = [(frame.left, y), (frame.right, y)]
            drawn.append(chart.line(ends, ink=ink(name), width=1.4, dash='6 4'))
            said = f'{name} {percent(limit)}'
            if frame.right - frame.left > NARROW:
                drawn.append(chart.text((frame.right + 6, y + 4), said, size=12))
            else:
                # Bars go up at the left and down at the right.
                at = (frame.right, y - 5) if limit > 0 else (frame.left + 2, y + 14)
                anchor: Literal['start', 'end'] = 'end' if limit > 0 else 'start'
                drawn.append(chart.text(at, said, anchor=anchor, size=11, style=HALO))
    return drawn


def _bar(frame: _Frame, place: int, person: Person) -> str:
    """Return a bar; that of who is known by images alone is grey with an end in its colour."""
    best = person.best or 0.0
    zero, end = frame.scale.at(0), frame.scale.at(min(best, CAP))
    wide = frame.slot * (0.78 if frame.slot >= MARKED else 0.94)
    x = frame.x(place) - wide / 2
    top, high = min(zero, end), abs(end - zero)
    if high < 2:
        top, high = zero - 1.5, 3.0
    said = f'{person.participant}: {percent(best)}, {person.bor}'
    said += ', new lesion' if person.new else ''
    said += ', imaging only' if person.imaging_only else ''
    main = 'var(--grey)' if person.imaging_only else ink(person.bor)
    drawn = [
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{main}"/>'
    ]
    if person.imaging_only:
        edge = end if best < 0 else top
        drawn.append(
            f'<rect x="{x:.1f}" y="{edge - (4 if best < 0 else 0):.1f}" width="{wide:.1f}" '
            f'height="4" fill="{ink(person.bor)}"/>'
        )
    title = f'<title>{html.escape(said)}</title>'
    return f'<g>{title}{"".join(drawn)}</g>'


def _letters(frame: _Frame, place: int, person: Person) -> str:
    """Return what stands at the end of a bar: response, `*` new lesion, `+` no change, number."""
    best = person.best or 0.0
    end = frame.scale.at(min(best, CAP))
    marks = ('*' if person.new else '') + ('+' if best == 0 else '')
    capped = best > CAP
    if frame.slot < MARKED:
        return ''
    said = f'{person.bor}{marks}' if frame.slot >= LETTERED else marks
    y = end + 15 if best < 0 else end - 5
    drawn = []
    if said:
        size = 13.0 if frame.slot >= LETTERED else 15.0
        y += 0.0 if frame.slot >= LETTERED else 3.0
        drawn.append(chart.text((frame.x(place), y), said, anchor='middle', size=size, style=HALO))
    if capped:
        # A notch tells that the bar goes on.
        x, half = frame.x(place), frame.slot * 0.39
        drawn.append(
            f'<path d="M{x - half:.1f} {end + 12:.1f}l{2 * half:.1f} -6v4l-{2 * half:.1f} 6z" '
            'fill="var(--paper, #fff)"/>'
        )
        if frame.slot >= LETTERED:
            number = percent(best).removesuffix(' %')
            drawn.append(chart.text((x, end + 30), number, anchor='middle', size=11, ink='#fff'))
    return ''.join(drawn)


def _rows(frame: _Frame, people: Sequence[Person], top: float) -> tuple[list[str], float]:
    """Return rows of ticks under the bars: one for each response, new lesions, capped bars."""
    rows: list[tuple[str, str, list[int]]] = [
        (name, ink(name), [i for i, one in enumerate(people) if one.bor == name])
        for name in RESPONSES
    ]
    if frame.slot < MARKED:
        rows.append(('new *', 'currentColor', [i for i, one in enumerate(people) if one.new]))
    above = [i for i, one in enumerate(people) if (one.best or 0.0) > CAP]
    rows.append((f'> {CAP:.0f} %', 'currentColor', above))
    drawn, y = [], top
    for name, colour, places in rows:
        if not places:
            continue
        drawn.append(chart.text((frame.left - 8, y + 9), name, anchor='end', size=11))
        half = max(frame.slot * 0.45, 0.35)
        ticks = ''.join(f'M{frame.x(i) - half:.1f} {y + 5:.1f}h{2 * half:.1f}' for i in places)
        drawn.append(
            f'<path d="{ticks}" stroke="{colour}" stroke-width="{ROW - 3:g}" fill="none"/>'
        )
        y += ROW
    return drawn, y + 4


def _names(frame: _Frame, people: Sequence[Person], top: float) -> tuple[list[str], float]:
    """Return the names of participants below their bars, upright or turned."""
    names = [person.participant.removeprefix('sub-') for person in people]
    longest = max(chart.width(name, size=12) for name in names)
    flat = longest < frame.slot - 4
    y = top + 14
    drawn = []
    for place, name in enumerate(names):
        at = (frame.x(place), y)
        if flat:
            drawn.append(chart.text(at, name, anchor='middle', size=12))
        else:
            turn = f'transform="rotate(-60 {at[0]:.1f} {at[1]:.1f})"'
            drawn.append(chart.text((at[0] + 3, y), name, anchor='end', size=12, style=turn))
    return drawn, y + (4 if flat else 0.87 * longest + 6)
