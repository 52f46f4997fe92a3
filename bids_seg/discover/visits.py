# SPDX-License-Identifier: Apache-2.0
"""Patients and their visits, put together from files, tables and sidecars."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bids_seg.discover import dates, index, sidecars, text
from bids_seg.discover.candidates import Candidate, Rejected, Rules, examine
from bids_seg.discover.choice import choose
from bids_seg.discover.dates import Label, When
from bids_seg.discover.filters import Filters, check
from bids_seg.discover.user_tables import DAYS, MOMENTS, OF_VISITS, VisitRows
from bids_seg.errors import UserError
from bids_seg.records import ROLES, PassedOver, Patient, Scan, Visit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A visit before its place in time is known."""

    visit: Visit
    """The visit, without days and date."""
    fields: Mapping[str, Any]
    """Sidecar fields of its reference image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """Tables of all participants."""

    participants: text.Table
    """The dataset's participants.tsv."""
    given: VisitRows
    """What the user gave."""


def patients(
    bids_dir: Path,
    *,
    participants: Sequence[str],
    sessions: Sequence[str] = (),
    filters: Filters | None = None,
    given: VisitRows | None = None,
    index_dir: Path,
) -> Iterator[Patient]:
    """Return the patients asked for, each with its visits in order of time.

    Parameters
    ----------
    bids_dir
        Root of the dataset; nothing is written there.
    participants
        Labels, as `select` returns them.
    sessions
        Labels with or without `ses-`; none: all. Days count from the participant's first dated
        visit in any case.
    filters
        As `read_filters` returns them.
    given
        As `read_visit_rows` returns them; what they say wins over the dataset's own tables.
    index_dir
        Where folders of links are made for a moment: the work folder, or a temporary one.

    Returns
    -------
    An iterator; at most `index.BATCH` participants are indexed at once.

    Raises
    ------
    CommandError
        At once, if a session or a filter matches nothing.
    """
    wanted = index.select_sessions(bids_dir, sessions, participants=participants)
    derivative = index.description(bids_dir).get('DatasetType') == 'derivative'
    rules = Rules(
        bids_dir=bids_dir,
        derivative=derivative,
        filters=filters or {},
        root_json=sidecars.json_files(bids_dir),
    )
    _check_filters(rules, participants)
    table = text.read_tsv(bids_dir / 'participants.tsv', shown='participants.tsv')
    for warning in table.warnings:
        logger.warning('%s', warning)
    tables = _Tables(participants=table, given=given or VisitRows(rows={}))
    return _in_batches(
        rules, tuple(participants), wanted=wanted, tables=tables, index_dir=index_dir
    )


def _in_batches(
    rules: Rules,
    labels: tuple[str, ...],
    *,
    wanted: frozenset[str],
    tables: _Tables,
    index_dir: Path,
) -> Iterator[Patient]:
    """Yield patients; what is wrong with one of them does not stop the others."""
    for start in range(0, len(labels), index.BATCH):
        batch = labels[start : start + index.BATCH]
        found = index.images(rules.bids_dir, batch, index_dir=index_dir)
        for label in batch:
            info, warnings = _info(tables.participants, label)
            info |= tables.given.info(label)
            try:
                patient = _patient(
                    label,
                    found[label],
                    rules=rules,
                    wanted=wanted,
                    given=tables.given.of(label),
                    info=info,
                )
            except (OSError, UserError) as error:
                lost = Visit(
                    participant=label,
                    session=None,
                    scans=(),
                    warnings=(f'cannot be read: {error}',),
                )
                patient = Patient(participant=label, visits=(lost,), info=info)
            yield replace(patient, warnings=(*warnings, *patient.warnings))


def _patient(
    label: str,
    found: Sequence[str],
    *,
    rules: Rules,
    wanted: frozenset[str],
    given: Mapping[str, Mapping[str, str]],
    info: Mapping[str, str],
) -> Patient:
    """Return one participant with the visits asked for."""
    folder = rules.bids_dir / f'sub-{label}'
    files: dict[Label, list[str]] = {ses: [] for ses in index.sessions(rules.bids_dir, label)}
    for relative in found:
        session = relative.split('/')[1] if relative.count('/') == 3 else None
        files.setdefault(session and session.removeprefix('ses-'), []).append(relative)
    if not files:
        files = {None: []}
    table = text.read_tsv(folder / f'sub-{label}_sessions.tsv', shown=f'sub-{label}_sessions.tsv')
    rows = {row.get('session_id', '').removeprefix('ses-'): row for row in table.rows}
    drafts = {ses: _draft(label, ses, names, rules=rules) for ses, names in files.items()}
    sources, odd = _sources(label, drafts, rows=rows, folder=folder)
    told = _given_sources(drafts, given)
    sources = told if any(told) else sources
    placed = [
        ses
        for ses, draft in drafts.items()
        if draft.visit.scans or any(ses in source for source in sources)
    ]
    order = dates.order(placed, sources=sources)
    # A visit without images and without a date has no place in time: it stands at the end.
    labels = (*order.labels, *(ses for ses in drafts if ses not in placed))
    visits = tuple(
        replace(
            drafts[ses].visit,
            days=order.days.get(ses),
            date=order.dates.get(ses),
            clinical=_counted(
                _clinical({**rows.get(ses or '', {}), **given.get(ses or '', {})}), order.origin
            ),
        )
        for ses in labels
    )
    return Patient(
        participant=label,
        visits=tuple(visit for visit in visits if not wanted or visit.session in wanted),
        info=_counted(info, order.origin),
        timeline=tuple(replace(visit, scans=(), passed_over=(), warnings=()) for visit in visits),
        ordered_by=order.by,
        warnings=(*table.warnings, *odd, *order.warnings),
    )


def _given_sources(
    drafts: Mapping[Label, _Draft], given: Mapping[str, Mapping[str, str]]
) -> list[dict[Label, When]]:
    """Return the times of visits that the user gave, whose cells were looked at before."""
    sources: list[dict[Label, When]] = [{}, {}]
    for session in drafts:
        row = given.get(session or '', {})
        count = next((row[column] for column in DAYS if column in row), None)
        read = (dates.moment(row.get('acq_time')), dates.counted(count))
        for source, when in zip(sources, read, strict=True):
            if when is not None:
                source[session] = when
    return sources


def _counted(row: Mapping[str, str], origin: int) -> dict[str, str]:
    """Return columns in which days are counted as those of the visits are: from the first one."""
    return {
        name: str(int(value) - origin)
        if name in MOMENTS and origin and value.lstrip('+-').isdigit()
        else value
        for name, value in row.items()
    }


def _draft(label: str, session: Label, files: Sequence[str], *, rules: Rules) -> _Draft:
    """Return one visit: one image for each role, and why the others are not used."""
    passed: list[PassedOver] = []
    warnings: list[str] = []
    scans: list[Scan] = []
    fields: dict[Path, Mapping[str, Any]] = {}
    seen = [
        examine(relative, rules=rules, participant=label, session=session) for relative in files
    ]
    rejected = [item for item in seen if isinstance(item, Rejected)]
    for item in rejected:
        passed.append(item.passed_over)
        if item.broken:
            warnings.append(f'{item.passed_over.relative}: {item.passed_over.reason}')
    for role in ROLES:
        candidates = [item for item in seen if isinstance(item, Candidate) and item.role == role]
        if not candidates:
            continue
        chosen = choose(candidates, bids_dir=rules.bids_dir)
        scan = _scan(chosen.winner, rules.bids_dir)
        scans.append(scan)
        fields[scan.path] = chosen.winner.fields
        passed += chosen.passed_over
        warnings += [*chosen.warnings, *(note for item in candidates for note in item.warnings)]
    if not files:
        warnings.append('no image in its anat folder')
    visit = Visit(
        participant=label,
        session=session,
        scans=tuple(scans),
        passed_over=tuple(sorted(passed, key=lambda item: item.relative)),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    reference = visit.reference
    draft = _Draft(visit=visit, fields=fields[reference.path] if reference else {})
    return _waiting(draft, rejected)


def _waiting(draft: _Draft, rejected: Sequence[Rejected]) -> _Draft:
    """Use nothing of a visit that lacks a role whose content has yet to be fetched."""
    visit = draft.visit
    missing = [
        item.passed_over
        for item in rejected
        if item.waits and item.passed_over.role not in visit.roles
    ]
    if not missing:
        return draft
    file = missing[0].relative.rpartition('/')[2]
    waiting = tuple(
        PassedOver(
            relative=scan.relative,
            reason=f'the visit waits for {file}, whose content was not fetched',
            role=scan.role,
        )
        for scan in visit.scans
    )
    passed = tuple(sorted((*visit.passed_over, *waiting), key=lambda item: item.relative))
    return replace(draft, visit=replace(visit, scans=(), passed_over=passed))


def _scan(winner: Candidate, bids_dir: Path) -> Scan:
    """Return the record of the image that was chosen."""
    notes = list(winner.notes)
    if winner.role == 'T1wCE' and winner.agent == 'other':
        agent = winner.fields.get('ContrastBolusIngredient') or winner.name.entities.get('ce')
        notes.append(f'contrast agent {agent} enhances differently from gadolinium')
    entities = {
        key: value for key, value in winner.name.entities.items() if key not in ('sub', 'ses')
    }
    return Scan(
        path=bids_dir / winner.relative,
        relative=winner.relative,
        role=winner.role,
        entities=entities,
        suffix=winner.name.suffix,
        shape=winner.shape,
        spacing=winner.spacing,
        metadata=sidecars.kept(winner.fields),
        notes=tuple(notes),
    )


def _sources(
    label: str,
    drafts: Mapping[Label, _Draft],
    *,
    rows: Mapping[str, Mapping[str, str]],
    folder: Path,
) -> tuple[list[dict[Label, When]], list[str]]:
    """Return the times of visits by source, the most trusted first, and what was odd."""
    sources: list[dict[Label, When]] = [{}, {}, {}, {}]
    odd: list[str] = []
    for session, draft in drafts.items():
        row = rows.get(session or '', {})
        count = next((row[column] for column in DAYS if column in row), None)
        scans = _scans_row(label, draft.visit, folder=folder)
        field = draft.fields.get('AcquisitionDateTime') or draft.fields.get('AcquisitionDate')
        values = (
            (dates.moment, row.get('acq_time'), 'acq_time of the sessions table'),
            (dates.counted, count, 'days of the sessions table'),
            (dates.moment, scans, 'acq_time of the scans table'),
            (dates.moment, None if field is None else str(field), 'the date of the sidecar'),
        )
        for source, (read, value, where) in zip(sources, values, strict=True):
            try:
                when = read(value)
            except ValueError as error:
                odd.append(f'{draft.visit.name}: {where} was left out: {error}')
                continue
            if when is not None:
                source[session] = when
    return sources, odd


def _scans_row(label: str, visit: Visit, *, folder: Path) -> str | None:
    """Return the acq_time of the reference image in the visit's scans table."""
    if visit.reference is None:
        return None
    tail = '' if visit.session is None else f'_ses-{visit.session}'
    place = folder if visit.session is None else folder / f'ses-{visit.session}'
    file = f'sub-{label}{tail}_scans.tsv'
    inside = f'anat/{visit.reference.path.name}'
    rows = text.read_tsv(place / file, shown=file).rows
    return next((row.get('acq_time') for row in rows if row.get('filename') == inside), None)


def _clinical(row: Mapping[str, str]) -> dict[str, str]:
    """Return the clinical columns of one visit that say something."""
    return {key: row[key] for key in OF_VISITS if text.said(row.get(key)) is not None}


def _info(table: text.Table, label: str) -> tuple[dict[str, str], list[str]]:
    """Return the row of participants.tsv of one participant, and what was odd."""
    rows = [
        row for row in table.rows if row.get('participant_id', '').removeprefix('sub-') == label
    ]
    if not rows:
        return {}, ['participants.tsv does not list this participant'] if table.rows else []
    info = {key: value for key, value in rows[0].items() if key != 'participant_id'}
    many = f'participants.tsv lists this participant {len(rows)} times, the first row was taken'
    return info, [many] if len(rows) > 1 else []


def _check_filters(rules: Rules, participants: Sequence[str]) -> None:
    """Refuse a filter that matches no image of the dataset; those asked for are tried first."""
    if not rules.filters:
        return
    asked = set(participants)
    others = [label for label in index.participants(rules.bids_dir) if label not in asked]
    check(rules.filters, index.image_names(rules.bids_dir, [*participants, *others]))
