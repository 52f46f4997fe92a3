# SPDX-License-Identifier: Apache-2.0
"""Masks that were given: what they leave to the networks, and how they come onto a visit's grid.

A mask is measured on its own grid, as whoever drew it saw it. Where that is not the grid of the
reference image, its voxels are also carried there, each by its nearest, for pictures and files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_seg import __version__, discover, image, register
from bids_seg.discover.masks import Source
from bids_seg.errors import ImageError, StageError
from bids_seg.image import Grid, Volume
from bids_seg.measure.components import region
from bids_seg.measure.recorded import mm3
from bids_seg.records import Given, GivenFile, ModelRun, Patient, Visit
from bids_seg.segment.maps import CLASSES
from bids_seg.settings import Settings
from bids_seg.workflow import choice, plan
from bids_seg.workflow.plan import VisitPlan
from bids_seg.workflow.state import Failure, VisitState
from bids_seg.write import names

MODEL = 'given'
"""What stands for the name of a network."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Drawn:
    """What was given for a task, in the world of the reference image."""

    labels: Volume
    """Classes, or 1 inside the brain, uint8, on their own grid."""
    regions: tuple[str, ...]
    """Regions that are told apart, outermost first."""
    space: str
    """Kind of the image on whose grid they lie: a role, or `given`."""


def planned(
    visit: Visit, patient: Patient, settings: Settings, among: Sequence[Source]
) -> VisitPlan:
    """Return what can be done with a visit, given masks and all.

    Parameters
    ----------
    visit
        The visit.
    patient
        Whose it is.
    settings
        What was asked for.
    among
        Datasets that masks are taken from.
    """
    tasks, note = plan.tasks_for(patient, settings.models)
    disease = plan.disease_of(tasks) or plan.disease_of(plan.tasks_for(patient, ('auto',))[0])
    found = discover.find_given(visit, among, disease=disease)
    todo = plan.left(tasks, found.given, settings.models)
    told = (*found.warnings, *(words for each in found.given for words in each.warnings))
    if note and {'glioma', 'metastases'} <= set(todo):
        told = (*told, note)
    noted = dataclasses.replace(visit, warnings=(*patient.warnings, *visit.warnings, *told))
    return plan.plan(noted, todo, found.given, selected=choice.selected(settings))


def fault(given: Sequence[Given]) -> Failure | None:
    """Return why what was given cannot be used; None where it can.

    Parameters
    ----------
    given
        What was given for a visit.
    """
    found = next((each.fault for each in given if each.fault is not None), None)
    if found is None:
        return None
    return Failure(stage='plan', what=found.what, where=found.where, do=found.do)


def draw(state: VisitState) -> VisitState:
    """Write what was given under the names of what networks draw.

    Parameters
    ----------
    state
        A visit whose images are on the grid of the reference.

    Raises
    ------
    ImageError
        If a file is no image of labels.
    StageError
        If files do not fit together, or lie outside of the image.
    """
    for given in state.given:
        state = _one(state, given)
    return state


def own_grid(state: VisitState, task: str) -> tuple[str, str] | None:
    """Return the key and the space of labels that lie on a grid of their own; None without any.

    Parameters
    ----------
    state
        A visit after `draw`.
    task
        Which disease.
    """
    found = (key for key in state.files if key.startswith(f'given:{task}:'))
    return next(((key, key.rpartition(':')[2]) for key in found), None)


def _one(state: VisitState, given: Given) -> VisitState:
    """Write what was given for one task, and the record of it."""
    reference = state.visit.reference
    if reference is None:
        return state
    grid = image.read_header(state.files[f'preproc:{reference.role}']).grid
    drawn = _read(given, state, grid)
    onto = image.resample(drawn.labels, grid, order=0)
    if drawn.labels.array.any() and not onto.array.any():
        raise StageError(
            'nothing of it lies inside the reference image',
            where=given.files[0].relative,
            do='check its header: is it in the space of an image of this visit?',
        )
    regions = drawn.regions
    files = names.visit_files(
        state.visit, aligned=(), tasks={given.task: regions}, given={given.task}
    )
    paths = {
        key: state.root / path
        for key, path in files.items()
        if key.partition(':')[0] in ('brain_mask', 'dseg', 'mask')
    }
    for key, path in paths.items():
        name = key.rpartition(':')[2]
        shown = _inside(onto, name) if key.startswith('mask:') else onto.array
        image.save(Volume(shown.astype(np.uint8), grid), path)
    if given.task != 'brain' and not drawn.labels.grid.same(grid):
        key = f'given:{given.task}:{drawn.space}'
        paths[key] = state.folder / f'given-{given.task}.nii.gz'
        image.save(drawn.labels, paths[key])
    run = ModelRun(
        task=given.task,
        model=MODEL,
        version=__version__,
        weights_sha256=(),
        images=(),
        regions=regions,
        unavailable={},
        volumes_mm3={name: _mm3(drawn.labels, name) for name in regions},
        threshold=0.5,
        device='n/a',
        sources=tuple(file.uri for file in given.files),
        manual=given.manual,
    )
    return dataclasses.replace(state, files={**state.files, **paths}, models=(*state.models, run))


def _read(given: Given, state: VisitState, grid: Grid) -> _Drawn:
    """Return what was given, its voxels untouched, in the world of the reference image."""
    arrays = {file.relative: _whole(file) for file in given.files}
    first = next(iter(arrays.values()))
    if any(not volume.grid.same(first.grid) for volume in arrays.values()):
        raise StageError(
            'masks of one disease lie on different grids',
            where=' and '.join(arrays),
            do='store all of them on one grid',
        )
    if given.files[0].region is None:
        labels, regions = _of_classes(given.files[0], first)
    else:
        masks = {str(file.region): _mask(file, arrays[file.relative]) for file in given.files}
        labels, regions = labels_of_masks(masks)
    space, own = _place(state, first.grid, grid)
    if given.task == 'brain' and not labels.any():
        raise StageError(
            'the brain mask is empty', where=given.files[0].relative, do='give another mask'
        )
    return _Drawn(labels=Volume(labels, own), regions=regions, space=space)


def _whole(file: GivenFile) -> Volume:
    """Return an image of whole numbers."""
    try:
        volume = image.read_map(file.path)
    except ImageError as error:
        # Pages show no folder of this machine.
        raise ImageError(error.what, where=file.relative, do=error.do) from error
    rounded = np.rint(np.nan_to_num(volume.array, nan=0.5))
    apart = np.abs(volume.array - rounded)
    if not np.all(apart <= 1e-3):
        raise ImageError(
            'its values are no whole numbers',
            where=file.relative,
            do='give labels or a mask, not probabilities or an image that was interpolated',
        )
    return Volume(rounded.astype(np.int32), volume.grid)


def _mask(file: GivenFile, volume: Volume) -> NDArray[np.bool_]:
    """Return where a mask is set; it knows one value beside 0."""
    values = np.unique(volume.array)
    if values.min() < 0 or values.size > 2 or (values.size == 2 and values[0] != 0):
        raise ImageError(
            f'a mask has 0 and one more value, this one has {_listed(values)}',
            where=file.relative,
            do='store one mask for each region, or a _dseg with a table',
        )
    inside: NDArray[np.bool_] = volume.array > 0
    return inside


def _of_classes(file: GivenFile, volume: Volume) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return our classes and regions of an image of classes."""
    known = {0: 'BG', **{int(value): name for value, name in file.classes.items()}}
    strange = np.setdiff1d(volume.array, list(known))
    if strange.size:
        raise ImageError(
            f'its table does not know the values {_listed(strange)}',
            where=file.relative,
            do='add them to the table',
        )
    there = set(known.values())
    # Necrosis without a class of what enhances is a core that is not divided.
    core = {'NCR': 'NCR' if 'ET' in there else 'TC'}
    labels = np.zeros(volume.array.shape, np.uint8)
    for value, name in known.items():
        if name != 'BG':
            labels[volume.array == value] = CLASSES[core.get(name, name)]
    has = {
        'WT': bool(there & {'SNFH', 'WT'}),
        'TC': bool(there & {'NCR', 'TC'} or {'SNFH', 'ET'} <= there),
        'ET': 'ET' in there,
        'RC': 'RC' in there,
    }
    if _undivided(labels, there):
        # A core drawn as one tells nothing of what enhances, nor by itself of oedema.
        has['ET'] = False
        has['WT'] = bool(np.isin(labels, [CLASSES['SNFH'], CLASSES['WT']]).any())
    return labels, tuple(name for name, told in has.items() if told)


def _undivided(labels: NDArray[np.uint8], there: set[str]) -> bool:
    """Tell whether the core was drawn as one although the table knows its parts."""
    drawn = set(np.unique(labels).tolist())
    parts = {'NCR', 'ET'}
    return parts <= there and CLASSES['TC'] in drawn and drawn.isdisjoint(CLASSES[p] for p in parts)


def labels_of_masks(
    masks: Mapping[str, NDArray[np.bool_]],
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return our classes of masks: what lies within a region belongs to it, drawn there or not.

    Parameters
    ----------
    masks
        By region (WT, TC, ET, RC), or of the brain alone; arrays of one shape.

    Returns
    -------
    labels
        Of the same shape; 1 inside the brain.
    regions
        Those that are told apart, outermost first.

    Examples
    --------
    >>> whole, core = np.array([True, True, False, False]), np.array([True, False, False, True])
    >>> labels_of_masks({'WT': whole, 'TC': core})[0].tolist()
    [5, 2, 0, 5]
    """
    first = next(iter(masks.values()))
    if 'brain' in masks:
        return first.astype(np.uint8), ('brain',)
    labels = np.zeros(first.shape, np.uint8)
    classes = {
        'RC': 'RC',
        'WT': 'SNFH' if 'TC' in masks else 'WT',
        'TC': 'NCR' if 'ET' in masks else 'TC',
        'ET': 'ET',
    }
    for name, own in classes.items():
        if name in masks:
            labels[masks[name]] = CLASSES[own]
    return labels, tuple(name for name in ('WT', 'TC', 'ET', 'RC') if name in masks)


def _place(state: VisitState, own: Grid, reference: Grid) -> tuple[str, Grid]:
    """Return whose grid a mask lies on, and that grid in the world of the reference image."""
    if own.same(reference):
        return 'orig', reference
    for scan in state.visit.scans:
        transform = state.files.get(f'xfm:{scan.role}')
        if transform is None or not image.read_header(scan.path).grid.same(own):
            continue
        fixed_to_moving = register.read_transform(transform)
        affine = np.linalg.inv(fixed_to_moving) @ own.stored_affine
        space: str = scan.role
        return space, Grid(own.stored_shape, affine, own.code)
    return MODEL, own


def _inside(labels: Volume, name: str) -> NDArray[np.bool_]:
    """Return where a region is."""
    if name == 'brain':
        return labels.array > 0
    return labels.array == CLASSES['RC'] if name == 'RC' else region(labels.array, name)


def _mm3(labels: Volume, name: str) -> int:
    """Return the volume of a region, on the grid on which it was drawn."""
    return mm3(np.count_nonzero(_inside(labels, name)), labels.grid)


def _listed(values: NDArray[np.integer]) -> str:
    """Return a few values as text."""
    shown = ', '.join(str(int(value)) for value in values[:6])
    return f'{shown}, ...' if values.size > 6 else shown
