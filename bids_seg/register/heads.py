# SPDX-License-Identifier: Apache-2.0
"""One head at two visits: the movement between them, its figures, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume, resample
from bids_seg.records import VisitAlignment
from bids_seg.register.information import mutual_information
from bids_seg.register.search import Starts, mass_centre, rigid, small
from bids_seg.register.transform import Matrix, centre, distance

CLOSE_MM = 2.0
"""A registration that ends this near to aligned centres bears them out."""
Within = Literal['brain', 'head']
"""What of two heads is compared."""
ROUNDS = 20
"""Steps towards a mean rotation; each makes what is left smaller by its square."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Heads:
    """The image of a visit and its brain mask, on any grids."""

    image: Volume
    """Grey values."""
    brain: Volume | None
    """Where the brain is; None where nobody drew it."""


def head_to_head(
    moving: Heads,
    fixed: Heads,
    *,
    starts: Starts = 'many',
    within: Within = 'brain',
    seed: int = 1,
    threads: int = 1,
) -> tuple[Matrix, VisitAlignment]:
    """Bring the head of one visit onto that of another, and say how well that went.

    Parameters
    ----------
    moving
        The visit that is moved.
    fixed
        The visit that stays.
    starts
        As `rigid` takes them.
    within
        `brain`: the search compares the brains, where there are masks; `head`: all of both images.
    seed
        Of the sample of voxels.
    threads
        Threads of ITK.

    Returns
    -------
    matrix : array of shape (4, 4)
        From fixed mm to moving mm, RAS+.
    VisitAlignment
        Its figures.

    Raises
    ------
    StageError
        If no start leads to an overlap.

    Notes
    -----
    Only the brain is compared, in each direction that of the visit that stays: jaw, neck and
    scalp move by themselves. A search that goes astray there may find its way by the whole head;
    its figures are those of the brains all the same. Where the registration ends within 2 mm of the position in which
    the centres are aligned and agrees no better than that, the aligned centres are taken: two
    images of one position cannot agree better than there.
    """
    here, there = small(moving.image), small(fixed.image)
    found = rigid(
        here,
        there,
        fixed_mask=fixed.brain if within == 'brain' else None,
        moving_mask=moving.brain if within == 'brain' else None,
        starts=starts,
        seed=seed,
        threads=threads,
    )
    shift = np.eye(4)
    shift[:3, 3] = np.round(_between_centres(moving, fixed, here, there), 7)
    inside = None if fixed.brain is None else _at(fixed.brain, there)
    before = mutual_information(here, there, matrix=shift, mask=inside)
    after = mutual_information(here, there, matrix=found.matrix, mask=inside)
    matrix, turned = found.matrix, found.rotation_deg
    around = centre(fixed.image.grid)
    if after < before and distance(matrix, shift, around=around) <= CLOSE_MM:
        matrix, after, turned = shift, before, 0.0
    return matrix, VisitAlignment(
        disagreement_mm=round(found.disagreement_mm, 3),
        rotation_deg=round(turned, 3),
        mutual_information=round(after, 4),
        mutual_information_before=round(before, 4),
        brain_dice=_dice(moving.brain, fixed.brain, matrix),
    )


def midpoint(matrices: Sequence[Matrix], *, around: NDArray[np.float64]) -> Matrix:
    """Return the mean of several rigid movements, so that none of their ends is preferred.

    Parameters
    ----------
    matrices
        Each of shape (4, 4), from one space to that of a visit; the space itself among them.
    around : array of shape (3,)
        The point, mm, whose places are averaged: the middle of the head.

    Returns
    -------
    matrix : array of shape (4, 4)
        From the mean space to the space that the movements start from.

    Notes
    -----
    The mean rotation is that from which the logarithms of the others add up to nothing
    (Moakher, https://doi.org/10.1137/S0895479801383877).

    Examples
    --------
    >>> ahead = np.eye(4)
    >>> ahead[0, 3] = 6.0
    >>> midpoint([np.eye(4), ahead], around=np.zeros(3))[:3, 3].tolist()
    [-3.0, 0.0, 0.0]
    """
    from scipy.spatial.transform import Rotation

    turns = Rotation.from_matrix(np.array([matrix[:3, :3] for matrix in matrices]))
    mean = turns[0]
    for _ in range(ROUNDS):
        step = (mean.inv() * turns).as_rotvec().mean(axis=0)
        mean = mean * Rotation.from_rotvec(step)
    places = np.array([matrix[:3, :3] @ around + matrix[:3, 3] for matrix in matrices])
    there = np.eye(4)
    there[:3, :3] = mean.as_matrix()
    there[:3, 3] = places.mean(axis=0) - there[:3, :3] @ around
    back: Matrix = np.round(np.linalg.inv(there), 7) + 0.0
    return back


def _between_centres(
    moving: Heads, fixed: Heads, here: Volume, there: Volume
) -> NDArray[np.float64]:
    """Return the way from one centre of mass to the other, mm: of the brains, else of the heads."""
    if moving.brain is not None and fixed.brain is not None:
        here, there = moving.brain, fixed.brain
    way: NDArray[np.float64] = mass_centre(here) - mass_centre(there)
    return way


def _at(mask: Volume, like: Volume) -> Volume:
    """Return a mask on the grid of an image, by the nearest voxel."""
    return resample(Volume(mask.array.astype(np.uint8), mask.grid), like.grid, order=0)


def _dice(moving: Volume | None, fixed: Volume | None, matrix: Matrix) -> float | None:
    """Return the Dice of two brains inside the field of view that both visits share."""
    from scipy import ndimage

    if moving is None or fixed is None:
        return None
    through = np.linalg.inv(moving.grid.affine) @ matrix @ fixed.grid.affine
    carried = ndimage.affine_transform(
        moving.array.astype(np.int8), through, output_shape=fixed.grid.shape, order=0, cval=-1
    )
    seen = carried >= 0
    first, second = carried[seen] > 0, fixed.array[seen] > 0
    total = int(first.sum() + second.sum())
    return round(2 * int((first & second).sum()) / total, 4) if total else 0.0
