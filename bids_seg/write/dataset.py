# SPDX-License-Identifier: Apache-2.0
"""Files of the output dataset as a whole; each is idempotent and written under one short lock."""

import dataclasses
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_seg.write import locks, names, paths
from bids_seg.write.columns import Column, described
from bids_seg.write.text import (
    MISSING,
    json_bytes,
    read_json,
    read_tsv,
    tsv_bytes,
    write_if_different,
)

PROGRAM = 'bids-seg'
"""Name in `GeneratedBy`."""
BIDS_VERSION = '1.11.1'
"""Version of BIDS that the output follows."""

README = """\
# Brain tumours in MRI, segmented and measured by bids-seg

For every visit: a brain mask, tumour masks with their probabilities and uncertainty, and a table
of lesions with volumes and diameters, all on the grid of the visit's reference image.

- `sub-*.html`: one page for each participant.
- `sub-*/**/anat/*_desc-brain_mask.nii.gz`: brain.
- `sub-*/**/anat/*_seg-glioma_dseg.nii.gz`, `*_seg-metastases_dseg.nii.gz`: tissue classes, with
  their names in the `.tsv` beside.
- `sub-*/**/anat/*Lesions_dseg.nii.gz`: one integer for each lesion, the same at all visits of a
  participant; measurements in the `.tsv`. On `space-individual` all visits lie on one grid, and
  `*Tracks_dseg.nii.gz` shows where each lesion ever was.
- `sub-*/**/anat/*_probseg.nii.gz`: probabilities of regions; `desc-entropy`: uncertainty in bits.
- `sub-*/**/anat/*_desc-preproc_*.nii.gz`, `*_xfm.txt`: images on the reference grid and how they
  came there.
- `sub-*/*_lesions.tsv`, `sub-*/*_sessions.tsv`, `group_*.tsv`: all lesions, visits and responses.
- `logs/`: what was run, with which settings, and the methods text.

Columns of tables are described in the `.json` beside each. Research use only: automatic
measurements are no diagnosis; verify them on the source images.
"""

CITATION = """\
# Methods

Images of each visit were brought onto one reference image (post-contrast T1-weighted where there
was one, else T1-weighted, FLAIR or T2-weighted) by rigid registration with mutual information
(Mattes et al. 2003, doi:10.1109/TMI.2003.809072) in SimpleITK (Lowekamp et al. 2013,
doi:10.3389/fninf.2013.00045). Where it was asked for, intensity bias was corrected by N4 (Tustison
et al. 2010, doi:10.1109/TMI.2010.2046908). Brain and tumours were drawn by convolutional networks;
the page of each participant names those that ran, with version and checksum of their weights.
Lesions are 26-connected parts of the tissue; diameters are the longest inside one slice and the
longest chord at a right angle to it. Visits of a participant are brought into one space by rigid
registration; lesions are followed there by the overlap of their masks, while all sizes come from
the grid of each visit. The page of each participant names the response criteria that were applied,
with their sources and options. Inputs and outputs follow the Brain Imaging Data Structure
(Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44); the program is a BIDS App (Gorgolewski et al.
2017, doi:10.1371/journal.pcbi.1005209) on Nipype (Gorgolewski et al. 2011,
doi:10.3389/fninf.2011.00013).
"""

HOW_TO_ACKNOWLEDGE = 'Cite what logs/CITATION.md and the page of the participant name.'

DESCRIPTION_COLUMNS = (
    Column('desc_id', 'The desc entity as in file names.'),
    Column('description', 'What files with this label show.'),
)
"""Columns of descriptions.tsv."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made the dataset, and from what."""

    version: str
    """Version of the program."""
    bids_dir: Path | None = None
    """Root of the input; None keeps what an earlier run wrote about it."""
    link: str = 'raw'
    """Name of the input in `DatasetLinks`."""
    given: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Roots of further datasets that masks are taken from, by their names in `DatasetLinks`."""
    code_url: str | None = None
    """Where the program's code lies, if known."""
    container: Mapping[str, str] | None = None
    """`Type`, `Tag`, `URI` of the image that runs, those that are known."""


def write_root(out_dir: Path, origin: Origin, *, labels: Collection[str] = ()) -> tuple[str, ...]:
    """Write what describes the dataset, where it differs from what is there.

    Parameters
    ----------
    out_dir
        Root of the output dataset; made if need be.
    origin
        What makes it, and from what.
    labels
        `desc-` labels of images that are there or will be.

    Returns
    -------
    tuple
        Warnings for the user.
    """
    with locks.root_lock(out_dir):
        place = out_dir / 'dataset_description.json'
        content, warnings = description(out_dir, origin, earlier=read_json(place))
        write_if_different(place, json_bytes(content))
        write_if_different(out_dir / '.bidsignore', _lines(names.BIDSIGNORE))
        write_if_different(out_dir / 'README.md', README.encode())
        _write_descriptions(out_dir, labels)
        if not (out_dir / names.CITATION).is_file():
            write_if_different(out_dir / names.CITATION, CITATION.encode())
    return warnings


def add_labels(out_dir: Path, labels: Collection[str]) -> None:
    """Say in descriptions.tsv what further `desc-` labels mean.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    labels
        Of images that are there or will be.
    """
    with locks.root_lock(out_dir):
        _write_descriptions(out_dir, labels)


def labels_of(files: Collection[str]) -> set[str]:
    """Return the `desc-` labels of paths.

    Examples
    --------
    >>> labels_of(['sub-1/anat/sub-1_space-orig_desc-brain_mask.nii.gz'])
    {'brain'}
    """
    found = (paths.entities(path)[0].get('desc') for path in files)
    return {label for label in found if label}


def description(
    out_dir: Path, origin: Origin, *, earlier: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the content of dataset_description.json, and warnings.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    origin
        What makes it, and from what.
    earlier
        What an earlier run wrote; its entries in `GeneratedBy` are kept.
    """
    generated, warnings = _generated_by(origin, earlier)
    content: dict[str, Any] = {
        'Name': earlier.get('Name', PROGRAM),
        'BIDSVersion': BIDS_VERSION,
        'DatasetType': 'derivative',
        'GeneratedBy': generated,
        'HowToAcknowledge': HOW_TO_ACKNOWLEDGE,
    }
    if origin.bids_dir is None or not any(origin.bids_dir.glob('sub-*')):
        kept = ('SourceDatasets', 'License', 'DatasetLinks')
        return content | {key: earlier[key] for key in kept if key in earlier}, warnings
    given = read_json(origin.bids_dir / 'dataset_description.json')
    name = str(given.get('Name') or '').strip()
    content['Name'] = f'{PROGRAM} - {name}' if name else PROGRAM
    doi = _doi(given)
    if doi:
        content['SourceDatasets'] = [{'DOI': doi}]
    if given.get('License'):
        content['License'] = given['License']
    link, warning = _link(out_dir, origin.bids_dir, doi)
    # A link that files of an earlier run name stays.
    others = {key: to for key, to in earlier.get('DatasetLinks', {}).items() if key != origin.link}
    for key, root in origin.given.items():
        doi = _doi(read_json(root / 'dataset_description.json'))
        others[key], more = _link(out_dir, root, doi, what=f'the dataset {key}')
        warning = (*warning, *more)
    content['DatasetLinks'] = {origin.link: link, **others}
    return content, (*warnings, *warning)


def append_participant(out_dir: Path, participant: str, *, status: str) -> None:
    """List a participant in participants.tsv, if a group run has made that file.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    participant
        Label without `sub-`.
    status
        complete, failed or skipped.
    """
    with locks.root_lock(out_dir):
        place = out_dir / names.PARTICIPANTS
        columns, rows = read_tsv(place)
        known = {row.get('participant_id') for row in rows}
        if not columns or f'sub-{participant}' in known:
            return
        rows.append({'participant_id': f'sub-{participant}', 'status': status})
        write_if_different(place, tsv_bytes(columns, rows))


def _write_descriptions(out_dir: Path, labels: Collection[str]) -> None:
    """Write descriptions.tsv: what is there, and the labels that are new."""
    place = out_dir / 'descriptions.tsv'
    listed = (row.get('desc_id', '') for row in read_tsv(place)[1])
    wanted = {*labels, *(label.removeprefix('desc-') for label in listed)}
    rows = [
        {'desc_id': f'desc-{label}', 'description': words}
        for label, words in names.DESCRIPTIONS.items()
        if label in wanted
    ]
    columns = [column.name for column in DESCRIPTION_COLUMNS]
    write_if_different(place, tsv_bytes(columns, rows))
    write_if_different(
        place.with_suffix('.json'),
        json_bytes(
            described(DESCRIPTION_COLUMNS, about='Meaning of the desc entity in file names.')
        ),
    )


def _generated_by(
    origin: Origin, earlier: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Return who made the dataset; entries of others and of other versions stay."""
    own: dict[str, Any] = {'Name': PROGRAM, 'Version': origin.version}
    if origin.code_url:
        own['CodeURL'] = origin.code_url
    container = {key: value for key, value in (origin.container or {}).items() if value}
    if container:
        own['Container'] = container
    given = earlier.get('GeneratedBy')
    known = [entry for entry in given if isinstance(entry, dict)] if isinstance(given, list) else []
    same = [
        entry
        for entry in known
        if (entry.get('Name'), entry.get('Version')) == (PROGRAM, origin.version)
    ]
    if same:
        return known, ()
    if not known:
        return [own], ()
    last = f'{known[-1].get("Name", "?")} {known[-1].get("Version", MISSING)}'
    return [*known, own], (f'the output holds files that {last} made; its results may differ',)


def _doi(given: Mapping[str, Any]) -> str:
    """Return the DOI of the input as a URI: `doi:10...`; empty without one."""
    doi = str(given.get('DatasetDOI') or '').strip()
    for prefix in ('https://doi.org/', 'http://doi.org/', 'https://dx.doi.org/', 'doi:'):
        doi = doi.removeprefix(prefix)
    return f'doi:{doi}' if doi.startswith('10.') else ''


def _link(
    out_dir: Path, bids_dir: Path, doi: str, *, what: str = 'the input'
) -> tuple[str, tuple[str, ...]]:
    """Return what the name of the input stands for: never an absolute path."""
    out, given = out_dir.resolve(), bids_dir.resolve()
    relative = Path(os.path.relpath(given, out)).as_posix()
    if out.is_relative_to(given):
        return relative, ()
    if doi:
        return doi, ()
    return relative, (
        f'{what} has no DatasetDOI and does not hold the output: its link is a relative path '
        'that breaks when one of them is moved',
    )


def _lines(lines: Collection[str]) -> bytes:
    """Return lines as the bytes of a file."""
    return ('\n'.join(lines) + '\n').encode()
