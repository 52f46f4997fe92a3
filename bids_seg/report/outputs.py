# SPDX-License-Identifier: Apache-2.0
"""What lies in an output folder for one participant: summaries, tables, paths of images."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bids_seg.errors import NothingToDoError, OutputError
from bids_seg.records import REFERENCE_ORDER, Disease, History, Role, VisitSummary, from_json
from bids_seg.report.wording import natural, number

DISEASES: tuple[Disease, ...] = ('glioma', 'metastases')
"""Diseases in the order of the page."""

Row = Mapping[str, str]
"""One row of a table: column to text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LesionOutputs:
    """The lesions of one tissue at one visit."""

    label: str
    """Its `seg-` label without `Lesions`: glioma, metastases, gliomaWT, ..."""
    image: Path
    """Label image."""
    table: Path
    """Its lookup table."""
    rows: tuple[Row, ...]
    """Rows of that table, background and lesions that are not there apart, by decreasing volume."""

    @property
    def tissue(self) -> str:
        """The tissue that was measured."""
        stated = next((row['tissue'] for row in self.rows if row.get('tissue', 'n/a') != 'n/a'), '')
        return stated or ('TC' if self.label == 'metastases' else 'ET')


@dataclass(frozen=True, slots=True, kw_only=True)
class DiseaseOutputs:
    """What one tumour network left at one visit."""

    disease: Disease
    """Which one."""
    labels: Path
    """Class image."""
    regions: tuple[str, ...]
    """Regions that have a mask, outermost first."""
    entropy: Path | None
    """Uncertainty map."""
    lesions: tuple[LesionOutputs, ...]
    """Measured lesions, one set for each tissue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitOutputs:
    """What is there for one visit."""

    summary: VisitSummary
    """What became of it."""
    images: Mapping[Role, Path]
    """Preprocessed images, reference first."""
    brain: Path | None
    """Brain mask."""
    diseases: tuple[DiseaseOutputs, ...]
    """What each tumour network left."""
    transforms: Mapping[Role, Path]
    """Transform of each moved contrast."""

    @property
    def name(self) -> str:
        """The visit's name in file names: `sub-01_ses-02`."""
        return self.summary.visit.name

    @property
    def title(self) -> str:
        """The visit's name on the page."""
        visit = self.summary.visit
        return 'Visit' if visit.session is None else f'Visit {visit.session}'

    def stem(self, desc: str) -> str:
        """Return the name of a figure of the reference image, without ending."""
        reference = self.summary.visit.reference
        return f'{self.name}_desc-{desc}_{reference.suffix if reference else "T1w"}'

    @property
    def complete(self) -> bool:
        """Whether its set of files is there."""
        return self.summary.status == 'complete'

    def volume(self, region: str) -> int | None:
        """Return the volume of a region in mm3, by the first network that reported it."""
        for model in self.summary.models:
            if region in model.volumes_mm3:
                return model.volumes_mm3[region]
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientOutputs:
    """What is there for one participant."""

    participant: str
    """Label without `sub-`."""
    visits: tuple[VisitOutputs, ...]
    """In order of time."""
    tables: tuple[str, ...]
    """Tables of the participant, relative to the output folder."""
    history: History | None = None
    """What tracking and response made of all visits; None where they were not followed."""

    @property
    def latest(self) -> VisitOutputs:
        """The last complete visit; the last of all where none is complete."""
        complete = [visit for visit in self.visits if visit.complete]
        return (complete or list(self.visits))[-1]


def read_table(path: Path) -> tuple[Row, ...]:
    """Return the rows of a tab-separated table; none where the file is not there.

    Parameters
    ----------
    path
        UTF-8, one header line.
    """
    if not path.is_file():
        return ()
    with path.open(encoding='utf-8', newline='') as file:
        return tuple(csv.DictReader(file, delimiter='\t', quoting=csv.QUOTE_NONE))


def read_patient(out_dir: Path, participant: str) -> PatientOutputs:
    """Return what lies in an output folder for a participant.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset.
    participant
        Label without `sub-`.

    Raises
    ------
    NothingToDoError
        If no visit of the participant has a summary.
    """
    home = out_dir / f'sub-{participant}'
    found = sorted((home / 'figures').glob(f'sub-{participant}*_desc-summary.json'))
    if not found:
        raise NothingToDoError(
            'no visit has been worked on',
            where=home,
            do='run the participant level for this participant first',
        )
    visits = [_visit(home, _summary(path)) for path in found]
    listed = [row.get('session_id', '') for row in read_table(home / f'{home.name}_sessions.tsv')]
    ranks = {name.removeprefix('ses-'): rank for rank, name in enumerate(listed)}
    visits.sort(key=lambda visit: _rank(visit, ranks))
    names = sorted(path.name for path in home.glob('*.tsv'))
    return PatientOutputs(
        participant=participant,
        visits=tuple(visits),
        tables=tuple(f'{home.name}/{name}' for name in names),
        history=_history(home / 'figures' / f'{home.name}_desc-history.json'),
    )


def _summary(path: Path) -> VisitSummary:
    """Read a summary; a broken one is named."""
    try:
        return from_json(VisitSummary, path.read_text(encoding='utf-8'))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            f'not a summary of a visit ({error})', where=path, do='run the visit again'
        ) from error


def _history(path: Path) -> History | None:
    """Read what was made of all visits; a broken file is named."""
    if not path.is_file():
        return None
    try:
        return from_json(History, path.read_text(encoding='utf-8'))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            f'not a history of a participant ({error})',
            where=path,
            do='run the participant level again',
        ) from error


def _rank(visit: VisitOutputs, ranks: Mapping[str, int]) -> tuple[object, ...]:
    """Return what visits are sorted by: the table's order, else days, else label."""
    session = visit.summary.visit.session or ''
    days = visit.summary.visit.days
    listed = ranks.get(session, len(ranks))
    return listed, days is None, days or 0, natural(session)


def _visit(home: Path, summary: VisitSummary) -> VisitOutputs:
    """Find a visit's images; none of a visit that has no complete set."""
    session = summary.visit.session
    anat = home / 'anat' if session is None else home / f'ses-{session}' / 'anat'
    files = sorted(anat.glob(f'{summary.visit.name}_*')) if summary.status == 'complete' else []
    by_end = [path for path in files if path.name.endswith('.nii.gz')]
    return VisitOutputs(
        summary=summary,
        images=_images(by_end, summary),
        brain=_ending(by_end, '_desc-brain_mask.nii.gz'),
        diseases=tuple(_diseases(by_end)),
        transforms={
            alignment.moving: path
            for alignment in summary.alignments
            for path in files
            if path.name.endswith(
                f'_from-{alignment.moving}_to-{alignment.fixed}_mode-image_xfm.txt'
            )
        },
    )


def _images(files: list[Path], summary: VisitSummary) -> dict[Role, Path]:
    """Return the preprocessed image of each role: the reference is the one of `space-orig`."""
    reference = summary.visit.reference
    suffixes = {scan.role: scan.suffix for scan in summary.visit.scans}
    images: dict[Role, Path] = {}
    for role in (role for role in REFERENCE_ORDER if role in suffixes and reference is not None):
        is_reference = reference is not None and role == reference.role
        end = f'_desc-preproc_{suffixes[role]}.nii.gz'
        for path in (path for path in files if path.name.endswith(end)):
            if ('_space-orig_' in path.name) == is_reference:
                images[role] = path
    return images


def _diseases(files: list[Path]) -> Iterable[DiseaseOutputs]:
    """Return what each tumour network left."""
    for disease in DISEASES:
        labels = _ending(files, f'_space-orig_seg-{disease}_dseg.nii.gz')
        if labels is None:
            continue
        regions = tuple(
            region
            for region in ('WT', 'TC', 'ET')
            if _ending(files, f'_space-orig_label-{region}_desc-{disease}_mask.nii.gz')
        )
        yield DiseaseOutputs(
            disease=disease,
            labels=labels,
            regions=regions,
            entropy=_ending(files, f'_space-orig_seg-{disease}_desc-entropy_probseg.nii.gz'),
            lesions=tuple(_lesions(files, disease)),
        )


def _lesions(files: list[Path], disease: Disease) -> Iterable[LesionOutputs]:
    """Return the sets of lesions of a disease; those of the measured tissue come first."""
    for label in (disease, f'{disease}NonCE', f'{disease}WT'):
        image = _ending(files, f'_space-orig_seg-{label}Lesions_dseg.nii.gz')
        if image is None:
            continue
        table = image.with_name(image.name.removesuffix('.nii.gz') + '.tsv')
        rows = (row for row in read_table(table) if row.get('index', '0') != '0' and _there(row))
        ordered = sorted(rows, key=lambda row: -(number(row.get('volume_mm3')) or 0))
        yield LesionOutputs(label=label, image=image, table=table, rows=tuple(ordered))


def _there(row: Row) -> bool:
    """Tell whether a lesion of a table is seen at its visit; tables without status list no others."""
    return row.get('status', 'n/a') in {'n/a', 'present'}


def _ending(files: Iterable[Path], end: str) -> Path | None:
    """Return the file whose name ends so."""
    return next((path for path in files if path.name.endswith(end)), None)
