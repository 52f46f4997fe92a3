# SPDX-License-Identifier: Apache-2.0
"""The participant's page: sections rendered in order, figures stored, one file written."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bids_seg
from bids_seg.errors import OutputError
from bids_seg.image import write_bytes
from bids_seg.report import sections, view
from bids_seg.report.outputs import PatientOutputs, VisitOutputs, read_patient
from bids_seg.report.section import TEMPLATES, Figure, Scene, environment

logger = logging.getLogger(__name__)

BANNER = 'Research use only. Automatic measurement; not a diagnosis. Verify on the source images.'
"""Stands on every page, on the screen and printed."""
SIGNS = {'complete': '✓', 'skipped': '▲', 'failed': '✕'}
"""Symbol of each status."""


def participant(out_dir: Path, participant: str) -> Path:
    """Write a participant's page and its figures; return the page's path.

    Parameters
    ----------
    out_dir
        Root of the derivative dataset; the page is `sub-X.html` in it, figures go to
        `sub-X/figures/`.
    participant
        Label without `sub-`.

    Raises
    ------
    NothingToDoError
        If no visit of the participant has a summary.
    OutputError
        If a picture could not be made; the page is written all the same and says so.
    """
    patient = read_patient(out_dir, participant)
    rendered: dict[str, list[dict[str, Any]]] = {'top': [], 'end': []}
    visits: list[dict[str, Any]] = []
    figures: list[Figure] = []
    problems: list[str] = []
    for visit in reversed(patient.visits):
        scene = Scene(patient=patient, visit=visit, pictures=view.load(visit))
        problems += scene.pictures.problems
        found = _render(scene, 'visit', prefix=f'{visit.name}-')
        visits.append({**_heading(visit), 'sections': found})
        figures += [figure for section in found for figure in section['figures']]
        if visit is patient.latest:
            for scope, parts in rendered.items():
                parts += _render(scene, scope, prefix='')
                figures += [figure for section in parts for figure in section['figures']]
    path = out_dir / f'sub-{participant}.html'
    _store(out_dir / f'sub-{participant}' / 'figures', figures)
    write_bytes(path, _page(patient, rendered, visits).encode())
    if problems:
        raise OutputError(
            f'{len(problems)} files could not be shown ({"; ".join(problems[:3])})',
            where=path,
            do='look at these files; the rest of the page is there',
        )
    return path


def _render(scene: Scene, scope: str, *, prefix: str) -> list[dict[str, Any]]:
    """Return the sections of a scope that have something to say."""
    made = []
    for section in sections.listed():
        if section.scope == scope:
            part = section.render(scene)
            anchor = prefix + (
                section.title.lower().replace(' ', '-').replace(',', '') or 'findings'
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


def _heading(visit: VisitOutputs) -> dict[str, str]:
    """Return what stands over a visit."""
    summary = visit.summary
    day = '' if summary.visit.days is None else f', day {summary.visit.days}'
    return {
        'anchor': visit.name,
        'title': visit.title + day,
        'status': summary.status,
        'sign': SIGNS[summary.status],
    }


def _page(
    patient: PatientOutputs, rendered: dict[str, list[dict[str, Any]]], visits: list[dict[str, Any]]
) -> str:
    """Return the whole page."""
    contents = [(one['anchor'], one['title']) for one in rendered['top'] if one['title']]
    contents += [(visit['anchor'], visit['title'].split(',')[0]) for visit in visits]
    contents += [(one['anchor'], one['title']) for one in rendered['end']]
    return (
        environment()
        .get_template('page.html')
        .render(
            participant=patient.participant,
            banner=BANNER,
            program=_program(patient),
            style=(TEMPLATES / 'style.css').read_text(encoding='utf-8'),
            contents=contents,
            top=rendered['top'],
            visits=visits,
            end=rendered['end'],
        )
    )


def _program(patient: PatientOutputs) -> str:
    """Return program and networks in a line."""
    summary = patient.latest.summary
    version = summary.versions.get('bids-seg', bids_seg.__version__)
    names = dict.fromkeys(model.model for visit in patient.visits for model in visit.summary.models)
    networks = f' · networks: {", ".join(names)}' if names else ''
    return f'bids-seg {version}{networks} · criterion: none in force'


def _store(folder: Path, figures: Iterable[Figure]) -> None:
    """Write figures as files and take away those of an earlier page."""
    stored = {f'{figure.stem}.svg': figure.svg for figure in figures}
    for old in folder.glob('*.svg'):
        if old.name not in stored:
            old.unlink()
    for name, svg in stored.items():
        write_bytes(folder / name, svg.encode())
