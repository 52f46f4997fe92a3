# SPDX-License-Identifier: Apache-2.0
"""Charts over time: scales, ticks and marks as SVG.

Letters and lines are in screen pixels; a chart is drawn once for a desk and once for a phone,
so that letters keep their size. Ink is the page's own colour where no other is given.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

WIDE, NARROW = 1160.0, 350.0
"""Width of a chart on a desk and on a phone, pixels."""
SIZE = 13.0
"""Height of letters."""
LETTER = 0.58
"""Mean width of a letter, as a share of its height."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A straight scale from values to places, either way round."""

    low: float
    """Value at the start."""
    high: float
    """Value at the end."""
    start: float
    """Place of the low value, pixels."""
    end: float
    """Place of the high value, pixels."""

    def at(self, value: float) -> float:
        """Return the place of a value.

        Examples
        --------
        >>> Scale(low=0, high=10, start=100, end=0).at(2.5)
        75.0
        """
        span = self.high - self.low
        return (
            self.start + (value - self.low) / span * (self.end - self.start)
            if span
            else (self.start + self.end) / 2
        )


def ticks(high: float, *, number: int = 4) -> list[float]:
    """Return round values from 0 to at least the highest.

    Parameters
    ----------
    high
        Highest value, not below 0.
    number
        About how many steps.

    Examples
    --------
    >>> ticks(37.2), ticks(0)
    ([0.0, 10.0, 20.0, 30.0, 40.0], [0.0, 1.0])
    """
    if high <= 0:
        return [0.0, 1.0]
    size = 10 ** math.floor(math.log10(high / number))
    step = next(step * size for step in (1, 2, 2.5, 5, 10) if step * size * number >= high * 0.999)
    return [round(float(step) * i, 6) for i in range(math.ceil(high / step * 0.999) + 1)]


def text(
    at: Point,
    said: str,
    *,
    anchor: Literal['start', 'middle', 'end'] = 'start',
    size: float = SIZE,
    ink: str = 'currentColor',
    style: str = '',
) -> str:
    """Return letters.

    Parameters
    ----------
    at
        Where they stand, on their ground line.
    said
        Plain text.
    anchor
        Which part of the text is there.
    size
        Height.
    ink
        Colour.
    style
        More attributes.
    """
    return (
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{ink}"{" " + style if style else ""}>{html.escape(said)}</text>'
    )


def haloed(
    at: Point,
    said: str,
    *,
    anchor: Literal['start', 'middle', 'end'] = 'middle',
    size: float = SIZE,
) -> str:
    """Return strong letters over a rim of the page's ground, which lines may cross.

    Parameters
    ----------
    at, said, anchor, size
        As for `text`.
    """
    rim = 'font-weight="650" stroke="var(--paper, #fff)" stroke-width="4" paint-order="stroke"'
    return text(at, said, anchor=anchor, size=size, style=rim)


def line(
    points: Sequence[Point],
    *,
    ink: str = 'currentColor',
    width: float = 1.5,
    dash: str = '',
    opacity: float = 1.0,
) -> str:
    """Return a line through points; nothing for fewer than two.

    Parameters
    ----------
    points
        Pixels.
    ink, width, dash, opacity
        How it is drawn.
    """
    if len(points) < 2:
        return ''
    data = 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ''
    faint = f' stroke-opacity="{opacity:g}"' if opacity != 1 else ''
    return f'<path d="{data}" fill="none" stroke="{ink}" stroke-width="{width:g}"{dashes}{faint}/>'


def dot(at: Point, *, ink: str = 'currentColor', radius: float = 4.5, hollow: bool = False) -> str:
    """Return a disc, or a ring filled with the page's ground."""
    fill = 'var(--card, #fff)' if hollow else ink
    return (
        f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{radius:g}" fill="{fill}" stroke="{ink}" '
        'stroke-width="1.6"/>'
    )


def star(at: Point, *, ink: str = 'currentColor', radius: float = 7.5) -> str:
    """Return a five-pointed star: a new lesion."""
    corners = []
    for step in range(10):
        reach = radius if step % 2 == 0 else radius * 0.42
        angle = math.pi * step / 5
        corners.append(
            f'{at[0] + reach * math.sin(angle):.1f},{at[1] - reach * math.cos(angle):.1f}'
        )
    return f'<polygon points="{" ".join(corners)}" fill="{ink}"/>'


def cross(at: Point, *, ink: str = 'currentColor', radius: float = 5.0) -> str:
    """Return a cross: a lesion that is gone."""
    x, y = at
    return line([(x - radius, y - radius), (x + radius, y + radius)], ink=ink, width=2) + line(
        [(x - radius, y + radius), (x + radius, y - radius)], ink=ink, width=2
    )


def width(said: str, *, size: float = SIZE) -> float:
    """Return about how wide letters are."""
    return len(said) * size * LETTER


def spaced(heights: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Return heights moved apart as little as their order allows.

    Parameters
    ----------
    heights
        Where labels should stand.
    gap
        Least distance.
    low, high
        Between which they must stay, as far as there is room.

    Examples
    --------
    >>> spaced([10, 12, 40], gap=10, low=0, high=50)
    [6.0, 16.0, 40.0]
    """
    groups: list[tuple[float, list[int]]] = []
    for index in sorted(range(len(heights)), key=lambda i: heights[i]):
        groups.append((float(heights[index]), [index]))
        while len(groups) > 1:
            (upper, first), (lower, second) = groups[-2:]
            apart = gap * (len(first) + len(second)) / 2
            if lower - upper >= apart:
                break
            members = first + second
            middle = (upper * len(first) + lower * len(second)) / len(members)
            groups[-2:] = [(middle, members)]
    placed = [0.0] * len(heights)
    floor = low
    for middle, members in groups:
        start = max(
            floor, min(middle - gap * (len(members) - 1) / 2, high - gap * (len(members) - 1))
        )
        for rank, index in enumerate(members):
            placed[index] = round(start + rank * gap, 2)
        floor = start + gap * len(members)
    return placed


def clear(
    places: Sequence[Point], said: Sequence[str], *, first: Sequence[int] = (), size: float = SIZE
) -> list[int]:
    """Return which texts can be written so that none covers another.

    Parameters
    ----------
    places
        Middle of each text's ground line.
    said
        The texts.
    first
        Those that come before the others, as places in the list.
    size
        Height of letters.

    Examples
    --------
    >>> clear([(0, 10), (5, 10), (90, 10)], ['41.3', '40.1', '38.9'], first=(-1,))
    [2, 0]
    """
    order = dict.fromkeys([*(i % len(places) for i in first if places), *range(len(places))])
    kept: list[int] = []
    for index in order:
        x, y = places[index]
        if all(
            abs(x - places[other][0])
            >= (width(said[index], size=size) + width(said[other], size=size)) / 2
            or abs(y - places[other][1]) >= size
            for other in kept
        ):
            kept.append(index)
    return kept


def levels(spans: Sequence[tuple[float, float]], *, gap: float = 4.0) -> list[int]:
    """Return on which row each span stands so that none covers another.

    Parameters
    ----------
    spans
        Left and right ends, by left end.
    gap
        Least distance on a row.

    Examples
    --------
    >>> levels([(0, 10), (5, 15), (12, 20)], gap=1)
    [0, 1, 0]
    """
    ends: list[float] = []
    found = []
    for left, right in spans:
        row = next((i for i, end in enumerate(ends) if left >= end + gap), len(ends))
        ends[row : row + 1] = [right]
        found.append(row)
    return found


def axis(visits: Sequence[tuple[float, str]], y: float) -> list[str]:
    """Return a tick for each visit with its day below, left out where there is no room.

    Parameters
    ----------
    visits
        Where each stands, and what is written there; from left to right.
    y
        Height of the axis.
    """
    drawn, free = [], -math.inf
    for x, said in visits:
        half = width(said, size=12) / 2
        drawn.append(line([(x, y), (x, y + 5)], width=1, opacity=0.5))
        # Where a day is next to another its word is dropped before its number is.
        if x - half <= free and said.startswith('day '):
            said = said.removeprefix('day ')
            half = width(said, size=12) / 2
        if x - half > free:
            drawn.append(text((x, y + 18), said, anchor='middle', size=12))
            free = x + half + 6
    return drawn


def svg(drawn: Sequence[str], *, size: tuple[float, float], alt: str) -> str:
    """Return a chart as a whole.

    Parameters
    ----------
    drawn
        Its pieces.
    size
        Width and height, pixels.
    alt
        What it shows, with the numbers.
    """
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" '
        f'role="img" aria-label="{html.escape(alt)}" font-family="system-ui, -apple-system, '
        f'Segoe UI, Roboto, DejaVu Sans, sans-serif">{"".join(drawn)}</svg>'
    )
