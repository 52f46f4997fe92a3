# SPDX-License-Identifier: Apache-2.0
"""What a file of another dataset may be taken for, by its name and its table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_seg.discover import names, text
from bids_seg.errors import ImageError
from bids_seg.records import Disease, GivenFile, Visit

DISEASES: tuple[Disease, ...] = ('glioma', 'metastases')
"""Whose masks may be given."""
REGIONS = ('WT', 'TC', 'ET', 'RC')
"""Regions that a mask may show, by its `label-`."""
CLASSES: Mapping[str, str] = {
    **{name: name for name in ('BG', 'NCR', 'SNFH', 'ET', 'RC', 'TC', 'WT')},
    **{'NET': 'NCR', 'NETC': 'NCR', 'NCRNET': 'NCR', 'ED': 'SNFH', 'AT': 'ET', 'MET': 'TC'},
}
"""Our class for each abbreviation of a table, letters alone."""

_PREFIXES = ('T1', 'T2', 'FLAIR', 'PD', 'orig', 'scanner')
_NO_TUMOUR = frozenset({'aseg', 'aparcaseg', 'aparc2009saseg'})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A dataset from which masks are taken."""

    link: str
    """Its name in `DatasetLinks`."""
    root: Path
    """Where it lies."""
    use: Literal['all', 'brain']
    """Whether tumours are taken from it too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file that may be taken."""

    file: GivenFile
    """The file; its region may also be `lesion`."""
    disease: Disease | None
    """Whose it is by its name; None where the name does not say."""


def candidates(visit: Visit, source: Source, warnings: list[str]) -> list[Candidate]:
    """Return the files of a visit that may be taken.

    Parameters
    ----------
    visit
        The visit.
    source
        Where they are looked for, in the visit's own folder.
    warnings
        Grows by what is passed over, and why.
    """
    session = '' if visit.session is None else f'ses-{visit.session}/'
    folder = f'sub-{visit.participant}/{session}anat'
    found: list[Candidate] = []
    for file in _images(source.root / folder):
        try:
            name = names.image_name(file, participant=visit.participant, session=visit.session)
        except ImageError as error:
            if source.use == 'all':
                warnings.append(f'{source.link}: {file} was passed over: {error.what}')
            continue
        if name.suffix not in ('mask', 'dseg') or _is_carried(name):
            continue
        candidate = _candidate(f'{folder}/{file}', name, source)
        if isinstance(candidate, Candidate):
            found.append(candidate)
        elif source.use == 'all':
            warnings.append(f'{source.link}: {file} was passed over: {candidate}')
    return found


def _images(folder: Path) -> list[str]:
    """Return the names of the images of a folder, sorted."""
    try:
        found = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    return sorted(file for file in found if file.endswith(('.nii', '.nii.gz')))


def _is_carried(name: names.Name) -> bool:
    """Return whether a file repeats what another one says, in a further space or lesion by lesion.

    Examples
    --------
    >>> _is_carried(names.split('sub-1_space-individual_seg-gliomaLesions_dseg.nii.gz'))
    True
    """
    seg = name.entities.get('seg', '')
    return seg.endswith(('Lesions', 'Tracks')) or name.entities.get('space') == 'individual'


def _candidate(relative: str, name: names.Name, source: Source) -> Candidate | str:
    """Return what a file may be taken for, or why it may not."""
    space = name.entities.get('space', 'orig')
    if not space.startswith(_PREFIXES):
        return f'it lies in the space {space}, not in that of an image of the visit'
    desc = name.entities.get('desc')
    disease: Disease | None = next((each for each in DISEASES if each == desc), None)
    region, classes = None, dict[str, str]()
    if name.suffix == 'mask':
        region = 'brain' if desc == 'brain' else name.entities.get('label', '')
        if region not in (*REGIONS, 'lesion', 'brain'):
            return f'label-{region} is none of WT, TC, ET, RC, lesion, brain'
    else:
        seg = name.entities.get('seg')
        disease = next((each for each in DISEASES if each == seg), disease)
        if (seg is not None and disease is None) or desc in _NO_TUMOUR:
            return 'it is no image of tumour classes'
        classes = _classes(source.root, relative, name)
        if classes and not set(classes.values()) - {'BG'}:
            return 'its table has no class of a tumour (NCR, SNFH or ED, ET, RC, TC, WT)'
    file = GivenFile(
        path=source.root / relative,
        relative=relative,
        link=source.link,
        region=region,
        classes=classes,
    )
    return Candidate(file=file, disease=disease)


def _classes(root: Path, relative: str, image_of: names.Name) -> dict[str, str]:
    """Return the class of each value by the table of an image; nothing without a usable one."""
    place = _table(root, relative, image_of)
    if place is None:
        return {}
    found: dict[str, str] = {}
    for row in text.read_tsv(place, shown=place.name).rows:
        word = row.get('abbreviation') or row.get('name') or ''
        letters = ''.join(letter for letter in word.upper() if letter.isalnum())
        if (value := row.get('index', '')).lstrip('-').isdecimal():
            found[str(int(value))] = CLASSES.get(letters, 'BG')
    return found


def _table(root: Path, relative: str, image_of: names.Name) -> Path | None:
    """Return the nearest table that applies to an image of classes; beside it, or above."""
    folder = (root / relative).parent
    own = folder / f'{Path(relative).name.partition(".")[0]}.tsv'
    if own.is_file():
        return own
    for level in (folder, *folder.parents):
        for path in sorted(level.glob('*dseg.tsv')):
            try:
                name = names.split(path.name)
            except ValueError:
                continue
            fits = name.suffix == 'dseg' and name.entities.items() <= image_of.entities.items()
            if fits and not any(path.with_suffix(end).exists() for end in ('.nii', '.nii.gz')):
                return path
        if level == root:
            break
    return None
