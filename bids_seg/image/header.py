# SPDX-License-Identifier: Apache-2.0
"""Headers of NIfTI files, checked before any voxel is read; each fault in its own words."""

from __future__ import annotations

import gzip
import math
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import ImageError
from bids_seg.image.container import check_container
from bids_seg.image.grid import Grid, corners

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the header of a file says, checked, before any voxel is read."""

    grid: Grid
    """Where its voxels lie."""
    warnings: tuple[str, ...]
    """What was unusual and how it was understood."""


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
    check_container(path)
    image = open_image(path)
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


def open_image(path: Path) -> nb.Nifti1Image:
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
    apart = np.linalg.norm((corners(shape) @ (affine - qform).T)[:, :3], axis=1).max()
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


def _mm(values: Iterable[float]) -> str:
    """Return lengths for a message: `0.9 x 0.9 x 5.5`."""
    return ' x '.join(f'{value:.3g}' for value in values)
