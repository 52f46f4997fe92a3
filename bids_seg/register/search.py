# SPDX-License-Identifier: Apache-2.0
"""Rigid registration by mutual information, from coarse to fine, in both directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume, isotropic, shrink
from bids_seg.register.transform import FLIP, Matrix, centre, distance, rotation

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 (the name under which everybody knows it)

Starts = Literal['headers', 'many']
"""`headers`: both lie about right already; `many`: nothing is known."""

WORKING_MM = 2.0
"""Grid on which a registration ends."""
TILT = 0.4
"""Rotation of the starts about the left-right and the long axis, radians."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Rigid:
    """The outcome of a registration."""

    matrix: Matrix
    """From fixed mm to moving mm, RAS+, shape (4, 4)."""
    metric: float
    """Mattes mutual information at the end; more is better."""
    disagreement_mm: float
    """Largest distance between the forward and the reverse registration at eight points."""

    @cached_property
    def rotation_deg(self) -> float:
        """Angle of the rotation."""
        cosine = (float(np.trace(self.matrix[:3, :3])) - 1) / 2
        return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One resolution of a registration."""

    spacing: float
    """Distance between voxel centres, mm."""
    samples: int
    """Voxels that are compared."""
    iterations: int
    """Steps at most."""
    step: float
    """First step, mm."""


_SEARCH = Level(spacing=8.0, samples=6000, iterations=40, step=4.0)
MIDDLE = Level(spacing=4.0, samples=30000, iterations=200, step=2.0)
FINE = Level(spacing=WORKING_MM, samples=60000, iterations=200, step=1.0)


def rigid(
    moving: Volume,
    fixed: Volume,
    *,
    fixed_mask: Volume | None = None,
    moving_mask: Volume | None = None,
    starts: Starts = 'many',
    seed: int = 1,
    threads: int = 1,
) -> Rigid:
    """Find the movement that brings one volume onto another, in both directions.

    Parameters
    ----------
    moving
        The image to be moved.
    fixed
        The image that stays.
    fixed_mask
        Where to compare in the forward direction, on any grid; everywhere if None.
    moving_mask
        The same for the reverse direction.
    starts
        `headers` tries the headers' word and the centres of mass, `many` also eight tilts.
    seed
        Of the sample of voxels.
    threads
        Threads of ITK.

    Raises
    ------
    StageError
        If no start leads to an overlap.

    Notes
    -----
    Mattes' mutual information (https://doi.org/10.1109/TMI.2003.809072), regular step
    gradient descent, steps scaled by physical shift. Rough starts at 8 mm, the best one goes
    on at 4 and 2 mm; one start alone ends centimetres away now and then, without a sign of it.
    """
    small_moving, small_fixed = small(moving), small(fixed)
    mask = None if fixed_mask is None else _to_grid(fixed_mask, small_fixed.grid)
    other = None if moving_mask is None else _to_grid(moving_mask, small_moving.grid)
    forward, metric = _one_way(small_moving, small_fixed, mask, starts, (seed, threads))
    back, _ = _one_way(small_fixed, small_moving, other, starts, (seed, threads))
    reverse = np.linalg.inv(back).astype(np.float64)
    disagreement = distance(forward, reverse, around=centre(fixed.grid))
    return Rigid(matrix=forward, metric=metric, disagreement_mm=disagreement)


def small(volume: Volume) -> Volume:
    """Return a volume as registration sees it: 2 mm, bright outliers cut; a second time, itself.

    Parameters
    ----------
    volume
        A grey-value image.
    """
    if np.allclose(volume.grid.spacing, WORKING_MM, atol=1e-6):
        return volume
    coarse = shrink(volume, isotropic(volume.grid, spacing=WORKING_MM))
    low, high = np.percentile(coarse.array, (0.1, 99.8))
    return Volume(np.clip(coarse.array, low, high), coarse.grid)


def _one_way(
    moving: Volume,
    fixed: Volume,
    mask: Volume | None,
    starts: Starts,
    fixed_numbers: tuple[int, int],
) -> tuple[Matrix, float]:
    """Register in one direction: search at 8 mm, finish the best at 4 and 2 mm."""
    window = _window(fixed)
    pivot = mass_centre(fixed)
    tried: list[tuple[float, Matrix]] = []
    images = at_level(moving, window, mask, _SEARCH)
    for start in _starts(mass_centre(moving), pivot, starts):
        found = _descend(images, start, pivot, _SEARCH, fixed_numbers)
        if found is not None:
            tried.append(found)
    if not tried:
        raise StageError(
            'no overlap of the two images at any start',
            where='registration',
            do='check that both show the same head and that their headers are right',
        )
    metric, matrix = max(tried, key=lambda pair: pair[0])
    for level in (MIDDLE, FINE):
        images = at_level(moving, window, mask, level)
        found = _descend(images, matrix, pivot, level, fixed_numbers)
        if found is not None:
            metric, matrix = found
    # Threads add up in any order: the last digits are noise, the same bytes matter more.
    return np.round(matrix, 7), metric


def _starts(
    moving_centre: NDArray[np.float64], pivot: NDArray[np.float64], starts: Starts
) -> list[Matrix]:
    """Return the transforms to begin with: headers, centres of mass, tilts."""
    shift = np.eye(4)
    shift[:3, 3] = moving_centre - pivot
    if starts == 'headers':
        return [np.eye(4), shift]
    tilts = [(x, 0.0, z) for x in (0.0, -TILT, TILT) for z in (0.0, -TILT, TILT)]
    return [np.eye(4), *(shift @ rotation(tilt, about=pivot) for tilt in tilts)]


def _descend(
    images: tuple[sitk.Image, sitk.Image, sitk.Image | None],
    start: Matrix,
    pivot: NDArray[np.float64],
    level: Level,
    fixed_numbers: tuple[int, int],
) -> tuple[float, Matrix] | None:
    """Climb the mutual information from one start; None where the images do not overlap."""
    import SimpleITK as sitk  # noqa: N813

    lps = FLIP @ start @ FLIP
    about = FLIP[:3, :3] @ pivot
    transform = sitk.Euler3DTransform()
    transform.SetCenter(about.tolist())
    transform.SetMatrix(lps[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((lps[:3, 3] + lps[:3, :3] @ about - about).tolist())
    metric = climb(images, transform, level, fixed_numbers)
    if metric is None:
        return None
    affine = np.eye(4)
    affine[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    affine[:3, 3] = np.array(transform.GetTranslation()) + about - affine[:3, :3] @ about
    return metric, FLIP @ affine @ FLIP


def climb(
    images: tuple[sitk.Image, sitk.Image, sitk.Image | None],
    transform: sitk.Transform,
    level: Level,
    fixed_numbers: tuple[int, int],
) -> float | None:
    """Climb the mutual information, changing the transform; None where the images do not overlap.

    Parameters
    ----------
    images
        Moving, fixed, and where to compare.
    transform
        Where to begin; holds the end afterwards.
    level
        Resolution and patience.
    fixed_numbers
        Seed and threads.
    """
    import SimpleITK as sitk  # noqa: N813

    moving, fixed, mask = images
    seed, threads = fixed_numbers
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(threads)
    method.SetMetricAsMattesMutualInformation(32)
    voxels = int(np.prod(fixed.GetSize()))
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, level.samples / voxels), seed)
    if mask is not None:
        method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=level.step,
        minStep=1e-3 * level.spacing,
        numberOfIterations=level.iterations,
        relaxationFactor=0.8,
        gradientMagnitudeTolerance=1e-6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        return None
    return -float(method.GetMetricValue())


def at_level(
    moving: Volume, fixed: Volume, mask: Volume | None, level: Level
) -> tuple[sitk.Image, sitk.Image, sitk.Image | None]:
    """Return both volumes, and the mask, at the spacing of a level, for ITK."""
    import SimpleITK as sitk  # noqa: N813

    coarse = [shrink(one, isotropic(one.grid, spacing=level.spacing)) for one in (moving, fixed)]
    itk_mask = None
    if mask is not None:
        inside = _to_grid(mask, coarse[1].grid)
        itk_mask = sitk.Cast(to_itk(inside), sitk.sitkUInt8)
    return to_itk(coarse[0]), to_itk(coarse[1]), itk_mask


def to_itk(volume: Volume) -> sitk.Image:
    """Return a volume as an image of SimpleITK, float32, in LPS.

    Parameters
    ----------
    volume
        Any volume.
    """
    import SimpleITK as sitk  # noqa: N813

    image = sitk.GetImageFromArray(volume.array.astype(np.float32).transpose(2, 1, 0))
    affine = FLIP @ volume.grid.affine
    spacing = np.array(volume.grid.spacing)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image


def _to_grid(mask: Volume, grid: Grid) -> Volume:
    """Return a mask on another grid, true where half of it is."""
    share = shrink(Volume(mask.array.astype(np.float32), mask.grid), grid)
    return Volume((share.array >= 0.5).astype(np.uint8), grid)


def _window(volume: Volume) -> Volume:
    """Cut away air further than 10 mm from anything bright: samples there say nothing."""
    rest = volume.array - volume.array.min()
    bright = rest > 0.15 * np.percentile(rest, 98)
    margin = round(10 / WORKING_MM)
    cuts = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        seen = np.flatnonzero(bright.mean(axis=others) > 0.01)
        if seen.size == 0:
            return volume
        end = min(bright.shape[axis], int(seen[-1]) + margin + 1)
        cuts.append(slice(max(0, int(seen[0]) - margin), end))
    affine = volume.grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.array([cut.start for cut in cuts])
    array = np.ascontiguousarray(volume.array[tuple(cuts)])
    return Volume(array, Grid(array.shape, affine, volume.grid.code))


def mass_centre(volume: Volume) -> NDArray[np.float64]:
    """Return the centre of the bright voxels, mm RAS+; scars and coils weigh as all else.

    Parameters
    ----------
    volume
        A grey-value image, or a mask.
    """
    rest = volume.array - volume.array.min()
    bright = np.argwhere(rest > 0.15 * np.percentile(rest, 98))
    if not len(bright):
        return centre(volume.grid)
    middle: NDArray[np.float64] = volume.grid.affine @ np.append(bright.mean(axis=0), 1.0)
    return middle[:3]
