# SPDX-License-Identifier: Apache-2.0
"""File names of BIDS: taking them apart, and whether they are what they claim to be."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bids_seg.errors import ImageError

LABEL = re.compile(r'[0-9a-zA-Z+]+')
"""What may stand behind the hyphen of an entity."""

ENTITIES: Mapping[str, str] = {
    'sub': 'subject',
    'ses': 'session',
    'sample': 'sample',
    'task': 'task',
    'tracksys': 'tracksys',
    'acq': 'acquisition',
    'nuc': 'nucleus',
    'voi': 'volume',
    'ce': 'ceagent',
    'trc': 'tracer',
    'stain': 'staining',
    'rec': 'reconstruction',
    'dir': 'direction',
    'run': 'run',
    'mod': 'modality',
    'echo': 'echo',
    'flip': 'flip',
    'inv': 'inversion',
    'mt': 'mtransfer',
    'part': 'part',
    'proc': 'processing',
    'hemi': 'hemisphere',
    'space': 'space',
    'split': 'split',
    'recording': 'recording',
    'chunk': 'chunk',
    'seg': 'segmentation',
    'scale': 'scale',
    'res': 'resolution',
    'den': 'density',
    'label': 'label',
    'desc': 'description',
}
"""Short keys and long names, in the order of the BIDS 1.11.1 schema."""

IMAGE_ENDINGS = ('.nii.gz', '.nii', '.mgz', '.mgh', '.img.gz', '.img', '.hdr', '.nrrd', '.mha')
"""Endings of files that somebody may have meant as an image."""

SUFFIXES = frozenset({
    'T1w', 'T2w', 'FLAIR', 'PDw', 'PD', 'PDT2', 'T2starw', 'T2star', 'FLASH', 'inplaneT1',
    'inplaneT2', 'angio', 'defacemask', 'UNIT1', 'MP2RAGE', 'MPM', 'MTS', 'MTR', 'VFA', 'IRT1',
    'MEGRE', 'MESE', 'T1map', 'T2map', 'T2starmap', 'R1map', 'R2map', 'R2starmap', 'PDmap',
    'M0map', 'MTRmap', 'MTsat', 'MTVmap', 'MWFmap', 'Chimap', 'S0map', 'T1rho', 'mask', 'dseg',
    'probseg',
})  # fmt: skip
"""Suffixes that an `anat` folder may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A file name, taken apart."""

    entities: Mapping[str, str]
    """Values as written, by short key, in the order of the name; with sub and ses."""
    suffix: str
    """What stands before the ending."""
    ending: str
    """`.nii.gz`, `.json`, ..., with its point."""


def natural(text: str | None) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts numbers by their value: ses-2 before ses-10, nothing first.

    Examples
    --------
    >>> sorted(['10', '2', '02', 'pre'], key=natural)
    ['02', '2', '10', 'pre']
    """
    parts = re.findall(r'\d+|\D+', text or '')
    key = tuple((0, int(part), '') if part.isdecimal() else (1, 0, part) for part in parts)
    return (*key, (-1, 0, text or ''))


def split(name: str) -> Name:
    """Take a file name apart.

    Parameters
    ----------
    name
        A file name without folders.

    Raises
    ------
    ValueError
        If it is no name of BIDS; the message says why.

    Examples
    --------
    >>> split('sub-01_ce-gd_T1w.nii.gz').entities
    {'sub': '01', 'ce': 'gd'}
    """
    stem, point, ending = name.partition('.')
    *pairs, suffix = stem.split('_')
    entities: dict[str, str] = {}
    for pair in pairs:
        key, hyphen, label = pair.partition('-')
        if not hyphen or not LABEL.fullmatch(label):
            message = f'`{pair}` is no entity of BIDS (key-label of letters and digits)'
            raise ValueError(message)
        if key in entities:
            message = f'entity `{key}` stands twice in it'
            raise ValueError(message)
        entities[key] = label
    if not LABEL.fullmatch(suffix) or not point:
        message = f'`{suffix}{point}{ending}` is no suffix and ending'
        raise ValueError(message)
    return Name(entities=entities, suffix=suffix, ending=f'.{ending}')


def join(name: Name) -> str:
    """Return the file name that the parts make in the order of the schema.

    Examples
    --------
    >>> join(split('sub-01_ce-gd_acq-a_T1w.nii'))
    'sub-01_acq-a_ce-gd_T1w.nii'
    """
    order = list(ENTITIES)
    keys = sorted(name.entities, key=order.index)
    return '_'.join([*(f'{key}-{name.entities[key]}' for key in keys), name.suffix]) + name.ending


def image_name(file: str, *, participant: str, session: str | None) -> Name:
    """Take the name of an image apart, and refuse what does not parse back to itself.

    Parameters
    ----------
    file
        File name without folders.
    participant
        Label of the folder it lies in.
    session
        Label of the session folder it lies in, None without one.

    Raises
    ------
    ImageError
        If the name breaks the rules of BIDS or belongs into another folder.
    """

    def wrong(why: str, do: str = 'rename it') -> ImageError:
        return ImageError(f'not a name of BIDS: {why}', where=file, do=do)

    try:
        name = split(file)
    except ValueError as error:
        raise wrong(str(error)) from error
    if name.ending not in {'.nii', '.nii.gz'}:
        raise ImageError(f'a `{name.ending}` file, not NIfTI', where=file, do='convert it')
    unknown = [key for key in name.entities if key not in ENTITIES]
    if unknown:
        raise wrong(f'unknown entity `{unknown[0]}`')
    for key in ('run', 'echo', 'inv', 'flip', 'chunk'):
        if not name.entities.get(key, '0').isdecimal():
            raise wrong(f'`{key}-{name.entities[key]}` is no number')
    if join(name) != file:
        raise wrong(f'its parts in order are `{join(name)}`')
    folder = (participant, session)
    if (name.entities.get('sub'), name.entities.get('ses')) != folder:
        raise wrong('participant and session are not those of its folder', 'move or rename it')
    if name.suffix not in SUFFIXES:
        meant = [known for known in SUFFIXES if known.lower() == name.suffix.lower()]
        raise wrong(f'unknown suffix `{name.suffix}`' + (f' ({meant[0]}?)' if meant else ''))
    return name


def is_image(file: str) -> bool:
    """Return whether a file name ends like an image, BIDS or not."""
    return file.lower().endswith(IMAGE_ENDINGS)


def words(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the words of texts in small letters, also where capitals or digits divide them.

    Examples
    --------
    >>> words(['MPRAGEGd', 'AX t1_postContrast'])
    ('mprage', 'gd', 'ax', 't', '1', 'post', 'contrast')
    """
    pattern = re.compile(r'[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+')
    return tuple(part.lower() for text in texts for part in pattern.findall(text))
