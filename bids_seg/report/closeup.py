# SPDX-License-Identifier: Apache-2.0
"""A lesion close up: a square piece of a slice with its outline and its measured lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid
from bids_seg.report import drawing
from bids_seg.report.drawing import Label, Panel
from bids_seg.report.view import Array, Plane
from bids_seg.report.wording import mm

FIELD_MM = 60.0
"""Smallest field of view of a lesion's picture."""
AROUND_MM = 15.0
"""What is shown around a large lesion."""
LETTER = drawing.TEXT / 495
"""Height of letters where two squares share a figure, as a share of a square's side."""

Place = tuple[float, float]
"""mm to the right of and below a corner."""
Ends = tuple[Place, Place]
"""Both ends of a measured line."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A square piece of a slice."""

    grey: NDArray[np.uint8]
    """Grey values, rows downwards."""
    mask: NDArray[np.bool_]
    """The lesion in it."""
    pixel: tuple[float, float]
    """Width and height of a pixel, mm."""
    corner: Place
    """Where its first pixel starts, from the square's corner."""
    field: float
    """Side of the square, mm."""
    lines: tuple[Ends, Ends] | None
    """Longest diameter and the one across, from the square's corner; None where nothing was measured."""
    lengths: tuple[float | None, float | None] = (None, None)
    """Their lengths as recorded, mm."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """One lesion at one visit, ready to be drawn."""

    label: str
    """Label of the lesion's set: glioma, metastases, ..."""
    lesion_id: str
    """For life."""
    place: int
    """Of the visit."""
    cut: Cut
    """Its voxels."""
    role: str
    """The image."""


def field(longest_mm: float) -> float:
    """Return the side of the square in which a lesion is shown, mm.

    Parameters
    ----------
    longest_mm
        Its longest diameter.

    Examples
    --------
    >>> field(12.0), field(50.0)
    (60.0, 80.0)
    """
    return max(FIELD_MM, longest_mm + 2 * AROUND_MM)


def cut(
    image: Array,
    mask: Array,
    *,
    plane: Plane,
    grid: Grid,
    middle: Place,
    side: float,
    lines: tuple[Ends, Ends] | None,
    lengths: tuple[float | None, float | None] = (None, None),
) -> Cut:
    """Return a square piece of a slice around a place.

    Parameters
    ----------
    image, mask : arrays of shape (I, J, K)
        Grey values 0 to 255, and the lesion.
    plane
        Which slice.
    grid
        Where the voxels lie.
    middle
        Middle of the square in the shown slice, mm.
    side
        Side of the square, mm.
    lines
        Measured lines in the shown slice, mm.
    lengths
        Their lengths as recorded, mm.
    """
    pixel, shown = plane.pixel(grid), plane.cut(image)
    ends = []
    for axis in (0, 1):
        step, whole = pixel[axis], shown.shape[1 - axis]
        low = min(max(0, int((middle[axis] - side / 2) // step)), whole - 1)
        high = min(whole, int(np.ceil((middle[axis] + side / 2) / step)))
        ends.append((low, max(high, low + 1)))
    (left, right), (top, bottom) = ends
    x, y = middle[0] - side / 2, middle[1] - side / 2
    moved = None
    if lines is not None:
        (a, b), (c, d) = (tuple((end[0] - x, end[1] - y) for end in ends) for ends in lines)
        moved = ((a, b), (c, d))
    return Cut(
        grey=shown[top:bottom, left:right].copy(),
        mask=plane.cut(mask)[top:bottom, left:right].copy(),
        pixel=pixel,
        corner=(left * pixel[0] - x, top * pixel[1] - y),
        field=side,
        lines=moved,
        lengths=lengths,
    )


def span(lines: tuple[Ends, Ends]) -> tuple[Place, float]:
    """Return the middle of both lines, and the longer side of the box around them, mm.

    Parameters
    ----------
    lines
        Measured lines.

    Examples
    --------
    >>> span((((0, 0), (10, 0)), ((5, -2), (5, 4))))
    ((5.0, 1.0), 10.0)
    """
    ends = np.array([end for one in lines for end in one], dtype=float)
    low, high = ends.min(axis=0), ends.max(axis=0)
    middle = (low + high) / 2
    return (float(middle[0]), float(middle[1])), float((high - low).max())


def panel(piece: Cut, *, region: str, letter: float = LETTER) -> Panel:
    """Return a piece with outline and lines; a cross in the middle where nothing was measured.

    Parameters
    ----------
    piece
        What is shown.
    region
        Whose colour the outline has.
    letter
        Height of letters as a share of the square's side.
    """
    x, y = piece.corner
    image = drawing.picture(piece.grey, piece.pixel, finest=0.4)
    outlined = drawing.outlines([(region, piece.mask)], piece.pixel)
    marks = f'<g transform="translate({x:.2f} {y:.2f})">{outlined}</g>'
    labels: tuple[Label, ...] = ()
    if piece.lines is None:
        marks += crosshair(piece.field)
    else:
        longest, shorter = piece.lines
        marks += drawing.diameter(*longest, tick=piece.field / 15)
        marks += drawing.diameter(*shorter, tick=piece.field / 15, pattern='4 3')
        labels = numbers(piece.lines, piece.lengths, field=piece.field, letter=letter)
    return Panel(
        width=piece.field,
        height=piece.field,
        image=image.replace('<image ', f'<image x="{x:.2f}" y="{y:.2f}" ', 1),
        marks=marks,
        labels=labels,
        ends=('R', 'L'),
        ends_at='top',
        bar=10.0,
    )


def crosshair(side: float) -> str:
    """Return a cross that leaves the middle of a square open.

    Parameters
    ----------
    side
        Side of the square, mm.
    """
    middle, inner, outer = side / 2, side * 0.06, side * 0.16
    arms = [((1, 0)), ((-1, 0)), ((0, 1)), ((0, -1))]
    data = ''.join(
        f'M{middle + dx * inner:.2f} {middle + dy * inner:.2f}'
        f'L{middle + dx * outer:.2f} {middle + dy * outer:.2f}'
        for dx, dy in arms
    )
    line = f'd="{data}" fill="none" vector-effect="non-scaling-stroke"'
    return (
        f'<path {line} stroke="#000" stroke-opacity=".6" stroke-width="3.4"/>'
        f'<path {line} stroke="#fff" stroke-width="1.5"/>'
    )


def numbers(
    lines: tuple[Ends, Ends],
    lengths: tuple[float | None, float | None],
    *,
    field: float,
    letter: float = LETTER,
) -> tuple[Label, ...]:
    """Return the lengths beyond an end of their lines, clear of a small lesion and each other.

    Parameters
    ----------
    lines
        Longest diameter and the one across, mm from the square's corner.
    lengths
        What is written.
    field
        Side of the square, mm.
    letter
        Height of letters as a share of it.
    """
    room = len('24.2 mm') * 0.63 * letter
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
        x, y = centre + unit * max(reach + 0.04 * field, 0.11 * field)
        anchor: Literal['start', 'middle', 'end'] = 'middle'
        if abs(unit[0]) > 0.4:
            anchor = 'start' if unit[0] > 0 else 'end'
        margin = {
            'start': (0.03, 0.97 - room),
            'middle': (0.03 + room / 2, 0.97 - room / 2),
            'end': (0.03 + room, 0.97),
        }[anchor]
        inside = float(np.clip(x, margin[0] * field, margin[1] * field))
        # A text that had to be moved back over its line goes above it.
        y -= 0.07 * field if inside != x else 0.0
        x = inside
        y = float(np.clip(y + 0.02 * field, 0.15 * field, 0.88 * field))
        labels.append(Label(x=x, y=y, text=mm(length), anchor=anchor))
    return tuple(labels)
