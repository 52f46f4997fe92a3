# SPDX-License-Identifier: Apache-2.0
"""In-slice parts of a lesion, and the segments that stay within them.

Coordinates here are voxel indices of one slice; a `plane` matrix turns steps of indices
into mm, so that anisotropic and oblique grids need no case of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

Floats = NDArray[np.float64]
Pixel = tuple[float, float]
"""A place in a slice: indices along R and A, whole numbers at voxel centres."""

TIE_MM = 1e-6
"""Two segments of one part whose lengths differ by less are equally long."""
REACH = 0.45
"""How far a segment may leave the mask, in shares of the smaller spacing."""
STEP = 0.1
"""Distance of the samples of a segment, in shares of the smaller spacing."""
COARSE = 64
"""Before all samples of a segment are looked at, so many of them are."""


@dataclass(frozen=True, eq=False)
class Part:
    """An 8-connected part of one slice of a lesion.

    Parameters
    ----------
    pixels : array of shape (i, j)
        The part in its box, padded by two on each side.
    origin
        Index of the first pixel in the slice.
    slice
        Index of the slice.
    plane : array of shape (2, 2)
        From steps of the indices to mm.
    """

    pixels: NDArray[np.bool_]
    origin: tuple[int, int]
    slice: int
    plane: Floats

    @cached_property
    def spacing(self) -> Floats:
        """Spacing of both axes, mm."""
        lengths: Floats = np.linalg.norm(self.plane, axis=0)
        return lengths

    @cached_property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def edges(self) -> tuple[Floats, Floats]:
        """Both ends of each pixel edge on the border, indices, shape (n, 2) each."""
        starts, ends = [], []
        for axis in (0, 1):
            for side in (-1, 1):
                outside = ~np.roll(self.pixels, -side, axis=axis)
                centres = np.argwhere(self.pixels & outside).astype(float)
                centres[:, axis] += 0.5 * side
                half = np.zeros(2)
                half[1 - axis] = 0.5
                starts.append(centres - half)
                ends.append(centres + half)
        return np.concatenate(starts), np.concatenate(ends)

    @cached_property
    def points(self) -> Floats:
        """Midpoints of the border's edges, indices, in lexicographic order, shape (n, 2)."""
        starts, ends = self.edges
        middles: Floats = np.unique((starts + ends) / 2, axis=0)
        return middles

    @cached_property
    def dilated(self) -> NDArray[np.bool_]:
        """Whether a pixel or one of its eight neighbours is of the part, flat."""
        return ndimage.binary_dilation(self.pixels, structure=np.ones((3, 3), dtype=bool)).ravel()

    @cached_property
    def box_mm(self) -> float:
        """Diagonal of the smallest box along the axes around the part, mm."""
        first, second = (side - 4 for side in self.pixels.shape)
        diagonals = np.array([[first, second], [first, -second]]) @ self.plane.T
        return float(np.linalg.norm(diagonals, axis=1).max())

    @cached_property
    def hull_mm(self) -> float:
        """Diameter of the convex hull of the points, mm."""
        millimetres = self.points @ self.plane.T
        corners = millimetres[ConvexHull(millimetres).vertices]
        steps = corners[:, None] - corners[None]
        return float(np.sqrt((steps**2).sum(axis=-1).max()))

    @cached_property
    def product_bound_mm2(self) -> float:
        """Twice the largest quadrilateral between corners of pixels, mm2."""
        millimetres = np.concatenate(self.edges) @ self.plane.T
        corners = millimetres[ConvexHull(millimetres).vertices]
        # Twice the area of each triangle (a, b, c), signed by the side of ab on which c is.
        steps = corners[:, None] - corners[None]
        doubled = steps[:, :, None, 0] * steps[None, :, :, 1]
        doubled -= steps[:, :, None, 1] * steps[None, :, :, 0]
        return float((doubled.max(axis=2) - doubled.min(axis=2)).max())

    def whole(self, point: Floats) -> Pixel:
        """Return a point in indices of the whole slice.

        Parameters
        ----------
        point : array of shape (2,)
            Indices within the part.
        """
        return float(point[0] + self.origin[0]), float(point[1] + self.origin[1])


def parts(mask: NDArray[np.bool_], plane: Floats) -> Iterator[Part]:
    """Yield the 8-connected parts of every slice.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        One lesion.
    plane : array of shape (2, 2)
        From steps of the first two indices to mm.
    """
    for index in range(mask.shape[2]):
        labels, count = ndimage.label(mask[:, :, index], structure=np.ones((3, 3)))
        if not count:
            continue
        for number, window in enumerate(ndimage.find_objects(labels), start=1):
            pixels = np.pad(labels[window] == number, 2)
            origin = (window[0].start - 2, window[1].start - 2)
            yield Part(pixels, origin, index, plane)


def longest_segment(part: Part, least: float) -> float | None:
    """Return the length of the longest valid segment, mm; None if below `least`.

    Parameters
    ----------
    part
        An in-slice part.
    least
        mm; shorter segments need not be looked at.
    """
    top = part.hull_mm + TIE_MM
    for share in (0.95, 0.75, 0.0):
        # Most parts end in the first window of lengths, which keeps the sorting short.
        bottom = max(least, share * part.hull_mm)
        if bottom > top:
            return None
        starts, ends = _pairs(part, bottom, top)
        lengths = _lengths(part, starts, ends)
        order = np.argsort(-lengths, kind='stable')
        place, batch = 0, 512
        while place < len(order):
            chosen = order[place : place + batch]
            chosen = chosen[_coarsely_valid(part, starts[chosen], ends[chosen])]
            for group in np.array_split(chosen, max(1, len(chosen) // 64)):
                valid = _finely_valid(part, starts[group], ends[group])
                if valid.any():
                    return float(lengths[group[valid][0]])
            place, batch = place + batch, min(2 * batch, 65536)
        top = bottom
    return None


def equal_segments(part: Part, length: float) -> tuple[Floats, Floats]:
    """Return the ends of all valid segments of a length.

    Parameters
    ----------
    part
        An in-slice part.
    length
        mm; as `longest_segment` gave it.

    Returns
    -------
    two arrays of shape (n, 2)
        Indices within the part; pairs are in lexicographic order.
    """
    starts, ends = _pairs(part, length - TIE_MM, length + TIE_MM)
    valid = _coarsely_valid(part, starts, ends)
    starts, ends = starts[valid], ends[valid]
    fine = _finely_valid(part, starts, ends)
    starts, ends = starts[fine], ends[fine]
    order = np.lexsort((ends[:, 1], ends[:, 0], starts[:, 1], starts[:, 0]))
    return starts[order], ends[order]


def _lengths(part: Part, starts: Floats, ends: Floats) -> Floats:
    """Return the lengths of segments, mm."""
    lengths: Floats = np.linalg.norm((ends - starts) @ part.plane.T, axis=1)
    return lengths


def _pairs(part: Part, low: float, high: float) -> tuple[Floats, Floats]:
    """Return the pairs of points `low` to `high` mm apart that might be valid."""
    millimetres = part.points @ part.plane.T
    firsts, seconds = [], []
    for block in range(0, len(millimetres), 256):
        # Row by row of the upper triangle, so that memory stays with the longest border.
        here, there = millimetres[block : block + 256], millimetres[block:]
        squares = (here[:, None, 0] - there[None, :, 0]) ** 2
        squares += (here[:, None, 1] - there[None, :, 1]) ** 2
        wanted = (squares >= max(low, 0.0) ** 2) & (squares <= high**2)
        if not wanted.any():
            continue
        wanted &= _loosely_near(part, 4, slice(block, block + 256), slice(block, None))
        places = np.flatnonzero(wanted)
        first, second = np.divmod(places, len(there))
        ahead = second > first
        first, second = first[ahead] + block, second[ahead] + block
        for eighths in (2, 6, 1, 3, 5, 7):
            alive = _loosely_near(part, eighths, first, second)
            first, second = first[alive], second[alive]
        firsts.append(first)
        seconds.append(second)
    if not firsts:
        return np.empty((0, 2)), np.empty((0, 2))
    return part.points[np.concatenate(firsts)], part.points[np.concatenate(seconds)]


def _loosely_near(
    part: Part, eighths: int, first: slice | NDArray[np.intp], second: slice | NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Return whether pairs pass within a pixel of the part at some eighths of their length.

    With slices all pairs of both are meant, with indices those at the same place. A pair
    that fails has a sample out of reach, as samples are much nearer to each other.
    """
    # Points lie at halves of a pixel: sixteenths of it are whole numbers.
    doubled = np.rint(2 * part.points).astype(np.int32)
    here, there = (8 - eighths) * doubled[first] + 8, eighths * doubled[second]
    if isinstance(first, slice):
        rows = (here[:, None, 0] + there[None, :, 0]) >> 4
        columns = (here[:, None, 1] + there[None, :, 1]) >> 4
    else:
        rows, columns = (here[:, 0] + there[:, 0]) >> 4, (here[:, 1] + there[:, 1]) >> 4
    near: NDArray[np.bool_] = part.dilated[rows * part.pixels.shape[1] + columns]
    return near


def _near(part: Part, points: Floats) -> NDArray[np.bool_]:
    """Return which points, shape (..., 2), are within reach of a pixel of the part."""
    pixel = np.floor(points + 0.5).astype(np.intp)
    near: NDArray[np.bool_] = part.pixels[pixel[..., 0], pixel[..., 1]]
    outside = ~near
    if not outside.any():
        return near
    pixel, offset = pixel[outside], points[outside] - pixel[outside]
    # At most one neighbour on each axis can be in reach, as that is less than half a pixel.
    side = np.where(offset >= 0, 1, -1)
    gap = (0.5 - np.abs(offset)) * part.spacing
    reach = REACH * part.spacing.min() + 1e-9
    beside = pixel + side
    near[outside] = (
        (part.pixels[beside[:, 0], pixel[:, 1]] & (gap[:, 0] <= reach))
        | (part.pixels[pixel[:, 0], beside[:, 1]] & (gap[:, 1] <= reach))
        | (part.pixels[beside[:, 0], beside[:, 1]] & ((gap**2).sum(axis=1) <= reach**2))
    )
    return near


def _steps(part: Part, starts: Floats, ends: Floats) -> NDArray[np.intp]:
    """Return into how many equal steps each segment is divided."""
    wanted = _lengths(part, starts, ends) / (STEP * part.spacing.min())
    steps: NDArray[np.intp] = np.maximum(1, np.ceil(wanted - 1e-9)).astype(np.intp)
    return steps


def _coarsely_valid(part: Part, starts: Floats, ends: Floats) -> NDArray[np.intp]:
    """Return which segments stay near the part at samples next to 1/2, quarters, ... 1/64."""
    alive = np.arange(len(starts))
    numbers = _steps(part, starts, ends)
    shares = [step / level for level in (2, 4, 8, 16, 32, COARSE) for step in range(1, level, 2)]
    for share in shares:
        # Only true samples may reject: the last test must not depend on this one.
        exact = np.rint(share * numbers[alive]) / numbers[alive]
        middle = starts[alive] + exact[:, None] * (ends[alive] - starts[alive])
        alive = alive[_near(part, middle)]
    return alive


def _finely_valid(part: Part, starts: Floats, ends: Floats) -> NDArray[np.bool_]:
    """Return which segments stay near the part at every sample, both ends included."""
    valid = np.zeros(len(starts), dtype=bool)
    steps = _steps(part, starts, ends)
    for number in np.unique(steps):
        same = np.flatnonzero(steps == number)
        shares = (np.arange(number + 1) / number)[None, :, None]
        points = starts[same, None] + shares * (ends[same] - starts[same])[:, None]
        valid[same] = _near(part, points).all(axis=1)
    return valid
