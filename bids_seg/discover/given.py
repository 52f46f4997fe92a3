# SPDX-License-Identifier: Apache-2.0
"""Masks of other datasets that take the place of a network's: which file of theirs is which.

Only names, tables and headers are read here. What cannot be told apart is a fault of the visit,
what is of no use is passed over and said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_seg import image
from bids_seg.discover import masks, sidecars
from bids_seg.discover.masks import DISEASES, REGIONS, Candidate, Source
from bids_seg.errors import CommandError, ImageError
from bids_seg.image import Grid
from bids_seg.records import Disease, Given, GivenFault, GivenFile, Visit

LESION: Mapping[Disease, str] = {'glioma': 'ET', 'metastases': 'TC'}
"""Region that `label-lesion` stands for: the one that the disease is measured on."""
RESERVED = ('raw', 'segmentations')
"""Names of datasets that are ours to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was given for a visit."""

    given: tuple[Given, ...] = ()
    """At most one for each task, brain first."""
    warnings: tuple[str, ...] = ()
    """Files that were passed over, and why."""


def mask_sources(
    derivatives: Sequence[str], segmentations: Path | None, *, output_dir: Path
) -> tuple[Source, ...]:
    """Return the datasets that masks may be taken from, the first one first.

    Parameters
    ----------
    derivatives
        `NAME=DIR`, or `DIR` alone, which is named by its folder; brain masks are taken.
    segmentations
        Dataset of label maps and masks; None without one.
    output_dir
        Root of the output, which cannot be its own source.

    Raises
    ------
    CommandError
        If a folder is not there or holds no participant, or a name stands twice.
    """
    found: list[Source] = []
    if segmentations is not None:
        found.append(Source(link='segmentations', root=segmentations.absolute(), use='all'))
    for words in derivatives:
        name, equals, folder = words.partition('=')
        root = Path(folder if equals else name).absolute()
        link = name if equals else root.name
        if link in RESERVED or link in {source.link for source in found} or not link:
            raise CommandError(
                f'the name {link!r} stands twice or is not free',
                where='--derivatives',
                do='write NAME=DIR with another name for each folder',
            )
        found.append(Source(link=link, root=root, use='brain'))
    for source in found:
        option = '--segmentations' if source.use == 'all' else '--derivatives'
        _check_folder(source.root, option, output_dir)
    return tuple(found)


def find_given(visit: Visit, among: Sequence[Source], *, disease: Disease | None) -> Found:
    """Return what was given for a visit.

    Parameters
    ----------
    visit
        The visit; one without images is given nothing.
    among
        What `mask_sources` returned.
    disease
        Disease of the participant, for files that do not name it; None if unknown.
    """
    reference = visit.reference
    if reference is None:
        return Found()
    grid = _grid(reference.path)
    given: dict[str, Given] = {}
    warnings: list[str] = []
    for source in among:
        candidates = masks.candidates(visit, source, warnings)
        brains = [each for each in candidates if each.file.region == 'brain']
        if brains and 'brain' not in given:
            given['brain'] = _chosen('brain', [brains], source, grid)
        if source.use == 'all':
            tumours = [each for each in candidates if each.file.region != 'brain']
            given |= _tumours(tumours, source, grid, disease=disease, warnings=warnings)
    order = ('brain', *DISEASES)
    return Found(
        given=tuple(given[task] for task in order if task in given), warnings=tuple(warnings)
    )


def _check_folder(root: Path, option: str, output_dir: Path) -> None:
    """Refuse a folder that cannot be a source."""
    what = ''
    if not root.is_dir():
        what = 'no such folder'
    elif root.resolve() == output_dir.resolve():
        what = 'it is the output folder: corrected masks would be overwritten by themselves'
    elif not any(root.glob('sub-*')):
        what = 'no sub-<label> folder in it'
    if what:
        raise CommandError(
            what, where=f'{option} {root}', do='give the root of a dataset of BIDS derivatives'
        )


def _grid(path: Path) -> Grid | None:
    """Return the grid of an image; None where its header cannot be used."""
    try:
        return image.read_header(path).grid
    except (ImageError, OSError):
        return None


def _tumours(
    candidates: Sequence[Candidate],
    source: Source,
    grid: Grid | None,
    *,
    disease: Disease | None,
    warnings: list[str],
) -> dict[str, Given]:
    """Return what is given for each disease."""
    found: dict[str, Given] = {}
    for which in DISEASES:
        named = [each for each in candidates if each.disease == which]
        loose = [each for each in candidates if each.disease is None and disease == which]
        if mine := (named or loose):
            found[which] = _tumour(which, mine, source, grid, warnings)
    unnamed = [each for each in candidates if each.disease is None]
    if unnamed and disease is None and not found:
        fault = GivenFault(
            what='whether it shows a glioma or metastases is not known',
            where=unnamed[0].file.relative,
            do='fill a column diagnosis in participants.tsv, or name the task with --models',
        )
        # Of either disease: the visit fails in any case.
        found['glioma'] = Given(task='glioma', fault=fault)
    return found


def _tumour(
    disease: Disease,
    candidates: Sequence[Candidate],
    source: Source,
    grid: Grid | None,
    warnings: list[str],
) -> Given:
    """Return what is given for one disease: an image of classes before masks."""
    images = [each for each in candidates if each.file.region is None]
    if images:
        tables = [each for each in images if each.file.classes]
        if tables:
            return _chosen(disease, [tables], source, grid)
        fault = GivenFault(
            what='no table says what its values mean',
            where=images[0].file.relative,
            do='put a .tsv with the columns index and abbreviation beside it',
        )
        return Given(task=disease, fault=fault)
    by_region: dict[str, list[Candidate]] = {}
    for each in candidates:
        by_region.setdefault(str(each.file.region), []).append(each)
    if lesion := by_region.pop('lesion', []):
        meant = LESION[disease]
        if meant in by_region:
            files = ', '.join(each.file.relative for each in lesion)
            warnings.append(f'{source.link}: {files} was passed over: label-{meant} is there')
        else:
            by_region[meant] = lesion
    ordered = [by_region[region] for region in REGIONS if region in by_region]
    if not {'glioma': {'ET', 'WT'}, 'metastases': {'TC'}}[disease] & by_region.keys():
        fault = GivenFault(
            what=f'only {", ".join(by_region)} is given for {disease}',
            where=candidates[0].file.relative,
            do='give ET or WT for glioma, TC for metastases',
        )
        return Given(task=disease, fault=fault)
    return _chosen(disease, ordered, source, grid)


def _chosen(
    task: Literal['brain', 'glioma', 'metastases'],
    groups: Sequence[Sequence[Candidate]],
    source: Source,
    grid: Grid | None,
) -> Given:
    """Return one file of each group: the only one, or the only one on the reference's grid."""
    files: list[GivenFile] = []
    for group in groups:
        fitting = [each.file for each in group]
        if len(fitting) > 1 and grid is not None:
            fitting = [file for file in fitting if _is_on(file.path, grid)]
        if len(fitting) != 1:
            fault = GivenFault(
                what=f'{len(group)} files could be meant',
                where=' and '.join(each.file.relative for each in group),
                do='keep one of them, or one on the grid of the reference image',
            )
            return Given(task=task, fault=fault)
        region = fitting[0].region
        meant = LESION[task] if region == 'lesion' and task != 'brain' else region
        files.append(
            GivenFile(
                path=fitting[0].path,
                relative=fitting[0].relative,
                link=fitting[0].link,
                region=meant,
                classes=fitting[0].classes,
            )
        )
    return _described(task, files, source)


def _is_on(path: Path, grid: Grid) -> bool:
    """Return whether an image lies on a grid."""
    own = _grid(path)
    return own is not None and own.same(grid)


def _described(
    task: Literal['brain', 'glioma', 'metastases'], files: Sequence[GivenFile], source: Source
) -> Given:
    """Return what is given with its digest, and whether a person drew it."""
    at_root = sidecars.json_files(source.root)
    manual, warnings = True, list[str]()
    for file in files:
        fields = sidecars.fields(source.root, file.relative, at_root=at_root)
        manual = manual and fields.values.get('Manual') is not False
        warnings += fields.warnings
    try:
        digest = _sha256(files, manual=manual)
    except OSError as error:
        fault = GivenFault(
            what=f'it cannot be read ({error.strerror})',
            where=str(error.filename or files[0].relative),
            do='check its permissions and whether it is complete',
        )
        return Given(task=task, fault=fault)
    return Given(
        task=task, files=tuple(files), manual=manual, sha256=digest, warnings=tuple(warnings)
    )


def _sha256(files: Iterable[GivenFile], *, manual: bool) -> str:
    """Return a digest of files and of what their tables and sidecars say."""
    total = hashlib.sha256(str(manual).encode())
    for file in files:
        with file.path.open('rb') as stream:
            content = hashlib.file_digest(stream, 'sha256').hexdigest()
        total.update(f'{file.uri} {file.region} {sorted(file.classes.items())} {content}'.encode())
    return total.hexdigest()
