# SPDX-License-Identifier: Apache-2.0
"""Which predicted mask is compared with which reference: names, label tables, pairing."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bids_seg.errors import CommandError, NothingToDoError
from bids_seg.image import read_header, read_labels

Values = tuple[int, ...] | None
"""Label values that make up a region; None: everything above 0."""

_CLASS_NAMES = {'ED': 'SNFH', 'MET': 'TC'}
"""Abbreviations of others' tables, and what they are called here."""
_DEFAULT_TABLE = {1: 'NCR', 2: 'SNFH', 3: 'ET', 4: 'RC', 5: 'TC', 6: 'WT'}
"""Classes of a label map without a table."""
_PARTS = {'WT': ('NCR', 'SNFH', 'ET', 'TC', 'WT'), 'TC': ('NCR', 'ET', 'TC'), 'ET': ('ET',)}
"""Classes inside each region."""
_NEEDS = {'WT': ('SNFH', 'WT'), 'TC': ('NCR', 'ET', 'TC'), 'ET': ('ET',)}
"""A table must know one of these classes for the region to be told from the others."""
_LESION_OF = {'glioma': ('ET',), 'metastases': ('TC',)}
"""Region that a reference called `lesion` is compared with; else the first there is."""
_SPACES = ('orig', 'T1wCE', 'T1gd', 'T1w', 'FLAIR', 'T2w')
"""Which of several spaces of one reference is taken, if none is the prediction's grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFile:
    """One file of labels, and the regions it holds."""

    path: Path
    """Where it lies."""
    relative: str
    """The same from the folder that was given, with forward slashes."""
    participant: str
    """Label without `sub-`; n/a where the name has none."""
    session: str
    """Label without `ses-`; n/a where the name has none."""
    space: str
    """BIDS label of the grid; empty where the name has none."""
    disease: str
    """glioma, metastases; empty where the name does not say."""
    manual: bool
    """Whether the name is that of a mask, not of a label map."""
    regions: Mapping[str, Values]
    """Regions by name, and the values that make each of them up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One region of one visit, predicted and given."""

    participant: str
    """Label without `sub-`, n/a where there is none."""
    session: str
    """Label without `ses-`, n/a where there is none."""
    disease: str
    """Of the prediction; n/a where its name does not say."""
    region: str
    """Name of the prediction's region."""
    prediction: MaskFile
    """Where the prediction is."""
    reference: MaskFile
    """Where the reference is."""
    reference_region: str
    """Name of the reference's region."""


def mask_files(given: Path, labels: Mapping[str, tuple[int, ...]]) -> tuple[MaskFile, ...]:
    """Return the masks and label maps of a file or a derivative folder.

    Parameters
    ----------
    given
        A NIfTI file, or the root of a BIDS derivative dataset.
    labels
        Values of regions as the user gave them; they win over tables.

    Raises
    ------
    CommandError
        If a label table cannot be read.
    NothingToDoError
        If the folder has no masks.
    """
    if given.is_file():
        return (_mask_file(given, given.parent, labels, alone=True),)
    paths = sorted(
        path
        for path in given.glob('sub-*/**/*')
        if re.search(r'_(mask|dseg)\.nii(\.gz)?$', path.name) and not path.name.startswith('.')
    )
    found = [_mask_file(path, given, labels, alone=False) for path in paths if _counts(path)]
    if not any(file.regions for file in found):
        raise NothingToDoError(
            f'{len(paths)} files called _mask or _dseg, none with a region that is known',
            where=given,
            do='give the root of a derivative dataset, or two files',
        )
    return tuple(file for file in found if file.regions)


def pair(
    predictions: Sequence[MaskFile],
    references: Sequence[MaskFile],
    *,
    regions: Sequence[str] = (),
) -> tuple[Pair, ...]:
    """Return what can be compared, by participant, session, disease and region.

    Parameters
    ----------
    predictions, references
        What there is on both sides.
    regions
        Names of the regions that are wanted; none: all.

    Raises
    ------
    NothingToDoError
        If no region of any visit is on both sides.
    """
    if len(predictions) == 1 == len(references):
        pairs = _pair_files(predictions[0], references[0])
    else:
        pairs = []
        visits = {(file.participant, file.session) for file in predictions}
        for visit in sorted(visits):
            here = [file for file in predictions if (file.participant, file.session) == visit]
            there = [file for file in references if (file.participant, file.session) == visit]
            for disease in sorted({file.disease for file in here}):
                own = [file for file in here if file.disease == disease]
                pairs += _pair_visit(own, there)
    wanted = [each for each in pairs if not regions or each.region in regions]
    if not wanted:
        names = sorted({each.region for each in pairs})
        seen = f'regions on both sides: {", ".join(names)}' if names else 'no region on both sides'
        raise NothingToDoError(
            f'{len(predictions)} predicted and {len(references)} given files, {seen}',
            where=references[0].path,
            do='check participants, sessions and --region',
        )
    return tuple(wanted)


def _counts(path: Path) -> bool:
    """Return whether a file is a mask to compare: no lesion index, no other grid."""
    entities = _entities(path.name)
    if re.search(r'(Lesions|Tracks)$', entities.get('seg', '')):
        return False
    space = entities.get('space', '')
    return space != 'individual' and not space.startswith('MNI')


def _entities(name: str) -> dict[str, str]:
    """Return the entities of a BIDS name, and its suffix under the key `suffix`."""
    stem = re.sub(r'\.nii(\.gz)?$', '', name)
    *parts, suffix = stem.split('_')
    entities = dict(part.split('-', 1) for part in parts if '-' in part)
    return {**entities, 'suffix': suffix}


def _mask_file(
    path: Path, root: Path, labels: Mapping[str, tuple[int, ...]], *, alone: bool
) -> MaskFile:
    """Return what a file's name and table say."""
    entities = _entities(path.name)
    seg, desc = entities.get('seg', ''), entities.get('desc', '')
    known = ('glioma', 'metastases')
    disease = next((name for name in (desc, seg) if name in known), '')
    is_mask = entities['suffix'] == 'mask'
    if is_mask:
        regions = _mask_regions(entities)
    elif entities['suffix'] == 'dseg' or alone:
        regions = _map_regions(path, root, labels)
    else:
        regions = {}
    return MaskFile(
        path=path,
        relative=path.relative_to(root).as_posix(),
        participant=entities.get('sub', 'n/a'),
        session=entities.get('ses', 'n/a'),
        space=entities.get('space', ''),
        disease=disease,
        manual=is_mask,
        regions=regions,
    )


def _mask_regions(entities: Mapping[str, str]) -> dict[str, Values]:
    """Return the one region of a mask."""
    name = entities.get('label') or entities.get('desc') or 'mask'
    return {'brain' if name.lower() == 'brain' else name: None}


def _map_regions(
    path: Path, root: Path, labels: Mapping[str, tuple[int, ...]]
) -> dict[str, Values]:
    """Return the regions of a label map: as given, by its table, else by the usual classes."""
    if labels:
        return dict(labels)
    table = _table(path, root)
    if table is None:
        if not _entities(path.name).get('desc') and set(np.unique(read_labels(path).array)) <= {
            0,
            1,
        }:
            return {'mask': None}
        table = _DEFAULT_TABLE
    classes = set(table.values())
    return {
        region: tuple(sorted(value for value, name in table.items() if name in parts))
        for region, parts in _PARTS.items()
        if classes & set(_NEEDS[region])
    }


def _table(path: Path, root: Path) -> dict[int, str] | None:
    """Return value and class of the nearest label table that applies to a file."""
    own = _entities(path.name)
    folder = path.parent
    while True:
        for table in sorted(folder.glob('*_dseg.tsv'), key=lambda table: -len(table.name)):
            entities = _entities(table.name.removesuffix('.tsv'))
            if all(own.get(key) == value for key, value in entities.items()):
                return _read_table(table)
        if folder in (root, folder.parent):
            return None
        folder = folder.parent


def _read_table(path: Path) -> dict[int, str]:
    """Return value and class of a label table."""
    table = {}
    with path.open(encoding='utf-8-sig', newline='') as file:
        for row in csv.DictReader(file, delimiter='\t'):
            name = (row.get('abbreviation') or row.get('name') or '').strip()
            try:
                table[int(row.get('index') or 0)] = _CLASS_NAMES.get(name, name)
            except ValueError as error:
                raise CommandError(
                    f'index {row.get("index")!r} is no number', where=path, do='mend the table'
                ) from error
    return table


def _pair_files(prediction: MaskFile, reference: MaskFile) -> list[Pair]:
    """Return the pairs of two files; one region on each side is compared whatever its name."""
    pairs = _pair_visit([prediction], [reference])
    only = len(prediction.regions) == 1 == len(reference.regions)
    if pairs or not only:
        return pairs
    return [
        _made(prediction, next(iter(prediction.regions)), reference, next(iter(reference.regions)))
    ]


def _pair_visit(predictions: Iterable[MaskFile], references: Sequence[MaskFile]) -> list[Pair]:
    """Return the pairs of one visit and disease."""
    best: dict[str, MaskFile] = {}
    # A mask of its own is nearer to what was meant than a class of a map.
    for file in sorted(predictions, key=lambda file: (not file.manual, file.relative)):
        for region in file.regions:
            best.setdefault(region, file)
    pairs = []
    for region, file in best.items():
        same = [reference for reference in references if region in reference.regions]
        if same:
            pairs.append(_made(file, region, _nearest(file, same), region))
    lesion = [reference for reference in references if 'lesion' in reference.regions]
    disease = next(iter(best.values())).disease if best else ''
    names = _LESION_OF.get(disease, ('ET', 'TC', 'WT', 'mask'))
    region = next((name for name in names if name in best), '')
    if lesion and region and region not in {each.region for each in pairs}:
        file = best[region]
        pairs.append(_made(file, region, _nearest(file, lesion), 'lesion'))
    return pairs


def _made(prediction: MaskFile, region: str, reference: MaskFile, name: str) -> Pair:
    """Return a pair."""
    return Pair(
        participant=prediction.participant,
        session=prediction.session,
        disease=prediction.disease or 'n/a',
        region=region,
        prediction=prediction,
        reference=reference,
        reference_region=name,
    )


def _nearest(prediction: MaskFile, references: Sequence[MaskFile]) -> MaskFile:
    """Return the reference on the prediction's grid, else the one of the best space."""
    if len(references) == 1:
        return references[0]
    grid = read_header(prediction.path).grid
    order = {space: rank for rank, space in enumerate(_SPACES)}
    ranked = sorted(
        references,
        key=lambda file: (not file.manual, order.get(file.space, len(order)), file.relative),
    )
    same = (file for file in ranked if read_header(file.path).grid.same(grid))
    return next(same, ranked[0])
