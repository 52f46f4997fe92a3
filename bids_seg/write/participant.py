# SPDX-License-Identifier: Apache-2.0
"""Tables of one participant over all visits, built from what lies in the output alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bids_seg.records import Visit, VisitSummary, to_json
from bids_seg.write import columns, names, paths, tables
from bids_seg.write.publish import load_summary
from bids_seg.write.text import (
    MISSING,
    Row,
    json_bytes,
    natural,
    read_json,
    read_tsv,
    tsv_bytes,
    write_if_different,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One visit as the output tells of it."""

    summary: VisitSummary
    """What became of it."""
    lesions: Mapping[str, tuple[Row, ...]]
    """Rows of the lesion tables by disease."""
    sums: Mapping[str, Row]
    """Totals by disease."""
    brain_mm3: str
    """Volume of the brain mask, or `n/a`."""


def write_summary(out_dir: Path, summary: VisitSummary) -> Path:
    """Store what became of a visit beside its figures; return the file.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    summary
        The date is left out by whoever made it.
    """
    place = out_dir / names.summary(summary.visit)
    write_if_different(place, (to_json(summary) + '\n').encode())
    return place


def write_tables(out_dir: Path, participant: str) -> None:
    """Write the tables of lesions and of visits of one participant.

    Parameters
    ----------
    out_dir
        Root of the output dataset; summaries and tables of the visits are there.
    participant
        Label without `sub-`.
    """
    found = outcomes(out_dir, participant)
    rows = [row for outcome in found for part in outcome.lesions.values() for row in part]
    write_table(
        out_dir / names.lesions_table(participant),
        columns.LESION,
        rows=rows,
        about='Lesions of the participant at all visits.',
    )
    with_session = [outcome for outcome in found if outcome.summary.visit.session is not None]
    if not with_session:
        return
    diseases = sorted({disease for outcome in with_session for disease in outcome.sums})
    sessions = [
        tables.session_row(
            outcome.summary.visit,
            status=outcome.summary.status,
            sums=outcome.sums,
            brain_mm3=outcome.brain_mm3,
            diseases=diseases,
        )
        for outcome in with_session
    ]
    place = out_dir / names.sessions_table(participant)
    write_table(
        place,
        tables.session_columns(diseases),
        rows=sessions,
        about='Visits of the participant in order of time, with totals.',
    )


def write_table(
    place: Path, listed: Sequence[columns.Column], *, rows: Sequence[Row], about: str
) -> None:
    """Write a table and the description of its columns, where they differ.

    Parameters
    ----------
    place
        Ends in `.tsv`.
    listed
        Its columns.
    rows
        Its rows.
    about
        One sentence on the table.
    """
    write_if_different(
        place.with_suffix('.json'), json_bytes(columns.described(listed, about=about))
    )
    write_if_different(place, tsv_bytes(columns.columns_named(listed), rows))


def outcomes(out_dir: Path, participant: str) -> list[Outcome]:
    """Return the visits of a participant in order of time, as the output tells of them.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    participant
        Label without `sub-`.
    """
    figures = out_dir / f'sub-{participant}' / 'figures'
    places = figures.glob(f'sub-{participant}_*desc-summary.json')
    summaries = [summary for place in places if (summary := load_summary(place)) is not None]
    return [_outcome(out_dir, summary) for summary in in_time(summaries)]


def in_time(summaries: Sequence[VisitSummary]) -> list[VisitSummary]:
    """Return summaries by days where all have them, else in the natural order of labels.

    Parameters
    ----------
    summaries
        Of one participant.
    """

    def key(summary: VisitSummary) -> tuple[int, tuple[tuple[int, int | str], ...]]:
        """Return the day, or nothing, and the label."""
        days = summary.visit.days if dated else None
        return days or 0, natural(summary.visit.session or '')

    dated = all(summary.visit.days is not None for summary in summaries)
    return sorted(summaries, key=key)


def _outcome(out_dir: Path, summary: VisitSummary) -> Outcome:
    """Return what tables and sidecars of a visit say; nothing unless it is complete."""
    lesions: dict[str, tuple[Row, ...]] = {}
    sums: dict[str, Row] = {}
    brain = MISSING
    if summary.status == 'complete' and summary.visit.reference is not None:
        files = names.files_of(summary)
        for run in summary.models:
            if run.task == 'brain':
                brain = tables.whole(run.volumes_mm3.get('brain'))
                continue
            path = files[f'lesions:{run.task}']
            rows = _lesions(out_dir, path, summary.visit)
            specks = read_json(out_dir / paths.sidecar(path)).get('NumberOfSpecks', 0)
            lesions[run.task] = rows
            present = sum(row.get('status') == 'present' for row in rows)
            sums[run.task] = tables.totals(run, n_lesions=present, n_specks=specks)
    return Outcome(summary=summary, lesions=lesions, sums=sums, brain_mm3=brain)


def _lesions(out_dir: Path, path: str, visit: Visit) -> tuple[Row, ...]:
    """Return the rows of a lesion table; days are those of today's knowledge."""
    days = MISSING if visit.days is None else str(visit.days)
    rows = read_tsv(out_dir / paths.table(path))[1]
    return tuple({**row, 'days_from_first': days} for row in rows)
