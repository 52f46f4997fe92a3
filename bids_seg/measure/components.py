# SPDX-License-Identifier: Apache-2.0
"""From labels or probabilities to lesions: tissues, components, measurement masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_seg.records import Disease

Tissue = Literal['ET', 'TC', 'WT', 'NonCE']
"""What lesions are made of."""

NECROSIS = 1
"""Class of the necrotic core in label maps."""
ENHANCING = 3
"""Class of enhancing tumour in label maps."""
CAVITY = 4
"""Class of resection cavities in label maps."""

CLASSES: Mapping[str, tuple[int, ...]] = {
    'WT': (1, 2, 3, 5, 6),
    'TC': (1, 3, 5),
    'ET': (3,),
}
"""Which classes of the label maps make up each region; they nest."""

CLOSING_MM = 2.0
"""A rim with gaps is taken as closed by a disc of this radius."""
SMALLEST_VOXELS = 3
"""Fewer voxels are a speck, whatever their volume."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tissues:
    """The masks from which lesions of one tissue are made, all of shape (I, J, K).

    Parameters
    ----------
    lesion
        What lesions are made of.
    whole
        Its connected components say which voxels of `lesion` belong together.
    necrosis
        May be crossed by a diameter where it is enclosed.
    cavity
        May never be crossed.
    """

    lesion: Mask
    whole: Mask
    necrosis: Mask
    cavity: Mask

    def crop(self, window: tuple[slice, ...]) -> Tissues:
        """Return the same within a window."""
        return Tissues(
            self.lesion[window], self.whole[window], self.necrosis[window], self.cavity[window]
        )


def usual_tissue(disease: Disease, regions: tuple[str, ...]) -> Tissue:
    """Return what is measured of a disease, given the regions that were found.

    Parameters
    ----------
    disease
        Which network's masks they are.
    regions
        Names of regions, e.g. WT, TC, ET.

    Examples
    --------
    >>> usual_tissue('glioma', ('WT', 'TC', 'ET')), usual_tissue('glioma', ('WT',))
    ('ET', 'WT')
    """
    if disease == 'metastases':
        return 'TC'
    return 'ET' if 'ET' in regions else 'WT'


def region(labels: NDArray[Any], name: str) -> Mask:
    """Return the mask of a region of a label map.

    Parameters
    ----------
    labels : array of shape (I, J, K)
        Classes: 1 necrosis, 2 oedema, 3 enhancing, 4 cavity, 5 core and 6 lesion not divided.
    name
        WT, TC or ET.

    Examples
    --------
    >>> region(np.array([0, 1, 2, 3, 4, 5, 6]), 'TC').astype(int).tolist()
    [0, 1, 0, 1, 0, 1, 0]
    """
    return np.isin(labels, CLASSES[name])


def components(whole: Mask) -> NDArray[np.int32]:
    """Return the 26-connected components of a mask, numbered from 1.

    Parameters
    ----------
    whole : array of shape (I, J, K)
        For glioma the tumour core, so that a broken enhancing rim stays one lesion; for
        other tissues the lesion mask itself.

    Examples
    --------
    >>> components(np.array([[[True, False, True]]])).tolist()
    [[[1, 0, 2]]]
    """
    numbers, _ = ndimage.label(whole, structure=np.ones((3, 3, 3)))
    return numbers.astype(np.int32)


def measured_mask(lesion: Mask, tissues: Tissues, spacing: tuple[float, float, float]) -> Mask:
    """Return a lesion with what its slices enclose: holes, and necrosis within a broken rim.

    Parameters
    ----------
    lesion : array of shape (I, J, K)
        One lesion.
    tissues
        Where necrosis and cavities are, of the same shape.
    spacing
        Distances between voxel centres, mm.

    Notes
    -----
    A hole is a 4-connected region of the background of a slice that does not reach its
    border. Necrosis also counts where it is enclosed only once gaps are closed by a disc of
    2 mm, else a rim broken by a few voxels would make the diameter jump. Cavities never do.
    """
    filled = np.zeros_like(lesion)
    for index in np.flatnonzero(lesion.any(axis=(0, 1))):
        slab = lesion[:, :, index]
        inside = ndimage.binary_fill_holes(slab)
        necrosis = tissues.necrosis[:, :, index]
        if (necrosis & ~inside).any():
            closed = _closed(slab, spacing[:2])
            inside = inside | (necrosis & ndimage.binary_fill_holes(closed))
        filled[:, :, index] = slab | (inside & ~tissues.cavity[:, :, index])
    return filled


def _closed(slab: Mask, spacing: tuple[float, float]) -> Mask:
    """Return a mask of a slice after closing by a disc, in mm."""
    pad = [int(CLOSING_MM / step) + 2 for step in spacing]
    padded = np.pad(slab, [(side, side) for side in pad])
    reach = CLOSING_MM + 1e-6
    grown = ndimage.distance_transform_edt(~padded, sampling=spacing) <= reach
    closed: Mask = ndimage.distance_transform_edt(grown, sampling=spacing) > reach
    closed |= padded
    return closed[pad[0] : -pad[0], pad[1] : -pad[1]]
