# SPDX-License-Identifier: Apache-2.0
"""Rigid registration of two volumes, how far to trust it, and its transform on disk.

A transform is one matrix of shape (4, 4) in scanner space, RAS+ mm: it takes a point of the
fixed volume to the same anatomy in the moving one, which is what resampling asks for. ITK
thinks in LPS; the change of signs happens here and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import ImageError, StageError
from bids_seg.image import Grid, Volume, from_stored, isotropic, shrink, write_bytes

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 (the name under which everybody knows it)

Matrix = NDArray[np.float64]
"""From fixed mm to moving mm, RAS+, shape (4, 4)."""

Starts = Literal['headers', 'many']
"""`headers`: both lie about right already; `many`: nothing is known."""

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS+ to LPS+ and back."""
WORKING_MM = 2.0
"""Grid on which a registration ends."""
RADIUS_MM = 60.0
"""Distance from the centre at which two transforms are compared."""
TILT = 0.4
"""Rotation of the starts about the left-right and the long axis, radians."""
BINS = 48
"""Grey levels of a joint histogram."""
TRANSFORM_KINDS = ('AffineTransform_double_3_3', 'MatrixOffsetTransformBase_double_3_3')
"""ITK classes that are read; the first is written."""


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
class _Level:
    """One resolution of a registration."""

    spacing: float
    samples: int
    iterations: int
    step: float


_SEARCH = _Level(spacing=8.0, samples=6000, iterations=40, step=4.0)
_MIDDLE = _Level(spacing=4.0, samples=30000, iterations=200, step=2.0)
_FINE = _Level(spacing=WORKING_MM, samples=60000, iterations=200, step=1.0)


def rigid(
    moving: Volume,
    fixed: Volume,
    *,
    fixed_mask: Volume | None = None,
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
        Where to compare, on any grid; everywhere if None. Only the forward direction uses it.
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
    forward, metric = _one_way(small_moving, small_fixed, mask, starts, (seed, threads))
    back, _ = _one_way(small_fixed, small_moving, None, starts, (seed, threads))
    reverse: Matrix = np.linalg.inv(back)
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


def mutual_information(
    moving: Volume, fixed: Volume, *, matrix: Matrix | None = None, mask: Volume | None = None
) -> float:
    """Return the normalised mutual information of two volumes under a transform.

    Parameters
    ----------
    moving
        The image that is sampled through the transform.
    fixed
        The image on whose grid they are compared.
    matrix
        From fixed mm to moving mm; None trusts the headers.
    mask
        On the fixed grid: where to compare; everywhere if None.

    Returns
    -------
    information
        1 (independent) to 2 (one determines the other); 1 without overlap.

    Notes
    -----
    (H(A) + H(B)) / H(A, B) over what both fields of view share:
    Studholme, https://doi.org/10.1016/S0031-3203(98)00091-0.

    Examples
    --------
    >>> grid = Grid((4, 5, 6), np.eye(4))
    >>> image = Volume(np.arange(120.0).reshape(4, 5, 6), grid)
    >>> mutual_information(image, image)
    2.0
    """
    from scipy import ndimage

    through = np.eye(4) if matrix is None else matrix
    to_old = np.linalg.inv(moving.grid.affine) @ through @ fixed.grid.affine
    sampled = ndimage.affine_transform(
        moving.array.astype(np.float32), to_old, output_shape=fixed.grid.shape, order=1, cval=np.nan
    )
    shared = np.isfinite(sampled)
    if mask is not None:
        shared &= mask.array.astype(bool)
    if int(shared.sum()) < BINS:
        return 1.0
    first, second = _levels(fixed.array[shared]), _levels(sampled[shared])
    joint = np.bincount(first * BINS + second, minlength=BINS * BINS).reshape(BINS, BINS)
    both = _entropy(joint.ravel())
    if both == 0:
        return 1.0
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / both


def rotation(angles: tuple[float, float, float], *, about: NDArray[np.float64]) -> Matrix:
    """Return the rotation about the R, then A, then S axis through a point.

    Parameters
    ----------
    angles
        Radians.
    about : array of shape (3,)
        mm; stays where it is.
    """
    turn = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[[first, second], [first, second]] = math.cos(angle)
        step[second, first], step[first, second] = math.sin(angle), -math.sin(angle)
        turn = step @ turn
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = about - turn @ about
    return matrix


def centre(grid: Grid) -> NDArray[np.float64]:
    """Return the middle of a grid, mm RAS+, shape (3,).

    Parameters
    ----------
    grid
        Any grid.

    Examples
    --------
    >>> centre(Grid((5, 7, 9), np.eye(4)))
    array([2., 3., 4.])
    """
    middle: NDArray[np.float64] = grid.affine @ np.append((np.array(grid.shape) - 1) / 2, 1.0)
    return middle[:3]


def distance(first: Matrix, second: Matrix, *, around: NDArray[np.float64]) -> float:
    """Return the largest distance, mm, between two transforms at eight points.

    Parameters
    ----------
    first, second : arrays of shape (4, 4)
        Transforms with the same source space.
    around : array of shape (3,)
        The points are the corners of a cube, 60 mm from here.

    Examples
    --------
    >>> shifted = np.eye(4)
    >>> shifted[0, 3] = 3.0
    >>> distance(np.eye(4), shifted, around=np.zeros(3))
    3.0
    """
    corners = np.array(np.meshgrid(*[(-1.0, 1.0)] * 3)).reshape(3, -1).T
    points = around + RADIUS_MM * corners / math.sqrt(3)
    apart = np.column_stack([points, np.ones(8)]) @ (first - second).T
    return float(np.linalg.norm(apart[:, :3], axis=1).max())


def moved(volume: Volume, matrix: Matrix) -> Volume:
    """Return a volume carried into the fixed space, its voxels untouched.

    Parameters
    ----------
    volume
        The moving image.
    matrix
        From fixed mm to moving mm.
    """
    affine = np.linalg.inv(matrix) @ volume.grid.affine
    return from_stored(volume.array, Grid(volume.grid.shape, affine, volume.grid.code))


def write_transform(matrix: Matrix, path: Path) -> None:
    """Write a transform as ITK text (LPS), all of the file or none.

    Parameters
    ----------
    matrix
        From fixed mm to moving mm, RAS+.
    path
        Ends in `_xfm.txt`.
    """
    lps = FLIP @ matrix @ FLIP
    numbers = [*lps[:3, :3].ravel().tolist(), *lps[:3, 3].tolist()]
    lines = (
        '#Insight Transform File V1.0',
        '#Transform 0',
        f'Transform: {TRANSFORM_KINDS[0]}',
        'Parameters: ' + ' '.join(f'{number + 0.0:.12g}' for number in numbers),
        'FixedParameters: 0 0 0',
        '',
    )
    write_bytes(path, '\n'.join(lines).encode())


def read_transform(path: Path) -> Matrix:
    """Return the matrix of an ITK text transform, from fixed mm to moving mm, RAS+.

    Parameters
    ----------
    path
        A file with one affine transform.

    Raises
    ------
    ImageError
        If the file is not such a transform.
    """
    fields: dict[str, str] = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        key, colon, value = line.partition(':')
        if colon and not line.startswith('#'):
            fields[key.strip()] = value.strip()
    kind = fields.get('Transform', 'none')
    try:
        numbers = np.array(fields.get('Parameters', '').split(), dtype=float)
        fixed = np.array(fields.get('FixedParameters', '0 0 0').split(), dtype=float)
    except ValueError:
        numbers, fixed = np.empty(0), np.zeros(3)
    if kind not in TRANSFORM_KINDS or numbers.size != 12 or fixed.size != 3:
        raise ImageError(
            f'a transform of class {kind} with {numbers.size} numbers, an affine one has 12',
            where=path,
            do='give an ITK text file with one affine or rigid matrix',
        )
    lps = np.eye(4)
    lps[:3, :3] = numbers[:9].reshape(3, 3)
    lps[:3, 3] = numbers[9:] + fixed - lps[:3, :3] @ fixed
    matrix: Matrix = FLIP @ lps @ FLIP
    return matrix


def _one_way(
    moving: Volume,
    fixed: Volume,
    mask: Volume | None,
    starts: Starts,
    fixed_numbers: tuple[int, int],
) -> tuple[Matrix, float]:
    """Register in one direction: search at 8 mm, finish the best at 4 and 2 mm."""
    window = _window(fixed)
    pivot = _mass_centre(fixed)
    tried: list[tuple[float, Matrix]] = []
    images = _at_level(moving, window, mask, _SEARCH)
    for start in _starts(_mass_centre(moving), pivot, starts):
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
    for level in (_MIDDLE, _FINE):
        images = _at_level(moving, window, mask, level)
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
    level: _Level,
    fixed_numbers: tuple[int, int],
) -> tuple[float, Matrix] | None:
    """Climb the mutual information from one start; None where the images do not overlap."""
    import SimpleITK as sitk  # noqa: N813

    moving, fixed, mask = images
    seed, threads = fixed_numbers
    lps = FLIP @ start @ FLIP
    about = FLIP[:3, :3] @ pivot
    transform = sitk.Euler3DTransform()
    transform.SetCenter(about.tolist())
    transform.SetMatrix(lps[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((lps[:3, 3] + lps[:3, :3] @ about - about).tolist())
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
    affine = np.eye(4)
    affine[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    affine[:3, 3] = np.array(transform.GetTranslation()) + about - affine[:3, :3] @ about
    return -float(method.GetMetricValue()), FLIP @ affine @ FLIP


def _at_level(
    moving: Volume, fixed: Volume, mask: Volume | None, level: _Level
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


def _mass_centre(volume: Volume) -> NDArray[np.float64]:
    """Return the centre of the bright voxels, mm RAS+; scars and coils weigh as all else."""
    rest = volume.array - volume.array.min()
    bright = np.argwhere(rest > 0.15 * np.percentile(rest, 98))
    if not len(bright):
        return centre(volume.grid)
    middle: NDArray[np.float64] = volume.grid.affine @ np.append(bright.mean(axis=0), 1.0)
    return middle[:3]


def _levels(values: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return grey values as levels 0 to `BINS - 1`, outliers cut."""
    low, high = np.percentile(values, (0.5, 99.5))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    width = max(float(high - low), 1e-12)
    scaled = (values - low) / width * BINS
    levels: NDArray[np.intp] = np.clip(scaled, 0, BINS - 1).astype(np.intp)
    return levels


def _entropy(counts: NDArray[np.intp]) -> float:
    """Return the entropy of a histogram, nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())
