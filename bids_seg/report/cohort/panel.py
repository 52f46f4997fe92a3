# SPDX-License-Identifier: Apache-2.0
"""What the group's page says by one criterion: rates, charts and a row for each participant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bids_seg.report.chart import NARROW, WIDE
from bids_seg.report.cohort import rates, spider, swimmer, waterfall
from bids_seg.report.cohort.marks import days, legend, percent, rank
from bids_seg.report.cohort.people import Judgement, Person
from bids_seg.report.wording import NOTHING

BASES = {
    'full': 'full',
    'imaging_only': 'imaging only',
    'no_steroid': 'no steroid dose',
    'no_clinical': 'no clinical state',
}
"""Which inputs a response rests on, in words."""
MEASURES = {
    'ld': 'sum of longest diameters',
    'product': 'sum of products of diameters',
    'volume': 'sum of volumes',
}
"""What is summed, in words."""


ALONE = {
    'Best change': '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path '
    'd="M2 2h12v12h-12z" fill="var(--grey)"/><path d="M2 11h12v3h-12z" fill="var(--ne)"/></svg>',
    'Change through time': '<svg viewBox="0 0 26 16" width="26" height="16" aria-hidden="true">'
    '<path d="M1 8h24" stroke="currentColor" stroke-width="2" stroke-dasharray="5 3"/></svg>',
    'Follow-up': '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path '
    'd="M1 4h14v8h-14z" fill="var(--grey)"/></svg>',
}
"""Symbol of those who are judged by images alone, by chart."""


def panel(judgement: Judgement, *, visits: dict[str, int], pages: set[str]) -> dict[str, Any]:
    """Return what the template shows of one criterion.

    Parameters
    ----------
    judgement
        All participants by it.
    visits
        How many visits each participant has.
    pages
        Participants that have a page, with `sub-`.
    """
    confirmed, loose = (rates.counts(judgement, confirmed=value) for value in (True, False))
    people = sorted(judgement.people, key=lambda one: (rank(one.bor), one.bor))
    return {
        'name': judgement.criterion,
        'title': judgement.title,
        'limits': _limits(judgement),
        'total': len(judgement.people),
        'counted': len(judgement.counted),
        'counts': [(name, n, loose.get(name, 0)) for name, n in confirmed.items()],
        'rates': rates.rates(judgement),
        # Baselines alone have no course to draw.
        'figures': _figures(judgement) if judgement.counted else [],
        'legend': legend(judgement.counted),
        'imaging_only': sum(one.imaging_only for one in judgement.counted),
        'rows': [
            _row(one, visits=visits.get(one.participant, 0), linked=one.participant in pages)
            for one in people
        ],
    }


def _limits(judgement: Judgement) -> str:
    """Return what is measured and where responses begin."""
    rules = judgement.rules
    if rules is None:
        return ''
    parts = [f'PR from {percent(-rules.partial_pct)} of the baseline']
    if rules.minor_pct is not None:
        parts.append(f'MR from {percent(-rules.minor_pct)}')
    least = f' and {rules.least_growth_mm:g} mm' if rules.least_growth_mm is not None else ''
    parts.append(f'PD from {percent(rules.progression_pct)}{least} over the smallest sum before')
    said = f'{rules.title} ({rules.version}), {MEASURES[rules.measure]}: {", ".join(parts)}.'
    said += ' Exploratory: no category may rest on it.' if rules.exploratory else ''
    return f'{said} Options: {", ".join(judgement.options) or "all at their defaults"}.'


def _figures(judgement: Judgement) -> list[dict[str, Any]]:
    """Return the charts that there is something to draw for, with their notes."""
    total = len(judgement.people)
    made: list[dict[str, Any]] = []
    charts: tuple[tuple[str, Sequence[Person], Callable[..., str], str], ...] = (
        (
            'Best change',
            waterfall.shown(judgement),
            waterfall.waterfall,
            'Smallest sum up to the first PD, as a change from baseline. * a certain new lesion, '
            '+ no change; grey with a coloured end: judged by images alone, provisional. A cut bar '
            'is longer than +100 %.',
        ),
        (
            'Change through time',
            spider.shown(judgement),
            spider.spider,
            'Each line is a participant and ends with the symbol of its best response'
            + (
                '; a star: a certain new lesion; dashed: judged by images alone'
                if len(spider.shown(judgement)) <= spider.FEW
                else ''
            )
            + '. Lines end at +100 %.',
        ),
        (
            'Follow-up',
            swimmer.shown(judgement),
            swimmer.swimmer,
            _swimmer_note(len(swimmer.shown(judgement))),
        ),
    )
    for title, people, draw, note in charts:
        left_out = total - len(people)
        if not people:
            note = 'Nobody has what this chart needs: days, and a sum after baseline.'
        elif left_out:
            note += f' {left_out} of {total} without days or a sum after baseline are not shown.'
        if title == 'Follow-up':
            words = [f'{letter}: {said}' for letter, said in swimmer.treatments(judgement)]
            note += f' {", ".join(words)}.' if words else ''
        made.append(
            {
                'title': title,
                'alone': ALONE[title],
                'wide': draw(judgement, width=WIDE) if people else '',
                'narrow': draw(judgement, width=NARROW) if people else '',
                'note': note,
            }
        )
    return made


def _swimmer_note(people: int) -> str:
    """Return what the marks of the follow-up are."""
    said = 'From baseline to the last visit. '
    if people > swimmer.MANY:
        said += 'Blue mark: first response; red mark: PD'
    else:
        said += 'Triangle: first response; cross: PD; arrow: no PD so far'
        said += '; disc: response confirmed' if people <= swimmer.FEW else ''
    return said + '. Grey: judged by images alone.'


def _row(person: Person, *, visits: int, linked: bool) -> dict[str, Any]:
    """Return a participant's row: cells with the key they are sorted by."""
    best = NOTHING if person.best is None else percent(person.best)
    numbers = [
        (best, person.best),
        *((_day(value), value) for value in (person.first, person.progression, person.last)),
        (str(visits), float(visits)),
    ]
    unconfirmed = '' if person.unconfirmed == person.bor else f' (unconfirmed {person.unconfirmed})'
    return {
        'name': person.participant,
        'link': f'{person.participant}.html' if linked else '',
        'bor': person.bor,
        'unconfirmed': unconfirmed,
        'rank': rank(person.bor),
        'cells': [(text, '' if key is None else f'{key:.10g}') for text, key in numbers],
        'new': 'new lesion' if person.new else '',
        'why': person.why or NOTHING,
        'basis': BASES.get(person.basis, person.basis),
    }


def _day(value: float | None) -> str:
    """Return a day, or a dash."""
    return NOTHING if value is None else days(value)
