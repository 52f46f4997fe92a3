# SPDX-License-Identifier: Apache-2.0
"""Every lesion of a visit: the measured slice with both diameters, and the table."""

from bids_seg.report import closeup, drawing, strip, view
from bids_seg.report.closeup import Ends
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
{% if block.above %}<p class="small">Pictures of {% for name, anchor in block.above.items() %}<a href="#{{ anchor }}">{{ name }}</a>{{ ', ' if not loop.last }}{% endfor %} stand further up, at all visits side by side.</p>{% endif %}
{{ parts.table(block.head, block.rows, block.title) }}
{% else %}<p>None segmented.</p>{% endif %}
{% endfor %}
<p class="small">Lengths run from edge to edge of the mask in the slices of the reference image: the
longest line that stays inside the lesion, and the longest line across it at a right angle. In brackets:
what the length would be at probability 0.7 and 0.3. Slices are counted from 0 in stored order.</p>
"""

SHOWN = 10
"""Lesions that get a picture."""
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


def _line(row: Row, name: str, plane: Plane, scene: Scene) -> Ends | None:
    """Return both ends of a measured line in the shown slice, mm."""
    start, end = (_point(row, f'{name}_p{end}') for end in (0, 1))
    grid = scene.pictures.grid
    if start is None or end is None:
        return None
    return plane.place(view.voxel(start, grid), grid), plane.place(view.voxel(end, grid), grid)


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
    longest, shorter = _line(row, 'ld', plane, scene), _line(row, 'sd', plane, scene)
    if longest is None or shorter is None:
        return None
    name = row.get('name', index)
    stem = scene.visit.stem(f'{measured.label}{name}')
    ld, sd = number(row.get('ld_mm')), number(row.get('sd_mm'))
    middle, extent = closeup.span((longest, shorter))
    piece = closeup.cut(
        image,
        found == int(index),
        plane=plane,
        grid=pictures.grid,
        middle=middle,
        side=closeup.field(extent),
        lines=(longest, shorter),
        lengths=(ld, sd),
    )
    drawn = closeup.panel(piece, region=measured.tissue)
    noun = LESIONS[measured.tissue][0]
    alt = (
        f'{noun.capitalize()} {name} on {role}, axial slice {row.get("ld_slice")}: longest diameter '
        f'{mm(ld)}, perpendicular {mm(sd)}, volume {ml(number(row.get("volume_mm3")))}. '
        'Left without marks, right with outline and both lines.'
    )
    caption = f'{name} · {ml(number(row.get("volume_mm3")))} · {across(ld, sd)} · slice {row.get("ld_slice")}'
    svg = drawing.compose([[drawing.plain(drawn), drawn]], name=stem, alt=alt)
    return Figure(stem=stem, svg=svg, alt=alt, caption=caption)


def _above(measured: LesionOutputs, scene: Scene) -> dict[str, str]:
    """Return the lesions whose pictures stand in a strip of the same page, with their anchors."""
    if scene.visit_page:
        return {}
    names = {row.get('name', '') for row in measured.rows}
    found = strip.anchors(scene, measured.label)
    return {name: anchor for name, anchor in found.items() if name in names}


def render(scene: Scene) -> Part:
    """Return pictures and table for each tissue that was measured."""
    blocks, figures = [], []
    for outputs in scene.visit.diseases:
        for measured in outputs.lesions:
            above = _above(measured, scene)
            shown = [row for row in measured.rows[:SHOWN] if row.get('name', '') not in above]
            made = [_figure(row, measured, scene) for row in shown]
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
                    'above': above,
                }
            )
    if not blocks:
        return Part()
    return Part(html=fill(TEMPLATE, {'blocks': blocks}), figures=tuple(figures))


SECTION = Section(title='Lesions', order=30, scope='visit', render=render)
