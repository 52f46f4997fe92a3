# SPDX-License-Identifier: Apache-2.0
"""Every name of an output, from one table.

Paths are relative to the root of the output dataset, with forward slashes. Entities stand in
the order of the BIDS schema (1.11.1).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bids_seg.records import ROLES, Disease, Role, Scan, Visit, VisitSummary

Task = Literal['brain', 'glioma', 'metastases']
"""What a network is asked for."""

Tissue = Literal['ET', 'TC', 'WT', 'NonCE']
"""What a lesion is measured on."""

DISEASES: tuple[Disease, ...] = ('glioma', 'metastases')
"""In the order in which their files and rows are listed."""

ENTITY_ORDER = (
    *('sub', 'tpl', 'ses', 'cohort', 'sample', 'task', 'tracksys', 'acq', 'nuc', 'voi', 'ce'),
    *('trc', 'stain', 'rec', 'dir', 'run', 'mod', 'echo', 'flip', 'inv', 'mt', 'part', 'proc'),
    *('hemi', 'from', 'to', 'mode', 'space', 'split', 'recording', 'chunk', 'atlas', 'seg'),
    *('scale', 'res', 'den', 'label', 'desc'),
)
"""Short keys of entities in the order of the schema; those of transforms before `space`."""

OWN_ENTITIES = frozenset({'space', 'seg', 'scale', 'res', 'den', 'label', 'desc'})
"""Set by us: never taken over from the name of an input."""

DESCRIPTIONS: Mapping[str, str] = {
    'brain': 'Brain, without skull and scalp.',
    'preproc': 'Image of the visit on the grid of its reference image.',
    'entropy': 'Entropy in bits of being inside a region or not, the largest over the regions.',
    'glioma': 'Regions drawn by the glioma network.',
    'metastases': 'Regions drawn by the network for metastases.',
}
"""What each `desc-` label of an image means, in the order of descriptions.tsv."""

BIDSIGNORE = ('*.html', 'figures', 'figures/', '*_xfm.*', '*_lesions.*', 'group*')
"""Patterns of .bidsignore."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One kind of file of a visit: a row of the table."""

    key: str
    """Its key; what stands in braces is filled in."""
    each: Literal['reference', 'moving', 'brain', 'disease', 'region']
    """When it exists: once with a reference image or a brain mask, or once for each moving image,
    disease, or region of a disease."""
    keeps: Literal['reference', 'moving', 'nothing']
    """The raw image whose entities it keeps."""
    entities: tuple[tuple[str, str], ...]
    """What is added, in the order of the schema."""
    suffix: str
    """BIDS suffix."""
    extension: str
    """With its dot."""
    companions: tuple[str, ...] = ('.json',)
    """Extensions of the files that lie beside it under the same name."""


_ORIG = ('space', 'orig')
_SEG = ('seg', '{disease}')

OUTPUTS: tuple[Output, ...] = (
    Output(
        key='brain_mask',
        each='brain',
        keeps='reference',
        entities=(_ORIG, ('desc', 'brain')),
        suffix='mask',
        extension='.nii.gz',
    ),
    Output(
        key='preproc:{role}',
        each='reference',
        keeps='reference',
        entities=(_ORIG, ('desc', 'preproc')),
        suffix='{suffix}',
        extension='.nii.gz',
    ),
    Output(
        key='preproc:{role}',
        each='moving',
        keeps='moving',
        entities=(('space', '{reference}'), ('desc', 'preproc')),
        suffix='{suffix}',
        extension='.nii.gz',
    ),
    Output(
        key='xfm:{role}',
        each='moving',
        keeps='nothing',
        entities=(('from', '{role}'), ('to', '{reference}'), ('mode', 'image')),
        suffix='xfm',
        extension='.txt',
    ),
    Output(
        key='dseg:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, _SEG),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
    Output(
        key='probseg:{disease}:{region}',
        each='region',
        keeps='nothing',
        entities=(_ORIG, _SEG, ('label', '{region}')),
        suffix='probseg',
        extension='.nii.gz',
    ),
    Output(
        key='entropy:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, _SEG, ('desc', 'entropy')),
        suffix='probseg',
        extension='.nii.gz',
    ),
    Output(
        key='mask:{disease}:{region}',
        each='region',
        keeps='nothing',
        entities=(_ORIG, ('label', '{region}'), ('desc', '{disease}')),
        suffix='mask',
        extension='.nii.gz',
    ),
    Output(
        key='lesions:{disease}',
        each='disease',
        keeps='nothing',
        entities=(_ORIG, ('seg', '{measured}Lesions')),
        suffix='dseg',
        extension='.nii.gz',
        companions=('.json', '.tsv'),
    ),
)
"""All outputs of one visit."""

ROOT_FILES = (
    *('.bidsignore', 'README.md', 'dataset_description.json'),
    *('descriptions.tsv', 'descriptions.json'),
)
"""Files of the dataset that every participant run writes."""

GROUP_TABLES = ('group_lesions.tsv', 'group_visits.tsv', 'group_qc.tsv')
"""Tables of the group level, each with its `.json`."""

GROUP_PAGE = 'group.html'
"""The page of the group level."""

PARTICIPANTS = 'participants.tsv'
"""The list of participants, with its `.json`."""

CITATION = 'logs/CITATION.md'
"""Methods text with references."""


def visit_files(
    visit: Visit, *, aligned: Collection[Role], tasks: Mapping[Task, Sequence[str]]
) -> dict[str, str]:
    """Return the images and transforms of a visit by their keys.

    Parameters
    ----------
    visit
        A visit with at least one image.
    aligned
        Roles that were brought onto the reference image and may be used; the reference itself
        may be among them.
    tasks
        Regions that are given out, by task that is run: `{'brain': ('brain',),
        'glioma': ('WT', 'TC', 'ET')}`.

    Returns
    -------
    dict
        Relative path by key: `brain_mask`, `preproc:<role>`, `xfm:<role>`, `dseg:<disease>`,
        `probseg:<disease>:<region>`, `entropy:<disease>`, `mask:<disease>:<region>`,
        `lesions:<disease>`.

    Raises
    ------
    ValueError
        If the visit has no image.
    """
    reference = visit.reference
    if reference is None:
        message = f'{visit.name} has no image, so it has no outputs'
        raise ValueError(message)
    moving = [scan for scan in visit.scans if scan.role in aligned and scan != reference]
    found: dict[str, str] = {}
    for output in OUTPUTS:
        for fill, scan in _fills(output.each, reference, moving, tasks):
            kept = {'reference': reference, 'moving': scan, 'nothing': None}[output.keeps]
            entities = {} if kept is None else dict(kept.entities)
            entities = {key: entities[key] for key in entities if key not in OWN_ENTITIES}
            entities |= {key: value.format(**fill) for key, value in output.entities}
            suffix = output.suffix.format(**fill)
            name = _name(visit, entities, f'_{suffix}{output.extension}')
            found[output.key.format(**fill)] = f'{visit_folder(visit)}/{name}'
    return found


def files_of(summary: VisitSummary) -> dict[str, str]:
    """Return the images and transforms of a visit that is complete.

    Parameters
    ----------
    summary
        Says which images were aligned and which networks were run.
    """
    aligned = {alignment.moving for alignment in summary.alignments if alignment.accepted}
    tasks = {run.task: run.regions for run in summary.models}
    return visit_files(summary.visit, aligned=aligned, tasks=tasks)


def whole_set(files: Mapping[str, str]) -> tuple[str, ...]:
    """Return all paths of a visit's set, sidecars and tables first, each kind sorted.

    Parameters
    ----------
    files
        What `visit_files` returned.
    """
    beside = {f'{stem(path)}{end}' for key, path in files.items() for end in _companions(key)}
    return (*sorted(beside), *sorted(files.values()))


def stem(path: str) -> str:
    """Return a path without its extension.

    Examples
    --------
    >>> stem('sub-01/anat/sub-01_T1w.nii.gz')
    'sub-01/anat/sub-01_T1w'
    """
    folder, slash, name = path.rpartition('/')
    return f'{folder}{slash}{name.partition(".")[0]}'


def sidecar(path: str) -> str:
    """Return the path of the sidecar of an image, transform or table."""
    return f'{stem(path)}.json'


def table(path: str) -> str:
    """Return the path of the table that belongs to a label image."""
    return f'{stem(path)}.tsv'


def entities(path: str) -> tuple[dict[str, str], str]:
    """Return the entities of a name by short key, and its suffix.

    Examples
    --------
    >>> entities('sub-01/anat/sub-01_ce-gd_T1w.nii.gz')
    ({'sub': '01', 'ce': 'gd'}, 'T1w')
    """
    *parts, suffix = stem(path).rpartition('/')[2].split('_')
    pairs = (part.partition('-') for part in parts)
    return {key: value for key, _, value in pairs}, suffix


def lesion_tissue(disease: Disease, regions: Collection[str]) -> Tissue:
    """Return the tissue whose components are the lesions of a disease.

    Parameters
    ----------
    disease
        What the network looks for.
    regions
        Regions that it could report; without ET a glioma is measured on WT.
    """
    if disease == 'metastases':
        return 'TC'
    return 'ET' if 'ET' in regions else 'WT'


def visit_folder(visit: Visit) -> str:
    """Return the folder of a visit's images."""
    session = '' if visit.session is None else f'ses-{visit.session}/'
    return f'sub-{visit.participant}/{session}anat'


def summary(visit: Visit) -> str:
    """Return the path of the record of what became of a visit."""
    return figure(visit, desc='summary', end='.json')


def figure(visit: Visit, *, desc: str, end: str) -> str:
    """Return the path of a figure.

    Parameters
    ----------
    visit
        What it shows.
    desc
        Letters and digits.
    end
        Suffix and extension, e.g. `_T1w.svg`, or the extension alone.
    """
    return f'sub-{visit.participant}/figures/{visit.name}_desc-{desc}{end}'


def page(participant: str) -> str:
    """Return the path of a participant's page."""
    return f'sub-{participant}.html'


def sessions_table(participant: str) -> str:
    """Return the path of a participant's table of visits."""
    return f'sub-{participant}/sub-{participant}_sessions.tsv'


def lesions_table(participant: str) -> str:
    """Return the path of a participant's long table of lesions."""
    return f'sub-{participant}/sub-{participant}_lesions.tsv'


def _fills(
    each: str, reference: Scan, moving: Sequence[Scan], tasks: Mapping[Task, Sequence[str]]
) -> Iterator[tuple[dict[str, str], Scan]]:
    """Yield what fills the braces of a row, and the moving image, once for each file."""
    common: dict[str, str] = {'reference': reference.role}
    images = {'reference': [reference], 'moving': list(moving)}.get(each, [])
    for scan in sorted(images, key=lambda scan: ROLES.index(scan.role)):
        yield {**common, 'role': scan.role, 'suffix': scan.suffix}, scan
    if each == 'brain' and 'brain' in tasks:
        yield common, reference
    for disease in DISEASES:
        if each not in {'disease', 'region'} or disease not in tasks:
            continue
        tissue = lesion_tissue(disease, tasks[disease])
        measured = f'{disease}WT' if tissue == 'WT' else disease
        fill = {**common, 'disease': disease, 'measured': measured}
        for region in tasks[disease] if each == 'region' else ('',):
            yield {**fill, 'region': region}, reference


def _name(visit: Visit, entities: Mapping[str, str], end: str) -> str:
    """Return a file name with its entities in the order of the schema."""
    pairs = [(key, entities[key]) for key in ENTITY_ORDER if key in entities]
    return '_'.join([visit.name, *(f'{key}-{value}' for key, value in pairs)]) + end


def _companions(key: str) -> tuple[str, ...]:
    """Return the extensions of the files beside an output."""
    kind = key.partition(':')[0]
    return next(row.companions for row in OUTPUTS if row.key.partition(':')[0] == kind)
