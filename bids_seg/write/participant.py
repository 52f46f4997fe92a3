# SPDX-License-Identifier: Apache-2.0
"""Tables of one participant over all visits, built from what lies in the output alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bids_seg.records import History, Visit, VisitSummary, to_json
from bids_seg.write import columns, following, names, paths, responses, tables
from bids_seg.write.history import read_history
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
    """Rows of the lesion tables by disease, or by the name of a further set."""
    sums: Mapping[str, Row]
    """Totals by disease."""
    brain_mm3: str
    """Volume of the brain mask, or `n/a`."""
    date: str = MISSING
    """Date of the visit; `n/a` unless dates are kept."""
    responses: tuple[Row, ...] = ()
    """The response by each criterion in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A participant as the output tells of them."""

    outcomes: tuple[Outcome, ...]
    """Visits in order of time."""
    history: History | None
    """What following and response made of all visits; None where that is not of today."""

    @property
    def criteria(self) -> tuple[str, ...]:
        """Names of the response criteria in force."""
        return () if self.history is None else tuple(self.history.responses)

    @property
    def lesions(self) -> list[Row]:
        """Rows of all lesion tables."""
        return [row for one in self.outcomes for part in one.lesions.values() for row in part]


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
    found = account(out_dir, participant)
    write_table(
        out_dir / names.lesions_table(participant),
        columns.lesion_columns(found.criteria),
        rows=found.lesions,
        about='Lesions of the participant at all visits.',
    )
    with_session = [one for one in found.outcomes if one.summary.visit.session is not None]
    if not with_session:
        return
    diseases = sorted({disease for outcome in with_session for disease in outcome.sums})
    write_table(
        out_dir / names.sessions_table(participant),
        tables.session_columns(diseases, found.criteria),
        rows=[_session_row(outcome, diseases) for outcome in with_session],
        about='Visits of the participant in order of time, with totals and responses.',
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


def account(out_dir: Path, participant: str) -> Account:
    """Return a participant as the output tells of them.

    Parameters
    ----------
    out_dir
        Root of the output dataset.
    participant
        Label without `sub-`.

    Notes
    -----
    The record of a participant through time counts only if it is about the very visits and
    lesions that the output holds: a visit that was made again has lesions without names for
    life until they are followed anew.
    """
    found = outcomes(out_dir, participant)
    history = read_history(out_dir, participant)
    if history is None or not _is_of_today(history, found):
        return Account(outcomes=tuple(found), history=None)
    order = {session: place for place, session in enumerate(history.visits)}
    found.sort(key=lambda one: order[one.summary.visit.session])
    return Account(
        outcomes=tuple(_told(one, history, place) for place, one in enumerate(found)),
        history=history,
    )


def outcomes(out_dir: Path, participant: str) -> list[Outcome]:
    """Return the visits of a participant in order of time, each by itself.

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


def _is_of_today(history: History, found: Sequence[Outcome]) -> bool:
    """Return whether a history is about the visits and lesions that the output holds."""
    by_session = {one.summary.visit.session: one for one in found}
    if set(history.visits) != set(by_session):
        return False
    there = [by_session[session] for session in history.visits]
    if history.statuses not in ((), tuple(one.summary.status for one in there)):
        return False
    return bool(history.untracked) or all(
        _names_told(history, place, one) == _names_written(one) for place, one in enumerate(there)
    )


def _names_told(history: History, place: int, outcome: Outcome) -> set[tuple[str, str]]:
    """Return tissues and names of the lesions that a history knows in the tables of a visit."""
    rows = (row for part in outcome.lesions.values() for row in part)
    measured = {row.get('tissue', '') for row in rows}
    if outcome.lesions:
        regions = {run.task: run.regions for run in outcome.summary.models}
        measured |= {
            names.lesion_tissue(disease, regions[disease])
            for disease in names.DISEASES
            if disease in regions
        }
    return {
        (tracking.tissue, event.lesion_id)
        for tracking in history.trackings
        if tracking.tissue in measured
        for event in (*(track.at(place) for track in tracking.tracks), *tracking.untracked)
        if event is not None and event.visit == place and event.status == 'present'
    }


def _names_written(outcome: Outcome) -> set[tuple[str, str]]:
    """Return tissues and names of the lesions in the tables of a visit."""
    return {
        (row.get('tissue', ''), row.get('lesion_id', ''))
        for part in outcome.lesions.values()
        for row in part
        if row.get('status') == 'present'
    }


def _told(outcome: Outcome, history: History, place: int) -> Outcome:
    """Return a visit with what the history knows of it beyond its own tables."""
    visit = outcome.summary.visit
    lesions = dict(outcome.lesions)
    for tracking in history.trackings:
        label = names.lesion_set(tracking.disease, tracking.tissue)
        if any(row.get('tissue') == tracking.tissue for part in lesions.values() for row in part):
            continue
        rows = following.lesion_rows(
            history,
            place,
            tracking=tracking,
            visit=visit,
            found=following.nothing_measured(tracking),
        )
        if rows:
            lesions[label] = tuple(rows)
    told = (rows[place] for rows in history.responses.values() if place < len(rows))
    return replace(
        outcome,
        lesions=dict(sorted(lesions.items())),
        date=following.date(history, place),
        responses=tuple(responses.response_row(one) for one in told),
    )


def _session_row(outcome: Outcome, diseases: Sequence[str]) -> Row:
    """Return the row of one visit in the table of visits of its participant."""
    row = tables.session_row(
        outcome.summary.visit,
        status=outcome.summary.status,
        sums=outcome.sums,
        brain_mm3=outcome.brain_mm3,
        diseases=diseases,
    )
    return {**row, 'acq_date': outcome.date, **responses.wide_row(outcome.responses)}


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
        for label, own, _ in names.lesion_sets(summary):
            if not own:
                path = files[f'lesions:{label}']
                lesions[label] = _lesions(out_dir, path, summary.visit)
    return Outcome(summary=summary, lesions=lesions, sums=sums, brain_mm3=brain)


def _lesions(out_dir: Path, path: str, visit: Visit) -> tuple[Row, ...]:
    """Return the rows of a lesion table; days are those of today's knowledge."""
    days = MISSING if visit.days is None else str(visit.days)
    rows = read_tsv(out_dir / paths.table(path))[1]
    return tuple({**row, 'days_from_first': days} for row in rows)
