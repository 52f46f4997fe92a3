# SPDX-License-Identifier: Apache-2.0
"""The last stages of a visit: measure, describe, publish; and the page of its participant."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

from bids_seg import image, measure
from bids_seg.records import Cost, Disease, LesionSet, ModelRun, Visit, VisitSummary, to_json
from bids_seg.workflow.state import RunContext, VisitState
from bids_seg.write import names, participant, publish, tables
from bids_seg.write.visit import write_texts


def measure_and_publish(state: VisitState, about: RunContext) -> VisitState:
    """Measure the lesions of a visit and move its set of files into the output.

    Parameters
    ----------
    state
        The visit after the networks.
    about
        The run.

    Raises
    ------
    UserError
        If the output cannot be written; nothing of the visit is there then.
    """
    began = time.monotonic()
    accepted = {each.moving for each in state.alignments if each.accepted}
    regions = {run.task: run.regions for run in state.models}
    files = names.visit_files(state.visit, aligned=accepted, tasks=regions)
    found = {run.task: _measured(state, run, files) for run in state.models if run.task != 'brain'}
    cost = Cost(stage='measure', seconds=round(time.monotonic() - began, 2), peak_mb=None)
    after = dataclasses.replace(
        state, lesion_sets=tuple(found.values()), costs=(*state.costs, cost)
    )
    summary = summarise(after, about)
    write_texts(state.root, summary, files=files, lesions=found)
    publish.publish(state.root, about.out_dir, visit=state.visit, files=files)
    _store(summary, about.out_dir)
    return after


def publish_failure(state: VisitState, about: RunContext) -> None:
    """Write the summary of a visit that failed, for its page.

    Parameters
    ----------
    state
        The visit, with its failure.
    about
        The run.
    """
    _store(summarise(state, about), about.out_dir)


def publish_skipped(
    visit: Visit, about: RunContext, *, reason: str, models_skipped: dict[str, str]
) -> None:
    """Write the summary of a visit that nothing can be done with, for its page.

    Parameters
    ----------
    visit
        The visit.
    about
        The run.
    reason
        Why.
    models_skipped
        Why each network could not run.
    """
    state = VisitState(
        visit=visit,
        tasks=(),
        models_skipped=models_skipped,
        root=about.work_dir,
        settings_sha256='',
        input_sha256='',
    )
    summary = dataclasses.replace(summarise(state, about), status='skipped', reason=reason)
    _store(summary, about.out_dir)


def summarise(state: VisitState, about: RunContext) -> VisitSummary:
    """Return what became of a visit, as its page will read it.

    Parameters
    ----------
    state
        The visit at its end.
    about
        The run.
    """
    failure = state.failure
    crash = None
    if failure is not None and failure.trace:
        crash = f'logs/{about.run}/crash-{state.visit.name}-{failure.stage}.txt'
    told = '' if failure is None else f'{failure.what} ({failure.where}); {failure.do}'
    return VisitSummary(
        visit=_public(state.visit, state.warnings),
        status='complete' if failure is None else 'failed',
        reason=_without_folders(told, about),
        crash=crash,
        alignments=state.alignments,
        models=state.models,
        models_skipped=state.models_skipped,
        costs=state.costs,
        settings=about.settings,
        settings_sha256=state.settings_sha256,
        input_sha256=state.input_sha256,
        versions=about.versions,
        run=about.run,
        stripped={scan.role: scan.role in state.stripped for scan in state.visit.scans},
        seed=about.seed,
    )


def page(label: str, out_dir: Path) -> Path:
    """Write the tables and the page of a participant from what lies in the output.

    Parameters
    ----------
    label
        Participant without `sub-`.
    out_dir
        Root of the output.
    """
    from bids_seg import report

    participant.write_tables(out_dir, label)
    return report.participant(out_dir, label)


def _measured(state: VisitState, run: ModelRun, files: dict[str, str]) -> LesionSet:
    """Measure what one network drew and write the image of its lesions."""
    disease: Disease = 'glioma' if run.task == 'glioma' else 'metastases'
    labels = image.read_labels(state.files[f'dseg:{disease}'])
    probabilities = {
        region: image.read_map(state.files[f'probseg:{disease}:{region}']) for region in run.regions
    }
    found, components = measure.lesions(
        labels,
        probabilities,
        disease=disease,
        tissue=names.lesion_tissue(disease, run.regions),
    )
    image.save(tables.indexed(components), state.root / files[f'lesions:{disease}'])
    return found


def _public(visit: Visit, warnings: tuple[str, ...]) -> Visit:
    """Return a visit as it may stand in outputs: no folder of this machine, no date."""
    scans = tuple(dataclasses.replace(scan, path=Path(scan.relative)) for scan in visit.scans)
    told = tuple(dict.fromkeys((*visit.warnings, *warnings)))
    return dataclasses.replace(visit, scans=scans, date=None, warnings=told)


def _without_folders(text: str, about: RunContext) -> str:
    """Return a message without folders of this machine."""
    named = ((about.work_dir, '<work>'), (about.out_dir, '<out>'), (about.bids_dir, '<bids>'))
    for folder, name in named:
        text = text.replace(str(folder), name)
    return text


def _store(summary: VisitSummary, out_dir: Path) -> None:
    """Write a summary beside the figures of its participant."""
    image.write_bytes(out_dir / names.summary(summary.visit), to_json(summary).encode())
