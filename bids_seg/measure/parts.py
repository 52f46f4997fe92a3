# SPDX-License-Identifier: Apache-2.0
"""Which voxels of a label map make up which lesion of a tissue, and which are specks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_seg.image import Grid, Volume
from bids_seg.measure.components import (
    CAVITY,
    NECROSIS,
    SMALLEST_VOXELS,
    Tissue,
    Tissues,
    components,
    measured_mask,
    region,
)

MIN_LESION_MM3 = 8.0
"""Smaller components are specks, mm3."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts:
    """The components of one tissue in one label map; arrays of shape (I, J, K)."""

    tissues: Tissues
    """The masks that they were made from."""
    cores: NDArray[np.int32]
    """Component of the mask that holds lesions together, 0 outside."""
    numbers: NDArray[np.int32]
    """The same where there is a lesion, 0 outside."""
    order: Sequence[int]
    """Numbers of the components that are lesions, by decreasing volume."""
    n_specks: int
    """Components that are too small for one."""
    grid: Grid
    """Where they lie."""

    @cached_property
    def image(self) -> Volume:
        """The component index of each lesion, 1, 2, ... by decreasing volume, uint16."""
        index = np.zeros(int(self.numbers.max(initial=0)) + 1, dtype=np.uint16)
        index[list(self.order)] = np.arange(1, len(self.order) + 1)
        return Volume(index[self.numbers], self.grid)

    @cached_property
    def specks(self) -> Volume:
        """Where components lie that are too small for a lesion."""
        return Volume((self.numbers > 0) & (self.image.array == 0), self.grid)


def parts(labels: Volume, *, tissue: Tissue, min_lesion_mm3: float = MIN_LESION_MM3) -> Parts:
    """Return the components of one tissue in a label map.

    Parameters
    ----------
    labels
        Classes: 1 necrosis, 2 oedema, 3 enhancing, 4 cavity, 5 core and 6 lesion not divided.
    tissue
        What lesions are made of.
    min_lesion_mm3
        Smaller components, or such of less than 3 voxels, are specks.

    Examples
    --------
    >>> array = np.zeros((9, 8, 7), dtype=np.uint8)
    >>> array[2:6, 2:5, 3:5], array[8, 7, 6] = 3, 3
    >>> found = parts(Volume(array, Grid((9, 8, 7), np.eye(4))), tissue='ET')
    >>> int(found.image.array.sum()), found.n_specks, int(found.specks.array.sum())
    (24, 1, 1)
    """
    tissues = _from_labels(labels, tissue)
    cores = components(tissues.whole)
    numbers = np.where(tissues.lesion, cores, 0)
    order, n_specks = _ranked(numbers, labels.grid, min_lesion_mm3)
    return Parts(
        tissues=tissues,
        cores=cores,
        numbers=numbers,
        order=order,
        n_specks=n_specks,
        grid=labels.grid,
    )


def _from_labels(labels: Volume, tissue: Tissue) -> Tissues:
    """Return the masks of a tissue from a label map."""
    array = labels.array
    necrosis, cavity = array == NECROSIS, array == CAVITY
    name = 'WT' if tissue == 'NonCE' else tissue
    lesion = whole = region(array, name)
    if tissue == 'ET':
        whole = region(array, 'TC')
    if tissue == 'NonCE':
        enhancing = Tissues(region(array, 'ET'), lesion, necrosis, cavity)
        lesion = lesion & ~measured_mask(enhancing.lesion, enhancing, labels.grid.spacing)
        whole = lesion
    return Tissues(lesion, whole, necrosis, cavity)


def _ranked(
    numbers: NDArray[np.int32], grid: Grid, min_lesion_mm3: float
) -> tuple[Sequence[int], int]:
    """Return the numbers of lesions by decreasing volume, and how many specks there are."""
    counts = np.bincount(numbers.ravel())
    counts[0] = 0
    present = np.flatnonzero(counts)
    large = counts[present] >= SMALLEST_VOXELS
    large &= counts[present] * grid.voxel_mm3 >= min_lesion_mm3 - 1e-6
    chosen = present[large]
    if not chosen.size:
        return [], len(present)
    # Equal volumes are ordered by place, so that it matters not how the file is stored.
    centres = np.atleast_2d(ndimage.center_of_mass(numbers > 0, numbers, chosen))
    places = np.round(centres @ grid.affine[:3, :3].T + grid.affine[:3, 3], 3)
    order = np.lexsort((places[:, 0], places[:, 1], places[:, 2], -counts[chosen]))
    return [int(number) for number in chosen[order]], int(len(present) - len(chosen))
