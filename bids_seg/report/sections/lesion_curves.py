# SPDX-License-Identifier: Apache-2.0
"""A curve for each lesion: targets solid, non-targets thin, new ones dashed from a star."""

from bids_seg.records import Lesion
from bids_seg.report import chart, history
from bids_seg.report.chart import NARROW, WIDE, Point, Scale
from bids_seg.report.clock import Clock, clock
from bids_seg.report.history import Account, LesionCourse
from bids_seg.report.section import Figure, Part, Scene, Section, fill

TEMPLATE = """
{% for figure in figures %}{{ parts.figure(figure) }}{% endfor %}
<p class="small">{% if judged %}Thick line: target; thin line: non-target; dashed line from a star: new lesion; cross: gone;
{% else %}Star: new lesion; cross: gone; {% endif %}dotted lines: lesions that split or grew together. Bars reach from the size at probability 0.7 to that at 0.3.</p>
"""

HEIGHT = 300.0
"""Height of the plot, pixels."""
NAMED = 16
"""Lesions that are named at the end of their lines."""
STYLES = {'target': (2.6, ''), 'new': (1.8, '6 4'), 'fragment': (2.0, '')}
"""Width and dash of a line by role."""


def value(lesion: Lesion, account: Account) -> tuple[float, float | None, float | None]:
    """Return a lesion's size, and the sizes at both other probabilities: mm, or mL.

    Parameters
    ----------
    lesion
        Measured.
    account
        Whose criterion decides between diameter and volume.
    """
    if account.criterion is not None and account.criterion.measure == 'volume':
        low, high = lesion.volume_low_mm3, lesion.volume_high_mm3
        return (
            lesion.volume_mm3 / 1000,
            None if low is None else low / 1000,
            None if high is None else high / 1000,
        )
    return lesion.longest.ld_mm, lesion.ld_low_mm, lesion.ld_high_mm


def draw(account: Account, *, width: float, alt: str) -> str:
    """Return the curves as SVG.

    Parameters
    ----------
    account
        With at least two visits.
    width
        Pixels.
    alt
        What they show, with the numbers.
    """
    narrow = width <= NARROW
    left, right = (34.0, width - 46) if narrow else (78.0, width - 190)
    time = clock(account.visits, left=left + 12, right=right - 12)
    top = max(
        (
            max(part for part in value(lesion, account) if part is not None)
            for one in account.lesions
            for place in one.present
            if (lesion := one.lesion(place)) is not None
        ),
        default=1.0,
    )
    shown = chart.ticks(top)
    scale = Scale(low=0, high=shown[-1], start=HEIGHT + 20, end=20)
    volume = account.criterion is not None and account.criterion.measure == 'volume'
    drawn = [chart.text((2, 10), 'volume, mL' if volume else 'longest diameter, mm', size=11)]
    for mark in shown:
        level = scale.at(mark)
        drawn.append(chart.line([(left, level), (right, level)], width=1, opacity=0.14))
        drawn.append(chart.text((left - 8, level + 4), f'{mark:g}', anchor='end', size=12))
    ends: list[tuple[LesionCourse, Point]] = []
    for one in account.lesions:
        points = _points(one, account, time, scale)
        drawn += _bars(one, account, time, scale)
        drawn += _line(one, points)
        drawn += _joins(one, account, time, scale, points)
        if points:
            ends.append((one, points[max(points)]))
    heights = chart.spaced([at[1] for _, at in ends[:NAMED]], gap=14, low=16, high=HEIGHT + 20)
    for (one, at), height in zip(ends[:NAMED], heights, strict=True):
        tip = (right + 4, height)
        drawn.append(chart.line([at, tip], ink=one.colour, width=0.8, opacity=0.5))
        name = one.lesion_id if narrow else history.named(one)
        drawn.append(chart.text((tip[0] + 4, tip[1] + 4), name, size=11 if narrow else 12))
    drawn += chart.axis(time.ticks, HEIGHT + 20)
    return chart.svg(drawn, size=(width, HEIGHT + 48), alt=alt)


def _points(one: LesionCourse, account: Account, time: Clock, scale: Scale) -> dict[int, Point]:
    """Return where a lesion's curve goes, by place of the visit; on the ground where it is gone."""
    found: dict[int, Point] = {}
    gone = one.resolved
    for place, seen in enumerate(one.seen):
        lesion = one.lesion(place)
        if gone is not None and place > gone:
            break
        if lesion is not None:
            found[place] = (time.x(place), scale.at(value(lesion, account)[0]))
        elif seen is not None and seen.event.status == 'absent':
            found[place] = (time.x(place), scale.at(0))
    return found


def _line(one: LesionCourse, points: dict[int, Point]) -> list[str]:
    """Return a lesion's curve with its marks."""
    width, dash = STYLES.get(one.role, (1.1, ''))
    way = [points[place] for place in sorted(points)]
    # A dark edge keeps light colours apart from the ground.
    drawn = [
        chart.line(way, width=width + 1.4, opacity=0.25),
        chart.line(way, ink=one.colour, width=width, dash=dash),
    ]
    for place, at in points.items():
        seen = one.seen[place]
        if one.lesion(place) is None:
            drawn.append(chart.cross(at, ink=one.colour, radius=4.5))
        elif seen is not None and (seen.event.identity or '').startswith('new'):
            drawn.append(chart.star(at, ink=one.colour))
        else:
            drawn.append(chart.dot(at, ink=one.colour, radius=4 if one.role == 'target' else 3))
    return drawn


def _bars(one: LesionCourse, account: Account, time: Clock, scale: Scale) -> list[str]:
    """Return the range of each size as a bar."""
    drawn = []
    for place in one.present:
        lesion = one.lesion(place)
        _, low, high = (0.0, None, None) if lesion is None else value(lesion, account)
        if low is None or high is None or low == high:
            continue
        x, upper, lower = time.x(place), scale.at(high), scale.at(low)
        drawn.append(chart.line([(x, upper), (x, lower)], ink=one.colour, opacity=0.7))
        caps = [[(x - 4, y), (x + 4, y)] for y in (upper, lower)]
        drawn += [chart.line(cap, ink=one.colour, opacity=0.7) for cap in caps]
    return drawn


def _joins(
    one: LesionCourse, account: Account, time: Clock, scale: Scale, points: dict[int, Point]
) -> list[str]:
    """Return dotted lines to the lesion from which it split, and into that of which it is a part."""
    by_name = {other.lesion_id: other for other in account.lesions}
    drawn = []
    for place, seen in enumerate(one.seen):
        if seen is None:
            continue
        before = place - 1
        parent = by_name.get(seen.event.parent_id or '')
        if seen.event.identity == 'fragment' and parent is not None and place in points:
            start = _points(parent, account, time, scale).get(before)
            drawn += (
                [chart.line([start, points[place]], ink=one.colour, dash='2 3')] if start else []
            )
        host = by_name.get(seen.event.merged_into or '')
        if seen.event.identity == 'merged_into' and host is not None and before in points:
            end = _points(host, account, time, scale).get(place)
            drawn += [chart.line([points[before], end], ink=one.colour, dash='2 3')] if end else []
    return drawn


def figure(account: Account, *, participant: str, dates: bool) -> Figure:
    """Return the curves of an account.

    Parameters
    ----------
    account
        With at least two visits and a lesion.
    participant
        Label without `sub-`.
    dates
        Whether calendar dates may be shown.
    """
    volume = account.criterion is not None and account.criterion.measure == 'volume'
    unit = 'mL' if volume else 'mm'
    said = []
    for one in account.lesions:
        sizes = [
            f'{history.titled(account.visits[place], dates=dates)} {value(lesion, account)[0]:.{3 if volume else 1}f} {unit}'
            for place in one.present
            if (lesion := one.lesion(place)) is not None
        ]
        said.append(f'{history.named(one)}: {", ".join(sizes)}')
    what = 'Volume' if volume else 'Longest diameter'
    alt = f'{account.title}. {what} of each lesion through time. {"; ".join(said)}.'
    stem = f'sub-{participant}_desc-{account.label}curves_dseg'
    caption = f'{account.title}: {what.lower()} of each'
    if len(account.lesions) > NAMED:
        caption += f'; the first {NAMED} of {len(account.lesions)} are named'
    wide, narrow = (draw(account, width=width, alt=alt) for width in (WIDE, NARROW))
    return Figure(stem=stem, svg=wide, narrow=narrow, alt=alt, caption=f'{caption}.')


def render(scene: Scene) -> Part:
    """Return the curves of each disease."""
    figures = tuple(
        figure(account, participant=scene.patient.participant, dates=scene.shape.keep_dates)
        for account in history.by_tissue(scene.several)
        if account.lesions
    )
    judged = any(account.rows for account in scene.several)
    html = fill(TEMPLATE, {'figures': figures, 'judged': judged})
    return Part(html=html, figures=figures) if figures else Part()


SECTION = Section(title='Each lesion through time', order=4, scope='top', render=render)
