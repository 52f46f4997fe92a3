# SPDX-License-Identifier: Apache-2.0
"""The JSON beside images and transforms of lesions that are followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bids_seg.records import History, LesionSet, Visit, VisitAlignment, VisitSummary
from bids_seg.write import common_space, names, paths
from bids_seg.write.publish import read_summary
from bids_seg.write.sidecars import lesion_words
from bids_seg.write.text import Row, read_json

Content = dict[str, Any]
"""Fields of one sidecar."""

_OF_VISIT = ('Manual', 'Model', 'ModelVersion', 'ModelSHA256', 'Threshold', 'Tissue')
"""Fields that stay true when a label image is brought onto another grid."""
_DIGESTS = ('Seed', 'SettingsSHA256', 'InputSHA256')
"""Fields by which a visit is known to be up to date."""
_WITHIN = {'brain': 'inside the brain', 'head': 'of the whole heads'}
"""What was compared, in the words of a sidecar."""


def reference_uri(out_dir: Path, history: History) -> str:
    """Return the image on whose grid the lesions of a participant are followed, as a BIDS URI.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    history
        The participant through time.
    """
    summary = _summary(out_dir, history, history.reference)
    if summary is None:
        return ''
    if common_space.mean_grid(history):
        return f'bids::{mean_path(history, [summary])}'
    return next(
        (
            str(found['SpatialReference'])
            for path in names.files_of(summary).values()
            if 'SpatialReference' in (found := read_json(out_dir / paths.sidecar(path)))
        ),
        '',
    )


def _summary(out_dir: Path, history: History, session: str | None) -> VisitSummary | None:
    """Return what became of a visit; None where it has no images."""
    visit = Visit(participant=history.participant, session=session, scans=())
    found = read_summary(out_dir, visit)
    return None if found is None or found.visit.reference is None else found


def own_grid(earlier: Content, found: LesionSet, rows: Sequence[Row]) -> Content:
    """Return the sidecar of lesions on the visit's grid: as it was, with today's lesions.

    Parameters
    ----------
    earlier
        As it was, or that of the disease's own set where this one is new.
    found
        What was measured.
    rows
        Of the table beside the image.
    """
    content = {key: value for key, value in earlier.items() if not _is_column(value)}
    content.pop('ReaderEdits', None)
    return content | {
        'Description': lesion_words(found),
        'Tissue': found.tissue,
        'NumberOfLesions': sum(row['status'] == 'present' for row in rows),
        'NumberOfSpecks': found.n_specks,
    }


def _is_column(value: object) -> bool:
    """Return whether a field of a sidecar describes a column."""
    return isinstance(value, dict) and 'Description' in value


def other_grid(content: Content, sources: Sequence[str]) -> Content:
    """Return the sidecar of the same lesions in the space in which they are followed.

    Parameters
    ----------
    content
        That of the lesions on the visit's own grid.
    sources
        Outputs from which the image was made.
    """
    return {
        'Description': (
            'Lesions of the visit on the grid on which the lesions of the participant are followed, '
            "for looking: all measurements are made on the visit's own grid."
        ),
        'Sources': [f'bids::{source}' for source in sources],
        **{key: content[key] for key in (*_OF_VISIT, *_DIGESTS) if key in content},
    }


def edits(history: History, visit: Visit) -> Content:
    """Return the corrections of a reader at a visit.

    Parameters
    ----------
    history
        The participant through time.
    visit
        The visit.
    """
    found = [
        {'action': edit.action, 'item': edit.item, 'value': edit.value}
        for edit in history.edits
        if edit.session == visit.session
    ]
    return {'ReaderEdits': found} if found else {}


def transform(out_dir: Path, summary: VisitSummary, history: History) -> Content:
    """Return the sidecar of the transform of a visit: the quality of the registration.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    summary
        The visit.
    history
        The participant through time.
    """
    session = summary.visit.session
    registration = history.registrations.get(session or '')
    figures = None if registration is None else registration.figures
    within = 'brain' if registration is None else registration.within
    own = _preproc(summary)
    reference = _summary(out_dir, history, history.reference)
    other = None if reference is None else _preproc(reference)
    still = session == history.reference and not common_space.mean_grid(history)
    sidecar = read_json(out_dir / paths.sidecar(own))
    return {
        'Description': (
            'Takes the visit onto the grid on which the lesions of the participant are followed; '
            'ITK text, millimetres, LPS+.'
        ),
        'Sources': [f'bids::{path}' for path in dict.fromkeys([own, other or own])],
        'Method': (
            'none: lesions are followed on the grid of this visit'
            if still
            else f'rigid registration by mutual information, {_WITHIN[within]}'
        ),
        **_figures(figures),
        **{key: sidecar[key] for key in _DIGESTS if key in sidecar},
    }


def _figures(figures: VisitAlignment | None) -> Content:
    """Return how far a registration between visits can be trusted."""
    if figures is None:
        return {}
    dice = figures.brain_dice
    return {
        'RotationDeg': round(figures.rotation_deg, 4),
        'NormalisedMutualInformation': round(figures.mutual_information, 4),
        'NormalisedMutualInformationBefore': round(figures.mutual_information_before, 4),
        'DisagreementMm': round(figures.disagreement_mm, 4),
        'BrainDice': None if dice is None else round(dice, 4),
    }


def _preproc(summary: VisitSummary) -> str:
    """Return the reference image of a visit in the output."""
    reference = summary.visit.reference
    return names.files_of(summary)[f'preproc:{"" if reference is None else reference.role}']


def individual_images(out_dir: Path, history: History, label: str) -> list[str]:
    """Return the images of a set of lesions in the space in which they are followed, as URIs.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    history
        The participant through time.
    label
        Name of the set.
    """
    visits = [
        Visit(participant=history.participant, session=session, scans=())
        for session in common_space.followed(history)
    ]
    found = (names.followed_files(visit, [label])[f'individual:{label}'] for visit in visits)
    return [f'bids::{path}' for path in found if (out_dir / path).is_file()]


def mean_path(history: History, summaries: Sequence[VisitSummary]) -> str:
    """Return where the mean of all visits lies.

    Parameters
    ----------
    history
        The participant through time.
    summaries
        Of its visits; the mean is named after the image of the visit that comes first.
    """
    sessions = {one.visit.session: one.visit.reference for one in summaries}
    reference = sessions.get(history.reference)
    suffix = 'T1w' if reference is None else reference.suffix
    return names.mean_image(history.participant, suffix)


def mean(out_dir: Path, history: History) -> Content:
    """Return the sidecar of the mean of all visits, which is its own reference in space.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    history
        The participant through time.
    """
    found = [_summary(out_dir, history, session) for session in common_space.followed(history)]
    summaries = [one for one in found if one is not None]
    stripped = [
        one.stripped.get(one.visit.reference.role, False)
        for one in summaries
        if one.visit.reference is not None
    ]
    return {
        'Description': names.DESCRIPTIONS['mean'],
        'Sources': [f'bids::{_preproc(one)}' for one in summaries],
        'SpatialReference': f'bids::{mean_path(history, summaries)}',
        'SkullStripped': all(stripped),
    }
