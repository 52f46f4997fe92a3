# SPDX-License-Identifier: Apache-2.0
"""Every lesion of a visit: the measured slice with both diameters, and the table."""

from typing import Literal

import numpy as np

from bids_seg.report import drawing, view
from bids_seg.report.drawing import Label, Panel
from bids_seg.report.outputs import LesionOutputs, Row
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.view import Plane
from bids_seg.report.wording import LESIONS, NOTHING, TIMES, across, flag, ml, mm, number

TEMPLATE = """
{% for block in blocks %}
<h4>{{ block.title }}</h4>
{% if block.rows %}
<div class="cards lesions">{% for figure in block.figures %}{{ parts.figure(figure) }}{% endfor %}</div>
{% if block.left_out %}<p class="small">{{ block.left_out }}</p>{% endif %}
{{ parts.table(block.head, block.rows, block.title) }}
{% else %}<p>None segmented.</p>{% endif %}
{% endfor %}
<p class="small">Lengths run from edge to edge of the mask in the slices of the reference image: the
longest line that stays inside the lesion, and the longest line across it at a right angle. In brackets:
what the length would be at probability 0.7 and 0.3. Slices are counted from 0 in stored order.</p>
"""

SHOWN = 10
"""Lesions that get a picture."""
FIELD_MM = 60.0
"""Smallest field of view of a lesion's picture."""
AROUND_MM = 15.0
"""What is shown around a large lesion."""

HEAD = (
    ('lesion', ''), ('side', ''), ('volume', 'n'), (f'longest {TIMES} perpendicular', 'n'),
    ('longest, range', 'n'), ('largest product', 'n'), ('slice', 'n'), ('slices', 'n'),
    ('enhancing', 'n'), ('necrotic', 'n'), ('mean probability', 'n'),
    ('entropy', 'n'), ('remarks', ''),
)  # fmt: skip
"""Columns of the table, numbers marked."""


def _point(row: Row, name: str) -> tuple[float, float, float] | None:
    """Return a place of a row, mm RAS+."""
    x, y, z = (number(row.get(f'{name}_{axis}')) for axis in 'xyz')
    return None if x is None or y is None or z is None else (x, y, z)


def _cells(row: Row, scene: Scene) -> list[str]:
    """Return a lesion's row of the table."""
    place = _point(row, 'centroid')
    low, high = number(row.get('ld_low_mm')), number(row.get('ld_high_mm'))
    ends = 'n/a' if low is None or high is None else f'[{low:.1f}, {high:.1f}] mm'
    product = number(row.get('bp_mm2'))
    words = [word for word in (row.get('flags') or 'n/a').split(';') if word not in {'', 'n/a'}]
    entropy = number(row.get('total_entropy_bits'))

    def plain(name: str, decimals: int) -> str:
        value = number(row.get(name))
        return 'n/a' if value is None else f'{value:.{decimals}f}'

    return [
        row.get('name', 'n/a'),
        view.side(place, scene.pictures) if place else 'n/a',
        ml(number(row.get('volume_mm3'))),
        across(number(row.get('ld_mm')), number(row.get('sd_mm'))),
        ends,
        'n/a' if product is None else f'{product:.0f} mm²',
        row.get('ld_slice', 'n/a'),
        row.get('n_slices', 'n/a'),
        ml(number(row.get('et_mm3'))),
        ml(number(row.get('ncr_mm3'))),
        plain('mean_prob', 2),
        'n/a' if entropy is None else f'{entropy:.2f} bit',
        '; '.join(flag(word) for word in words) or NOTHING,
    ]


def _line(
    row: Row, name: str, plane: Plane, scene: Scene
) -> tuple[tuple[float, float], ...] | None:
    """Return both ends of a measured line in the shown slice, mm."""
    ends = [_point(row, f'{name}_p{end}') for end in (0, 1)]
    grid = scene.pictures.grid
    if ends[0] is None or ends[1] is None:
        return None
    return tuple(plane.place(view.voxel(end, grid), grid) for end in ends if end is not None)


def _figure(row: Row, measured: LesionOutputs, scene: Scene) -> Figure | None:
    """Return the measured slice of one lesion, plain and with its outline and diameters."""
    pictures = scene.pictures
    start, index = _point(row, 'ld_p0'), number(row.get('index'))
    found = pictures.lesions.get(measured.label)
    if start is None or index is None or found is None or not pictures.images:
        return None
    slice_index = round(view.voxel(start, pictures.grid)[2])
    if not 0 <= slice_index < pictures.grid.shape[2]:
        return None
    plane = Plane(direction='axial', index=slice_index)
    role, image = next(iter(pictures.images.items()))
    pixel = plane.pixel(pictures.grid)
    mask = plane.cut(found == int(index))
    longest, shorter = _line(row, 'ld', plane, scene), _line(row, 'sd', plane, scene)
    if longest is None or shorter is None:
        return None
    ends = np.array([*longest, *shorter])
    low, high = ends.min(axis=0), ends.max(axis=0)
    field = max(FIELD_MM, float((high - low).max()) + 2 * AROUND_MM)
    middle = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2)
    shown, corner = _crop(plane.cut(image), pixel, middle, field)
    marks = drawing.outlines([(measured.tissue, mask)], pixel)
    marks += drawing.diameter(longest[0], longest[1], tick=field / 15)
    marks += drawing.diameter(shorter[0], shorter[1], tick=field / 15, pattern='4 3')
    name = row.get('name', index)
    stem = scene.visit.stem(f'{measured.label}{name}')
    ld, sd = number(row.get('ld_mm')), number(row.get('sd_mm'))
    x, y = middle[0] - field / 2, middle[1] - field / 2
    drawn = Panel(
        width=field,
        height=field,
        image=_placed(drawing.picture(shown, pixel, finest=0.4), corner, (x, y)),
        marks=f'<g transform="translate({-x:.2f} {-y:.2f})">{marks}</g>',
        labels=_numbers((longest, shorter), (ld, sd), (x, y), field),
        ends=('R', 'L'),
        ends_at='top',
        bar=10.0,
    )
    noun = LESIONS[measured.tissue][0]
    alt = (
        f'{noun.capitalize()} {name} on {role}, axial slice {row.get("ld_slice")}: longest diameter '
        f'{mm(ld)}, perpendicular {mm(sd)}, volume {ml(number(row.get("volume_mm3")))}. '
        'Left without marks, right with outline and both lines.'
    )
    caption = f'{name} · {ml(number(row.get("volume_mm3")))} · {across(ld, sd)} · slice {row.get("ld_slice")}'
    svg = drawing.compose([[drawing.plain(drawn), drawn]], name=stem, alt=alt)
    return Figure(stem=stem, svg=svg, alt=alt, caption=caption)


def _crop(
    shown: view.Array, pixel: tuple[float, float], middle: tuple[float, float], field: float
) -> tuple[view.Array, tuple[float, float]]:
    """Return whole pixels around a place, and where the first of them starts, mm."""
    ends = []
    for axis in (0, 1):
        step, side = pixel[axis], shown.shape[1 - axis]
        low = max(0, int((middle[axis] - field / 2) // step))
        high = min(side, int(np.ceil((middle[axis] + field / 2) / step)))
        ends.append((low, max(high, low + 1)))
    (left, right), (top, bottom) = ends
    return shown[top:bottom, left:right], (left * pixel[0], top * pixel[1])


def _placed(image: str, corner: tuple[float, float], origin: tuple[float, float]) -> str:
    """Return a picture moved to where it starts."""
    x, y = corner[0] - origin[0], corner[1] - origin[1]
    return image.replace('<image ', f'<image x="{x:.2f}" y="{y:.2f}" ', 1)


def _numbers(
    lines: tuple[tuple[tuple[float, float], ...], ...],
    lengths: tuple[float | None, float | None],
    origin: tuple[float, float],
    field: float,
) -> tuple[Label, ...]:
    """Return the lengths beyond an end of their lines, clear of a small lesion and each other."""
    centre = np.mean([end for line in lines for end in line], axis=0)
    # The upper end of the longest line, since the scale bar lies below; of the other line the
    # end that is further from there.
    first = np.array(min(lines[0], key=lambda point: point[1]))
    second = np.array(max(lines[1], key=lambda point: float(np.hypot(*(point - first)))))
    labels = []
    for end, length in zip((first, second), lengths, strict=True):
        away = end - centre
        reach = float(np.hypot(*away))
        unit = away / reach if reach else np.array([0.0, -1.0])
        x, y = centre + unit * max(reach + 0.04 * field, 0.11 * field) - np.array(origin)
        anchor: Literal['start', 'middle', 'end'] = 'middle'
        if abs(unit[0]) > 0.4:
            anchor = 'start' if unit[0] > 0 else 'end'
        margin = {'start': (0.04, 0.7), 'middle': (0.2, 0.8), 'end': (0.3, 0.96)}[anchor]
        inside = float(np.clip(x, margin[0] * field, margin[1] * field))
        # A text that had to be moved back over its line goes above it.
        y -= 0.07 * field if inside != x else 0.0
        x = inside
        y = float(np.clip(y + 0.02 * field, 0.15 * field, 0.88 * field))
        labels.append(Label(x=x, y=y, text=mm(length), anchor=anchor))
    return tuple(labels)


def render(scene: Scene) -> Part:
    """Return pictures and table for each tissue that was measured."""
    blocks, figures = [], []
    for outputs in scene.visit.diseases:
        for measured in outputs.lesions:
            made = [_figure(row, measured, scene) for row in measured.rows[:SHOWN]]
            drawn = [figure for figure in made if figure is not None]
            figures += drawn
            rest = len(measured.rows) - SHOWN
            blocks.append(
                {
                    'title': f'{LESIONS[measured.tissue][1].capitalize()} ({measured.label})',
                    'head': HEAD,
                    'rows': [_cells(row, scene) for row in measured.rows],
                    'figures': drawn,
                    'left_out': f'{rest} smaller ones are in the table alone.' if rest > 0 else '',
                }
            )
    if not blocks:
        return Part()
    return Part(html=fill(TEMPLATE, {'blocks': blocks}), figures=tuple(figures))


SECTION = Section(title='Lesions', order=30, scope='visit', render=render)
