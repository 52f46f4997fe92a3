# SPDX-License-Identifier: Apache-2.0
"""An interactive page for each visit: one moves through the reference image with the labels on it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import nibabel as nb
import numpy as np
from numpy.typing import NDArray

from bids_seg import image
from bids_seg.image import Volume, write_bytes
from bids_seg.report.outputs import VisitOutputs
from bids_seg.report.view import REGION_CLASSES, Pictures

SPACING_MM = 1.5
"""Spacing of the voxels that are shown; finer ones make the page large."""
HEAD = """
<div style="font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 1rem;">
<p><b>Research use only. Automatic measurement; not a diagnosis.</b></p>
<p>{visit}, {role}, voxels of 1.5 mm: for looking, not for measuring. Regions: {regions}. The right side of the
patient is on the left. Click into a plane to move the others.</p></div>
"""
"""What stands over the images."""
VALUES = {'WT': 1, 'TC': 2, 'ET': 3}
"""Values of the regions on the colour scale, outermost first."""


def path(visit: VisitOutputs) -> str:
    """Return where a visit's interactive page is, relative to the output folder."""
    participant = visit.summary.visit.participant
    return f'sub-{participant}/figures/{visit.name}_desc-viewer.html'


def write(out_dir: Path, visit: VisitOutputs, pictures: Pictures) -> Path | None:
    """Write a visit's interactive page; return its path, None where there is no image.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset.
    visit, pictures
        The visit and its voxels.
    """
    if not pictures.images:
        return None
    from nilearn import plotting

    role, grey = next(iter(pictures.images.items()))
    grid = image.isotropic(pictures.grid, spacing=SPACING_MM)
    ground = image.resample(Volume(grey.astype(np.float32), pictures.grid), grid, order=1)
    labels = image.resample(Volume(_labels(pictures), pictures.grid), grid, order=0)
    with warnings.catch_warnings():
        # It warns of itself: of scales it chooses, and of large pages.
        warnings.simplefilter('ignore')
        shown: Any = plotting.view_img(
            _nifti(labels.array, labels), bg_img=_nifti(ground.array, ground), threshold=0.5,
            cmap='autumn', symmetric_cmap=False, vmin=0, vmax=3, opacity=0.45, colorbar=False,
            black_bg=True, dim=0, resampling_interpolation='nearest', annotate=False,
            radiological=True, show_lr=True, cut_coords=_start(labels),
        )  # fmt: skip
    made = out_dir / path(visit)
    # Its icon would be fetched from outside.
    page = re.sub(r'<link\s[^>]*https?://[^>]*>', '', str(shown.get_standalone()))
    head = HEAD.format(visit=visit.name, role=role, regions=', '.join(_regions(pictures)) or 'none')
    page = re.sub(r'(<body[^>]*>)', lambda found: found[0] + head, page, count=1)
    write_bytes(made, page.encode())
    return made


def _labels(pictures: Pictures) -> NDArray[np.int16]:
    """Return the regions of all tumour networks as one label image, inner over outer."""
    labels = np.zeros(pictures.grid.shape, np.int16)
    for region in REGION_CLASSES:
        for masks in pictures.regions.values():
            if region in masks:
                labels[masks[region]] = VALUES[region]
    return labels


def _start(labels: Volume) -> tuple[float, float, float]:
    """Return where the cross is at first, mm RAS+: on the inner parts, else in the middle.

    The viewer mirrors the voxels but not the coordinates; so the place is mirrored here, and no
    coordinates are shown.
    """
    found = np.argwhere(labels.array == labels.array.max()) if labels.array.any() else None
    middle = (np.array(labels.grid.shape) - 1) / 2
    place = middle if found is None else found[len(found) // 2].astype(float)
    place[0] = labels.grid.shape[0] - 1 - place[0]
    x, y, z, _ = labels.grid.affine @ np.append(place, 1.0)
    return float(x), float(y), float(z)


def _regions(pictures: Pictures) -> list[str]:
    """Return the regions that are shown, outermost first."""
    there = {region for masks in pictures.regions.values() for region in masks}
    return [region for region in VALUES if region in there]


def _nifti(array: NDArray[Any], volume: Volume) -> nb.Nifti1Image:
    """Return a volume as nilearn wants it."""
    return nb.Nifti1Image(np.asarray(array), volume.grid.affine)
