# SPDX-License-Identifier: Apache-2.0
"""Samples from real scans with masks: transfer learning on a user's own BIDS dataset.

Scans are `sub-*/**/anat/*_{T1w,T2w,FLAIR}.nii.gz`, truth lies in the same folder of any
dataset under `derivatives/`. Each sample is one visit, sampled once through a random affine
map onto the network's grid; brightness, noise and shading change from sample to sample.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from bids_seg import image
from bids_seg.errors import InputError
from bids_seg.image import Volume
from bids_seg.records import ROLES, Role
from bids_seg.segment.model import Model
from bids_seg.train.stream import Sample, Source

logger = logging.getLogger(__name__)

Array = npt.NDArray[np.float32]

CLASSES: Mapping[str, tuple[int, ...]] = {'WT': (1, 2, 3, 5, 6), 'TC': (1, 3, 5), 'ET': (3,)}
"""Values of a segmentation that make up each region: 1 necrotic, 2 oedema, 3 enhancing,
5 undivided core, 6 undivided lesion; 4, the cavity, belongs to none."""

ROTATION, SCALE, SHIFT = 15.0, 0.1, 8.0
"""Widest rotation about each axis (degrees), change of size, and shift (mm)."""

MARGIN = 3.0
"""mm around the brain that a tumour network sees, as in `segment`."""

_NOT_CONTRAST = ('none', 'no', 'noce', 'pre', 'native')


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One visit with truth."""

    name: str
    """Folder of the visit, relative to the dataset."""
    scans: Mapping[Role, Path]
    """Files of the scans."""
    brains: tuple[Path, ...]
    """Brain masks; none where the scans come stripped."""
    truth: Mapping[str, Path]
    """A segmentation under the key `dseg`, or masks by region."""


def is_labelled(folder: Path) -> bool:
    """Return whether a folder is a BIDS dataset with derivatives rather than label maps.

    Parameters
    ----------
    folder
        Any folder.
    """
    return any(folder.glob('sub-*')) and (folder / 'derivatives').is_dir()


def role(file: Path) -> Role | None:
    """Return which part a scan plays, by its name alone.

    Parameters
    ----------
    file
        A file of `anat`.

    Examples
    --------
    >>> role(Path('sub-01_ce-gadolinium_T1w.nii.gz')), role(Path('sub-01_T1w.nii.gz'))
    ('T1wCE', 'T1w')
    """
    entities = dict(part.split('-', 1) for part in file.name.split('_')[:-1] if '-' in part)
    suffix = file.name.split('_')[-1].split('.')[0]
    if 'desc' in entities or 'space' in entities:
        return None
    if suffix == 'T1w' and entities.get('ce', 'none').lower() not in _NOT_CONTRAST:
        return 'T1wCE'
    return next((known for known in ROLES if known == suffix), None)


def find(dataset: Path, model: Model) -> list[Case]:
    """Return the visits of a dataset that a network can learn from.

    Parameters
    ----------
    dataset
        A BIDS dataset with truth under `derivatives/`.
    model
        The network.

    Raises
    ------
    InputError
        No visit has both the scans and the truth.
    """
    cases = []
    for folder in sorted({file.parent for file in dataset.glob('sub-*/**/anat/*.nii.gz')}):
        scans: dict[Role, Path] = {}
        for file in sorted(folder.glob('*.nii.gz')):
            part = role(file)
            if part is not None:
                scans.setdefault(part, file)
        truth, brains = _truth(dataset, folder.relative_to(dataset), model)
        usable = not model.needs or any(set(needs) <= set(scans) for needs in model.needs)
        if scans and truth and usable:
            name = str(folder.relative_to(dataset).parent)
            cases.append(Case(name=name, scans=scans, brains=brains, truth=truth))
    if not cases:
        raise InputError(
            f'no visit has scans and truth for {model.name!r}',
            where=dataset,
            do='put *_dseg.nii.gz or *_label-<region>_mask.nii.gz under derivatives/NAME/sub-*/',
        )
    logger.info('%d visits with truth: %s', len(cases), ', '.join(case.name for case in cases))
    return cases


def _truth(dataset: Path, inside: Path, model: Model) -> tuple[dict[str, Path], tuple[Path, ...]]:
    """Return the files of truth of one visit, and its brain masks."""
    found = sorted(dataset.glob(f'derivatives/*/{inside}/*.nii.gz'))
    masks = [file for file in found if file.name.endswith('_mask.nii.gz')]
    brains = tuple(file for file in masks if '-brain_' in file.name)
    if model.task == 'brain':
        return {f'brain {number}': file for number, file in enumerate(brains)}, brains
    whole = [file for file in found if file.name.endswith('_dseg.nii.gz')]
    whole = [file for file in whole if 'Lesions_' not in file.name and 'Tracks_' not in file.name]
    if whole:
        return {'dseg': whole[0]}, brains
    regions = {
        region: file
        for region in model.regions
        for file in masks
        if f'label-{region}_' in file.name
    }
    lesions = [file for file in masks if 'label-lesion_' in file.name]
    if not regions and lesions and len(model.regions) == 1:
        regions = {model.regions[0]: lesions[0]}
    return (regions if set(regions) == set(model.regions) else {}), brains


def split(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the cases to learn from and those to be scored on: every fifth participant.

    Parameters
    ----------
    cases
        In a fixed order; visits of one participant are never parted.
    """
    people = sorted({case.name.split('/')[0] for case in cases})
    if len(people) < 3:
        return list(cases), []
    unseen = set(people[::5])
    return (
        [case for case in cases if case.name.split('/')[0] not in unseen],
        [case for case in cases if case.name.split('/')[0] in unseen],
    )


@lru_cache(maxsize=24)
def scan(path: Path) -> Volume:
    """Read an image once; a few stay in memory.

    Parameters
    ----------
    path
        A scan.
    """
    return image.read(path)[0]


@lru_cache(maxsize=24)
def _labels(path: Path) -> Volume:
    """Read labels once; a few stay in memory."""
    return image.read_labels(path)


def source(
    cases: Sequence[Case],
    model: Model,
    *,
    shape: tuple[int, int, int],
    seed: int,
    vary: bool = True,
) -> Source:
    """Return the stream of samples of labelled visits.

    Parameters
    ----------
    cases
        What to learn from.
    model
        The network.
    shape
        `(I, J, K)` of a sample.
    seed
        With the index it decides everything in a sample.
    vary
        Whether place and brightness change; without, sample i is visit i as it stands.
    """

    def sample(index: int) -> Sample:
        """Make one sample."""
        rng = np.random.default_rng((seed, index))
        case = cases[int(rng.integers(len(cases))) if vary else index % len(cases)]
        return _sample(case, model, shape, rng if vary else None)

    return sample


def between(
    painted: Sequence[Sample], cases: Sequence[Case], model: Model, *, shape: tuple[int, int, int]
) -> list[Sample]:
    """Return painted samples with a real one after each, as long as there are real ones.

    Parameters
    ----------
    painted
        What was painted.
    cases
        Visits, shown as they stand.
    model
        The network.
    shape
        `(I, J, K)` of a sample.
    """
    real = source(cases, model, shape=shape, seed=0, vary=False)
    out: list[Sample] = []
    for index, sample in enumerate(painted):
        out += [sample, real(index)] if index < len(cases) else [sample]
    return out


def _sample(
    case: Case, model: Model, shape: tuple[int, int, int], rng: np.random.Generator | None
) -> Sample:
    """Sample one visit onto the network's grid."""
    shown = _choose(case, model, rng)
    reference = scan(next(iter(shown.values())))
    brain = brain_of(case, reference)
    truth = [brain] if model.task == 'brain' else truths(case, model)
    middle = _middle(truth, brain, rng, model)
    affine = _place(model.own.spacing, shape, middle, rng)
    target = np.stack([np.clip(_at(mask, affine, shape, 1), 0, 1) for mask in truth], axis=-1)
    seen = np.ones(shape, bool)
    if model.task != 'brain':
        inner = _at(brain, affine, shape, 1) > 0.5
        seen = _grown(inner, MARGIN / model.own.spacing)
    channels = []
    roles = model.contrasts or tuple(shown)
    for part in roles:
        if part not in shown:
            channels.append(np.zeros(shape, np.float32))
            continue
        volume = scan(shown[part])
        values = _at(volume, affine, shape, 1)
        field = _at(Volume(np.ones(volume.array.shape, np.float32), volume.grid), affine, shape, 0)
        mask = field > 0.5 if model.task == 'brain' else inner
        channels.append(np.where(seen, model.own.normalise(_varied(values, rng), mask), 0) * field)
    if model.own.presence:
        channels += [np.full(shape, part in shown, np.float32) for part in roles]
    weight = np.ones((*shape, len(model.regions)), np.float32)
    for region, lacking in model.unavailable.items():
        if not set(lacking) & set(shown):
            weight[..., model.regions.index(region)] = 0
    return Sample(np.stack(channels, axis=-1).astype(np.float32), target.astype(np.float32), weight)


def _choose(case: Case, model: Model, rng: np.random.Generator | None) -> dict[Role, Path]:
    """Return the scans that a sample shows: one for the brain, else all but some."""
    if model.task == 'brain':
        parts = sorted(case.scans)
        part = parts[int(rng.integers(len(parts)))] if rng is not None else parts[0]
        return {part: case.scans[part]}
    wanted = {part: file for part, file in case.scans.items() if part in model.contrasts}
    if rng is None:
        return wanted
    kept = {part: file for part, file in wanted.items() if rng.random() < 0.85}
    enough = any(set(needs) <= set(kept) for needs in model.needs)
    return kept if enough else wanted


def truths(case: Case, model: Model) -> list[Volume]:
    """Return one mask per region, float32.

    Parameters
    ----------
    case
        The visit.
    model
        Whose regions.
    """
    if 'dseg' not in case.truth:
        masks = [_labels(case.truth[region]) for region in model.regions]
        return [Volume((mask.array > 0).astype(np.float32), mask.grid) for mask in masks]
    labels = _labels(case.truth['dseg'])
    return [
        Volume(np.isin(labels.array, CLASSES[region]).astype(np.float32), labels.grid)
        for region in model.regions
    ]


def brain_of(case: Case, reference: Volume) -> Volume:
    """Return the brain mask: the given one, else what a stripped scan shows; float32.

    Parameters
    ----------
    case
        The visit.
    reference
        One of its scans; a mask on its grid is preferred.

    Raises
    ------
    InputError
        If there is no mask and the scan is not stripped.
    """
    masks = [_labels(file) for file in case.brains]
    # Where every scan has a mask of its own, the one on the same grid belongs to it.
    own = [mask for mask in masks if mask.grid.same(reference.grid)] or masks
    if own:
        return Volume((own[0].array > 0).astype(np.float32), own[0].grid)
    shown = reference.array != 0
    if shown.mean() > 0.8:
        raise InputError(
            'the scan is not stripped and no brain mask is there',
            where=case.name,
            do='add *_label-brain_mask.nii.gz under derivatives/',
        )
    return Volume(shown.astype(np.float32), reference.grid)


def _middle(
    truth: Sequence[Volume], brain: Volume, rng: np.random.Generator | None, model: Model
) -> npt.NDArray[np.float64]:
    """Return where the middle of a sample lies, mm: the brain's, or half the time a lesion's."""
    chosen = brain
    if rng is not None and model.task == 'metastases' and rng.random() < 0.6:
        chosen = truth[-1] if truth[-1].array.any() else brain
        places = np.argwhere(chosen.array > 0.5)
        place = places[int(rng.integers(len(places)))]
    else:
        box = [(axis.min() + axis.max()) / 2 for axis in np.nonzero(chosen.array > 0.5)]
        place = np.array(box)
    middle: npt.NDArray[np.float64] = (chosen.grid.affine @ np.append(place, 1.0))[:3]
    return middle


def _place(
    spacing: float,
    shape: tuple[int, int, int],
    middle: npt.NDArray[np.float64],
    rng: np.random.Generator | None,
) -> npt.NDArray[np.float64]:
    """Return the map from voxels of the sample to scanner mm."""
    from bids_seg.train.synthesis.deform import rotation

    linear = np.eye(3)
    if rng is not None:
        flip = np.diag([-1.0 if rng.random() < 0.5 else 1.0, 1.0, 1.0])
        turn = rotation(np.deg2rad(rng.uniform(-ROTATION, ROTATION, 3)))
        linear = turn @ np.diag(rng.uniform(1 - SCALE, 1 + SCALE, 3)) @ flip
        middle = middle + rng.uniform(-SHIFT, SHIFT, 3)
    affine = np.eye(4)
    affine[:3, :3] = linear * spacing
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def _at(
    volume: Volume,
    affine: npt.NDArray[np.float64],
    shape: tuple[int, int, int],
    order: Literal[0, 1],
) -> Array:
    """Sample a volume at the voxels of a sample, smoothed where that is coarser."""
    from scipy import ndimage

    to_voxels = np.linalg.inv(volume.grid.affine) @ affine
    array = volume.array.astype(np.float32)
    step = np.linalg.norm(to_voxels[:3, :3], axis=1)
    if order and step.max() > 1.2:
        array = ndimage.gaussian_filter(array, 0.42 * np.sqrt(np.maximum(step**2 - 1, 0)))
    out: Array = ndimage.affine_transform(
        array, to_voxels[:3, :3], to_voxels[:3, 3], output_shape=shape, order=order
    )
    return out


def _varied(values: Array, rng: np.random.Generator | None) -> Array:
    """Change gamma, shading and noise of one image."""
    from scipy import ndimage

    if rng is None:
        return values
    top = max(float(np.percentile(values, 99.5)), 1e-6)
    unit = np.clip(values / top, 0, None)
    coarse = rng.normal(0, rng.uniform(0, 0.25), (4, 4, 4))
    shading = ndimage.zoom(coarse, [side / 4 for side in values.shape], order=1)
    noise = rng.normal(0, rng.uniform(0, 0.03), values.shape)
    bent = unit ** np.exp(rng.normal(0, 0.2)) * np.exp(shading) + noise
    return np.where(values == 0, 0, bent).astype(np.float32)


def _grown(mask: npt.NDArray[np.bool_], voxels: float) -> npt.NDArray[np.bool_]:
    """Return a mask grown by a distance."""
    from scipy import ndimage

    if not mask.any():
        return mask
    grown: Any = ndimage.distance_transform_edt(~mask) <= voxels
    return np.asarray(grown, dtype=bool)
