# SPDX-License-Identifier: Apache-2.0
"""Distances between the surfaces of two masks, mm, weighted by area."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from bids_seg.evaluate.scores import Score
from bids_seg.measure.shape import cell_areas, cell_centres, cells

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Distances:
    """Surface elements of two masks: how far each is from the other surface, and its area.

    Parameters
    ----------
    forward, backward : arrays of shape (n,) and (m,)
        mm, from the prediction's elements to the reference's surface and back.
    forward_area, backward_area : arrays of shape (n,) and (m,)
        mm2.
    """

    forward: Floats
    backward: Floats
    forward_area: Floats
    backward_area: Floats

    @property
    def hd95(self) -> float:
        """The larger of both directed 95th percentiles by area, mm."""
        if not (len(self.forward) and len(self.backward)):
            return 0.0 if len(self.forward) == len(self.backward) else math.inf
        return max(
            _percentile(self.forward, self.forward_area, 0.95),
            _percentile(self.backward, self.backward_area, 0.95),
        )

    @property
    def assd(self) -> float:
        """Mean distance over both surfaces, every mm2 counting once, mm."""
        if not (len(self.forward) and len(self.backward)):
            return 0.0 if len(self.forward) == len(self.backward) else math.inf
        total = self.forward @ self.forward_area + self.backward @ self.backward_area
        return float(total / (self.forward_area.sum() + self.backward_area.sum()))

    def nsd(self, tolerance: float) -> float:
        """Return the share of both surfaces that is within a distance of the other.

        Parameters
        ----------
        tolerance
            mm.
        """
        total = self.forward_area.sum() + self.backward_area.sum()
        if not total:
            return 1.0
        near = self.forward_area[self.forward <= tolerance + 1e-9].sum()
        near += self.backward_area[self.backward <= tolerance + 1e-9].sum()
        return float(near / total)


def distances(prediction: Mask, reference: Mask, *, affine: NDArray[np.float64]) -> Distances:
    """Return the distances between the surfaces of two masks.

    Parameters
    ----------
    prediction, reference : arrays of shape (I, J, K)
        Masks; a surface at the edge of the image counts as such.
    affine : array of shape (4, 4)
        From voxel indices to mm.

    Notes
    -----
    A surface element is what the marching-cubes surface (`measure.shape`) has in a cell
    between eight voxel centres: it has that area and lies at its middle. A distance is that
    to the nearest element of the other surface. The definitions are those of Nikolov et al.,
    doi:10.2196/26151; their elements lie at the middle of the cell, which makes distances up
    to half a voxel too short: `cell_distances`.

    Examples
    --------
    >>> one = np.zeros((9, 8, 7), dtype=bool)
    >>> one[2:5, 2:5, 2:5] = True
    >>> found = distances(np.roll(one, 2, axis=0), one, affine=np.diag([0.5, 1.0, 3.0, 1.0]))
    >>> found.hd95
    1.0
    """
    codes = _codes(prediction, reference)
    places, areas = [], []
    for code in codes:
        index = np.argwhere((code != 0) & (code != 255))
        kinds = code[tuple(index.T)]
        places.append((index + cell_centres()[kinds]) @ affine[:3, :3].T)
        areas.append(cell_areas(affine)[kinds])
    there = [_nearest(places[0], places[1]), _nearest(places[1], places[0])]
    return Distances(there[0], there[1], areas[0], areas[1])


def cell_distances(prediction: Mask, reference: Mask, *, affine: NDArray[np.float64]) -> Distances:
    """Return the distances between surfaces as the tool of the challenges computes them.

    Parameters
    ----------
    prediction, reference : arrays of shape (I, J, K)
        Masks.
    affine : array of shape (4, 4)
        From voxel indices to mm, axes at right angles.

    Notes
    -----
    As `distances`, with every element at the middle of its cell (Nikolov et al.,
    doi:10.2196/26151).
    """
    codes = _codes(prediction, reference)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    areas = cell_areas(affine)
    borders = [(code != 0) & (code != 255) for code in codes]
    away = [_away(border, spacing) for border in borders]
    return Distances(
        forward=away[1][borders[0]],
        backward=away[0][borders[1]],
        forward_area=areas[codes[0][borders[0]]],
        backward_area=areas[codes[1][borders[1]]],
    )


def surfaces(prediction: Mask, reference: Mask, *, affine: NDArray[np.float64]) -> dict[str, Score]:
    """Return the surface metrics of two masks.

    Parameters
    ----------
    prediction, reference : arrays of shape (I, J, K)
        Masks.
    affine : array of shape (4, 4)
        From voxel indices to mm.

    Returns
    -------
    dict
        `hd95` and `assd` in mm (0 where both are empty, infinite where one is), `nsd_1mm` and
        `nsd_2mm` (1 where both are empty, 0 where one is).
    """
    found = distances(prediction, reference, affine=affine)
    return {
        'hd95': Score(found.hd95),
        'assd': Score(found.assd),
        'nsd_1mm': Score(found.nsd(1.0)),
        'nsd_2mm': Score(found.nsd(2.0)),
    }


def _codes(*masks: Mask) -> list[NDArray[np.uint8]]:
    """Return the cells of masks within the smallest window that holds them all."""
    window = _window(np.any(masks, axis=0))
    return [cells(np.pad(mask[window], 1)) for mask in masks]


def _nearest(here: Floats, there: Floats) -> Floats:
    """Return the distance of each place to the nearest one over there, mm."""
    if not len(there):
        return np.full(len(here), np.inf)
    found = np.asarray(KDTree(there).query(here)[0])
    # Equal places differ by the noise of binary arithmetic.
    return np.where(found < 1e-9, 0.0, found)


def _away(border: Mask, spacing: Floats) -> Floats:
    """Return the distance to the nearest element, mm; infinite without any."""
    if not border.any():
        return np.full(border.shape, np.inf)
    away: Floats = ndimage.distance_transform_edt(~border, sampling=spacing)
    return away


def _percentile(values: Floats, areas: Floats, share: float) -> float:
    """Return the smallest value that a share of the area does not exceed, mm."""
    order = np.argsort(values)
    covered = np.cumsum(areas[order])
    place = int(np.searchsorted(covered, share * covered[-1] * (1 - 1e-12)))
    return float(values[order][min(place, len(values) - 1)])


def _window(mask: Mask) -> tuple[slice, ...]:
    """Return the smallest window that holds a mask; one voxel if it is empty."""
    found = ndimage.find_objects(mask.astype(np.uint8))
    return found[0] if found else (slice(0, 1),) * 3
