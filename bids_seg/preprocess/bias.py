# SPDX-License-Identifier: Apache-2.0
"""Slow differences of brightness across an image (bias field), taken out by N4."""

from __future__ import annotations

import numpy as np

from bids_seg.image import Volume

SHRINK = 4
"""The field is estimated on a grid so many times coarser; it is smooth anyway."""


def n4(volume: Volume, *, threads: int = 1) -> Volume:
    """Return an image without its bias field.

    The field is estimated on a coarse grid inside the bright part and applied, as its
    logarithm's exponential, to every voxel of the image.

    Parameters
    ----------
    volume
        Any image; values below zero are taken as zero while estimating.
    threads
        Threads of ITK.

    Notes
    -----
    Tustison, https://doi.org/10.1109/TMI.2010.2046908; axes with thick slices are not
    made coarser than 4 mm or so.
    """
    import SimpleITK as sitk  # noqa: N813

    finest = min(volume.grid.spacing)
    factors = [max(1, min(SHRINK, round(SHRINK * finest / step))) for step in volume.grid.spacing]
    # N4 works on index space through physical spacing; orientation does not matter to it.
    image = sitk.GetImageFromArray(
        np.maximum(volume.array, 0).astype(np.float32).transpose(2, 1, 0)
    )
    image.SetSpacing(list(volume.grid.spacing))
    coarse = sitk.Shrink(image, factors)
    mask = sitk.OtsuThreshold(coarse, 0, 1, 200)
    method = sitk.N4BiasFieldCorrectionImageFilter()
    method.SetNumberOfThreads(threads)
    method.SetMaximumNumberOfIterations([40, 40, 30])
    method.SetConvergenceThreshold(1e-4)
    method.Execute(coarse, mask)
    field = sitk.GetArrayFromImage(method.GetLogBiasFieldAsImage(image)).transpose(2, 1, 0)
    inside = sitk.GetArrayFromImage(mask).transpose(2, 1, 0) > 0
    # Air lies outside of the estimate: the spline may run away there.
    coarse_field = field[tuple(slice(None, None, factor) for factor in factors)]
    sides = tuple(
        slice(0, min(a, b)) for a, b in zip(coarse_field.shape, inside.shape, strict=True)
    )
    seen = coarse_field[sides][inside[sides]]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 0.0)
    corrected = volume.array / np.exp(np.clip(field, low, high))
    return Volume(corrected.astype(np.float32), volume.grid)
