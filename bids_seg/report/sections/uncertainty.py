# SPDX-License-Identifier: Apache-2.0
"""Where the networks were unsure: entropy on a colour scale that never changes."""

import numpy as np

from bids_seg.image import Grid
from bids_seg.records import Disease
from bids_seg.report import drawing, view
from bids_seg.report.section import Figure, Part, Scene, Section, fill
from bids_seg.report.view import Array, Direction, Plane

TEMPLATE = """
<div class="cards">{% for figure in figures %}{{ parts.figure(figure) }}{% endfor %}</div>
<div class="scale"><span>0 bit, sure</span><svg viewBox="0 0 200 12" preserveAspectRatio="none"
role="img" aria-label="Colour scale from 0 to 1 bit"><defs><linearGradient id="{{ gradient }}">
{% for colour in colours %}<stop offset="{{ loop.index0 / (colours | length - 1) }}" stop-color="{{ colour }}"/>{% endfor %}
</linearGradient></defs><rect width="200" height="12" fill="url(#{{ gradient }})"/></svg>
<span>1 bit, even odds</span></div>
<p class="small">Entropy of “inside or outside” under the networks&rsquo; probability, the largest over the
regions; the scale is the same on every page. It shows where the network itself wavers. It does not show
what the network overlooks with confidence, and it is no guarantee.</p>
"""

DIRECTIONS: tuple[Direction, ...] = ('axial', 'coronal', 'sagittal')
"""Planes that are shown."""
FAINT_BITS = 0.05
"""Below this nothing is painted."""


def painted(image: Array, bits: Array) -> Array:
    """Return an image with entropy painted over it, shape (I, J, 3), 0 to 255.

    Parameters
    ----------
    image : array of shape (I, J)
        Grey values, 0 to 255.
    bits : array of shape (I, J)
        Entropy, 0 to 1.
    """
    import matplotlib as mpl

    grey = np.repeat(image[..., None].astype(np.float32) * 0.8, 3, axis=-1)
    share = np.clip(np.nan_to_num(bits), 0, 1)
    colours = np.asarray(mpl.colormaps['inferno'](share))[..., :3] * 255
    # Opaque early: a see-through colour could not be read off the scale.
    opacity = np.clip((share - FAINT_BITS) / 0.15, 0, 1)[..., None] * 0.92
    mixed: Array = (grey * (1 - opacity) + colours * opacity).round().astype(np.uint8)
    return mixed


def _figure(disease: Disease, bits: Array, scene: Scene) -> Figure:
    """Return entropy on the reference in three directions, beside the outlines."""
    pictures = scene.pictures
    role, image = next(iter(pictures.images.items()))
    masks = [*pictures.regions.get(disease, {}).items()]
    unsure = bits > 0.5
    target = masks[0][1] if masks and masks[0][1].any() else unsure
    planes = [view.largest(target, direction) for direction in DIRECTIONS]
    outlined = drawing.whole(image, planes[0], pictures.grid, masks=masks)
    axial, coronal, sagittal = (_panel(image, bits, plane, pictures.grid) for plane in planes)
    volume = float(unsure.sum()) * pictures.grid.voxel_mm3 / 1000
    stem = f'{scene.visit.name}_desc-{disease}Entropy_probseg'
    alt = (
        f'Entropy of the {disease} network on {role}, beside its outlines; {volume:.1f} mL lie '
        'above 0.5 bit.'
    )
    caption = f'{disease.capitalize()} network on {role} · {volume:.1f} mL above 0.5 bit'
    svg = drawing.compose([[outlined, axial], [coronal, sagittal]], name=stem, alt=alt)
    return Figure(stem=stem, svg=svg, alt=alt, caption=caption)


def _panel(image: Array, bits: Array, plane: Plane, grid: Grid) -> drawing.Panel:
    """Return one slice with entropy painted over it."""
    pixel = plane.pixel(grid)
    shown = painted(plane.cut(image), plane.cut(bits))
    return drawing.Panel(
        width=shown.shape[1] * pixel[0],
        height=shown.shape[0] * pixel[1],
        image=drawing.picture(shown, pixel),
        ends=('A', 'P') if plane.direction == 'sagittal' else ('R', 'L'),
        bar=50.0,
    )


def render(scene: Scene) -> Part:
    """Return a figure for each tumour network."""
    import matplotlib as mpl

    if not scene.pictures.images or not scene.pictures.entropy:
        return Part()
    figures = tuple(
        _figure(disease, bits, scene) for disease, bits in scene.pictures.entropy.items()
    )
    scale = [mpl.colormaps['inferno'](step / 10) for step in range(11)]
    colours = ['#' + ''.join(f'{round(part * 255):02x}' for part in colour[:3]) for colour in scale]
    html = fill(
        TEMPLATE,
        {'figures': figures, 'colours': colours, 'gradient': f'{scene.visit.name}-bits'},
    )
    return Part(html=html, figures=figures)


SECTION = Section(title='Uncertainty', order=50, scope='visit', render=render)
