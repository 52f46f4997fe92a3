# SPDX-License-Identifier: Apache-2.0
"""From label map and probabilities to measured lesions and their label image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bids_seg.image import Grid, Volume
from bids_seg.measure.components import (
    ENHANCING,
    Mask,
    Tissue,
    Tissues,
    components,
    measured_mask,
    region,
)
from bids_seg.measure.diameter import extent, in_plane
from bids_seg.measure.parts import MIN_LESION_MM3, parts
from bids_seg.measure.recorded import diameters, entropy, half_up, mm3, slices, world
from bids_seg.measure.shape import sphere_diameter, sphericity
from bids_seg.records import Disease, Lesion, LesionSet

LOW, HIGH = 0.7, 0.3
"""Probabilities that bound a lesion from inside and from outside."""
CONCAVE_MM = 2.0
"""A lesion is concave where its hull is longer by more than this, mm."""
OBLIQUE_DEG = 20.0
"""Slices tilted by more than this are said to be oblique, degrees."""

Window = tuple[slice, ...]


def lesions(
    labels: Volume,
    probabilities: Mapping[str, Volume],
    *,
    disease: Disease,
    tissue: Tissue,
    min_lesion_mm3: float = MIN_LESION_MM3,
    member_entropies: Mapping[str, Volume] | None = None,
    measurement_space: str = 'orig',
) -> tuple[LesionSet, Volume]:
    """Measure every lesion of one tissue at one visit.

    Parameters
    ----------
    labels
        Classes: 1 necrosis, 2 oedema, 3 enhancing, 4 cavity, 5 core and 6 lesion not divided.
    probabilities
        Probability of each region (WT, TC, ET), mean over members, on the same grid; empty
        where a person drew the mask.
    disease
        Which network's labels they are.
    tissue
        What lesions are made of; see `components.usual_tissue`.
    min_lesion_mm3
        Smaller components, or such of less than 3 voxels, are specks.
    member_entropies
        Mean over the members of each one's entropy in bits, by region; None with one member.
    measurement_space
        BIDS label of the grid, for the record.

    Returns
    -------
    LesionSet
        Lesions by decreasing volume.
    Volume
        uint16, the component index of each lesion, 0 outside.

    Raises
    ------
    ValueError
        If a map is on another grid than the labels.

    Examples
    --------
    >>> array = np.zeros((9, 8, 7), dtype=np.uint8)
    >>> array[2:6, 2:5, 3:5] = 3
    >>> volume = Volume(array, Grid((9, 8, 7), np.diag([1.0, 1.0, 2.0, 1.0])))
    >>> found, image = lesions(volume, {}, disease='metastases', tissue='TC')
    >>> found.lesions[0].volume_mm3, found.lesions[0].longest.ld_mm, int(image.array.max())
    (48, 4.5, 1)
    """
    for volume in [*probabilities.values(), *(member_entropies or {}).values()]:
        if not volume.grid.same(labels.grid):
            message = f'a map of shape {volume.array.shape} is not on the grid of the labels'
            raise ValueError(message)
    names = tuple(probabilities) or _regions(labels.array)
    made = parts(labels, tissue=tissue, min_lesion_mm3=min_lesion_mm3)
    tissues, cores = made.tissues, made.cores
    case = _Case(
        labels=labels,
        probabilities=probabilities,
        member_entropies=member_entropies or {},
        disease=disease,
        tissue=tissue,
        regions=names,
        tissues=tissues,
        necrosis=np.bincount(cores[tissues.necrosis], minlength=int(cores.max()) + 1),
    )
    levels = {share: case.at(share) for share in (LOW, HIGH) if case.probability is not None}
    windows = ndimage.find_objects(made.numbers)
    measured = []
    for index, number in enumerate(made.order, start=1):
        window = windows[number - 1]
        mask = made.numbers[window] == number
        bounds = {share: level.overlapping(window, mask) for share, level in levels.items()}
        measured.append(case.measure(_Own(index, number, window, mask), bounds))
    found = LesionSet(
        disease=disease,
        tissue=tissue,
        measurement_space=measurement_space,
        lesions=tuple(measured),
        n_specks=made.n_specks,
        totals_mm3=_totals(labels, names),
    )
    return found, made.image


def _totals(labels: Volume, names: Sequence[str]) -> dict[str, int]:
    """Return the volume of each region, mm3."""
    return {
        name: mm3(np.count_nonzero(region(labels.array, name)), labels.grid)
        for name in names
        if name in ('WT', 'TC', 'ET')
    }


@dataclass(frozen=True, eq=False)
class _Own:
    """One lesion: its rank, the number of its component, and its mask within a window."""

    index: int
    number: int
    window: Window
    mask: Mask


@dataclass(frozen=True, eq=False)
class _Level:
    """The components at one probability, measured when they are asked for."""

    tissues: Tissues
    grid: Grid

    @cached_property
    def numbers(self) -> NDArray[np.int32]:
        """Number of the component of each voxel, 0 outside."""
        return np.where(self.tissues.lesion, components(self.tissues.whole), 0)

    @cached_property
    def windows(self) -> Sequence[Window | None]:
        """Where the components lie."""
        return ndimage.find_objects(self.numbers)

    @cached_property
    def known(self) -> dict[int, tuple[float, int]]:
        """LD and volume of the components that were measured."""
        return {}

    def overlapping(self, window: Window, mask: Mask) -> tuple[float, int]:
        """Return LD and volume of the component that overlaps a lesion most, 0 without one."""
        counts = np.bincount(self.numbers[window][mask])
        counts[0] = 0
        number = int(counts.argmax())
        if not number:
            return 0.0, 0
        around = self.windows[number - 1]
        if number not in self.known and around is not None:
            own = self.numbers[around] == number
            filled = measured_mask(own, self.tissues.crop(around), self.grid.spacing)
            length = extent(filled, in_plane(self.grid.affine)).longest.ld_mm
            self.known[number] = half_up(length, '0.1'), mm3(np.count_nonzero(own), self.grid)
        return self.known[number]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Case:
    """What all lesions of one tissue at one visit share."""

    labels: Volume
    probabilities: Mapping[str, Volume]
    member_entropies: Mapping[str, Volume]
    disease: Disease
    tissue: Tissue
    regions: tuple[str, ...]
    tissues: Tissues
    necrosis: NDArray[np.intp]

    @property
    def grid(self) -> Grid:
        """The grid of everything."""
        return self.labels.grid

    @property
    def source(self) -> str:
        """The region whose probability speaks for the tissue."""
        return 'WT' if self.tissue == 'NonCE' else self.tissue

    @property
    def probability(self) -> NDArray[np.float32] | None:
        """Probability of the tissue, None where a person drew the mask."""
        volume = self.probabilities.get(self.source)
        return None if volume is None else volume.array

    def at(self, share: float) -> _Level:
        """Return the components where the probability is at least `share`."""
        lesion = self.probabilities[self.source].array >= share
        if self.tissue == 'NonCE':
            lesion = lesion & ~(region(self.labels.array, 'WT') & ~self.tissues.lesion)
        whole = lesion
        if self.tissue == 'ET' and 'TC' in self.probabilities:
            whole = lesion | (self.probabilities['TC'].array >= share)
        tissues = Tissues(lesion, whole, self.tissues.necrosis, self.tissues.cavity)
        return _Level(tissues, self.grid)

    def measure(self, own: _Own, bounds: Mapping[float, tuple[float, int]]) -> Lesion:
        """Return the record of one lesion."""
        filled = measured_mask(own.mask, self.tissues.crop(own.window), self.grid.spacing)
        found = extent(filled, in_plane(self.grid.affine))
        corner = np.array([side.start for side in own.window])
        longest = diameters(found.longest, self.grid, corner)
        hull = half_up(found.hull_mm, '0.1')
        concave = round(10 * hull) - round(10 * longest.ld_mm) > 10 * CONCAVE_MM
        slice_spacing, obliquity = slices(self.grid)
        count = int(np.count_nonzero(own.mask))
        low, high = bounds.get(LOW, (None, None)), bounds.get(HIGH, (None, None))
        probability = None if self.probability is None else self.probability[own.window][own.mask]
        total, mutual = self._entropies(own)
        return Lesion(
            disease=self.disease,
            tissue=self.tissue,
            component_index=own.index,
            longest=longest,
            largest_product=diameters(found.largest_product, self.grid, corner),
            hull_ld_mm=hull,
            concave=concave,
            n_slices=int(filled.any(axis=(0, 1)).sum()),
            slice_spacing_mm=slice_spacing,
            axial_obliquity_deg=round(obliquity, 2),
            volume_mm3=mm3(count, self.grid),
            volume_filled_mm3=mm3(np.count_nonzero(filled), self.grid),
            et_mm3=self._enhancing(own),
            ncr_mm3=self._necrotic(own),
            esd_mm=round(sphere_diameter(count * self.grid.voxel_mm3), 4),
            sphericity=_rounded(sphericity(own.mask, self.grid.affine)),
            n_voxels=count,
            centroid=world(self.grid, np.argwhere(own.mask).mean(axis=0) + corner),
            mean_prob=None if probability is None else _rounded(float(probability.mean())),
            max_prob=None if probability is None else _rounded(float(probability.max())),
            mutual_info_bits=mutual,
            total_entropy_bits=total,
            ld_low_mm=low[0],
            ld_high_mm=high[0],
            volume_low_mm3=low[1],
            volume_high_mm3=high[1],
            flags=('concave',) * concave + ('plane_oblique',) * (obliquity > OBLIQUE_DEG),
        )

    def _enhancing(self, own: _Own) -> int | None:
        """Return the enhancing volume of a lesion, None where the model has no such class."""
        if 'ET' not in self.regions:
            return None
        inside = self.labels.array[own.window][own.mask]
        return mm3(np.count_nonzero(inside == ENHANCING), self.grid)

    def _necrotic(self, own: _Own) -> int | None:
        """Return the necrotic volume of a lesion, or of the core that an enhancing one rims."""
        if 'ET' not in self.regions:
            return None
        return mm3(int(self.necrosis[own.number]), self.grid)

    def _entropies(self, own: _Own) -> tuple[float | None, float | None]:
        """Return total entropy and mutual information, bits, over a lesion and its shell."""
        if self.probability is None:
            return None, None
        around = _grown(own.window, self.grid.shape)
        shell = np.zeros(self.grid.shape, dtype=bool)[around]
        inner = tuple(
            slice(inside.start - wide.start, inside.stop - wide.start)
            for inside, wide in zip(own.window, around, strict=True)
        )
        shell[inner] = own.mask
        shell = ndimage.binary_dilation(shell, structure=np.ones((3, 3, 3), dtype=bool))
        total = float(entropy(self.probability[around][shell]).mean())
        members = self.member_entropies.get(self.source)
        if members is None:
            return _rounded(total), None
        mutual = total - float(members.array[around][shell].mean())
        return _rounded(total), _rounded(max(0.0, mutual))


def _regions(labels: NDArray[np.integer]) -> tuple[str, ...]:
    """Return the regions that a label map of unknown origin tells apart."""
    classes = set(np.unique(labels).tolist())
    names = ['WT'] if classes & {2, 6} else []
    names += ['TC'] if classes & {1, 3, 5} else []
    return (*names, 'ET') if ENHANCING in classes else tuple(names)


def _rounded(value: float | None) -> float | None:
    """Return a share or bits to four digits."""
    return None if value is None else round(value, 4)


def _grown(window: Window, shape: tuple[int, int, int]) -> Window:
    """Return a window larger by one voxel on each side, as far as there are any."""
    first, second, third = (
        slice(max(0, side.start - 1), min(size, side.stop + 1))
        for side, size in zip(window, shape, strict=True)
    )
    return first, second, third
