# SPDX-License-Identifier: Apache-2.0
"""What masks on one grid have in common, with a tolerance in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_seg.track.follow import Look
from bids_seg.track.match import EDGE, Component, Edge, Graph, Known, Residue, distances

TAU_MM = 2.0
"""How far masks may miss each other and still be taken to meet, mm."""

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Masks:
    """One visit on the grid that all visits of a patient share; arrays of shape (I, J, K).

    Parameters
    ----------
    numbers
        Component index of each voxel, 0 outside.
    view
        The visit's field of view; None where it covers the grid.
    probability
        Of being inside a lesion, mean over members; None where a person drew the mask.
    specks
        Components that are too small for a lesion; None where there are none.
    """

    numbers: NDArray[Any]
    view: Mask | None = None
    probability: NDArray[np.floating] | None = None
    specks: Mask | None = None


def look_at(
    masks: Sequence[Masks], components: Sequence[Sequence[Component]], *, spacing: Spacing
) -> Look:
    """Return the function by which `follow` relates known lesions to the components of a visit.

    Parameters
    ----------
    masks
        All visits, in order of time.
    components
        The measured components of each.
    spacing
        Distances between voxel centres along the axes, which are at right angles, mm.
    """

    def look(known: Sequence[Known], place: int) -> Graph:
        now = masks[place]
        views = [visit.view for visit in masks[:place]]
        found = tuple(
            Component(
                index=one.index,
                volume_mm3=one.volume_mm3,
                centroid=one.centroid,
                ld_mm=one.ld_mm,
                in_view=in_view(now.numbers == one.index, views),
            )
            for one in components[place]
        )
        measured = {one.index for one in found}
        edges: list[Edge] = []
        residues = {}
        for lesion in known:
            mask = masks[lesion.visit].numbers == lesion.component
            own = edges_of(mask, now.numbers, lesion_id=lesion.lesion_id, spacing=spacing)
            edges += [edge for edge in own if edge.component in measured]
            residues[lesion.lesion_id] = residue(mask, now, spacing=spacing)
        return Graph(
            components=found,
            edges=tuple(edges),
            distances=distances(known, found),
            residues=residues,
        )

    return look


def edges_of(mask: Mask, numbers: NDArray[Any], *, lesion_id: str, spacing: Spacing) -> list[Edge]:
    """Return the components that have enough in common with a lesion.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        The lesion at its last presence.
    numbers : array of shape (I, J, K)
        Component index of each voxel now, 0 outside.
    lesion_id
        Name of the lesion.
    spacing
        Distances between voxel centres, mm.

    Examples
    --------
    >>> mask = np.zeros((9, 8, 7), dtype=bool)
    >>> mask[2:5, 2:5, 2:5] = True
    >>> edge, = edges_of(mask, mask * 3, lesion_id='L001', spacing=(1.0, 1.0, 1.0))
    >>> edge.component, edge.a, edge.b, edge.overlap_mm3
    (3, 1.0, 1.0, 27.0)
    """
    window = _around(mask, spacing)
    if window is None:
        return []
    lesion, near_numbers = mask[window], numbers[window]
    sizes = np.bincount(numbers.ravel())
    around = np.bincount(near_numbers[_grown(lesion, spacing)], minlength=sizes.size)
    voxel = float(np.prod(spacing))
    size = int(lesion.sum())
    edges = []
    for index in np.flatnonzero(around):
        if index == 0:
            continue
        inside = int((_grown(near_numbers == index, spacing) & lesion).sum())
        a, b = inside / size, int(around[index]) / int(sizes[index])
        if max(a, b) >= EDGE:
            overlap = min(inside, int(around[index])) * voxel
            edges.append(
                Edge(lesion_id=lesion_id, component=int(index), a=a, b=b, overlap_mm3=overlap)
            )
    return edges


def residue(mask: Mask, now: Masks, *, spacing: Spacing) -> Residue:
    """Return what is left at the place of a lesion.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        The lesion at its last presence.
    now
        The visit.
    spacing
        Distances between voxel centres, mm.
    """
    window = _around(mask, spacing)
    if window is None:
        return Residue(probability=None if now.probability is None else 0.0)
    place = _grown(mask[window], spacing)
    left = None if now.probability is None else float(now.probability[window][place].max())
    speck = now.specks is not None and bool(now.specks[window][place].any())
    return Residue(probability=left, speck=speck)


def in_view(mask: Mask, views: Sequence[Mask | None]) -> tuple[int, ...]:
    """Return the visits whose field of view holds at least half of a component.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        The component.
    views
        Field of view of each visit; None where it covers the grid.

    Examples
    --------
    >>> mask = np.ones((2, 3, 4), dtype=bool)
    >>> in_view(mask, [None, np.zeros((2, 3, 4), dtype=bool)])
    (0,)
    """
    half = mask.sum() / 2
    return tuple(
        place
        for place, view in enumerate(views)
        if view is None or np.count_nonzero(view & mask) >= half
    )


def _around(mask: Mask, spacing: Spacing) -> tuple[slice, ...] | None:
    """Return the box of a mask with all that may lie within tau; None for an empty mask."""
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return None
    pads = [int(TAU_MM / step) + 1 for step in spacing]
    sides = zip(boxes[0], pads, strict=True)
    return tuple(slice(max(0, side.start - pad), side.stop + pad) for side, pad in sides)


def _grown(mask: Mask, spacing: Spacing) -> Mask:
    """Return a mask with all voxels within tau of it."""
    if not mask.any():
        return mask
    near: Mask = ndimage.distance_transform_edt(~mask, sampling=spacing) <= TAU_MM + 1e-6
    return near
