# SPDX-License-Identifier: Apache-2.0
"""The participant's page: sections rendered in order, figures stored, one file written."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import bids_seg
from bids_seg.errors import OutputError
from bids_seg.image import write_bytes
from bids_seg.report import history, sections, strip, view, viewer
from bids_seg.report.closeup import Piece
from bids_seg.report.history import Account
from bids_seg.report.outputs import PatientOutputs, VisitOutputs, read_patient
from bids_seg.report.section import PLAIN, TEMPLATES, Figure, PageShape, Scene, environment

logger = logging.getLogger(__name__)

BANNER = 'Research use only. Automatic measurement; not a diagnosis. Verify on the source images.'
"""Stands on every page, on the screen and printed."""
SIGNS = {'complete': '✓', 'skipped': '▲', 'failed': '✕'}
"""Symbol of each status."""


def participant(out_dir: Path, participant: str, *, shape: PageShape = PLAIN) -> Path:
    """Write a participant's page and its figures; return the page's path.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset; the page is `sub-X.html` in it, figures go to
        `sub-X/figures/`. Of many visits each gets a page `sub-X_ses-Y.html`.
    participant
        Label without `sub-`.
    shape
        What was asked for about pages.

    Raises
    ------
    NothingToDoError
        If no visit of the participant has a summary.
    OutputError
        If a picture could not be made; the page is written all the same and says so.
    """
    patient = read_patient(out_dir, participant)
    found = history.accounts(patient)
    apart = len(patient.visits) > shape.aggregate
    rendered, visits, problems = _rendered(out_dir, patient, found, shape, apart=apart)
    sections_made = [
        *rendered['top'],
        *rendered['end'],
        *(one for visit in visits for one in visit['sections']),
    ]
    figures = [figure for section in sections_made for figure in section['figures']]
    _store(out_dir / f'sub-{participant}' / 'figures', figures, viewers=shape.viewer)
    path = out_dir / f'sub-{participant}.html'
    pages = _pages(patient, found, rendered, visits) if apart else {}
    bare = [{**visit, 'sections': []} for visit in visits] if apart else visits
    pages[path.name] = _page(patient, found, rendered, bare)
    for old in out_dir.glob(f'sub-{participant}_ses-*.html'):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        write_bytes(out_dir / name, text.encode())
    if problems:
        raise OutputError(
            f'{len(problems)} files could not be shown ({"; ".join(problems[:3])})',
            where=path,
            do='look at these files; the rest of the page is there',
        )
    return path


def _rendered(
    out_dir: Path,
    patient: PatientOutputs,
    found: tuple[Account, ...],
    shape: PageShape,
    *,
    apart: bool,
) -> tuple[dict[str, list[dict[str, Any]]], list[dict[str, Any]], list[str]]:
    """Return sections by scope, the visits from late to early, and what could not be shown."""
    rendered: dict[str, list[dict[str, Any]]] = {'top': [], 'end': []}
    made: dict[str, dict[str, Any]] = {}
    problems: list[str] = []
    pieces: dict[tuple[str, str], dict[int, Piece]] = {}
    # The latest visit comes last: its voxels are there when the top of the page, which shows
    # pieces of all visits, is rendered.
    for visit in sorted(patient.visits, key=lambda visit: visit is patient.latest):
        pictures = view.load(visit)
        problems += pictures.problems
        if patient.history is not None:
            for piece in strip.pieces(found, patient.history, visit, pictures):
                pieces.setdefault((piece.label, piece.lesion_id), {})[piece.place] = piece
        scene = Scene(
            patient=patient,
            visit=visit,
            pictures=pictures,
            shape=shape,
            accounts=found,
            pieces=pieces,
            visit_page=f'{visit.name}.html' if apart else '',
        )
        parts = _render(scene, 'visit', prefix=f'{visit.name}-')
        made[visit.name] = {**_heading(visit, scene), 'sections': parts}
        if shape.viewer and visit.complete:
            viewer.write(out_dir, visit, pictures)
        if visit is patient.latest:
            for scope, there in rendered.items():
                there += _render(scene, scope, prefix='')
    return rendered, [made[visit.name] for visit in reversed(patient.visits)], problems


def _render(scene: Scene, scope: str, *, prefix: str) -> list[dict[str, Any]]:
    """Return the sections of a scope that have something to say."""
    made = []
    for section in sections.listed():
        if section.scope == scope:
            part = section.render(scene)
            anchor = prefix + (
                section.title.lower().replace(' ', '-').replace(',', '') or section.anchor
            )
            made.append(
                {
                    'anchor': anchor,
                    'title': section.title,
                    'html': part.html,
                    'figures': part.figures,
                }
            )
    return [one for one in made if one['html']]


def _heading(visit: VisitOutputs, scene: Scene) -> dict[str, str]:
    """Return what stands over a visit."""
    summary = visit.summary
    day = '' if summary.visit.days is None else f', day {summary.visit.days}'
    past = scene.patient.history
    if scene.shape.keep_dates and past is not None and summary.visit.session in past.visits:
        dates = past.dates[past.visits.index(summary.visit.session) :][:1]
        day = f', {dates[0]}' if dates and dates[0] else day
    return {
        'anchor': visit.name,
        'name': visit.name,
        'title': visit.title + day,
        'status': summary.status,
        'sign': SIGNS[summary.status],
        'page': scene.visit_page,
        'viewer': viewer.path(visit) if scene.shape.viewer and visit.complete else '',
    }


def _page(
    patient: PatientOutputs,
    found: Sequence[Account],
    rendered: Mapping[str, list[dict[str, Any]]],
    visits: Sequence[Mapping[str, Any]],
) -> str:
    """Return the participant's page; visits without sections are links to their own pages."""
    contents = [(one['anchor'], one['title']) for one in rendered['top'] if one['title']]
    if any(visit['sections'] for visit in visits):
        contents += [(visit['anchor'], visit['title'].split(',')[0]) for visit in visits]
    else:
        contents.append(('visits', 'Visits'))
    contents += [(one['anchor'], one['title']) for one in rendered['end']]
    return _filled(
        patient,
        found,
        title=f'sub-{patient.participant}',
        home='',
        contents=contents,
        top=rendered['top'],
        visits=visits,
        end=rendered['end'],
    )


def _pages(
    patient: PatientOutputs,
    found: Sequence[Account],
    rendered: Mapping[str, list[dict[str, Any]]],
    visits: Sequence[Mapping[str, Any]],
) -> dict[str, str]:
    """Return the page of each visit by its name."""
    return {
        visit['page']: _filled(
            patient,
            found,
            title=visit['name'],
            home=f'sub-{patient.participant}.html',
            contents=[(one['anchor'], one['title']) for one in visit['sections']],
            top=[],
            visits=[{**visit, 'page': ''}],
            end=rendered['end'],
        )
        for visit in visits
    }


def _filled(patient: PatientOutputs, found: Sequence[Account], **values: Any) -> str:
    """Return a page with what stands on every page."""
    return (
        environment()
        .get_template('page.html')
        .render(
            banner=BANNER,
            criteria=_criteria(patient, found),
            program=_program(patient, found),
            style=(TEMPLATES / 'style.css').read_text(encoding='utf-8'),
            **values,
        )
    )


def _criteria(patient: PatientOutputs, found: Sequence[Account]) -> str:
    """Return the criteria in force and their options, with what must be done before a trial."""
    titles = [
        f'{account.criterion.title} ({account.criterion.version})'
        for account in found
        if account.criterion is not None
    ]
    if not titles or patient.history is None:
        return ''
    rules = patient.history.rules
    said = ', '.join(f'{key}={value}' for key, value in rules.items()) or 'all at their defaults'
    return (
        f'{", ".join(titles)}; options: {said}. Rules and options must be checked against the '
        'published papers before use in a trial.'
    )


def _program(patient: PatientOutputs, found: Sequence[Account]) -> str:
    """Return program and networks in a line."""
    summary = patient.latest.summary
    version = summary.versions.get('bids-seg', bids_seg.__version__)
    runs = [model for visit in patient.visits for model in visit.summary.models]
    names = dict.fromkeys('masks given' if run.sources else run.model for run in runs)
    networks = f' · networks: {", ".join(names)}' if names else ''
    titles = [account.criterion.title for account in found if account.criterion is not None]
    return f'bids-seg {version}{networks} · criterion: {", ".join(titles) or "none in force"}'


def _store(folder: Path, figures: Iterable[Figure], *, viewers: bool) -> None:
    """Write figures as files and take away those, and interactive pages, of an earlier page."""
    stored = {f'{figure.stem}.svg': figure.svg for figure in figures}
    for old in folder.glob('*.svg'):
        if old.name not in stored:
            old.unlink()
    for old in folder.glob('*_desc-viewer.html'):
        if not viewers:
            old.unlink()
    for name, svg in stored.items():
        write_bytes(folder / name, svg.encode())
