# SPDX-License-Identifier: Apache-2.0
"""All images of one visit, on the grid of its reference image."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bids_seg import image, register
from bids_seg.errors import ImageError
from bids_seg.image import Grid, Volume
from bids_seg.preprocess.align import align
from bids_seg.preprocess.bias import n4
from bids_seg.preprocess.stripped import is_stripped
from bids_seg.records import Alignment, Role, Scan, Visit

logger = logging.getLogger(__name__)

Bias = Literal['keep', 'n4']
"""What becomes of the bias field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of the images of a visit."""

    reference: Role
    """Role of the image on whose grid the others are."""
    alignments: tuple[Alignment, ...]
    """One for every image but the reference, in the order of the visit's scans."""
    stripped: Mapping[Role, bool]
    """Whether the skull had been removed."""
    warnings: tuple[str, ...]
    """What the user should know."""

    @property
    def usable(self) -> tuple[Role, ...]:
        """Roles that segmentation may use, the reference first."""
        accepted = (each.moving for each in self.alignments if each.accepted)
        return (self.reference, *accepted)


def prepare(
    visit: Visit,
    *,
    images: Mapping[Role, Path],
    transforms: Mapping[Role, Path],
    bias: Bias = 'keep',
    seed: int = 1,
    threads: int = 1,
) -> Prepared:
    """Write the images of a visit on the reference's own grid, and how they came there.

    Parameters
    ----------
    visit
        Whose images.
    images
        Where each image is written (float32); also one whose alignment was refused.
    transforms
        Where each transform to the reference is written, as ITK text; none for the reference.
    bias
        Whether the bias field is kept or taken out by N4 before all else.
    seed
        Of the registration.
    threads
        Threads of ITK.

    Raises
    ------
    ImageError
        If the visit has no image, or one of them cannot be used.
    """
    reference = visit.reference
    if reference is None:
        raise ImageError('no usable image', where=visit.name, do='see what was passed over and why')
    warnings: list[str] = []
    stripped: dict[Role, bool] = {}
    fixed = _load(reference, bias, threads, warnings)
    stripped[reference.role] = is_stripped(fixed)
    image.save(fixed, images[reference.role])
    small = register.small(fixed)
    alignments: list[Alignment] = []
    for scan in visit.scans:
        if scan is reference:
            continue
        moving = _load(scan, bias, threads, warnings)
        stripped[scan.role] = is_stripped(moving)
        roles = (scan.role, reference.role)
        target = fixed if moving.grid.same(fixed.grid) else small
        movement = align(moving, target, roles=roles, seed=seed, threads=threads)
        alignments.append(movement.alignment)
        if movement.alignment.note:
            warnings.append(f'{scan.role}: {movement.alignment.note}')
        register.write_transform(movement.matrix, transforms[scan.role])
        image.save(onto(moving, fixed.grid, movement.matrix), images[scan.role])
    for warning in warnings:
        logger.warning('%s: %s', visit.name, warning)
    return Prepared(
        reference=reference.role,
        alignments=tuple(alignments),
        stripped=stripped,
        warnings=tuple(warnings),
    )


def onto(moving: Volume, grid: Grid, matrix: register.Matrix) -> Volume:
    """Return an image sampled on a grid through a transform: linear, smoothed where coarser.

    Parameters
    ----------
    moving
        The image.
    grid
        The reference's.
    matrix
        From reference mm to moving mm.
    """
    carried = register.moved(moving, matrix)
    if carried.grid.same(grid):
        return Volume(moving.array.astype(np.float32), grid)
    # Beyond the field of view lies what lies at its darkest, which need not be 0.
    floor = carried.array.min()
    lifted = image.shrink(Volume(carried.array - floor, carried.grid), grid)
    return Volume((lifted.array + floor).astype(np.float32), grid)


def _load(scan: Scan, bias: Bias, threads: int, warnings: list[str]) -> Volume:
    """Read one image, note what is unusual, take out its bias field if asked for."""
    volume, notes = image.read(scan.path)
    warnings += [f'{scan.role}: {note}' for note in notes]
    return n4(volume, threads=threads) if bias == 'n4' else volume
