# SPDX-License-Identifier: Apache-2.0
"""Lesions of one visit, measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bids_seg.records.visits import Disease

Point = tuple[float, float, float]
"""A place in scanner space, mm, RAS+."""


Tissue = Literal['ET', 'TC', 'WT', 'NonCE']
"""What lesions are made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A measured line; end points in scanner space."""

    start: Point
    """mm, RAS+."""
    end: Point
    """mm, RAS+."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diameters:
    """The longest in-plane diameter of one lesion and the chord across it."""

    ld_mm: float
    """Longest diameter, recorded to 0.1 mm."""
    sd_mm: float
    """Longest chord at 90 degrees to it, at most as long, recorded to 0.1 mm."""
    slice: int
    """Index of the slice along the stored axis that is closest to S, from 0."""
    ld: Line
    """The longest diameter itself."""
    sd: Line
    """The chord itself."""

    @property
    def product_mm2(self) -> float:
        """Product of the recorded diameters, exact to 0.01 mm2."""
        return round(self.ld_mm * 10) * round(self.sd_mm * 10) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesion:
    """One component of one tissue at one visit, measured (columns of the lesion table)."""

    disease: Disease
    """Which network's mask it comes from."""
    tissue: Literal['ET', 'TC', 'WT', 'NonCE']
    """The tissue that was measured."""
    component_index: int
    """1, 2, ... by decreasing volume among this visit's components of the tissue."""
    longest: Diameters
    """From the part with the longest diameter."""
    largest_product: Diameters
    """From the part with the largest product of both."""
    hull_ld_mm: float
    """Largest diameter of the convex hull of a part in a slice, recorded to 0.1 mm."""
    concave: bool
    """Whether the hull is more than 2 mm longer than the longest inside line."""
    n_slices: int
    """Slices that the lesion reaches."""
    slice_spacing_mm: float
    """Distance between slice centres along their normal."""
    axial_obliquity_deg: float
    """Angle between the slice normal and the scanner's long axis."""
    volume_mm3: int
    """Voxel count times voxel volume, rounded half up."""
    volume_filled_mm3: int
    """The same with enclosed holes and necrosis."""
    et_mm3: int | None
    """Enhancing share; None where the model has no such region."""
    ncr_mm3: int | None
    """Necrotic share (of ET: of the tumour core it rims); None where the model has no such region."""
    esd_mm: float
    """Diameter of the sphere of the same volume."""
    sphericity: float | None
    """1 for a sphere; None below 27 voxels."""
    n_voxels: int
    """Voxels of the label mask."""
    centroid: Point
    """Mean voxel centre, mm, RAS+."""
    mean_prob: float | None
    """Mean probability inside; None where a person drew the mask."""
    max_prob: float | None
    """Largest probability inside."""
    mutual_info_bits: float | None
    """Disagreement of the members, mean over the lesion and a shell; None with one member."""
    total_entropy_bits: float | None
    """Entropy of the mean probability, mean over the lesion and a shell."""
    ld_low_mm: float | None
    """Longest diameter of the component at probability 0.7; 0 where there is none, None where a
    person drew the mask."""
    ld_high_mm: float | None
    """Longest diameter of the component at probability 0.3."""
    volume_low_mm3: int | None
    """Volume of the component at probability 0.7; 0 where there is none."""
    volume_high_mm3: int | None
    """Volume of the component at probability 0.3."""
    flags: tuple[str, ...] = ()
    """`concave`, `plane_oblique`, ..., in the words of the tables contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionSet:
    """All lesions of one tissue at one visit."""

    disease: Disease
    """Which network's mask they come from."""
    tissue: Literal['ET', 'TC', 'WT', 'NonCE']
    """The tissue that was measured."""
    measurement_space: str
    """BIDS label of the grid on which they were measured: `orig` is the visit's reference image's."""
    lesions: tuple[Lesion, ...]
    """By decreasing volume."""
    n_specks: int
    """Components below 3 voxels or below the smallest lesion, not counted as lesions."""
    totals_mm3: Mapping[str, int]
    """Volume of each region of the model, e.g. WT, TC, ET."""
