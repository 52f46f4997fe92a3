# SPDX-License-Identifier: Apache-2.0
"""Labelled visits as arrays that a published network learns from, made once and kept on disk."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from bids_seg.errors import InputError, UserError
from bids_seg.image import Grid, Volume, resample
from bids_seg.records import Role
from bids_seg.segment.model import Model
from bids_seg.train import labelled
from bids_seg.train.labelled import Case
from bids_seg.train.stream import Sample

logger = logging.getLogger(__name__)

PARTS = ('image', 'target', 'weight')


class Visit(NamedTuple):
    """One visit, ready to be cut into samples."""

    image: NDArray[Any]
    """`(I, J, K, C)`, or slices `(S, rows, columns, C)`."""
    target: NDArray[np.uint8]
    """`(I, J, K, R)` or `(S, rows, columns, R)`, 0 or 1."""
    weight: NDArray[np.float32]
    """Weight of each voxel, of shape `target.shape`, or `(1,)` where all weigh the same."""


ALIKE = np.ones(1, np.float32)
"""The weight where all voxels weigh the same."""

Prepare = Callable[[Case, Model], Visit]
"""From the files of a visit to its arrays."""


def truth(case: Case, model: Model, reference: Volume, grid: Grid) -> NDArray[np.uint8]:
    """Return the regions of a visit on a grid, by the nearest voxel.

    Parameters
    ----------
    case
        The visit.
    model
        What is drawn.
    reference
        The scan that the network sees, whose own brain mask is preferred.
    grid
        Where to.

    Returns
    -------
    target : array of shape (I, J, K, R)
        In the order of the model's regions.
    """
    if model.task == 'brain':
        found = [labelled.brain_of(case, reference)]
    else:
        found = labelled.truths(case, model)
    masks = [Volume((mask.array > 0.5).astype(np.uint8), mask.grid) for mask in found]
    return np.stack([resample(mask, grid, order=0).array for mask in masks], axis=-1)


def scan(case: Case, role: Role) -> Volume:
    """Return one image of a visit.

    Parameters
    ----------
    case
        The visit.
    role
        Which.
    """
    return labelled.scan(case.scans[role])


def t1w(case: Case) -> Volume:
    """Return the T1w image of a visit, or T1wCE where there is no other.

    Parameters
    ----------
    case
        The visit.
    """
    return scan(case, 'T1w' if 'T1w' in case.scans else 'T1wCE')


def aligned(case: Case, roles: Sequence[Role]) -> dict[Role, Volume]:
    """Return images on the grid of the first, those that are there.

    Parameters
    ----------
    case
        The visit; its scans lie in the same space.
    roles
        The reference first.
    """
    there = [role for role in roles if role in case.scans]
    grid = scan(case, there[0]).grid
    found = {}
    for role in there:
        image = scan(case, role)
        found[role] = image if image.grid.same(grid) else resample(image, grid, order=1)
    return found


def brain(case: Case, reference: Volume) -> Volume:
    """Return the brain of a visit on the grid of a scan, uint8.

    Parameters
    ----------
    case
        The visit.
    reference
        The scan.
    """
    found = labelled.brain_of(case, reference)
    mask = Volume((found.array > 0.5).astype(np.uint8), found.grid)
    return resample(mask, reference.grid, order=0)


class Shelf(Sequence[Visit]):
    """Prepared visits; arrays are made where they are missing and read from disk bit by bit.

    Parameters
    ----------
    folder
        Where the arrays are kept.
    cases
        The visits; one that cannot be prepared is told and left out.
    model
        What learns.
    prepare
        Makes the arrays.

    Raises
    ------
    InputError
        If no visit can be prepared.
    """

    def __init__(
        self, folder: Path, cases: Sequence[Case], *, model: Model, prepare: Prepare
    ) -> None:
        self._stems: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)
        for number, case in enumerate(cases, start=1):
            stem = folder / _name(case, model)
            try:
                if not all(_file(stem, part).is_file() for part in PARTS):
                    logger.info('Preparing %s (%d of %d)', case.name, number, len(cases))
                    _write(stem, prepare(case, model))
            except UserError as error:
                logger.warning('%s is left out: %s', case.name, error)
                continue
            self._stems.append(stem)
        if cases and not self._stems:
            raise InputError(
                'no visit can be prepared', where=folder, do='read what was told of each visit'
            )

    def __len__(self) -> int:
        """Return how many visits there are."""
        return len(self._stems)

    def __getitem__(self, index: Any) -> Any:
        """Return a visit; its arrays are read when they are looked at."""
        return Visit(*(np.load(_file(self._stems[index], part), mmap_mode='r') for part in PARTS))


class Unseen(Sequence[Sample]):
    """Visits that a run is scored on, one whole visit a sample.

    Parameters
    ----------
    visits
        Prepared.
    given
        Makes of an image what the network is given.
    """

    def __init__(
        self, visits: Sequence[Visit], given: Callable[[NDArray[Any]], NDArray[np.float32]]
    ) -> None:
        self._visits = visits
        self._given = given

    def __len__(self) -> int:
        """Return how many visits there are."""
        return len(self._visits)

    def __getitem__(self, index: Any) -> Any:
        """Return a visit as a sample."""
        visit = self._visits[index]
        target = np.asarray(visit.target, np.float32)
        return Sample(self._given(np.asarray(visit.image)), target, np.ones((1,) * 4, np.float32))


@lru_cache(maxsize=4)
def _deck(count: int, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the order in which things are seen in an epoch."""
    return np.random.default_rng((seed, 1, epoch)).permutation(count)


def dealt(count: int, number: int, *, seed: int) -> int:
    """Return which of some things comes next; each comes once in an epoch.

    Parameters
    ----------
    count
        How many things there are.
    number
        How many came before, over all epochs.
    seed
        Of the order.

    Examples
    --------
    >>> sorted(dealt(5, number, seed=3) for number in range(5, 10))
    [0, 1, 2, 3, 4]
    """
    epoch, place = divmod(number, count)
    return int(_deck(count, seed, epoch)[place])


def _name(case: Case, model: Model) -> str:
    """Return a stem that changes with the files of a visit."""
    files = sorted([*case.scans.values(), *case.brains, *case.truth.values()])
    told = [f'{file} {file.stat().st_size} {file.stat().st_mtime_ns}' for file in files]
    digest = hashlib.sha256('\n'.join([model.name, *told]).encode()).hexdigest()
    return f'{case.name.replace("/", "_")}-{digest[:12]}'


def _file(stem: Path, part: str) -> Path:
    """Return the file of one array."""
    return stem.with_name(f'{stem.name}-{part}.npy')


def _write(stem: Path, visit: Visit) -> None:
    """Write the arrays of a visit; an interrupted write leaves none that would be taken."""
    arrays: tuple[NDArray[Any], ...] = (visit.image, visit.target, visit.weight)
    for part, array in zip(PARTS, arrays, strict=True):
        written = _file(stem, f'{part}.part')
        kept = open_memmap(written, mode='w+', dtype=array.dtype, shape=array.shape)
        kept[...] = array
        kept.flush()
        del kept
        written.replace(_file(stem, part))
