# SPDX-License-Identifier: Apache-2.0
"""How each contrast was brought onto the reference, in numbers and as checkerboards."""

import numpy as np

from bids_seg.records import Alignment
from bids_seg.report import drawing, view
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.view import Array, Plane
from bids_seg.report.wording import NOTHING, ROLE_NAMES

TEMPLATE = """
{% if figures %}<div class="cards">{% for figure in figures %}{{ parts.figure(figure) }}{% endfor %}</div>{% endif %}
{{ parts.table(head, rows, 'Alignment of each contrast to the reference') }}
<p class="small">Squares alternate between the reference and the other contrast; edges of the brain and of
the ventricles should run on from square to square. Normalised mutual information is 1 for unrelated
and 2 for identical images. “There and back” is the largest distance between forward and reverse
registration, 60 mm from the centre.</p>
"""

SQUARE_MM = 24.0
"""Side of a square of the checkerboard."""
METHODS = {
    'identity': 'none needed, same grid',
    'rigid': 'rigid registration',
    'header': 'headers trusted',
}
"""Methods in words."""
HEAD = (
    ('contrast', ''), ('onto', ''), ('method', ''), ('rotation', 'n'), ('shift', 'n'),
    ('mutual information before', 'n'), ('after', 'n'), ('there and back', 'n'), ('used', ''),
    ('remark', ''),
)  # fmt: skip
"""Columns of the table, numbers marked."""


def checkerboard(one: Array, other: Array, pixel: tuple[float, float]) -> Array:
    """Return squares of two slices in turn, the first in the upper left.

    Parameters
    ----------
    one, other : arrays of shape (rows, columns)
        Slices as shown.
    pixel
        Width and height of a pixel, mm.

    Examples
    --------
    >>> checkerboard(np.zeros((2, 2)), np.ones((2, 2)), (24.0, 24.0)).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    rows, columns = one.shape
    down = np.floor((np.arange(rows) + 0.5) * pixel[1] / SQUARE_MM).astype(int)
    across = np.floor((np.arange(columns) + 0.5) * pixel[0] / SQUARE_MM).astype(int)
    mixed: Array = np.where((down[:, None] + across[None, :]) % 2 == 0, one, other)
    return mixed


def _row(alignment: Alignment) -> list[str]:
    """Return an alignment's row of the table."""
    apart = alignment.disagreement_mm
    moved = alignment.method == 'rigid'
    return [
        ROLE_NAMES[alignment.moving],
        ROLE_NAMES[alignment.fixed],
        METHODS[alignment.method],
        f'{alignment.rotation_deg:.1f}°' if moved else NOTHING,
        f'{alignment.translation_mm:.1f} mm' if moved else NOTHING,
        f'{alignment.mutual_information_before:.3f}',
        f'{alignment.mutual_information:.3f}',
        NOTHING if apart is None else f'{apart:.2f} mm',
        '✓ yes' if alignment.accepted else '✕ no',
        alignment.note or NOTHING,
    ]


def _figure(alignment: Alignment, scene: Scene) -> Figure | None:
    """Return checkerboards of one contrast, before where it was moved, and after."""
    pictures = scene.pictures
    fixed, moving = pictures.images.get(alignment.fixed), pictures.images.get(alignment.moving)
    if fixed is None or moving is None:
        return None
    last = {'rigid': 'after', 'identity': 'as it was', 'header': 'by headers'}[alignment.method]
    versions: list[tuple[str, Array]] = [(last, moving)]
    before = pictures.before.get(alignment.moving)
    if before is not None:
        versions.insert(0, ('before', before))
    target = pictures.brain if pictures.brain is not None else fixed > 0
    planes = [_middle(target, 'axial'), _middle(target, 'sagittal')]
    row = [
        _panel(fixed, version, plane, title, scene)
        for title, version in versions
        for plane in planes
    ]
    suffix = 'T1w' if alignment.moving == 'T1wCE' else alignment.moving
    stem = f'{scene.visit.name}_desc-alignment{alignment.moving}_{suffix}'
    what = f'{ROLE_NAMES[alignment.moving]} onto {ROLE_NAMES[alignment.fixed]}'
    alt = (
        f'Checkerboard of {what}, {" and ".join(title for title, _ in versions)} alignment; mutual '
        f'information {alignment.mutual_information_before:.3f} before, '
        f'{alignment.mutual_information:.3f} after.'
    )
    rows = [row[:2], row[2:]] if len(row) == 4 else [row]
    svg = drawing.compose(rows, name=stem, alt=alt)
    return Figure(stem=stem, svg=svg, alt=alt, caption=f'{what} · {METHODS[alignment.method]}')


def _middle(mask: Array, direction: view.Direction) -> Plane:
    """Return the middle plane of a mask; a fifth off the middle where the falx would be hit."""
    axis = view.AXES[direction]
    others = tuple(other for other in range(3) if other != axis)
    filled = np.flatnonzero(mask.any(axis=others))
    share = 0.35 if direction == 'sagittal' else 0.5
    if not filled.size:
        return Plane(direction=direction, index=mask.shape[axis] // 2)
    return Plane(direction=direction, index=int(filled[int(filled.size * share)]))


def _panel(one: Array, other: Array, plane: Plane, title: str, scene: Scene) -> drawing.Panel:
    """Return one checkerboard."""
    pixel = plane.pixel(scene.pictures.grid)
    shown = checkerboard(plane.cut(one), plane.cut(other), pixel)
    return drawing.Panel(
        width=shown.shape[1] * pixel[0],
        height=shown.shape[0] * pixel[1],
        image=drawing.picture(shown, pixel),
        ends=('A', 'P') if plane.direction == 'sagittal' else ('R', 'L'),
        title=title,
    )


def render(scene: Scene) -> Part:
    """Return figures and numbers; nothing for a visit with a single contrast."""
    alignments = scene.visit.summary.alignments
    if not alignments:
        return Part()
    made = (_figure(alignment, scene) for alignment in alignments)
    figures = tuple(figure for figure in made if figure is not None)
    rows = [_row(alignment) for alignment in alignments]
    html = fill(TEMPLATE, {'figures': figures, 'head': HEAD, 'rows': rows})
    return Part(html=html, figures=figures)


SECTION = Section(title='Alignment', order=60, scope='visit', render=render)
