# SPDX-License-Identifier: Apache-2.0
"""Grids and volumes: where voxels lie, and how a file stores them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from nibabel import orientations
from numpy.typing import NDArray


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
        apart = corners(self.shape) @ (self.affine - other.affine).T
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


def corners(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the eight corner voxels in homogeneous coordinates, shape (8, 4)."""
    ends = np.array(np.meshgrid(*[(0, side - 1) for side in shape], indexing='ij'), dtype=float)
    return np.vstack([ends.reshape(3, -1), np.ones(8)]).T
