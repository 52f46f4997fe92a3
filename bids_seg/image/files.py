# SPDX-License-Identifier: Apache-2.0
"""Reading images, labels and maps into RAS+ order; saving them as they were stored."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import ImageError
from bids_seg.image.grid import Volume, from_stored, to_stored
from bids_seg.image.header import open_image, read_header


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


def save(volume: Volume, path: Path) -> None:
    """Write a volume in the order and with the affine of its grid; all of the file or none.

    Parameters
    ----------
    volume
        Masks and labels of an unsigned integer type, maps as float32.
    path
        Ends in `.nii.gz`; its folder is made if need be.
    """
    write_bytes(path, encoded(volume))


def encoded(volume: Volume) -> bytes:
    """Return a volume as the bytes of a `.nii.gz` file, in its grid's own order.

    Integers are stored without scaling, sform equals qform, the compressed stream carries
    neither time nor name, so that the same volume gives the same bytes.

    Parameters
    ----------
    volume
        Masks and labels of an unsigned integer type, maps as float32.
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
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


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


def _data(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Read the voxels as float32 along the stored axes, scaling applied."""
    image = open_image(path)
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
