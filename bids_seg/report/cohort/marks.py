# SPDX-License-Identifier: Apache-2.0
"""Colours and symbols of responses: each colour has a symbol or a place that says the same."""

from __future__ import annotations

from collections.abc import Sequence

from bids_seg.report import chart
from bids_seg.report.chart import Point
from bids_seg.report.cohort.people import Person
from bids_seg.report.cohort.rates import RESPONSES

CAP = 100.0
"""Highest change that charts show, %; larger ones end there with their number."""
MINUS = '\N{MINUS SIGN}'
HALO = 'paint-order="stroke" stroke="var(--paper, #fff)" stroke-width="3"'
"""Attributes of letters that stand on lines: a rim in the colour of the page."""


def ink(response: str) -> str:
    """Return the colour of a response; the page's style names it, for light and dark grounds.

    Examples
    --------
    >>> ink('PD'), ink('PD_prelim')
    ('var(--pd)', 'var(--ne)')
    """
    return f'var(--{response.lower()})' if response in RESPONSES else 'var(--ne)'


def rank(response: str) -> int:
    """Return the place of a response among the others, best first."""
    return RESPONSES.index(response) if response in RESPONSES else len(RESPONSES)


def shape(response: str, at: Point, *, radius: float = 5.0) -> str:
    """Return the symbol of a response.

    Parameters
    ----------
    response
        Which one: CR a disc, PR a triangle, MR a diamond, SD a square, PD a cross, else a ring.
    at
        Its middle, pixels.
    radius
        Half its size.
    """
    x, y = at
    colour = ink(response)
    if response == 'PD':
        return chart.cross(at, ink=colour, radius=radius * 0.85)
    if response in {'PR', 'MR', 'SD'}:
        corners = {
            'PR': ((0, -1), (0.95, 0.75), (-0.95, 0.75)),
            'MR': ((0, -1.1), (1.1, 0), (0, 1.1), (-1.1, 0)),
            'SD': ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
        }[response]
        places = ' '.join(f'{x + radius * i:.1f},{y + radius * j:.1f}' for i, j in corners)
        return f'<polygon points="{places}" fill="{colour}"/>'
    return chart.dot(at, ink=colour, radius=radius * 0.85, hollow=response != 'CR')


def legend(people: Sequence[Person]) -> list[tuple[str, str]]:
    """Return symbol and name of the responses that occur, best first.

    Parameters
    ----------
    people
        Who is shown.
    """
    names = sorted({person.bor for person in people}, key=lambda name: (rank(name), name))
    words = {'PD_prelim': 'PD, preliminary', 'PD_prelim_not_confirmed': 'PD, not confirmed'}
    return [
        (
            f'<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">'
            f'{shape(name, (8, 8), radius=6)}</svg>',
            words.get(name, name),
        )
        for name in names
    ]


def percent(value: float) -> str:
    """Return a change for a reader, whole.

    Examples
    --------
    >>> percent(-38.2), percent(0), percent(134.4)
    ('−38 %', '0 %', '+134 %')
    """
    rounded = round(value)
    sign = '+' if rounded > 0 else MINUS if rounded < 0 else ''
    return f'{sign}{abs(rounded)} %'


def days(value: float | None) -> str:
    """Return a day for a reader.

    Examples
    --------
    >>> days(-28.0), days(None)
    ('−28', 'n/a')
    """
    return 'n/a' if value is None else f'{value:.0f}'.replace('-', MINUS)
