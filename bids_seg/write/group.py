# SPDX-License-Identifier: Apache-2.0
"""Tables of the group, from the output alone: sorted, without time stamps, same bytes each time."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_seg.errors import NothingToDoError
from bids_seg.records import Alignment, History, Scan, Visit
from bids_seg.write import columns, locks, names, responses, tables
from bids_seg.write.participant import Account, Outcome, account, write_table
from bids_seg.write.text import (
    MISSING,
    Row,
    json_bytes,
    read_json,
    read_tsv,
    tsv_bytes,
    write_if_different,
)

_DATE = re.compile(r'\d{4}-\d{2}-\d{2}')
_LABEL = re.compile(r'sub-[0-9a-zA-Z+]+')


def write_tables(out_dir: Path, *, bids_dir: Path | None = None) -> tuple[str, ...]:
    """Write participants.tsv and the tables of the group.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    bids_dir
        Root of the input; its participants.tsv is used if there is one.

    Returns
    -------
    tuple
        Warnings for the user.

    Raises
    ------
    NothingToDoError
        If there is no participant in the output.
    """
    people = sorted(
        place.name.removeprefix('sub-')
        for place in out_dir.glob('sub-*')
        if place.is_dir() and _LABEL.fullmatch(place.name)
    )
    if not people:
        raise NothingToDoError(
            'there are no results of participants',
            where=out_dir,
            do='run the participant level first, or check the name of the output folder',
        )
    found = {label: account(out_dir, label) for label in people}
    every = [outcome for label in people for outcome in found[label].outcomes]
    criteria = list(dict.fromkeys(name for one in found.values() for name in one.criteria))
    warnings = _mixed(every)
    with locks.root_lock(out_dir):
        write_table(
            out_dir / 'group_lesions.tsv',
            columns.lesion_columns(sorted(criteria)),
            rows=[row for one in found.values() for row in one.lesions],
            about='Lesions of all participants at all visits.',
        )
        write_table(
            out_dir / 'group_visits.tsv',
            responses.GROUP_VISIT,
            rows=[row for one in found.values() for row in _visit_rows(one)],
            about='Visits of all participants, one row for each criterion in force.',
        )
        courses = [one.history for one in found.values() if one.history is not None]
        write_table(
            out_dir / 'group_best.tsv',
            responses.GROUP_BEST,
            rows=[row for history in courses for row in responses.best_rows(history)],
            about='Best responses of all participants, one row for each criterion in force.',
        )
        images = [row for one in found.values() for row in _images(one)]
        write_table(
            out_dir / 'group_qc.tsv',
            columns.GROUP_QC,
            rows=images,
            about='Images of all visits and how they were aligned.',
        )
        warnings += _write_participants(out_dir, bids_dir, found)
    return warnings


def visit_rows(outcome: Outcome, diseases: Mapping[str, str] | None = None) -> list[Row]:
    """Return the rows of one visit: one for each criterion, at least one.

    Parameters
    ----------
    outcome
        The visit as the output tells of it.
    diseases
        Disease that each criterion is about.

    Notes
    -----
    A disease that no criterion in force is about has a row of its own, so that its totals are
    not lost.
    """
    common = {
        **_key(outcome),
        'acq_date': outcome.date,
        'days_from_first': _days(outcome),
        'program_version': outcome.summary.versions.get('bids-seg', MISSING),
        'settings_sha256': outcome.summary.settings_sha256,
    }
    rows: list[Row] = []
    for row in outcome.responses:
        disease = (diseases or {}).get(row['criterion'], MISSING)
        rows.append({'disease': disease, **outcome.sums.get(disease, {}), **row})
    judged = {row['disease'] for row in rows}
    rows += [
        {'disease': disease, **values}
        for disease, values in sorted(outcome.sums.items())
        if disease not in judged
    ]
    return [{**common, **row} for row in sorted(rows, key=_disease) or [{}]]


def qc_rows(outcome: Outcome, history: History | None = None) -> list[Row]:
    """Return the rows of one visit: one for each image, at least one.

    Parameters
    ----------
    outcome
        The visit as the output tells of it.
    history
        The participant through time: how the visit lies in the space in which lesions are
        followed stands in the row of its reference image.
    """
    summary = outcome.summary
    alignments = {alignment.moving: alignment for alignment in summary.alignments}
    rows = [
        {**_image_row(scan, alignments.get(scan.role)), **_between(summary.visit, scan, history)}
        for scan in summary.visit.scans
    ]
    return [
        {**row, **_key(outcome), 'reason': summary.reason or row.get('reason', MISSING)}
        for row in rows or [{}]
    ]


def participant_status(outcomes_of_one: Sequence[Outcome]) -> str:
    """Return what became of a participant, in the words of participants.tsv.

    Parameters
    ----------
    outcomes_of_one
        All visits.
    """
    seen = {outcome.summary.status for outcome in outcomes_of_one}
    return next((word for word in ('failed', 'complete') if word in seen), 'skipped')


def _key(outcome: Outcome) -> dict[str, str]:
    """Return whom and which visit a row is about."""
    visit = outcome.summary.visit
    return {
        'participant_id': f'sub-{visit.participant}',
        'session_id': tables.session_id(visit),
        'visit_status': outcome.summary.status,
        'brain_mm3': outcome.brain_mm3,
    }


def _days(outcome: Outcome) -> str:
    """Return the day of a visit."""
    days = outcome.summary.visit.days
    return MISSING if days is None else str(days)


def _image_row(scan: Scan, alignment: Alignment | None) -> dict[str, str]:
    """Return what is known of one image."""
    row = {
        'image_role': scan.role,
        'spacing_mm': ' x '.join(f'{side:.3g}' for side in scan.spacing),
    }
    if alignment is None:
        return row
    flags = [] if alignment.accepted else ['registration_refused']
    if alignment.method == 'header':
        flags.append('header_trusted')
    return row | {
        'registration_rotation_deg': tables.fixed(alignment.rotation_deg, 2),
        'registration_nmi': tables.fixed(alignment.mutual_information, 3),
        'reason': alignment.note,
        'flags': ';'.join(flags),
    }


def _between(visit: Visit, scan: Scan, history: History | None) -> dict[str, str]:
    """Return how the reference image of a visit was registered to that of another visit."""
    if history is None or scan != visit.reference:
        return {}
    registration = history.registrations.get(visit.session or '')
    if registration is None:
        return {}
    figures = registration.figures
    cells = (
        {}
        if figures is None
        else {
            'registration_dice': tables.fixed(figures.brain_dice, 3),
            'registration_rotation_deg': tables.fixed(figures.rotation_deg, 2),
            'registration_nmi': tables.fixed(figures.mutual_information, 3),
        }
    )
    if registration.failure:
        return {**cells, 'reason': registration.failure, 'flags': 'visit_not_registered'}
    return cells


def _images(found: Account) -> list[Row]:
    """Return the rows of all images of a participant."""
    return [row for outcome in found.outcomes for row in qc_rows(outcome, found.history)]


def _visit_rows(found: Account) -> list[Row]:
    """Return the rows of all visits of a participant."""
    about = {} if found.history is None else diseases(found.history)
    return [row for outcome in found.outcomes for row in visit_rows(outcome, about)]


def diseases(history: History) -> dict[str, str]:
    """Return the disease that each criterion in force is about.

    Parameters
    ----------
    history
        The participant through time.
    """
    tissues = {name: one.tissue for name, one in history.criteria.items()}
    return {
        name: 'metastases' if tissues.get(name) == 'TC' else 'glioma' for name in history.responses
    }


def _disease(row: Row) -> str:
    """Return the disease of a row, to sort by."""
    return row.get('disease', '')


def _mixed(every: Sequence[Outcome]) -> tuple[str, ...]:
    """Return warnings where results were made by several versions or settings."""
    complete = [outcome.summary for outcome in every if outcome.summary.status == 'complete']
    versions = sorted({summary.versions.get('bids-seg', MISSING) for summary in complete})
    settings = {summary.settings_sha256 for summary in complete}
    warnings = []
    if len(versions) > 1:
        warnings.append(
            f'visits were made by versions {", ".join(versions)}; '
            'see program_version in group_visits.tsv'
        )
    if len(settings) > 1:
        warnings.append(
            f'visits were made with {len(settings)} different settings or weights; '
            'see settings_sha256 in group_visits.tsv'
        )
    return tuple(warnings)


def _write_participants(
    out_dir: Path, bids_dir: Path | None, found: Mapping[str, Account]
) -> tuple[str, ...]:
    """Write participants.tsv with the input's own columns behind ours."""
    given = None if bids_dir is None else bids_dir / names.PARTICIPANTS
    given_columns, given_rows = ([], []) if given is None else read_tsv(given)
    info = {row.get('participant_id', ''): row for row in given_rows}
    criteria = [name for one in found.values() for name in one.criteria]
    kept, warnings = _usable(given_columns, given_rows, criteria)
    rows = []
    for label, one in found.items():
        visits = one.outcomes
        complete = [visit for visit in visits if visit.summary.status == 'complete']
        known = info.get(f'sub-{label}', info.get(label, {}))
        rows.append(
            {
                **{column: known.get(column, MISSING) for column in kept},
                'participant_id': f'sub-{label}',
                'status': participant_status(visits),
                'n_visits': str(len(visits)),
                'n_visits_complete': str(len(complete)),
            }
        )
    ours = columns.columns_named(columns.PARTICIPANT)
    words: dict[str, Any] = columns.described(
        columns.PARTICIPANT, about='Participants with results.'
    )
    given_words = {} if given is None else read_json(given.with_suffix('.json'))
    for column in kept:
        words[column] = given_words.get(column, {'Description': 'Column of the input dataset.'})
    place = out_dir / names.PARTICIPANTS
    write_if_different(place.with_suffix('.json'), json_bytes(words))
    write_if_different(place, tsv_bytes([*ours, *kept], rows))
    return warnings


def _usable(
    given: Sequence[str], rows: Sequence[Row], criteria: Sequence[str]
) -> tuple[list[str], tuple[str, ...]]:
    """Return columns of the input that may be copied, and what is said about the others."""
    listed = (*columns.PARTICIPANT, *tables.session_columns(names.DISEASES, criteria))
    ours = {*columns.columns_named((*listed, *columns.TOTALS))}
    dated = {name for name in given if any(_DATE.search(row.get(name, '')) for row in rows)}
    kept = [name for name in dict.fromkeys(given) if name and name not in ours | dated]
    left_out = [name for name in given if name and name not in {*kept, 'participant_id'}]
    if not left_out:
        return kept, ()
    return kept, (
        f'columns of the input were not copied to participants.tsv: {", ".join(left_out)} '
        '(dates, or names that the tables here use)',
    )
