# SPDX-License-Identifier: Apache-2.0
"""Longest in-plane diameters and the chords across them, edge to edge, exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_seg.measure.segments import Floats, Part, Pixel, equal_segments, longest_segment, parts

PART_TIE_MM = 1e-5
"""Two parts whose diameters differ by less are equally long."""
NUDGE_MM = 1e-6
"""Chords are taken just beside the corners where their length may jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """A longest diameter and the longest chord at 90 degrees to it, not rounded."""

    ld_mm: float
    """Longest diameter, mm."""
    sd_mm: float
    """Longest chord across it, at most as long, mm."""
    slice: int
    """Index along the third axis of the mask."""
    ld: tuple[Pixel, Pixel]
    """End points of the diameter, in indices."""
    sd: tuple[Pixel, Pixel]
    """End points of the chord, in indices."""
    area: int
    """Voxels of the part."""

    @property
    def product_mm2(self) -> float:
        """Product of both, mm2."""
        return self.ld_mm * self.sd_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How far a lesion reaches in its slices."""

    longest: Cross
    """Of the part with the longest diameter."""
    largest_product: Cross
    """Of the part with the largest product."""
    hull_mm: float
    """Largest diameter of the convex hull of a part, mm."""


def in_plane(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix from steps of the first two indices to mm within their plane.

    Parameters
    ----------
    affine : array of shape (4, 4)
        From RAS+ voxel indices to mm.

    Returns
    -------
    array of shape (2, 2)
        Upper triangular; diagonal where the two axes are at right angles.

    Examples
    --------
    >>> in_plane(np.diag([0.5, 2.0, 3.0, 1.0])).tolist()
    [[0.5, 0.0], [0.0, 2.0]]
    """
    first, second = affine[:3, 0], affine[:3, 1]
    length = np.linalg.norm(first)
    along = float(first @ second / length)
    across = float(np.sqrt(second @ second - along**2))
    # Below the accuracy of a header's float32 a shear is noise that would break ties.
    along = 0.0 if abs(along) < 1e-6 * across else along
    return np.array([[length, along], [0.0, across]])


def extent(mask: NDArray[np.bool_], plane: NDArray[np.float64]) -> Extent:
    """Measure the longest in-plane diameter and the largest product of a lesion.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        One lesion with what it encloses, axes R, A, S; not empty.
    plane : array of shape (2, 2)
        From steps of the first two indices to mm, see `in_plane`.

    Returns
    -------
    Extent
        Slices are indices along the third axis.

    Notes
    -----
    A segment runs between midpoints of voxel edges on the border of an 8-connected part of
    a slice, so that a row of n voxels measures n spacings. It may leave the part by 0.45 of
    the smaller spacing: stairs may be cut, a cleft of one voxel may not be bridged.

    Parts are searched in order of the upper bound that their convex hull sets; the search
    ends when no bound exceeds the best result. A product is at most twice the largest
    quadrilateral in the hull, as a cross of two lines at right angles spans half their
    product.

    Examples
    --------
    >>> bar = np.zeros((12, 3, 2), dtype=bool)
    >>> bar[1:11, 1, 1] = True
    >>> found = extent(bar, np.eye(2)).longest
    >>> found.ld_mm, found.sd_mm, found.slice
    (10.0, 1.0, 1)
    """
    found_parts = list(parts(mask, plane))
    if not found_parts:
        message = 'an empty mask has no diameter'
        raise ValueError(message)
    known: dict[int, Cross] = {}
    hull_mm, limits = _limits(found_parts)
    best: Cross | None = None
    for index in sorted(range(len(found_parts)), key=lambda index: -limits[index]):
        least = 0.0 if best is None else best.ld_mm - PART_TIE_MM
        if limits[index] < least:
            break
        cross = _cross(found_parts[index], least) if found_parts[index].hull_mm >= least else None
        if cross is None:
            limits[index] = least
            continue
        known[index] = cross
        if best is None or _precedes(cross, best, cross.ld_mm - best.ld_mm, PART_TIE_MM):
            best = cross
    if best is None:
        message = 'a part without a diameter'
        raise RuntimeError(message)
    product = _largest_product(found_parts, known, limits)
    return Extent(longest=best, largest_product=product, hull_mm=hull_mm)


def _limits(candidates: list[Part]) -> tuple[float, list[float]]:
    """Return the largest hull diameter, and what no diameter of each part can exceed, mm."""
    largest, limits = 0.0, [part.box_mm for part in candidates]
    for index in sorted(range(len(candidates)), key=lambda index: -limits[index]):
        # The box spares most of many small parts a hull of their own.
        if limits[index] < 0.5 * largest:
            break
        limits[index] = candidates[index].hull_mm
        largest = max(largest, limits[index])
    return largest, limits


def _largest_product(candidates: list[Part], known: dict[int, Cross], limits: list[float]) -> Cross:
    """Return the cross with the largest product, given what is known of some parts."""
    crosses = iter(known.values())
    best = next(crosses)
    for cross in crosses:
        if _precedes(cross, best, cross.product_mm2 - best.product_mm2, PART_TIE_MM):
            best = cross
    rest = [index for index in range(len(candidates)) if index not in known]
    for index in sorted(rest, key=lambda index: -limits[index]):
        least = best.product_mm2 - PART_TIE_MM
        if limits[index] ** 2 < least:
            break
        if candidates[index].product_bound_mm2 < least:
            continue
        found = _cross(candidates[index], np.sqrt(max(least, 0.0)))
        if found is None:
            continue
        if _precedes(found, best, found.product_mm2 - best.product_mm2, PART_TIE_MM):
            best = found
    return best


def _precedes(new: Cross, old: Cross, ahead: float, tolerance: float) -> bool:
    """Return whether a cross comes first: larger, then larger SD, area, then lower slice."""
    if abs(ahead) > tolerance:
        return ahead > 0
    if abs(new.sd_mm - old.sd_mm) > PART_TIE_MM:
        return new.sd_mm > old.sd_mm
    return (-new.area, new.slice, new.ld) < (-old.area, old.slice, old.ld)


def _cross(part: Part, least: float) -> Cross | None:
    """Return a part's diameter and chord, None where its diameter is below `least` mm."""
    length = longest_segment(part, least)
    if length is None:
        return None
    starts, ends = equal_segments(part, length)
    found = [_across(part, start, end) for start, end in zip(starts, ends, strict=True)]
    widest = max(sd for sd, _ in found)
    # Pairs are in lexicographic order: the first of the widest is it.
    first = next(index for index, (sd, _) in enumerate(found) if sd >= widest - PART_TIE_MM)
    chord = found[first][1]
    return Cross(
        ld_mm=length,
        sd_mm=widest,
        slice=part.slice,
        ld=(part.whole(starts[first]), part.whole(ends[first])),
        sd=(part.whole(chord[0]), part.whole(chord[1])),
        area=part.area,
    )


def _across(part: Part, start: Floats, end: Floats) -> tuple[float, Floats]:
    """Return the length of the longest chord at 90 degrees to a segment, and its ends."""
    here, there = part.plane @ start, part.plane @ end
    length = float(np.linalg.norm(there - here))
    along = (there - here) / length
    axes = np.array([along, [-along[1], along[0]]])
    # Columns: how far along the segment, how far beside it.
    first, second = ((edge @ part.plane.T - here) @ axes.T for edge in part.edges)
    places = _candidates(part, axes[0], here, length, first, second)
    up, down = _reaches(part, places, axes, here, first, second)
    chords = up + down
    widest = float(chords.max())
    # Of chords that are equally long the one nearest to the middle is the one to draw.
    equal = np.flatnonzero(chords >= widest - PART_TIE_MM)
    chosen = equal[np.argmin(np.abs(places[equal] - length / 2))]
    shorter = min(1.0, length / widest) if widest > 0 else 1.0
    foot = here + places[chosen] * axes[0]
    ends = np.array(
        [foot - shorter * down[chosen] * axes[1], foot + shorter * up[chosen] * axes[1]]
    )
    return min(widest, length), ends @ np.linalg.inv(part.plane).T


def _candidates(
    part: Part, along: Floats, here: Floats, length: float, first: Floats, second: Floats
) -> Floats:
    """Return where along a segment chords may be longest, mm from its start.

    Between neighbouring corners of the border a chord's length changes linearly; corners
    inside matter only where the segment itself starts, ends or crosses the border.
    """
    border = np.unique(np.concatenate([first[:, 0], second[:, 0]]))
    inner = part.pixels & np.roll(part.pixels, 1, axis=0)
    inner &= np.roll(inner, 1, axis=1)
    corners = ((np.argwhere(inner) - 0.5) @ part.plane.T - here) @ along
    beside, beyond = first[:, 1], second[:, 1]
    steps = np.where(beside == beyond, 1.0, beyond - beside)
    crossed = (np.minimum(beside, beyond) <= NUDGE_MM) & (np.maximum(beside, beyond) >= -NUDGE_MM)
    share = np.clip(-beside / steps, 0, 1)
    meets = (first[:, 0] + share * (second[:, 0] - first[:, 0]))[crossed]
    meets = np.concatenate([meets, [0.0, length], second[crossed, 0], first[crossed, 0]])
    intervals = np.searchsorted(border, meets)
    corners = corners[np.isin(np.searchsorted(border, corners), intervals)]
    jumps = np.unique(np.concatenate([border, corners]))
    places = np.concatenate([jumps - NUDGE_MM, jumps + NUDGE_MM])
    # The middle serves where no corner lies within; just at a corner its chord is undefined.
    if np.abs(jumps - length / 2).min() > 2 * NUDGE_MM:
        places = np.append(places, length / 2)
    inside: Floats = places[(places > 0) & (places < length)]
    return inside if inside.size else np.array([length / 2])


def _reaches(
    part: Part, places: Floats, axes: Floats, here: Floats, first: Floats, second: Floats
) -> tuple[Floats, Floats]:
    """Return how far the part goes on from each place, mm, to either side of the segment."""
    hair = 0.1 * NUDGE_MM
    feet = here + places[:, None] * axes[0]
    to_index = np.linalg.inv(part.plane).T
    reaches = []
    for side in (1.0, -1.0):
        pixel = np.floor((feet + side * hair * axes[1]) @ to_index + 0.5).astype(np.intp)
        inside = part.pixels[pixel[:, 0], pixel[:, 1]]
        reach = np.zeros(len(places))
        wanted = np.flatnonzero(inside)
        for chosen in np.array_split(wanted, max(1, len(wanted) * len(first) // 500_000)):
            reach[chosen] = _first_crossing(places[chosen], side, hair, first, second)
        reaches.append(reach)
    return reaches[0], reaches[1]


def _first_crossing(
    places: Floats, side: float, hair: float, first: Floats, second: Floats
) -> Floats:
    """Return where lines across at `places` first meet an edge, mm from the segment."""
    low = np.minimum(first[:, 0], second[:, 0])
    high = np.maximum(first[:, 0], second[:, 0])
    slope = (second[:, 1] - first[:, 1]) / np.where(high > low, second[:, 0] - first[:, 0], 1.0)
    beside = side * (first[:, 1] + (places[:, None] - first[:, 0]) * slope)
    met = (low <= places[:, None]) & (places[:, None] < high) & (beside > hair)
    nearest: Floats = np.where(met, beside, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isfinite(nearest), nearest, 0.0)
