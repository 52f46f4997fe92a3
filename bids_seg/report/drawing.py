# SPDX-License-Identifier: Apache-2.0
"""Drawing: slices as WebP inside SVG, outlines and lines as vectors over them.

A figure is one SVG text that needs nothing from outside; it is put into the page and stored
as a file as it is. Its width is always 1000 units; rows of panels are justified to it.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid
from bids_seg.report.view import Array, Plane
from bids_seg.report.wording import COLOURS, DASHES, REGIONS, WIDTHS

FIGURE_WIDTH = 1000.0
"""Units across a figure."""
GAP = 10.0
"""Units between panels."""
TEXT = 30.0
"""Height of letters, units: 10 px on a phone, 18 px on a desk."""
QUALITY = 82
"""WebP quality: losses stay below what a screen shows of MR noise."""
HALO = 'stroke="#000" stroke-opacity=".75" stroke-width="6" paint-order="stroke"'
"""Dark rim around white letters."""
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"'
"""Fonts that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A short text at a place of a panel."""

    x: float
    """mm from the left edge."""
    y: float
    """mm from the top edge."""
    text: str
    """What it says."""
    anchor: Literal['start', 'middle', 'end'] = 'middle'
    """Which part of the text is at x."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture with what is drawn on it; lengths in mm."""

    width: float
    """Width."""
    height: float
    """Height."""
    image: str
    """SVG of the picture, in mm."""
    marks: str = ''
    """SVG of the lines over it, in mm; stroke widths are screen pixels."""
    labels: tuple[Label, ...] = ()
    """Texts."""
    ends: tuple[str, str] = ('', '')
    """Letters at the left and right edge, e.g. R and L."""
    ends_at: Literal['middle', 'top'] = 'middle'
    """How high they stand."""
    title: str = ''
    """Text in the upper left corner."""
    bar: float = 0.0
    """Length of the scale bar; 0 for none."""


def webp(pixels: NDArray[np.uint8], *, quality: int = QUALITY) -> str:
    """Return pixels as a data address.

    Parameters
    ----------
    pixels : array of shape (rows, columns) or (rows, columns, 3)
        Grey values or colours.
    quality
        WebP quality, 0 to 100.
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, 'WEBP', quality=quality, method=4)
    return 'data:image/webp;base64,' + base64.b64encode(file.getvalue()).decode('ascii')


def picture(pixels: NDArray[np.uint8], pixel: tuple[float, float], *, finest: float = 0.8) -> str:
    """Return a slice as an SVG image that measures what it measures in the patient.

    Parameters
    ----------
    pixels : array of shape (rows, columns) or (rows, columns, 3)
        Rows downwards, columns to the right.
    pixel
        Width and height of one, mm.
    finest
        It is enlarged smoothly until pixels are square and no larger than this, mm.
    """
    from PIL import Image

    rows, columns = pixels.shape[:2]
    width, height = columns * pixel[0], rows * pixel[1]
    step = min(finest, *pixel) if max(pixel) > 2 * finest else finest
    step = max(step, finest / 2)
    across, down = max(columns, round(width / step)), max(rows, round(height / step))
    enlarged = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (across, down), Image.Resampling.BICUBIC
    )
    return (
        f'<image width="{width:.2f}" height="{height:.2f}" preserveAspectRatio="none" '
        f'href="{webp(np.asarray(enlarged))}"/>'
    )


def outline(mask: NDArray[np.bool_], pixel: tuple[float, float]) -> str:
    """Return the outline of a mask as the data of an SVG path, mm.

    Parameters
    ----------
    mask : array of shape (rows, columns)
        As shown.
    pixel
        Width and height of a pixel, mm.

    Examples
    --------
    >>> mask = np.zeros((3, 4), bool)
    >>> mask[1, 1:3] = True
    >>> outline(mask, (1.0, 2.0))
    'M1 3L1.5 2L2.5 2L3 3L2.5 4L1.5 4Z'
    """
    if not mask.any():
        return ''
    from contourpy import contour_generator

    padded = np.pad(mask, 1).astype(np.float32)
    across = (np.arange(padded.shape[1]) - 0.5) * pixel[0]
    down = (np.arange(padded.shape[0]) - 0.5) * pixel[1]
    rings = contour_generator(across, down, padded).lines(0.5)
    return ''.join(_ring(np.asarray(ring)) for ring in rings)


def _ring(points: Array) -> str:
    """Return one closed ring, points on straight runs left out."""
    ring = points[:-1]
    before, after = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    bend = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    return 'M' + 'L'.join(f'{x:.4g} {y:.4g}' for x, y in ring[bend]) + 'Z'


def dash(region: str, among: Sequence[str]) -> str:
    """Return a region's dash pattern: the core is whole where no enhancing tumour lies on it.

    Examples
    --------
    >>> dash('TC', ('WT', 'TC', 'ET')), dash('TC', ('TC',))
    ('7 4', '')
    """
    return '' if region == 'TC' and 'ET' not in among else DASHES[region]


def legend(regions: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return colour, dash pattern and name of each line that is drawn.

    Parameters
    ----------
    regions
        In the order of drawing.
    """
    names = {region: f'{region} {REGIONS[region]}' for region in regions} | {'brain': 'brain'}
    return [(COLOURS[region], dash(region, regions), names[region]) for region in regions]


def outlines(masks: Sequence[tuple[str, Array]], pixel: tuple[float, float]) -> str:
    """Return the outlines of regions, each over a dark rim, in the colours of the page.

    Parameters
    ----------
    masks
        Region and shown mask, outermost first.
    pixel
        Width and height of a pixel, mm.
    """
    drawn = []
    for region, mask in masks:
        data = outline(mask, pixel)
        if not data:
            continue
        pattern = dash(region, [name for name, _ in masks])
        dashes = f' stroke-dasharray="{pattern}"' if pattern else ''
        line = 'fill="none" vector-effect="non-scaling-stroke"'
        drawn.append(
            f'<path d="{data}" {line} stroke="#000" stroke-opacity=".45" '
            f'stroke-width="{WIDTHS[region] + 1.4}"/>'
        )
        drawn.append(
            f'<path d="{data}" {line} stroke="{COLOURS[region]}" '
            f'stroke-width="{WIDTHS[region]}"{dashes}/>'
        )
    return ''.join(drawn)


def diameter(
    start: tuple[float, float], end: tuple[float, float], *, tick: float, pattern: str = ''
) -> str:
    """Return a measured line with ticks at its ends.

    Parameters
    ----------
    start, end
        End points, mm.
    tick
        Length of the ticks, mm.
    pattern
        Dash pattern in screen pixels.

    Examples
    --------
    >>> diameter((0, 0), (10, 0), tick=2).count('<path')
    2
    """
    along = np.subtract(end, start)
    length = float(np.hypot(*along)) or 1.0
    normal = np.array([-along[1], along[0]]) / length * tick / 2
    ends = [np.asarray(start, dtype=float), np.asarray(end, dtype=float)]
    lines = [(ends[0], ends[1]), *((point - normal, point + normal) for point in ends)]
    data = ''.join(f'M{a[0]:.2f} {a[1]:.2f}L{b[0]:.2f} {b[1]:.2f}' for a, b in lines)
    line = f'd="{data}" fill="none" vector-effect="non-scaling-stroke"'
    dashes = f' stroke-dasharray="{pattern}"' if pattern else ''
    return (
        f'<path {line} stroke="#000" stroke-opacity=".6" stroke-width="3.4"/>'
        f'<path {line} stroke="#fff" stroke-width="1.5"{dashes}/>'
    )


def whole(
    image: Array, plane: Plane, grid: Grid, *, masks: Sequence[tuple[str, Array]] = ()
) -> Panel:
    """Return a panel of a whole slice.

    Parameters
    ----------
    image : array of shape (I, J, K)
        Grey values, 0 to 255.
    plane
        Which slice.
    grid
        Where the voxels lie.
    masks
        Regions, outermost first, each of shape (I, J, K).
    """
    shown, pixel = plane.cut(image), plane.pixel(grid)
    rows, columns = shown.shape[:2]
    return Panel(
        width=columns * pixel[0],
        height=rows * pixel[1],
        image=picture(shown, pixel),
        marks=outlines([(region, plane.cut(mask)) for region, mask in masks], pixel),
        ends=('A', 'P') if plane.direction == 'sagittal' else ('R', 'L'),
        bar=50.0,
    )


def plain(panel: Panel) -> Panel:
    """Return a panel without anything drawn on the picture but its letters and bar."""
    return replace(panel, marks='', labels=())


def compose(rows: Sequence[Sequence[Panel]], *, name: str, alt: str, shared: bool = True) -> str:
    """Return a figure: rows of panels, each row as wide as the figure.

    Parameters
    ----------
    rows
        Panels from left to right.
    name
        Unique on the page; made part of the identifiers inside.
    alt
        What the figure shows, with the numbers.
    shared
        Whether pictures that occur twice are stored once; a figure of its own needs no more.
    """
    drawn: list[str] = []
    pictures: dict[str, str] = {}
    y = 0.0
    for row in rows:
        scale = (FIGURE_WIDTH - GAP * (len(row) - 1)) / sum(panel.width for panel in row)
        height = max(panel.height for panel in row) * scale
        x = 0.0
        for panel in row:
            key = pictures.setdefault(panel.image, f'{name}-{len(pictures)}') if shared else ''
            # Low pictures stand in the middle of a row, on its black ground.
            lower = (height - panel.height * scale) / 2
            drawn.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{panel.width * scale:.1f}" '
                f'height="{height:.1f}"/>'
            )
            drawn.append(placed(panel, key, (x, y + lower), scale))
            x += panel.width * scale + GAP
        y += height + GAP
    defs = ''.join(
        image.replace('<image ', f'<image id="{key}" ', 1) for image, key in pictures.items()
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {FIGURE_WIDTH:.0f} '
        f'{y - GAP:.1f}" role="img" aria-label="{html.escape(alt)}">'
        f'<defs>{defs}</defs>{"".join(drawn)}</svg>'
    )


def placed(
    panel: Panel, key: str, at: tuple[float, float], scale: float, *, size: float = TEXT
) -> str:
    """Return a panel at its place in a figure.

    Parameters
    ----------
    panel
        What is drawn.
    key
        Identifier of its picture among the figure's; empty where the picture is drawn itself.
    at
        Upper left corner, units.
    scale
        Units for a mm.
    size
        Height of letters, units.
    """
    width, height = panel.width * scale, panel.height * scale
    letter = f'{FONT} font-size="{size:g}" fill="#fff" {HALO}'
    body = f'<use href="#{key}"/>' if key else panel.image
    texts = [
        f'<text x="{label.x * scale:.1f}" y="{label.y * scale:.1f}" {letter} '
        f'text-anchor="{label.anchor}">{html.escape(label.text)}</text>'
        for label in panel.labels
    ]
    left, right = panel.ends
    middle = height / 2 + size / 3 if panel.ends_at == 'middle' else size + 4
    if left:
        half = 0.53 * size
        for x, side in ((half + 5, left), (width - half - 5, right)):
            texts.append(_ground(x - half, middle - size + 1, 2 * half, size + 8))
            texts.append(
                f'<text x="{x:.1f}" y="{middle:.1f}" {letter} text-anchor="middle">{side}</text>'
            )
    if panel.title:
        texts.append(f'<text x="10" y="{size + 4:g}" {letter}>{html.escape(panel.title)}</text>')
    if panel.bar:
        texts.append(_bar(panel.bar, height, scale, letter, size=size))
    return (
        f'<g transform="translate({at[0]:.1f} {at[1]:.1f})">'
        f'<svg width="{width:.1f}" height="{height:.1f}" overflow="hidden">'
        f'<g transform="scale({scale:.4f})">{body}{panel.marks}</g>{"".join(texts)}</svg></g>'
    )


def _ground(x: float, y: float, width: float, height: float) -> str:
    """Return a dark ground for letters, which may lie on bright fat."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
        'fill-opacity=".55"/>'
    )


def _bar(length: float, height: float, scale: float, letter: str, *, size: float) -> str:
    """Return the scale bar in the lower left corner."""
    y, end = height - 14, 12 + length * scale
    data = f'M12 {y - 7:.1f}V{y:.1f}H{end:.1f}V{y - 7:.1f}'
    line = f'd="{data}" fill="none" vector-effect="non-scaling-stroke"'
    return (
        _ground(4, y - size + 2, end + 3.7 * size, size + 10)
        + f'<path {line} stroke="#fff" stroke-width="1.5"/>'
        f'<text x="{end + 10:.1f}" y="{y:.1f}" {letter}>{length:g} mm</text>'
    )
