# SPDX-License-Identifier: Apache-2.0
"""Volumes over the visits: a small table and curves of the totals."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from bids_seg.report.outputs import PatientOutputs, VisitOutputs
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.wording import REGIONS, across, ml, number

TEMPLATE = """
<div class="split">
  {{ parts.table(head, rows, 'Volumes and largest lesion at each visit') }}
  {% if figure %}{{ parts.figure(figure) }}{% endif %}
</div>
{% if not followed %}<p class="small">Lesions were measured at each visit by itself and not followed from visit to
visit, so a number does not name the same lesion at two visits. Not a response assessment.</p>{% endif %}
"""

WIDTH, HEIGHT, EDGE = 520.0, 250.0, 44.0
"""Size of the curve and its margin, units."""
RIGHT = WIDTH - 74
"""Right end of the curve; names follow."""
TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="currentColor"'
"""Letters."""
SYMBOLS = {'WT': ('circle', ''), 'TC': ('square', '7 4'), 'ET': ('diamond', '')}
"""Mark and dash of each region: colour is never alone."""
INKS = {'WT': '#2f8fc4', 'TC': '#a58a00', 'ET': '#d1560f'}
"""Line colours that are dark enough for white paper and light enough for a dark page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Where a curve's values lie in the figure."""

    places: tuple[float, ...]
    """Days, or ranks of the visits."""
    limit: float
    """Top of the scale, mL."""

    def at(self, place: float, value: float) -> tuple[float, float]:
        """Return the point of a value in mL."""
        share = (place - self.places[0]) / (self.places[-1] - self.places[0])
        return EDGE + share * (RIGHT - EDGE), HEIGHT - 34 - value / self.limit * (HEIGHT - 58)


def _regions(patient: PatientOutputs) -> list[tuple[str, str]]:
    """Return task and region of everything that was reported at any visit."""
    found: dict[tuple[str, str], None] = {}
    for visit in patient.visits:
        for model in visit.summary.models:
            for region in model.volumes_mm3:
                if model.task != 'brain':
                    found[model.task, region] = None
    return list(found)


def _volume(visit: VisitOutputs, task: str, region: str) -> int | None:
    """Return a volume at a visit, mm3; None where it was not reported."""
    for model in visit.summary.models:
        if model.task == task:
            return model.volumes_mm3.get(region)
    return None


def _row(visit: VisitOutputs, keys: Sequence[tuple[str, str]]) -> list[str]:
    """Return a visit's row."""
    summary = visit.summary
    days = 'n/a' if summary.visit.days is None else str(summary.visit.days)
    start = [summary.visit.session or 'visit', days]
    if not visit.complete:
        return [*start, summary.status, *['n/a'] * len(keys), 'n/a']
    measured = next((found for outputs in visit.diseases for found in outputs.lesions), None)
    lesions = 'n/a' if measured is None else str(len(measured.rows))
    widest = 'n/a'
    if measured is not None and measured.rows:
        first = measured.rows[0]
        widest = across(number(first.get('ld_mm')), number(first.get('sd_mm')))
    return [*start, lesions, *(ml(_volume(visit, *key)) for key in keys), widest]


def _mark(shape: str, x: float, y: float, colour: str) -> str:
    """Return a mark of a curve."""
    if shape == 'circle':
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>'
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if shape == 'diamond' else ''
    return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{colour}"{turn}/>'


def curve(patient: PatientOutputs) -> Figure | None:
    """Return volumes against days, or against visits where days are unknown.

    Parameters
    ----------
    patient
        With two complete visits or more, else None.
    """
    keys = _regions(patient)
    visits = [visit for visit in patient.visits if visit.complete]
    if len(visits) < 2 or not keys:
        return None
    days = [visit.summary.visit.days for visit in visits]
    dated = all(day is not None for day in days) and len(set(days)) > 1
    places = [float(day or 0) for day in days] if dated else [float(i) for i in range(len(visits))]
    top = max((_volume(visit, *key) or 0 for visit in visits for key in keys), default=0) / 1000
    limit = _round_up(top)
    scale = _Scale(places=tuple(places), limit=limit)
    drawn = []
    for value in (0.0, limit / 2, limit):
        y = scale.at(places[0], value)[1]
        drawn.append(
            f'<path d="M{EDGE} {y:.1f}H{RIGHT:g}" stroke="currentColor" stroke-opacity=".18"/>'
        )
        drawn.append(
            f'<text x="{EDGE - 8}" y="{y + 4:.1f}" {TEXT} text-anchor="end">{value:g}</text>'
        )
    drawn.append(f'<text x="{EDGE - 8}" y="14" {TEXT} text-anchor="end">mL</text>')
    for place, visit in zip(places, visits, strict=True):
        name = f'day {place:.0f}' if dated else (visit.summary.visit.session or '')
        x = scale.at(place, 0)[0]
        drawn.append(
            f'<text x="{x:.1f}" y="{HEIGHT - 10}" {TEXT} text-anchor="middle">{html.escape(name)}</text>'
        )
    taken: list[float] = []
    drawn += [_line(visits, key, scale, taken) for key in keys]
    said = '; '.join(
        f'{visit.summary.visit.session}: '
        + ', '.join(f'{region} {ml(_volume(visit, task, region))}' for task, region in keys)
        for visit in visits
    )
    alt = f'Volumes over the visits. {said}.'
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" '
        f'aria-label="{html.escape(alt)}">{"".join(drawn)}</svg>'
    )
    caption = (
        'Volumes over time; days from the first visit.'
        if dated
        else 'Volumes by visit, not to scale in time.'
    )
    stem = f'sub-{patient.participant}_desc-volumes_dseg'
    return Figure(stem=stem, svg=svg, alt=alt, caption=caption)


def _line(
    visits: Sequence[VisitOutputs], key: tuple[str, str], scale: _Scale, taken: list[float]
) -> str:
    """Return a region's line with its marks and its name at the end, clear of the `taken` heights."""
    region = key[1]
    colour, (shape, dash) = INKS.get(region, 'currentColor'), SYMBOLS.get(region, ('circle', ''))
    points = [
        scale.at(place, mm3 / 1000)
        for place, visit in zip(scale.places, visits, strict=True)
        if (mm3 := _volume(visit, *key)) is not None
    ]
    if not points:
        return ''
    data = 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in points)
    dashes = f' stroke-dasharray="{dash}"' if dash else ''
    drawn = [f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>']
    drawn += [_mark(shape, x, y, colour) for x, y in points]
    height = points[-1][1]
    while any(abs(height - other) < 15 for other in taken):
        height -= 3
    taken.append(height)
    drawn.append(f'<text x="{points[-1][0] + 12:.1f}" y="{height + 4:.1f}" {TEXT}>{region}</text>')
    return ''.join(drawn)


def _round_up(value: float) -> float:
    """Return a round number that is not smaller.

    Examples
    --------
    >>> _round_up(37.2), _round_up(0.3), _round_up(0)
    (40.0, 0.4, 1.0)
    """
    if value <= 0:
        return 1.0
    size = 10.0 ** len(str(int(value))) / 10 if value >= 1 else 0.1 if value >= 0.1 else 0.01
    step = next(step for step in (1, 2, 4, 6, 8, 10) if step * size >= value)
    return round(step * size, 3)


def render(scene: Scene) -> Part:
    """Return the table and the curve; nothing for a single visit."""
    patient = scene.patient
    if len(patient.visits) < 2:
        return Part()
    keys = _regions(patient)
    tasks = {task for task, _ in keys}
    names = [
        (f'{task}, ' if len(tasks) > 1 else '') + f'{REGIONS.get(region, region)} ({region})'
        for task, region in keys
    ]
    head = [('visit', ''), ('day', 'n'), ('lesions', 'n')]
    head += [(name, 'n') for name in names] + [('largest lesion', 'n')]
    rows = [_row(visit, keys) for visit in patient.visits]
    figure = curve(patient)
    values = {'head': head, 'rows': rows, 'figure': figure, 'followed': bool(scene.several)}
    html_text = fill(TEMPLATE, values)
    return Part(html=html_text, figures=(figure,) if figure else ())


SECTION = Section(title='Volumes over the visits', order=30, scope='top', render=render)
