# SPDX-License-Identifier: Apache-2.0
"""One set of lesions at one visit, on its own grid and on that of the participant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_seg import image, measure, register
from bids_seg.image import Grid, Volume
from bids_seg.records import (
    Lesion,
    LesionSet,
    Point,
    VisitSummary,
)
from bids_seg.register import Matrix
from bids_seg.track import Component, Masks
from bids_seg.workflow.history import kept
from bids_seg.workflow.history.kinds import Kind, probability
from bids_seg.write.paths import table
from bids_seg.write.text import read_tsv

MARGIN_MM = 4.0
"""What is looked at around all lesions of a participant."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One set of lesions at one visit.

    Parameters
    ----------
    summary
        The visit.
    found
        Its lesions; None where the tissue was not measured.
    numbers
        Component index of each voxel on the visit's own grid, 0 outside.
    specks
        Where components lie that are too small for a lesion.
    matrix
        From the participant's space to the visit's, mm; None where it is not known.
    """

    summary: VisitSummary
    found: LesionSet | None
    numbers: Volume | None
    specks: Volume | None
    matrix: Matrix | None

    @property
    def evaluable(self) -> bool:
        """Whether its lesions can be followed."""
        return self.found is not None and self.matrix is not None

    @property
    def lesions(self) -> Mapping[int, Lesion]:
        """Its lesions by component index."""
        own = () if self.found is None else self.found.lesions
        return {lesion.component_index: lesion for lesion in own}

    def carried(self, volume: Volume | None) -> Volume | None:
        """Return a volume of the visit in the participant's space, its voxels untouched."""
        if volume is None or self.matrix is None:
            return None
        return register.moved(volume, self.matrix)


def seen(out_dir: Path, summary: VisitSummary, kind: Kind, matrix: Matrix | None) -> Seen:
    """Return one set of lesions at one visit, numbered as they were when they were measured.

    Parameters
    ----------
    out_dir
        Root of the output.
    summary
        The visit.
    kind
        The set.
    matrix
        From the participant's space to the visit's; None where it is not known.
    """
    found = kind.of(summary)
    if found is None:
        return Seen(summary, None, None, None, matrix)
    files = kept.files(summary)
    if found.measurement_space != 'orig':
        return Seen(summary, found, _from_image(out_dir, files, kind), None, matrix)
    labels = image.read_labels(out_dir / files[f'dseg:{kind.disease}'])
    made = measure.parts(labels, tissue=kind.tissue)
    return Seen(summary, found, made.image, made.specks, matrix)


def _from_image(out_dir: Path, files: Mapping[str, str], kind: Kind) -> Volume:
    """Return component indices from the image of lesions, for masks measured on their own grid."""
    path = files.get(f'lesions:{kind.name}') or files[f'lesions:{kind.disease}']
    stored = image.read_labels(out_dir / path)
    index = np.zeros(max(int(stored.array.max()), 0) + 1, dtype=np.uint16)
    for row in read_tsv(out_dir / table(path))[1]:
        if row['component_index'].isdigit() and int(row['index']) < index.size:
            index[int(row['index'])] = int(row['component_index'])
    return Volume(index[stored.array], stored.grid)


def on_grid(one: Seen, grid: Grid) -> NDArray[np.uint16] | None:
    """Return the component numbers of a visit on the participant's grid."""
    moved = one.carried(one.numbers) if one.evaluable else None
    if moved is None:
        return None
    sampled: NDArray[np.uint16] = image.resample(moved, grid, order=0).array
    # A volume that lies on the grid already comes back as itself.
    sampled = sampled.copy()
    lost = set(one.lesions) - set(np.unique(sampled).tolist())
    to_voxel = np.linalg.inv(grid.affine)
    for index in sorted(lost):
        centroid = _centroid(one, one.lesions[index])
        at = np.rint((to_voxel @ np.append(centroid, 1.0))[:3]).astype(int)
        inside = bool((at >= 0).all() and (at < grid.shape).all())
        if inside and sampled[tuple(at)] == 0:
            sampled[tuple(at)] = index
    return sampled


def _centroid(one: Seen, lesion: Lesion) -> Point:
    """Return the centroid of a lesion in the participant's space, mm."""
    matrix = np.eye(4) if one.matrix is None else one.matrix
    place = np.round((np.linalg.inv(matrix) @ np.append(lesion.centroid, 1.0))[:3], 4) + 0.0
    return float(place[0]), float(place[1]), float(place[2])


def components_of(one: Seen) -> tuple[Component, ...]:
    """Return the measured lesions of a visit as tracking takes them."""
    return tuple(
        Component(
            index=lesion.component_index,
            volume_mm3=lesion.volume_mm3,
            centroid=_centroid(one, lesion),
            ld_mm=lesion.longest.ld_mm,
        )
        for lesion in one.lesions.values()
    )


def window_of(common: Sequence[NDArray[np.uint16] | None], grid: Grid) -> tuple[slice, ...]:
    """Return the part of the grid that holds all lesions of all visits, with a margin."""
    some = np.zeros(grid.shape, dtype=bool)
    for numbers in common:
        some |= False if numbers is None else numbers > 0
    window = []
    for axis, step in enumerate(grid.spacing):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(some.any(axis=others))
        pad = int(MARGIN_MM / step) + 1
        low, high = (int(filled[0]), int(filled[-1])) if filled.size else (0, 0)
        window.append(slice(max(0, low - pad), min(grid.shape[axis], high + pad + 1)))
    return tuple(window)


def masks_of(
    out_dir: Path,
    one: Seen,
    kind: Kind,
    numbers: NDArray[np.uint16] | None,
    grid: Grid,
    window: tuple[slice, ...],
) -> Masks:
    """Return a visit as tracking looks at it, cut to the window."""
    part = _cut(grid, window)
    if numbers is None:
        empty = np.zeros(part.shape, dtype=np.uint16)
        return Masks(empty, view=np.zeros(part.shape, dtype=bool))
    maps = one.carried(probability(out_dir, kept.files(one.summary), kind.disease, kind.source))
    specks = one.carried(one.specks)
    return Masks(
        numbers[window],
        view=_view(one, part),
        probability=None
        if maps is None
        else image.resample(maps, part, order=1).array.astype(np.float16),
        specks=None
        if specks is None
        else image.resample(Volume(specks.array.astype(np.uint8), specks.grid), part, order=0).array
        > 0,
    )


def views_of(place: Point, visits: Sequence[Seen]) -> tuple[int, ...]:
    """Return the visits whose field of view holds a place of the participant's space, mm.

    Parameters
    ----------
    place
        mm, RAS+.
    visits
        In order of time.
    """
    found = []
    for number, one in enumerate(visits):
        if one.numbers is None or one.matrix is None:
            continue
        grid = one.numbers.grid
        at = (np.linalg.inv(grid.affine) @ one.matrix @ np.append(place, 1.0))[:3]
        if bool((at >= -0.5).all() and (at <= np.array(grid.shape) - 0.5).all()):
            found.append(number)
    return tuple(found)


def _cut(grid: Grid, window: tuple[slice, ...]) -> Grid:
    """Return the part of a grid within a window, its axes along RAS+."""
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array([side.start for side in window])
    first, second, third = (side.stop - side.start for side in window)
    return Grid((first, second, third), affine, grid.code)


def _view(one: Seen, part: Grid) -> NDArray[np.bool_] | None:
    """Return where the field of view of a visit covers a grid; None where it covers all of it."""
    if one.numbers is None or one.matrix is None:
        return None
    grid = one.numbers.grid
    to_visit = np.linalg.inv(grid.affine) @ one.matrix @ part.affine
    steps = np.ogrid[tuple(slice(0, side) for side in part.shape)]
    inside = np.ones(part.shape, dtype=bool)
    for axis in range(3):
        at = sum(to_visit[axis, i] * steps[i] for i in range(3)) + to_visit[axis, 3]
        inside &= (at >= -0.5) & (at <= grid.shape[axis] - 0.5)
    return None if inside.all() else inside
