# SPDX-License-Identifier: Apache-2.0
"""Tables of the group, from the output alone: sorted, without time stamps, same bytes each time."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bids_seg.errors import NothingToDoError
from bids_seg.records import Alignment, Scan
from bids_seg.write import columns, locks, names, tables
from bids_seg.write.participant import Outcome, outcomes, write_table
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
    found = {label: outcomes(out_dir, label) for label in people}
    every = [outcome for label in people for outcome in found[label]]
    warnings = _mixed(every)
    with locks.root_lock(out_dir):
        lesions = [row for one in every for part in one.lesions.values() for row in part]
        write_table(
            out_dir / 'group_lesions.tsv',
            columns.LESION,
            rows=lesions,
            about='Lesions of all participants at all visits.',
        )
        visits = [row for outcome in every for row in visit_rows(outcome)]
        write_table(
            out_dir / 'group_visits.tsv',
            columns.GROUP_VISIT,
            rows=visits,
            about='Visits of all participants, one row for each disease.',
        )
        images = [row for outcome in every for row in qc_rows(outcome)]
        write_table(
            out_dir / 'group_qc.tsv',
            columns.GROUP_QC,
            rows=images,
            about='Images of all visits and how they were aligned.',
        )
        warnings += _write_participants(out_dir, bids_dir, found)
    return warnings


def visit_rows(outcome: Outcome) -> list[Row]:
    """Return the rows of one visit: one for each disease that was looked for, at least one.

    Parameters
    ----------
    outcome
        The visit as the output tells of it.
    """
    common = {
        **_key(outcome),
        'days_from_first': _days(outcome),
        'program_version': outcome.summary.versions.get('bids-seg', MISSING),
        'settings_sha256': outcome.summary.settings_sha256,
    }
    sums = [{'disease': disease, **values} for disease, values in sorted(outcome.sums.items())]
    return [{**common, **values} for values in sums or [{}]]


def qc_rows(outcome: Outcome) -> list[Row]:
    """Return the rows of one visit: one for each image, at least one.

    Parameters
    ----------
    outcome
        The visit as the output tells of it.
    """
    summary = outcome.summary
    alignments = {alignment.moving: alignment for alignment in summary.alignments}
    rows = [_image_row(scan, alignments.get(scan.role)) for scan in summary.visit.scans]
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
    out_dir: Path, bids_dir: Path | None, found: Mapping[str, Sequence[Outcome]]
) -> tuple[str, ...]:
    """Write participants.tsv with the input's own columns behind ours."""
    given = None if bids_dir is None else bids_dir / names.PARTICIPANTS
    given_columns, given_rows = ([], []) if given is None else read_tsv(given)
    info = {row.get('participant_id', ''): row for row in given_rows}
    kept, warnings = _usable(given_columns, given_rows)
    rows = []
    for label, visits in found.items():
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


def _usable(given: Sequence[str], rows: Sequence[Row]) -> tuple[list[str], tuple[str, ...]]:
    """Return columns of the input that may be copied, and what is said about the others."""
    listed = (*columns.PARTICIPANT, *columns.TOTALS, columns.BRAIN, columns.STATUS, *columns.DATES)
    ours = {*columns.columns_named(listed), 'session_id'}
    dated = {name for name in given if any(_DATE.search(row.get(name, '')) for row in rows)}
    kept = [name for name in dict.fromkeys(given) if name and name not in ours | dated]
    left_out = [name for name in given if name and name not in {*kept, 'participant_id'}]
    if not left_out:
        return kept, ()
    return kept, (
        f'columns of the input were not copied to participants.tsv: {", ".join(left_out)} '
        '(dates, or names that the tables here use)',
    )
