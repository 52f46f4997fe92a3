# SPDX-License-Identifier: Apache-2.0
"""Grids and volumes: reading any NIfTI into RAS+ order, resampling, saving as it was stored.

Orientation is settled here and nowhere else. A `Grid` knows how its file is stored; every
array outside of this module runs along the axes closest to right, anterior and superior.
"""

from __future__ import annotations

import gzip
import math
import os
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import nibabel as nb
import numpy as np
from nibabel import orientations
from numpy.typing import NDArray

from bids_seg.errors import ImageError

MAX_SIDE = 1024
"""Longest side, voxels; a larger one is a broken header."""
SPACING_RANGE = (0.2, 8.0)
"""Smallest and largest distance between voxel centres that is accepted, mm."""
FORM_TOLERANCE_MM = 0.1
"""sform and qform may differ by so much at the corners before the user is warned."""
FORM_TOLERANCE_DEG = 0.1
"""Their axes may differ by so much."""
SHEAR_TOLERANCE_DEG = 1.0
"""Largest deviation of two grid axes from a right angle."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a file lie.

    Parameters
    ----------
    stored_shape
        Voxels along the axes of the file.
    stored_affine : array of shape (4, 4)
        From stored voxel indices to scanner mm, RAS+.
    code
        NIfTI code of the space (1 scanner, 2 aligned, 4 MNI).

    Notes
    -----
    Grids are compared with `same`, not with `==`.
    """

    stored_shape: tuple[int, int, int]
    stored_affine: NDArray[np.float64]
    code: int = 1

    @cached_property
    def orientation(self) -> NDArray[np.float64]:
        """How stored axes become RAS+ axes, as nibabel writes it, shape (3, 2)."""
        turn: NDArray[np.float64] = orientations.io_orientation(self.stored_affine)
        return turn

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along R, A and S."""
        sides = [0, 0, 0]
        for stored, ras in enumerate(self.orientation[:, 0].astype(int)):
            sides[ras] = self.stored_shape[stored]
        return sides[0], sides[1], sides[2]

    @cached_property
    def affine(self) -> NDArray[np.float64]:
        """From RAS+ voxel indices to mm, shape (4, 4)."""
        turned = orientations.inv_ornt_aff(self.orientation, self.stored_shape)
        composed: NDArray[np.float64] = self.stored_affine @ turned
        return composed

    @cached_property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxel centres along R, A and S, mm."""
        steps = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(steps[0]), float(steps[1]), float(steps[2])

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        return float(abs(np.linalg.det(self.stored_affine[:3, :3])))

    def same(self, other: Grid, *, tolerance_mm: float = 1e-3) -> bool:
        """Return whether both have the same voxels at the same places.

        Parameters
        ----------
        other
            Another grid.
        tolerance_mm
            Largest distance of a corner.
        """
        if self.shape != other.shape:
            return False
        corners = _corners(self.shape)
        apart = corners @ (self.affine - other.affine).T
        return bool(np.abs(apart).max() <= tolerance_mm)


@dataclass(frozen=True, eq=False)
class Volume:
    """An array and where it lies.

    Parameters
    ----------
    array : array of shape `grid.shape`
        Values along R, A, S (closest axes).
    grid
        Where they lie.
    """

    array: NDArray[Any]
    grid: Grid

    def __post_init__(self) -> None:
        if self.array.shape != self.grid.shape:
            message = f'array {self.array.shape} does not fit grid {self.grid.shape}'
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a file says, checked, before any voxel is read."""

    grid: Grid
    """Where its voxels lie."""
    warnings: tuple[str, ...]
    """What was unusual and how it was understood."""


def isotropic(grid: Grid, *, spacing: float, multiple: int = 1) -> Grid:
    """Return an isotropic grid with RAS+ stored axes that covers another one.

    Parameters
    ----------
    grid
        The grid to be covered; an oblique one keeps its own axes.
    spacing
        Distance between voxel centres, mm.
    multiple
        Every side becomes a multiple of this; what is added lies on both ends.

    Examples
    --------
    >>> grid = Grid((7, 8, 9), np.diag([1.0, 1.0, 3.0, 1.0]))
    >>> isotropic(grid, spacing=2.0, multiple=4).shape
    (4, 4, 16)
    """
    extent = np.array(grid.shape) * np.array(grid.spacing)
    sides = np.maximum(1, np.ceil(extent / spacing - 1e-6)).astype(int)
    sides = -(-sides // multiple) * multiple
    directions = grid.affine[:3, :3] / np.array(grid.spacing)
    middle = grid.affine @ np.append((np.array(grid.shape) - 1) / 2, 1.0)
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = middle[:3] - affine[:3, :3] @ ((sides - 1) / 2)
    return Grid((int(sides[0]), int(sides[1]), int(sides[2])), affine, grid.code)


def read_header(path: Path) -> Header:
    """Return the checked header of a NIfTI file without reading its voxels.

    Parameters
    ----------
    path
        A `.nii` or `.nii.gz` file.

    Raises
    ------
    ImageError
        If the file cannot be used; the message names the cause.
    """
    _check_container(path)
    image = _open(path)
    shape = _spatial_shape(image, path)
    header: Any = image.header
    notes: list[str] = []
    raw_zooms = _raw_zooms(path)
    if not np.all(np.isfinite(raw_zooms)) or np.any(raw_zooms == 0):
        raise ImageError(
            f'voxel size {_mm(raw_zooms)} mm',
            where=path,
            do='repair the header (pixdim) or convert the series again',
        )
    if np.any(raw_zooms < 0):
        notes.append(f'negative voxel size {_mm(raw_zooms)} mm, its absolute value was taken')
    affine, code, form_notes = _affine(header, path, shape)
    grid = Grid(shape, affine, code)
    low, high = SPACING_RANGE
    if min(grid.spacing) < low or max(grid.spacing) > high:
        raise ImageError(
            f'voxels are {_mm(grid.spacing)} mm apart, {low} to {high} mm are accepted',
            where=path,
            do='check the header, or acquire or choose another series',
        )
    return Header(grid=grid, warnings=(*notes, *form_notes))


def read(path: Path) -> tuple[Volume, tuple[str, ...]]:
    """Return an image as float32 in RAS+ order, and what was unusual about it.

    Parameters
    ----------
    path
        A `.nii` or `.nii.gz` file with one volume of three axes.

    Raises
    ------
    ImageError
        If the file cannot be used: broken, constant, of a type without grey values.
    """
    header = read_header(path)
    array = _data(path, header.grid.stored_shape)
    notes = list(header.warnings)
    broken = ~np.isfinite(array)
    if broken.any():
        notes.append(f'{int(broken.sum())} voxels are not finite and were set to 0')
        array = np.where(broken, np.float32(0), array)
    if array.min() == array.max():
        raise ImageError(
            f'every voxel is {float(array.flat[0]):g}',
            where=path,
            do='store the image again; an empty series cannot be used',
        )
    return from_stored(array, header.grid), tuple(notes)


def read_labels(path: Path) -> Volume:
    """Return a label map or mask as int32 in RAS+ order; an empty one is fine.

    Parameters
    ----------
    path
        A `.nii` or `.nii.gz` file with one volume of three axes.

    Raises
    ------
    ImageError
        If the file cannot be used.
    """
    header = read_header(path)
    array = _data(path, header.grid.stored_shape)
    return from_stored(np.rint(array).astype(np.int32), header.grid)


def read_map(path: Path) -> Volume:
    """Return a map of real numbers, e.g. probabilities, as float32; a constant one is fine.

    Parameters
    ----------
    path
        A `.nii` or `.nii.gz` file with one volume of three axes.

    Raises
    ------
    ImageError
        If the file cannot be used.
    """
    header = read_header(path)
    return from_stored(_data(path, header.grid.stored_shape), header.grid)


def from_stored(array: NDArray[Any], grid: Grid) -> Volume:
    """Return a volume from an array in the order of its file.

    Parameters
    ----------
    array : array of shape `grid.stored_shape`
        Values along the stored axes.
    grid
        Where they lie.
    """
    turned = orientations.apply_orientation(array, grid.orientation)
    return Volume(np.ascontiguousarray(turned), grid)


def to_stored(volume: Volume) -> NDArray[Any]:
    """Return the array of a volume along the axes of its file.

    Parameters
    ----------
    volume
        Any volume.
    """
    back = orientations.ornt_transform(
        np.array([[0, 1], [1, 1], [2, 1]], dtype=float), volume.grid.orientation
    )
    turned: NDArray[Any] = orientations.apply_orientation(volume.array, back)
    return turned


def save(volume: Volume, path: Path) -> None:
    """Write a volume in the order and with the affine of its grid; all of the file or none.

    Integers are stored without scaling, sform equals qform, the compressed stream carries
    neither time nor name, so that the same volume gives the same bytes.

    Parameters
    ----------
    volume
        Masks and labels of an unsigned integer type, maps as float32.
    path
        Ends in `.nii.gz`; its folder is made if need be.
    """
    array = to_stored(volume)
    if array.dtype == np.bool_:
        array = array.astype(np.uint8)
    image = nb.Nifti1Image(array, volume.grid.stored_affine)
    header: Any = image.header
    image.set_sform(volume.grid.stored_affine, code=volume.grid.code)
    image.set_qform(volume.grid.stored_affine, code=volume.grid.code)
    header.set_xyzt_units('mm')
    if np.issubdtype(array.dtype, np.floating):
        header.set_data_dtype(np.float32)
    write_bytes(path, gzip.compress(image.to_bytes(), compresslevel=4, mtime=0))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file under a hidden name, sync it, and rename it: all of it or none.

    Parameters
    ----------
    path
        The file; its folder is made if need be.
    content
        What it holds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    hidden = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with hidden.open('wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)


def resample(
    volume: Volume, grid: Grid, *, order: Literal[0, 1, 3], outside: float = 0.0
) -> Volume:
    """Sample a volume on another grid, through scanner space.

    Parameters
    ----------
    volume
        Any volume.
    grid
        Where to sample.
    order
        Degree of the interpolating polynomial: labels need 0, since a mean of two labels
        is a third tissue.
    outside
        Value beyond the field of view.
    """
    from scipy import ndimage

    if volume.grid.same(grid):
        return Volume(volume.array, grid)
    # From new voxels to mm, from mm to old voxels: scipy samples backwards.
    # Rounded, so that a voxel on the very edge does not fall outside by a last digit.
    new_to_old = np.round(np.linalg.inv(volume.grid.affine) @ grid.affine, 9)
    array = ndimage.affine_transform(
        volume.array, new_to_old, output_shape=grid.shape, order=order, cval=outside
    )
    return Volume(array, grid)


def shrink(volume: Volume, grid: Grid) -> Volume:
    """Sample a volume on a grid that may be coarser, smoothing first so that nothing aliases.

    Parameters
    ----------
    volume
        A grey-value image or a map.
    grid
        Where to sample; linear interpolation, the edge value just outside.

    Notes
    -----
    The smoothing is Gaussian with a full width at half maximum of one coarse voxel where an
    axis gets coarser, and none where it does not.
    """
    from scipy import ndimage

    factors = np.array(grid.spacing) / np.array(volume.grid.spacing)
    widths = np.where(factors > 1, 0.42 * np.sqrt(np.maximum(factors**2 - 1, 0)), 0)
    smooth = ndimage.gaussian_filter(volume.array.astype(np.float32), widths.tolist())
    new_to_old = np.linalg.inv(volume.grid.affine) @ grid.affine
    array = ndimage.affine_transform(
        smooth, new_to_old, output_shape=grid.shape, order=1, mode='grid-constant'
    )
    return Volume(array, grid)


def _corners(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the eight corner voxels in homogeneous coordinates, shape (8, 4)."""
    ends = np.array(np.meshgrid(*[(0, side - 1) for side in shape], indexing='ij'), dtype=float)
    return np.vstack([ends.reshape(3, -1), np.ones(8)]).T


def _mm(values: Iterable[float]) -> str:
    """Return lengths for a message: `0.9 x 0.9 x 5.5`."""
    return ' x '.join(f'{value:.3g}' for value in values)


def is_fetched(path: Path) -> bool:
    """Return whether the content of a file is here: no dangling link, no git-annex pointer.

    Parameters
    ----------
    path
        Any file; one that is not there and was never linked counts as fetched.
    """
    if not path.exists():
        return not path.is_symlink()
    try:
        with path.open('rb') as file:
            return not _is_pointer(file.read(64))
    except OSError:
        return True


def _is_pointer(start: bytes) -> bool:
    """Return whether a file begins like the text that git-annex leaves for its content."""
    return start.startswith((b'/annex/objects', b'../')) or b'.git/annex' in start


def _check_container(path: Path) -> None:
    """Refuse what is no NIfTI file, each cause in its own words."""
    again = 'copy or convert the file again'
    if not path.exists():
        if path.is_symlink():
            raise ImageError(
                'the content was not fetched, the link leads nowhere',
                where=path,
                do=f'run `datalad get {path.name}` or `git annex get` in its folder',
            )
        raise ImageError('no such file', where=path, do='check the name')
    try:
        with path.open('rb') as file:
            start = file.read(64)
    except OSError as error:
        raise ImageError(
            f'cannot be read ({error.strerror})', where=path, do='check its permissions'
        ) from error
    if not start:
        raise ImageError('0 bytes', where=path, do=again)
    if _is_pointer(start):
        raise ImageError(
            'a git-annex pointer instead of an image', where=path, do='run `datalad get` on it'
        )
    zipped = start[:2] == b'\x1f\x8b'
    if zipped and path.suffix == '.nii':
        raise ImageError(
            'compressed, but called .nii', where=path, do='rename it to end in .nii.gz'
        )
    if path.suffix == '.gz' and not zipped:
        raise ImageError(
            'not compressed, but called .nii.gz', where=path, do='rename it to end in .nii'
        )
    if zipped:
        _check_stream(path)


def _check_stream(path: Path) -> None:
    """Refuse a compressed file that breaks off before its header ends."""
    try:
        with gzip.open(path) as stream:
            stream.read(540)
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(
            f'its compressed data cannot be read ({error})',
            where=path,
            do='the file is cut short or damaged; copy it again',
        ) from error


def _open(path: Path) -> nb.Nifti1Image:
    """Open a file with nibabel without reading its voxels."""
    failures = (
        OSError,
        EOFError,
        zlib.error,
        ValueError,
        TypeError,
        nb.filebasedimages.ImageFileError,
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            image = nb.load(path)
    except (*failures, nb.spatialimages.HeaderDataError) as error:
        raise ImageError(
            f'no readable NIfTI header ({error})', where=path, do='copy or convert the file again'
        ) from error
    if not isinstance(image, nb.Nifti1Image):
        raise ImageError(
            f'a {type(image).__name__}, not a NIfTI file', where=path, do='convert it to NIfTI'
        )
    return image


def _raw_zooms(path: Path) -> NDArray[np.float64]:
    """Return the voxel sizes as stored: nibabel mends 0 and negative ones without a word."""
    kinds = (nb.Nifti1Header, nb.Nifti2Header)
    with path.open('rb') as file:
        stream: Any = gzip.GzipFile(fileobj=file) if path.suffix == '.gz' else file
        start = stream.read(540)
    size = int.from_bytes(start[:4], 'little'), int.from_bytes(start[:4], 'big')
    kind = kinds[540 in size]
    make: Any = kind
    header = make(start[: kind.template_dtype.itemsize], check=False)
    return np.asarray(header['pixdim'][1:4], dtype=float)


def _spatial_shape(image: nb.Nifti1Image, path: Path) -> tuple[int, int, int]:
    """Return the three sides; refuse series, single slices and absurd sizes."""
    shape = tuple(int(side) for side in image.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) > 3:
        raise ImageError(
            f'{math.prod(shape[3:])} volumes, shape {shape}; one was expected',
            where=path,
            do='store one volume of the series, or leave it out with --bids-filter-file',
        )
    if len(shape) < 3 or min(shape) < 1:
        raise ImageError(
            f'one volume of three axes was expected, this image has shape {shape}',
            where=path,
            do='store the whole volume as one file',
        )
    if max(shape) > MAX_SIDE:
        raise ImageError(
            f'shape {shape} is larger than {MAX_SIDE} on an axis',
            where=path,
            do='check the header; crop or resample an image that is really so large',
        )
    kind = image.get_data_dtype()
    if kind.fields is not None or np.issubdtype(kind, np.complexfloating):
        raise ImageError(
            f'values of type {kind}, grey values were expected',
            where=path,
            do='store the magnitude image',
        )
    return shape[0], shape[1], shape[2]


def _affine(
    header: Any, path: Path, shape: tuple[int, int, int]
) -> tuple[NDArray[np.float64], int, tuple[str, ...]]:
    """Return the stored affine, its code, and what was unusual: sform first, else qform."""
    sform, sform_code = header.get_sform(coded=True)
    try:
        qform, qform_code = header.get_qform(coded=True)
    except (ValueError, np.linalg.LinAlgError, nb.spatialimages.HeaderDataError):
        # Its quaternion is no rotation; with an sform it is not needed.
        qform, qform_code = None, 0
    if sform_code == 0 and qform_code == 0:
        raise ImageError(
            'no orientation (sform and qform codes are 0): left and right are unknown',
            where=path,
            do='convert it again from DICOM, or set the orientation if you know it',
        )
    affine, code = (sform, sform_code) if sform_code else (qform, qform_code)
    affine = np.asarray(affine, dtype=float)
    if not np.all(np.isfinite(affine)) or abs(np.linalg.det(affine[:3, :3])) < 1e-6:
        raise ImageError(
            'its affine is singular or not finite',
            where=path,
            do='repair the sform, or convert again',
        )
    _check_shear(affine, path)
    if not sform_code or not qform_code:
        return affine, int(code), ()
    apart = np.linalg.norm((_corners(shape) @ (affine - qform).T)[:, :3], axis=1).max()
    angle = _largest_angle(affine[:3, :3], qform[:3, :3])
    if apart <= FORM_TOLERANCE_MM and angle <= FORM_TOLERANCE_DEG:
        return affine, int(code), ()
    note = f'sform and qform differ by {apart:.1f} mm and {angle:.1f} degrees, the sform was used'
    return affine, int(code), (note,)


def _largest_angle(axes: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the largest angle between columns of the same index, degrees."""
    lengths = np.linalg.norm(axes, axis=0) * np.linalg.norm(others, axis=0)
    cosines = np.einsum('ij,ij->j', axes, others) / lengths
    # arccos loses half of the digits near 1; the cross product keeps them.
    sines = np.linalg.norm(np.cross(axes.T, others.T), axis=1) / lengths
    return float(np.degrees(np.arctan2(sines, cosines)).max())


def _check_shear(affine: NDArray[np.float64], path: Path) -> None:
    """Refuse grids whose axes are not at right angles: lengths in them mean nothing."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs(axes.T @ axes - np.eye(3)).max()
    if cosines > math.sin(math.radians(SHEAR_TOLERANCE_DEG)):
        raise ImageError(
            f'its axes are {math.degrees(math.asin(min(1.0, cosines))):.1f} degrees off a right angle',
            where=path,
            do='resample it to a grid without shear',
        )


def _data(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Read the voxels as float32 along the stored axes, scaling applied."""
    image = _open(path)
    try:
        # A value beyond float32 becomes infinite, and is counted as such later.
        with np.errstate(over='ignore', invalid='ignore'):
            array = np.asarray(image.dataobj, dtype=np.float32)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ImageError(
            f'its voxels cannot be read ({error})',
            where=path,
            do='the file is cut short or damaged; copy it again',
        ) from error
    return array.reshape(shape)
