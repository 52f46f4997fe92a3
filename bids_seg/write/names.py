# SPDX-License-Identifier: Apache-2.0
"""Every name of an output, from one table.

Paths are relative to the root of the output dataset, with forward slashes. Entities stand in
the order of the BIDS schema (1.11.1).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from bids_seg.records import ROLES, Disease, LesionSet, Role, Scan, Tissue, Visit, VisitSummary
from bids_seg.write.outputs import LATER, OUTPUTS, Output
from bids_seg.write.paths import ENTITY_ORDER, OWN_ENTITIES, entities, stem

Task = Literal['brain', 'glioma', 'metastases']
"""What a network is asked for."""

DISEASES: tuple[Disease, ...] = ('glioma', 'metastases')
"""In the order in which their files and rows are listed."""

DESCRIPTIONS: Mapping[str, str] = {
    'brain': 'Brain, without skull and scalp.',
    'preproc': 'Image of the visit on the grid of its reference image.',
    'entropy': 'Entropy in bits of being inside a region or not, the largest over the regions.',
    'glioma': 'Regions drawn by the glioma network.',
    'metastases': 'Regions drawn by the network for metastases.',
    'mean': 'Mean of the reference images of all visits of the participant on their common grid.',
}
"""What each `desc-` label of an image means, in the order of descriptions.tsv."""

BIDSIGNORE = ('*.html', 'figures', 'figures/', '*_xfm.*', '*_lesions.*', 'group*')
"""Patterns of .bidsignore."""


ROOT_FILES = (
    *('.bidsignore', 'README.md', 'dataset_description.json'),
    *('descriptions.tsv', 'descriptions.json'),
)
"""Files of the dataset that every participant run writes."""

GROUP_TABLES = ('group_lesions.tsv', 'group_visits.tsv', 'group_best.tsv', 'group_qc.tsv')
"""Tables of the group level, each with its `.json`."""

GROUP_PAGE = 'group.html'
"""The page of the group level."""

PARTICIPANTS = 'participants.tsv'
"""The list of participants, with its `.json`."""

CITATION = 'logs/CITATION.md'
"""Methods text with references."""


def visit_files(
    visit: Visit,
    *,
    aligned: Collection[Role],
    tasks: Mapping[Task, Sequence[str]],
    further: Collection[str] = (),
    given: Collection[Task] = (),
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
    further
        Sets of lesions that are measured beside each disease's own, as `lesion_set` calls them.
    given
        Tasks whose masks were given: they have no probabilities.

    Returns
    -------
    dict
        Relative path by key: `brain_mask`, `preproc:<role>`, `xfm:<role>`, `dseg:<disease>`,
        `probseg:<disease>:<region>`, `entropy:<disease>`, `mask:<disease>:<region>`,
        `lesions:<disease>`, `lesions:<further set>`.

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
            if output.suffix == 'probseg' and fill['disease'] in given:
                continue
            kept = {'reference': reference, 'moving': scan, 'nothing': None}[output.keeps]
            found[output.key.format(**fill)] = filled(visit, output, fill, kept=kept)
        for label in sorted(further) if output.each == 'set' else ():
            found[output.key.format(set=label)] = filled(visit, output, {'set': label})
    return found


def followed_files(visit: Visit, sets: Collection[str]) -> dict[str, str]:
    """Return the files of a visit in the space in which lesions are followed, by their keys.

    Parameters
    ----------
    visit
        A visit that was brought into that space.
    sets
        Sets of lesions that are followed, as `lesion_set` calls them.

    Returns
    -------
    dict
        Relative path by key: `xfm:individual`, `individual:<set>`.

    Examples
    --------
    >>> visit = Visit(participant='1', session='b', scans=())
    >>> followed_files(visit, ['glioma'])['individual:glioma']
    'sub-1/ses-b/anat/sub-1_ses-b_space-individual_seg-gliomaLesions_dseg.nii.gz'
    """
    rows = [output for output in LATER if output.each == 'followed']
    fills = [{'set': label} for label in sorted(sets)]
    return {
        output.key.format(**fill): filled(visit, output, fill)
        for output in rows
        for fill in (fills if '{set}' in output.key else [{}])
    }


def files_of(summary: VisitSummary) -> dict[str, str]:
    """Return the images and transforms of a visit that is complete.

    Parameters
    ----------
    summary
        Says which images were aligned and which networks were run.
    """
    aligned = {alignment.moving for alignment in summary.alignments if alignment.accepted}
    tasks = {run.task: run.regions for run in summary.models}
    further = [label for label, own, _ in lesion_sets(summary) if not own]
    given = {run.task for run in summary.models if run.sources}
    found = visit_files(summary.visit, aligned=aligned, tasks=tasks, further=further, given=given)
    return found | standard_files(summary.visit, tasks, spaces=summary.spaces)


def standard_files(
    visit: Visit, diseases: Collection[str], *, spaces: Sequence[str]
) -> dict[str, str]:
    """Return the class images of a visit on the grids of templates, by their keys.

    Parameters
    ----------
    visit
        The visit.
    diseases
        Networks that were run, the brain's perhaps among them.
    spaces
        As on the command line.

    Returns
    -------
    dict
        Relative path by key: `standard:<disease>:<resolution>`.

    Examples
    --------
    >>> visit = Visit(participant='1', session=None, scans=())
    >>> standard_files(visit, ['glioma'], spaces=['MNI152NLin2009aSym:res-1'])
    {'standard:glioma:1': 'sub-1/anat/sub-1_space-MNI152NLin2009aSym_seg-glioma_res-1_dseg.nii.gz'}
    """
    (output,) = (output for output in LATER if output.each == 'standard')
    parts = [space.partition(':res-') for space in spaces]
    fills = [
        {'template': template, 'resolution': resolution, 'disease': disease}
        for disease in DISEASES
        for template, _, resolution in parts
        if disease in diseases
    ]
    return {output.key.format(**fill): filled(visit, output, fill) for fill in fills}


def lesion_sets(summary: VisitSummary) -> list[tuple[str, bool, LesionSet]]:
    """Return the name of each set of lesions of a visit, whether it is its disease's own, and it.

    Parameters
    ----------
    summary
        Says what was measured.
    """
    regions = {run.task: run.regions for run in summary.models}
    return [
        (
            lesion_set(found.disease, found.tissue),
            found.tissue == lesion_tissue(found.disease, regions[found.disease]),
            found,
        )
        for found in summary.lesion_sets
        if found.disease in regions
    ]


def whole_set(files: Mapping[str, str]) -> tuple[str, ...]:
    """Return all paths of a visit's set, sidecars and tables first, each kind sorted.

    Parameters
    ----------
    files
        What `visit_files` returned.
    """
    beside = {f'{stem(path)}{end}' for key, path in files.items() for end in _companions(key)}
    return (*sorted(beside), *sorted(files.values()))


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


def lesion_set(disease: Disease, tissue: Tissue) -> str:
    """Return what a set of lesions is called in the names of its images.

    Parameters
    ----------
    disease, tissue
        What was measured.

    Examples
    --------
    >>> lesion_set('glioma', 'ET'), lesion_set('glioma', 'NonCE'), lesion_set('metastases', 'TC')
    ('glioma', 'gliomaNonCE', 'metastases')
    """
    return f'{disease}{tissue}' if tissue in {'WT', 'NonCE'} else disease


def lesion_image(visit: Visit, label: str) -> str:
    """Return the path of the image of a set of lesions on the visit's own grid.

    Parameters
    ----------
    visit
        The visit.
    label
        As `lesion_set` calls the set.
    """
    (output,) = (output for output in OUTPUTS if output.each == 'set')
    return filled(visit, output, {'set': label})


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


def visit_page(visit: Visit) -> str:
    """Return the path of the page of one visit, where a participant has one for each."""
    return f'{visit.name}.html'


def viewer(visit: Visit) -> str:
    """Return the path of the page on which one moves through the images of a visit."""
    return figure(visit, desc='viewer', end='.html')


def history(participant: str) -> str:
    """Return the path of the record of a participant through time."""
    return f'sub-{participant}/figures/sub-{participant}_desc-history.json'


def tracks_image(participant: str, label: str) -> str:
    """Return the path of the image of where each lesion of a participant ever was.

    Parameters
    ----------
    participant
        Label without `sub-`.
    label
        As `lesion_set` calls the set.
    """
    base = f'sub-{participant}/anat/sub-{participant}'
    return f'{base}_space-individual_seg-{label}Tracks_dseg.nii.gz'


def mean_image(participant: str, suffix: str) -> str:
    """Return the path of the mean of a participant's visits on their common grid.

    Parameters
    ----------
    participant
        Label without `sub-`.
    suffix
        BIDS suffix of the images.
    """
    return f'sub-{participant}/anat/sub-{participant}_space-individual_desc-mean_{suffix}.nii.gz'


def of_participant(path: str) -> bool:
    """Return whether an image or its companion belongs to a participant and to no visit.

    Examples
    --------
    >>> of_participant('sub-1/anat/sub-1_space-individual_seg-gliomaTracks_dseg.tsv')
    True
    """
    found = entities(path)[0]
    return found.get('seg', '').endswith('Tracks') or found.get('desc') == 'mean'


def sessions_table(participant: str) -> str:
    """Return the path of a participant's table of visits."""
    return f'sub-{participant}/sub-{participant}_sessions.tsv'


def lesions_table(participant: str) -> str:
    """Return the path of a participant's long table of lesions."""
    return f'sub-{participant}/sub-{participant}_lesions.tsv'


def filled(
    visit: Visit, output: Output, fill: Mapping[str, str], *, kept: Scan | None = None
) -> str:
    """Return the path of one file of a row of the table.

    Parameters
    ----------
    visit
        The visit.
    output
        The row.
    fill
        What fills its braces.
    kept
        The raw image whose entities stay.
    """
    entities = {} if kept is None else dict(kept.entities)
    entities = {key: entities[key] for key in entities if key not in OWN_ENTITIES}
    entities |= {key: value.format(**fill) for key, value in output.entities}
    name = _name(visit, entities, f'_{output.suffix.format(**fill)}{output.extension}')
    return f'{visit_folder(visit)}/{name}'


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
        measured = lesion_set(disease, lesion_tissue(disease, tasks[disease]))
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
    rows = (row for row in (*OUTPUTS, *LATER) if row.key.partition(':')[0] == kind)
    return next(rows).companions
