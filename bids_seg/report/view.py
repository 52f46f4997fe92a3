# SPDX-License-Identifier: Apache-2.0
"""A visit's voxels, cropped to the head, and the planes in which they are shown.

Pictures follow the radiological convention: the patient's right is on the viewer's left,
anterior or superior is up; sagittal planes look from the patient's left, anterior to the left.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from bids_seg import image
from bids_seg.errors import UserError
from bids_seg.image import Grid, Volume
from bids_seg.records import Disease, Role
from bids_seg.report import transform
from bids_seg.report.outputs import VisitOutputs

logger = logging.getLogger(__name__)

MARGIN_MM = 14.0
"""What is shown around the brain."""
WINDOW = (0.5, 99.7)
"""Percentiles of the grey values inside the brain that become black and white."""
REGION_CLASSES: Mapping[str, tuple[int, ...]] = {
    'WT': (1, 2, 3, 5, 6),
    'TC': (1, 3, 5),
    'ET': (3,),
}
"""Classes of a label image that make up each region; a resection cavity (4) is in none."""

Direction = Literal['axial', 'coronal', 'sagittal']
"""How a plane lies, by the grid's own axes."""

AXES: Mapping[Direction, int] = {'sagittal': 0, 'coronal': 1, 'axial': 2}
"""Array axis along which each kind of plane is counted."""

Array = NDArray[Any]
Box = tuple[slice, slice, slice]
T = TypeVar('T')


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One slice of a grid."""

    direction: Direction
    """How it lies."""
    index: int
    """Where, along its axis, from 0."""

    def cut(self, array: Array) -> Array:
        """Return the slice as it is shown: rows downwards, columns to the right.

        Examples
        --------
        >>> right_top = np.zeros((2, 2, 1))
        >>> right_top[1, 1, 0] = 1
        >>> Plane(direction='axial', index=0).cut(right_top).tolist()
        [[1.0, 0.0], [0.0, 0.0]]
        """
        shown: Array = np.take(array, self.index, axis=AXES[self.direction]).T[::-1, ::-1]
        return shown

    def place(self, voxel: tuple[float, float, float], grid: Grid) -> tuple[float, float]:
        """Return where a voxel lies in the shown slice, mm to the right of and below its corner.

        Examples
        --------
        >>> grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
        >>> Plane(direction='coronal', index=0).place((6, 0, 8), grid)
        (0.5, 1.5)
        """
        inside = [axis for axis in range(3) if axis != AXES[self.direction]]
        across, down = ((grid.shape[a] - voxel[a] - 0.5) * grid.spacing[a] for a in inside)
        return across, down

    def pixel(self, grid: Grid) -> tuple[float, float]:
        """Return the size of a voxel in the shown slice: width and height, mm."""
        inside = [axis for axis in range(3) if axis != AXES[self.direction]]
        return grid.spacing[inside[0]], grid.spacing[inside[1]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """What is shown of a visit, everything on one grid: the reference's, cropped to the head."""

    grid: Grid
    """Where the voxels lie."""
    offset: tuple[int, int, int]
    """Voxel of the reference's RAS+ grid that is the first here."""
    images: Mapping[Role, NDArray[np.uint8]]
    """Grey values 0 to 255, windowed, shape (I, J, K), RAS+; reference first."""
    brain: NDArray[np.bool_] | None
    """Brain mask; None where there is none."""
    regions: Mapping[Disease, Mapping[str, NDArray[np.bool_]]]
    """Mask of each region, outermost first."""
    lesions: Mapping[str, NDArray[np.int32]]
    """Lesion indices by the set's label."""
    entropy: Mapping[Disease, NDArray[np.float32]]
    """Uncertainty, bits."""
    before: Mapping[Role, NDArray[np.uint8]]
    """Moved contrasts as they lay before, shape (I, J, K)."""
    problems: tuple[str, ...]
    """Files that could not be shown, and why."""

    @property
    def outermost(self) -> NDArray[np.bool_] | None:
        """Everything that any tumour network marked; None where none was run."""
        masks = [next(iter(masks.values())) for masks in self.regions.values() if masks]
        return np.logical_or.reduce(masks) if masks else None


class _Reader:
    """Reads a visit's files, crops them to one box, and keeps note of what could not be read."""

    def __init__(self, grid: Grid, box: Box, problems: list[str]) -> None:
        self.grid = grid
        self.box = box
        self.problems = problems

    def labels(self, path: Path | None) -> Array | None:
        """Return a cropped label image."""
        return self._crop(path, attempt(path, image.read_labels, self.problems))

    def map(self, path: Path | None) -> Array | None:
        """Return a cropped map."""
        return self._crop(path, attempt(path, image.read_map, self.problems))

    def _crop(self, path: Path | None, volume: Volume | None) -> Array | None:
        """Return the box of a volume; another grid is a problem."""
        if volume is None or path is None:
            return None
        if not volume.grid.same(self.grid, tolerance_mm=0.01):
            self.problems.append(f'{path.name} is not on the grid of the reference')
            return None
        # A copy, so that the whole volume can be forgotten.
        return volume.array[self.box].copy()


def attempt(path: Path | None, reader: Callable[[Path], T], problems: list[str]) -> T | None:
    """Return what a reader makes of a file; an error is noted and gives None.

    Parameters
    ----------
    path
        The file; None gives None.
    reader
        What reads it.
    problems
        Where the message goes.
    """
    if path is None:
        return None
    try:
        return reader(path)
    except (UserError, OSError) as error:
        said = error.what if isinstance(error, UserError) else str(error)
        problems.append(f'{path.name}: {said}')
        logger.error('%s cannot be shown: %s', path.name, said)
        return None


def load(visit: VisitOutputs) -> Pictures:
    """Return what can be shown of a visit; a file that cannot be read becomes a problem.

    Parameters
    ----------
    visit
        Where its files lie.
    """
    problems: list[str] = []
    brain = attempt(visit.brain, image.read_labels, problems)
    first = brain
    if first is None:
        first = attempt(next(iter(visit.images.values()), None), image.read_map, problems)
    if first is None:
        return _nothing(problems)
    full = first.grid
    del first
    whole = tuple(slice(0, side) for side in full.shape)
    reader = _Reader(full, (whole[0], whole[1], whole[2]), problems)
    labels = {
        outputs.disease: classes.astype(np.uint8)
        for outputs in visit.diseases
        if (classes := reader.labels(outputs.labels)) is not None
    }
    mask = brain.array > 0 if brain is not None else None
    shown = [classes > 0 for classes in labels.values()] + ([] if mask is None else [mask])
    box = _box(np.logical_or.reduce(shown) if mask is not None else None, full)
    reader = _Reader(full, box, problems)
    grid = _cropped(full, box)
    inside = None if mask is None else mask[box].copy()
    images = {
        role: window(array, inside)
        for role, path in visit.images.items()
        if (array := reader.map(path)) is not None
    }
    return Pictures(
        grid=grid,
        offset=(box[0].start, box[1].start, box[2].start),
        images=images,
        brain=inside,
        regions={
            outputs.disease: {
                region: np.isin(labels[outputs.disease][box], REGION_CLASSES[region])
                for region in outputs.regions
            }
            for outputs in visit.diseases
            if outputs.disease in labels
        },
        lesions={
            found.label: indices
            for outputs in visit.diseases
            for found in outputs.lesions
            if (indices := reader.labels(found.image)) is not None
        },
        entropy={
            outputs.disease: bits
            for outputs in visit.diseases
            if (bits := reader.map(outputs.entropy)) is not None
        },
        before=_before(visit, images, grid, problems),
        problems=tuple(problems),
    )


def _nothing(problems: list[str]) -> Pictures:
    """Return the pictures of a visit that has none."""
    return Pictures(
        grid=Grid((1, 1, 1), np.eye(4)), offset=(0, 0, 0), images={}, brain=None,
        regions={}, lesions={}, entropy={}, before={}, problems=tuple(problems),
    )  # fmt: skip


def _before(
    visit: VisitOutputs, images: Mapping[Role, Array], grid: Grid, problems: list[str]
) -> dict[Role, NDArray[np.uint8]]:
    """Return registered contrasts as they lay before."""
    moved: dict[Role, NDArray[np.uint8]] = {}
    for alignment in visit.summary.alignments:
        role = alignment.moving
        if alignment.method != 'rigid' or role not in images:
            continue
        matrix = attempt(visit.transforms.get(role), transform.read, problems)
        if matrix is not None:
            moved[role] = transform.undo(Volume(images[role], grid), matrix).array
    return moved


def window(array: Array, brain: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return grey values 0 to 255 by robust percentiles inside the brain.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Grey values.
    brain : array of shape (I, J, K)
        Where the window is taken from; everything but 0 where it is None or empty.
    """
    inside = array[brain] if brain is not None and brain.any() else array[array != 0]
    if inside.size == 0:
        return np.zeros(array.shape, np.uint8)
    low, high = (float(value) for value in np.percentile(inside, WINDOW))
    # A dark brain in a stripped image must not turn the ground grey.
    low = min(low, float(np.percentile(inside, 50))) if low < high else low - 1
    scaled = np.clip((array - low) * (255 / max(high - low, 1e-6)), 0, 255)
    return scaled.round().astype(np.uint8)


def largest(mask: NDArray[np.bool_], direction: Direction) -> Plane:
    """Return the plane in which a mask has its largest area; the middle of an empty one.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Any mask.
    direction
        How the plane lies.

    Examples
    --------
    >>> mask = np.zeros((7, 8, 9), bool)
    >>> mask[2:5, 3, 4] = True
    >>> largest(mask, 'axial').index, largest(mask, 'coronal').index
    (4, 3)
    """
    axis = AXES[direction]
    others = tuple(other for other in range(3) if other != axis)
    areas = mask.sum(axis=others)
    index = int(areas.argmax()) if areas.any() else mask.shape[axis] // 2
    return Plane(direction=direction, index=index)


def spread(mask: NDArray[np.bool_], *, number: int) -> tuple[Plane, ...]:
    """Return axial planes spread evenly over a mask, top of the head first.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        Any mask.
    number
        How many planes at most; fewer where the mask has fewer slices.
    """
    slices = np.flatnonzero(mask.any(axis=(0, 1)))
    if not slices.size:
        return ()
    # Ends of a mask show little: start half a step inside.
    places = (np.arange(number) + 0.5) / number * slices.size
    chosen = np.unique(slices[np.minimum(places.astype(int), slices.size - 1)])[::-1]
    return tuple(Plane(direction='axial', index=int(index)) for index in chosen)


def voxel(point: tuple[float, float, float], grid: Grid) -> tuple[float, float, float]:
    """Return the voxel of a place in scanner space.

    Parameters
    ----------
    point
        mm, RAS+.
    grid
        Whose RAS+ voxels, from 0, fractions kept.
    """
    found = np.linalg.inv(grid.affine) @ np.append(np.asarray(point, dtype=float), 1.0)
    return float(found[0]), float(found[1]), float(found[2])


def side(point: tuple[float, float, float], pictures: Pictures) -> str:
    """Return on which side of the brain a place lies, in words; empty where it is unknown.

    Parameters
    ----------
    point
        mm, RAS+.
    pictures
        Its brain mask's centre is taken for the midline, along the grid's own axis.

    Notes
    -----
    Within 5 mm of the centre no side is named: the centre is no anatomical midline.
    """
    if pictures.brain is None or not pictures.brain.any():
        return ''
    weights = pictures.brain.sum(axis=(1, 2))
    middle = float((weights * np.arange(weights.size)).sum() / weights.sum())
    apart = (voxel(point, pictures.grid)[0] - middle) * pictures.grid.spacing[0]
    if abs(apart) < 5:
        return 'near the midline'
    return 'right' if apart > 0 else 'left'


def _box(mask: NDArray[np.bool_] | None, grid: Grid) -> Box:
    """Return the part of a grid that is shown: a mask and its surroundings, else all."""
    if mask is None or not mask.any():
        i, j, k = grid.shape
        return slice(0, i), slice(0, j), slice(0, k)
    ends = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(mask.any(axis=others))
        margin = int(np.ceil(MARGIN_MM / grid.spacing[axis]))
        start = max(0, int(filled[0]) - margin)
        ends.append(slice(start, min(grid.shape[axis], int(filled[-1]) + 1 + margin)))
    return ends[0], ends[1], ends[2]


def _cropped(grid: Grid, box: Box) -> Grid:
    """Return the grid of a part."""
    affine = grid.affine.copy()
    start = np.array([part.start for part in box])
    affine[:3, 3] += affine[:3, :3] @ start
    i, j, k = (part.stop - part.start for part in box)
    return Grid((i, j, k), affine, grid.code)
