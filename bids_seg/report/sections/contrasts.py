# SPDX-License-Identifier: Apache-2.0
"""Every contrast of a visit with and without the outlines of brain and tumour."""

from collections.abc import Sequence

from bids_seg.records import Role
from bids_seg.report import drawing, view
from bids_seg.report.drawing import Panel
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.view import Array, Plane
from bids_seg.report.wording import ROLE_NAMES

TEMPLATE = """
{{ parts.legend(legend) }}
{% for block in blocks %}
{% if block.title %}<h4>{{ block.title }}</h4>{% endif %}
<div class="cards">{% for figure in block.figures %}{{ parts.figure(figure) }}{% endfor %}</div>
{% endfor %}
<p class="small">Radiological convention: the patient&rsquo;s right (R) is on the left; sagittal slices have
anterior (A) on the left. Grey values from the {{ low }}th to the {{ high }}th percentile inside the
brain. Slices are those with the largest segmented area, along the axes of the reference image.</p>
{% for problem in problems %}<p class="small">Not shown: {{ problem }}.</p>{% endfor %}
"""

STRIP = 6
"""Axial slices of the strip through the tumour."""
SHOWN: tuple[Role, ...] = ('T1wCE', 'FLAIR')
"""Contrasts that get a strip; the reference where neither is there."""


def _card(role: Role, masks: Sequence[tuple[str, Array]], title: str, scene: Scene) -> Figure:
    """Return one contrast: axial without and with outlines, coronal and sagittal with them."""
    pictures = scene.pictures
    image, grid = pictures.images[role], pictures.grid
    target = masks[-1][1] if masks else None
    for _, mask in masks:
        if mask.any():
            target = mask
            break
    if target is None or not target.any():
        target = pictures.brain if pictures.brain is not None else image > 0
    drawn = [*masks] if pictures.brain is None else [('brain', pictures.brain), *masks]
    planes = [view.largest(target, direction) for direction in ('axial', 'coronal', 'sagittal')]
    axial, coronal, sagittal = (drawing.whole(image, plane, grid, masks=drawn) for plane in planes)
    stem = f'{scene.visit.name}_desc-outlines{title}{role}_{_suffix(role)}'
    where = ', '.join(f'{plane.direction} {_stored(plane, scene)}' for plane in planes)
    alt = f'{ROLE_NAMES[role]}: {where}; outlines of {", ".join(name for name, _ in drawn)}.'
    svg = drawing.compose([[drawing.plain(axial), axial], [coronal, sagittal]], name=stem, alt=alt)
    caption = f'{ROLE_NAMES[role]} · {where}'
    return Figure(stem=stem, svg=svg, alt=alt, caption=caption)


def _stored(plane: Plane, scene: Scene) -> int:
    """Return the plane's index on the whole grid, along its RAS+ axis."""
    return plane.index + scene.pictures.offset[view.AXES[plane.direction]]


def _suffix(role: Role) -> str:
    """Return the BIDS suffix of a role."""
    return 'T1w' if role == 'T1wCE' else role


def _strip(
    role: Role, masks: Sequence[tuple[str, Array]], title: str, scene: Scene
) -> Figure | None:
    """Return axial slices through the whole tumour, from the top down."""
    pictures = scene.pictures
    planes = view.spread(masks[0][1], number=STRIP)
    if len(planes) < 2:
        return None
    panels = [
        _titled(
            drawing.whole(pictures.images[role], plane, pictures.grid, masks=masks), plane, scene
        )
        for plane in planes
    ]
    half = -(-len(panels) // 2) if len(panels) > 3 else len(panels)
    rows = [row for row in (panels[:half], panels[half:]) if row]
    if len(rows) == 2 and len(rows[1]) < half:
        rows = [panels]
    stem = f'{scene.visit.name}_desc-strip{title}{role}_{_suffix(role)}'
    where = ', '.join(str(_stored(plane, scene)) for plane in planes)
    alt = (
        f'{ROLE_NAMES[role]}: axial slices {where} through the segmented lesion, from the top down.'
    )
    caption = f'{ROLE_NAMES[role]} · axial slices through the lesion, from the top down'
    return Figure(
        stem=stem, svg=drawing.compose(rows, name=stem, alt=alt), alt=alt, caption=caption
    )


def _titled(panel: Panel, plane: Plane, scene: Scene) -> Panel:
    """Return a panel with the number of its slice."""
    return Panel(
        width=panel.width, height=panel.height, image=panel.image, marks=panel.marks,
        ends=panel.ends, bar=panel.bar, title=str(_stored(plane, scene)),
    )  # fmt: skip


def render(scene: Scene) -> Part:
    """Return a card for each contrast, for each tumour network that found something."""
    pictures = scene.pictures
    if not pictures.images:
        return Part()
    found: dict[str, list[tuple[str, Array]]] = {
        disease: [*masks.items()]
        for disease, masks in pictures.regions.items()
        if any(mask.any() for mask in masks.values())
    }
    several = len(found) > 1
    blocks, figures = [], []
    for disease, masks in (found or {'': []}).items():
        title = disease.capitalize() if several else ''
        cards = [_card(role, masks, title, scene) for role in pictures.images]
        if masks:
            roles = [role for role in SHOWN if role in pictures.images] or list(pictures.images)[:1]
            strips = [_strip(role, masks, title, scene) for role in roles]
            cards += [strip for strip in strips if strip is not None]
        blocks.append({'title': f'{title} network' if title else '', 'figures': cards})
        figures += cards
    drawn = list(dict.fromkeys(region for masks in found.values() for region, _ in masks))
    html = fill(
        TEMPLATE,
        {
            'blocks': blocks,
            'legend': drawing.legend(['brain', *drawn] if pictures.brain is not None else drawn),
            'low': f'{view.WINDOW[0]:g}',
            'high': f'{view.WINDOW[1]:g}',
            'problems': pictures.problems,
        },
    )
    return Part(html=html, figures=tuple(figures))


SECTION = Section(title='Outlines on every contrast', order=40, scope='visit', render=render)
