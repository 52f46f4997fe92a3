# SPDX-License-Identifier: Apache-2.0
"""Responses worked out a second time, from masks alone and with none of the program's own code.

What a person with a ruler would do, kept simple on purpose. In each axial slice the longest line
from one boundary pixel to another that stays inside, and the longest one at a right angle to it
(within 3 degrees); one pixel is added to both, since centres of pixels are half a pixel away from
the edge. Holes are filled slice by slice. A lesion of the second visit is that of the first which
it shares most voxels with, else the nearest one within 8 mm, both where they lie in the scanner:
the heads are not aligned.
Limits are written out below as the papers give them (HGG: Wen 2010, doi:10.1200/JCO.2009.26.3541;
RANO 2.0: Wen 2023, doi:10.1200/JCO.23.01059), without clinical data, days or further visits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nb
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

NEAR_MM = 8.0
"""Two lesions that come so near to each other are one."""
SMALLEST_MM3 = 8.0
"""What is smaller counts as noise."""
STEP = 0.5
"""Distance of the points at which a line is looked at, pixels."""
TARGETS: Mapping[str, int] = {'rano_hgg': 5, 'rano2': 2}
"""Targets at most."""
NEW_MM: Mapping[str, tuple[float, float]] = {'rano_hgg': (5.0, 0.0), 'rano2': (10.0, 10.0)}
"""Longest diameter and that across it from which a new lesion is beyond doubt."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Spot:
    """One lesion as a person with a ruler sees it."""

    where: Mask
    """Its voxels, shape (I, J, K)."""
    length: float
    """Longest line in a slice, mm, of the slice with the largest product."""
    width: float
    """Longest line at a right angle to it, mm."""
    slices: int
    """Slices that it reaches."""

    @property
    def product(self) -> float:
        """Length times width, mm2."""
        return self.length * self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the second visit is called."""

    response: str
    """CR, PR, SD or PD."""
    before: float
    """Sum of products of the targets at the first visit, mm2."""
    after: float
    """The same at the second."""
    new: bool
    """Whether a new lesion decided."""


def spots(path: Path) -> tuple[list[Spot], tuple[float, float, float]]:
    """Return the lesions of a mask, the largest product first, and the voxel size, mm.

    Parameters
    ----------
    path
        A mask in which the third axis runs through the slices.
    """
    image = nb.Nifti1Image.from_filename(path)
    size = tuple(float(step) for step in image.header.get_zooms()[:3])
    mask = np.asarray(image.dataobj) > 0
    for k in range(mask.shape[2]):
        mask[:, :, k] = ndimage.binary_fill_holes(mask[:, :, k])
    pieces, count = ndimage.label(mask, np.ones((3, 3, 3)))
    found = [
        _spot(pieces == number, (size[0], size[1]))
        for number in range(1, count + 1)
        if (pieces == number).sum() * np.prod(size) >= SMALLEST_MM3
    ]
    return sorted(found, key=lambda spot: -spot.product), (size[0], size[1], size[2])


def verdict(
    first: Sequence[Spot],
    second: Sequence[Spot],
    *,
    size: tuple[float, float, float],
    criterion: str,
) -> Verdict:
    """Return the response at the second of two visits.

    Parameters
    ----------
    first, second
        Lesions of both visits.
    size
        Voxel size, mm.
    criterion
        `rano_hgg` or `rano2`.
    """
    least = 10.0 if size[2] <= 5 else 2 * size[2]
    large = [spot for spot in first if min(spot.length, spot.width) >= least and spot.slices >= 2]
    targets = large[: TARGETS[criterion]]
    others = [spot for spot in first if not any(spot is target for target in targets)]
    heirs = {id(spot): _heir(spot, first, size) for spot in second}
    of_target = [s for s in second if any(heirs[id(s)] is target for target in targets)]
    before, after = (sum(spot.product for spot in group) for group in (targets, of_target))
    rest = [spot for spot in second if not any(spot is known for known in of_target)]
    new, worse = False, False
    for spot in rest:
        known = next((other for other in others if other is heirs[id(spot)]), None)
        if known is None:
            length, width = NEW_MM[criterion]
            new |= spot.slices >= 2 and spot.length >= length and spot.width >= width
            continue
        if spot.slices >= 2 and min(spot.length, spot.width) >= 10:
            worse |= spot.length > known.length + 5 or spot.product >= 1.25 * known.product
    if new or worse or (targets and after >= 1.25 * before):
        response = 'PD'
    elif targets and after <= 0.5 * before:
        response = 'PR' if second else 'CR'
    else:
        response = 'SD'
    return Verdict(response=response, before=before, after=after, new=new)


def _spot(where: Mask, pixel: tuple[float, float]) -> Spot:
    """Return one lesion, measured in the slice in which its product is largest."""
    best = (0.0, 0.0)
    reached = np.flatnonzero(where.any(axis=(0, 1)))
    for k in reached:
        for part in _parts(where[:, :, k]):
            drawn = _cross(part, pixel)
            best = max(best, drawn, key=lambda lines: lines[0] * lines[1])
    return Spot(where=where, length=best[0], width=best[1], slices=len(reached))


def _parts(flat: Mask) -> Iterator[Mask]:
    """Yield the parts of a slice, cut to their box with a margin."""
    pieces, _ = ndimage.label(flat, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(pieces), start=1):
        yield np.pad(pieces[box] == number, 1)


def _cross(part: Mask, pixel: tuple[float, float]) -> tuple[float, float]:
    """Return the longest line inside a part and the longest across it, mm."""
    edge = np.argwhere(part & ~ndimage.binary_erosion(part))
    step = np.array(pixel)
    first, second = np.triu_indices(len(edge), 1)
    lines = (edge[second] - edge[first]) * step
    lengths = np.linalg.norm(lines, axis=1)
    added = float(step.mean())
    order = np.argsort(-lengths)
    longest = next((n for n in order if _inside(part, edge[first[n]], edge[second[n]])), None)
    if longest is None:
        return added, added
    cosines = np.abs(lines @ lines[longest]) / np.maximum(lengths * lengths[longest], 1e-9)
    across = (n for n in order if cosines[n] <= np.sin(np.radians(3)))
    width = next((n for n in across if _inside(part, edge[first[n]], edge[second[n]])), None)
    return (
        float(lengths[longest]) + added,
        added if width is None else float(lengths[width]) + added,
    )


def _inside(part: Mask, start: NDArray[np.intp], end: NDArray[np.intp]) -> bool:
    """Return whether a straight line between two pixels stays inside."""
    count = max(2, int(np.abs(end - start).max() / STEP) + 1)
    places = np.rint(np.linspace(start, end, count)).astype(int)
    return bool(part[places[:, 0], places[:, 1]].all())


def _heir(spot: Spot, among: Sequence[Spot], size: tuple[float, float, float]) -> Spot | None:
    """Return the lesion that another one covers most of, else the nearest; None if all are far."""
    shared = [int((spot.where & other.where).sum()) for other in among]
    if any(shared):
        return among[int(np.argmax(shared))]
    away = ndimage.distance_transform_edt(~spot.where, sampling=size)
    apart = [float(away[other.where].min()) for other in among]
    return among[int(np.argmin(apart))] if apart and min(apart) <= NEAR_MM else None
