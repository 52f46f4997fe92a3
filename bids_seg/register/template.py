# SPDX-License-Identifier: Apache-2.0
"""Affine registration of a head to a template, its quality, and a gate that refuses bad ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Grid, Volume, from_stored, resample
from bids_seg.register.heads import Heads
from bids_seg.register.information import mutual_information
from bids_seg.register.search import FINE, MIDDLE, at_level, climb, rigid, small
from bids_seg.register.transform import FLIP, Matrix, centre, distance

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813 (the name under which everybody knows it)

NAME = 'MNI152NLin2009aSym'
"""Name of the template in file names, as nilearn documents it."""
URL = 'https://doi.org/10.1016/j.neuroimage.2010.07.033'
"""Where the template is described (Fonov et al. 2011)."""
RESOLUTIONS = ('1', '2')
"""Voxel sizes, mm, that are offered."""
MARGIN_MM = 5.0
"""What lies so near to the template's brain is compared too where both skulls are off: the edge."""
LARGEST_DISAGREEMENT_MM = 6.0
"""Forward and reverse registration may differ by so much."""
SCALES = (0.75, 1.35)
"""How much smaller and larger than the template a head may be along any direction."""
LEAST_DICE = 0.85
"""Overlap of the brain with that of the template."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How well a head came onto the template."""

    disagreement_mm: float
    """Largest distance between the forward and the reverse registration at eight points, 60 mm from
    the centre."""
    mutual_information: float
    """Normalised, in the brain of the template: 1 (none) to 2."""
    mutual_information_before: float
    """The same after the rigid part alone."""
    scales: tuple[float, float]
    """Smallest and largest stretch from template to head."""
    brain_dice: float | None
    """Overlap of both brains; None where the head has no mask."""

    @property
    def fault(self) -> str:
        """Why it must not be used, as a sentence; empty where it may."""
        low, high = self.scales
        if low < SCALES[0] or high > SCALES[1]:
            return f'the head would be stretched by {low:.2f} to {high:.2f}'
        if self.brain_dice is not None and self.brain_dice < LEAST_DICE:
            return f'the brains overlap by {self.brain_dice:.2f} only (Dice)'
        if self.disagreement_mm > LARGEST_DISAGREEMENT_MM:
            return f'there and back ends {self.disagreement_mm:.1f} mm away'
        return ''


def template(resolution: str) -> Heads:
    """Return the template that nilearn ships, without any download.

    Parameters
    ----------
    resolution
        Voxel size, mm: `1` or `2`.

    Notes
    -----
    ICBM 152, 2009a, nonlinear symmetric, brain alone: Fonov et al. 2011,
    doi:10.1016/j.neuroimage.2010.07.033.
    """
    from nilearn import datasets

    step = int(resolution)
    images = (
        datasets.load_mni152_template(resolution=step),
        datasets.load_mni152_brain_mask(resolution=step),
    )
    volumes = []
    for image in images:
        grid = Grid(image.shape, np.asarray(image.affine, dtype=float), 4)
        volumes.append(from_stored(np.asarray(image.dataobj, dtype=np.float32), grid))
    return Heads(image=volumes[0], brain=Volume(volumes[1].array > 0, volumes[1].grid))


def to_template(
    moving: Heads, fixed: Heads, *, seed: int = 1, threads: int = 1
) -> tuple[Matrix, Fit]:
    """Bring a head onto the template by an affine movement of 12 parameters.

    Parameters
    ----------
    moving
        The head; without a brain mask its skull is compared with nothing.
    fixed
        The template.
    seed
        Of the sample of voxels.
    threads
        Threads of ITK.

    Returns
    -------
    matrix : array of shape (4, 4)
        From template mm to mm of the head, RAS+.
    Fit
        Its quality.

    Raises
    ------
    StageError
        If no start leads to an overlap.

    Notes
    -----
    A rigid search from many starts, then all 12 parameters at 4 and 2 mm by Mattes' mutual
    information (https://doi.org/10.1109/TMI.2003.809072). The reverse registration begins where
    the forward one ended: it says how sharply the place is determined, not whether it is right.
    """
    there = small(fixed.image)
    here = small(_bare(moving))
    inside = Volume(_at(fixed.brain, there.grid), there.grid)
    edge = inside if moving.brain is None else _grown(inside)
    first = rigid(here, there, fixed_mask=edge, seed=seed, threads=threads).matrix
    matrix = _affine(here, there, edge, first, (seed, threads))
    mask = Volume(_carried(inside, here.grid, matrix), here.grid)
    mask = mask if moving.brain is None else _grown(mask)
    back = inverse(_affine(there, here, mask, inverse(matrix), (seed, threads)))
    stretch = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    fit = Fit(
        disagreement_mm=round(distance(matrix, back, around=centre(fixed.image.grid)), 3),
        mutual_information=_information(here, there, matrix, inside),
        mutual_information_before=_information(here, there, first, inside),
        scales=(round(float(stretch[-1]), 3), round(float(stretch[0]), 3)),
        brain_dice=_dice(moving.brain, inside, matrix),
    )
    return matrix, fit


def inverse(matrix: Matrix) -> Matrix:
    """Return the movement back.

    Parameters
    ----------
    matrix
        Any affine movement.
    """
    back: Matrix = np.linalg.inv(matrix).astype(np.float64)
    return back


def _bare(head: Heads) -> Volume:
    """Return the image of a head, with nothing but the brain where that is known."""
    if head.brain is None:
        return head.image
    inside = _at(head.brain, head.image.grid)
    rest = head.image.array - head.image.array.min()
    return Volume(np.where(inside, rest, 0).astype(np.float32), head.image.grid)


def _affine(
    moving: Volume, fixed: Volume, mask: Volume, start: Matrix, fixed_numbers: tuple[int, int]
) -> Matrix:
    """Return the affine movement at the end of a climb from coarse to fine."""
    import SimpleITK as sitk  # noqa: N813

    about = FLIP[:3, :3] @ centre(fixed.grid)
    transform = sitk.AffineTransform(3)
    transform.SetCenter(about.tolist())
    _set(transform, FLIP @ start @ FLIP, about)
    for level in (MIDDLE, FINE):
        kept = transform.GetParameters()
        if climb(at_level(moving, fixed, mask, level), transform, level, fixed_numbers) is None:
            transform.SetParameters(kept)
    found = np.eye(4)
    found[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    found[:3, 3] = np.array(transform.GetTranslation()) + about - found[:3, :3] @ about
    # Threads add up in any order: the last digits are noise, the same bytes matter more.
    matrix: Matrix = np.round(FLIP @ found @ FLIP, 7)
    return matrix


def _set(transform: sitk.AffineTransform, lps: Matrix, about: NDArray[np.float64]) -> None:
    """Let a transform about a point be this matrix."""
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation((lps[:3, 3] + lps[:3, :3] @ about - about).tolist())


def _at(mask: Volume | None, grid: Grid) -> NDArray[np.bool_]:
    """Return a mask on a grid; everywhere where there is none."""
    if mask is None:
        return np.ones(grid.shape, dtype=bool)
    share = resample(Volume(mask.array.astype(np.float32), mask.grid), grid, order=1)
    inside: NDArray[np.bool_] = share.array >= 0.5
    return inside


def _carried(mask: Volume, grid: Grid, matrix: Matrix) -> NDArray[np.bool_]:
    """Return a mask of the template on a grid of the head."""
    affine = matrix @ mask.grid.affine
    return _at(from_stored(mask.array, Grid(mask.grid.shape, affine)), grid)


def _grown(mask: Volume) -> Volume:
    """Return a mask with a margin."""
    from scipy import ndimage

    far = ndimage.distance_transform_edt(~mask.array, sampling=mask.grid.spacing)
    return Volume(far <= MARGIN_MM, mask.grid)


def _information(here: Volume, there: Volume, matrix: Matrix, inside: Volume) -> float:
    """Return the mutual information in the brain of the template, four decimals."""
    return round(mutual_information(here, there, matrix=matrix, mask=inside), 4)


def _dice(brain: Volume | None, inside: Volume, matrix: Matrix) -> float | None:
    """Return the overlap of both brains on the grid of the template."""
    if brain is None:
        return None
    affine = inverse(matrix) @ brain.grid.affine
    moved = _at(from_stored(brain.array, Grid(brain.grid.shape, affine)), inside.grid)
    both = moved.sum() + inside.array.sum()
    return round(float(2 * (moved & inside.array).sum() / both), 4)
