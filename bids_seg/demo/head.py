# SPDX-License-Identifier: Apache-2.0
"""A whole head as a label map: the brain of nilearn's template, all around it made by geometry.

The template holds a stripped brain. Its three maps (T1w, grey and white matter) are cut into
tissues; skull, scalp, face and neck are shells and simple bodies around it. Numbers are those of
`train.tissues`. Positions are mm of the template's space (MNI, RAS+) times `SCALE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bids_seg.demo import anatomy
from bids_seg.demo.anatomy import Axes, Labels, Mask, ball, shell

SCALE = 0.93
"""The template's brain is larger than most people's."""

SHAPE = (174, 228, 222)
"""Voxels of the label map along R, A, S; 1 mm."""

ORIGIN = (-86.5, -119.0, -129.0)
"""Where its first voxel lies, mm."""

BOX = (slice(4, 170), slice(4, 204), slice(44, 214))
"""Part of the map that holds the brain and its skull."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Maps of the template on the grid of the label map; each 0..1."""

    t1w: NDArray[np.float32] = field(repr=False)
    """Brightness in T1w."""
    grey: NDArray[np.float32] = field(repr=False)
    """Share of grey matter."""
    white: NDArray[np.float32] = field(repr=False)
    """Share of white matter."""
    mask: NDArray[np.float32] = field(repr=False)
    """Brain with ventricles and sulci."""


def template() -> Template:
    """Return the template that nilearn ships (ICBM 152, 2009), without any download.

    Notes
    -----
    Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033.
    """
    from nilearn import datasets
    from scipy import ndimage

    images = (
        datasets.load_mni152_template(resolution=1),
        datasets.load_mni152_gm_template(resolution=1),
        datasets.load_mni152_wm_template(resolution=1),
        datasets.load_mni152_brain_mask(resolution=1),
    )
    to_mm = np.diag([*[1 / SCALE] * 3, 1.0])
    to_mm[:3, 3] = np.asarray(ORIGIN) / SCALE
    maps = []
    for image in images:
        # Both are close to RAS+ with 1 mm, as nilearn documents.
        back = np.linalg.inv(image.affine) @ to_mm
        values = np.asarray(image.dataobj, np.float32)
        full = np.zeros(SHAPE, np.float32)
        part = back.copy()
        part[:3, 3] += back[:3, :3] @ [box.start for box in BOX]
        size = tuple(box.stop - box.start for box in BOX)
        full[BOX] = ndimage.affine_transform(values, part, output_shape=size, order=1)
        maps.append(full)
    return Template(t1w=maps[0], grey=maps[1], white=maps[2], mask=maps[3])


def labels(maps: Template, rng: np.random.Generator) -> Labels:
    """Return the label map of a whole head.

    Parameters
    ----------
    maps
        What `template` gives.
    rng
        Source of the unevenness of skull and soft tissue.

    Returns
    -------
    ndarray (I, J, K)
        int16, RAS+, 1 mm; `SHAPE`.
    """
    from scipy import ndimage

    at = anatomy.axes(SHAPE, ORIGIN)
    uneven = anatomy.noise(rng, SHAPE, pitch=22.0)
    fine = anatomy.noise(rng, SHAPE, pitch=4.0)
    brain = maps.mask > 0.5
    smooth = np.zeros(SHAPE, np.float32)
    smooth[BOX] = ndimage.gaussian_filter(maps.mask[BOX], 3.5)
    solid = (smooth > 0.42) | brain
    away = np.full(SHAPE, 60.0, np.float32)
    wide = (slice(None), slice(None), slice(30, None))
    away[wide] = ndimage.distance_transform_edt(~solid[wide])
    away[BOX] -= ndimage.distance_transform_edt(solid[BOX])
    # Bone thickens backwards and upwards; the temple is thin.
    thick = (
        6.3
        + 1.3 * uneven
        + 0.012 * (np.abs(at[1]) - np.abs(at[0]))
        - 1.5 * ball(at, (68, 12, -12), (18, 30, 28), soft=0.5)
    )
    fluid = 1.2 + 0.4 * uneven
    depth = away - fluid
    body = _body(at, depth, thick)
    out = np.where(body, np.int16(507), np.int16(0))
    anatomy.face(out, at, body, fine, depth)
    anatomy.neck(out, at, body)
    bone = (depth > 0) & (depth <= thick) & body
    out[bone] = 515
    out[bone & (depth > 1.7 + 0.4 * fine) & (depth < thick - 1.6)] = 516
    anatomy.temples(out, at, fine, depth, thick)
    anatomy.sinuses(out, at, fine)
    out[(depth <= 0) & (away > 0)] = 24
    out[solid] = 24
    _brain(out, maps, at, brain)
    anatomy.vessels(out, at, depth)
    anatomy.canal(out, at)
    near = shell(body)
    out[near & ((out == 507) | (out == 508))] = 511
    return out


def _body(at: Axes, depth: NDArray[np.float32], thick: NDArray[np.float32]) -> Mask:
    """Return what is not air around the head: scalp, face and neck melted into one surface."""
    from scipy import ndimage

    scalp = depth < thick + 6.5
    union = scalp | anatomy.outside(at)
    half = ndimage.zoom(union[::2, ::2, ::2].astype(np.float32), 1.0)
    rounded = ndimage.gaussian_filter(half, 2.5, mode='nearest')
    sizes = [size / side for size, side in zip(union.shape, rounded.shape, strict=True)]
    grown = ndimage.zoom(rounded, sizes, order=1, mode='nearest', grid_mode=True)
    return np.asarray((grown > 0.47) | (depth < thick + 4.0))


def _brain(out: Labels, maps: Template, at: Axes, brain: Mask) -> None:
    """Cut the brain into tissues, left and right by the sign of x."""
    from scipy import ndimage

    inner = np.zeros(SHAPE, np.float32)
    inner[BOX] = ndimage.distance_transform_edt(brain[BOX])
    x, y, z = (axis / SCALE for axis in at)
    t1w, grey, white = maps.t1w, maps.grey, maps.white
    right = np.broadcast_to(x > 0, SHAPE)
    fluid = brain & ((t1w < 0.50) | (grey + white < 0.35))
    tissue = brain & ~fluid
    is_white = tissue & (white > grey) & (t1w > 0.70)
    is_grey = tissue & ~is_white
    roof = -6 - 0.34 * (-y - 42) - 0.16 * np.abs(x)
    below = np.broadcast_to((y < -36) & (z < roof), SHAPE)
    stem = np.broadcast_to(
        (np.abs(x) < 19) & (y < -12) & (y > -43 + 0.25 * (z + 40)) & (z < -8), SHAPE
    )
    stem = stem & tissue & ~below | tissue & np.broadcast_to(
        (z < -50) & (np.abs(x) < 12) & (y > -52), SHAPE
    )
    for mask, left_value, right_value in (
        (is_white, 2, 41),
        (is_grey, 3, 42),
        (is_white & below, 7, 46),
        (is_grey & below, 8, 47),
    ):
        out[mask] = np.where(right[mask], right_value, left_value)
    deep = tissue & (t1w < 0.85) & ~below
    for value, centre, radii in (
        (12, (27, 3, 1), (8, 20, 13)),
        (11, (13, 13, 9), (8, 16, 14)),
        (13, (19, -4, 0), (6, 9, 7)),
        (10, (11, -18, 8), (12, 15, 11)),
        (17, (26, -20, -17), (8, 16, 7)),
    ):
        inside = deep & (ball((x, y, z), centre, radii) > 0)
        out[inside] = np.where(right[inside], value + (39 if value != 17 else 36), value)
    out[stem] = 16
    box = np.broadcast_to((np.abs(x) < 38) & (y > -58) & (y < 42) & (z > -24) & (z < 36), SHAPE)
    ventricle = fluid & box & (inner > 24)
    out[ventricle] = np.where(right[ventricle], 43, 4)
    out[ventricle & np.broadcast_to(np.abs(x) < 3, SHAPE)] = 14
