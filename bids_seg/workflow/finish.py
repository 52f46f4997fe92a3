# SPDX-License-Identifier: Apache-2.0
"""The last stages of a visit: measure, describe, publish; and the page of its participant."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bids_seg import image, measure
from bids_seg.image import Volume
from bids_seg.measure.recorded import entropy
from bids_seg.records import Cost, Disease, LesionSet, ModelRun, Visit, VisitSummary, to_json
from bids_seg.segment.job import mutual_path
from bids_seg.workflow import given, standard
from bids_seg.workflow.anonymous import anonymous, roots
from bids_seg.workflow.history.private import without_dates
from bids_seg.workflow.state import RunContext, VisitState
from bids_seg.write import names, participant, publish, tables
from bids_seg.write.text import read_json
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
    drawn = {run.task for run in state.models if run.sources}
    files = names.visit_files(state.visit, aligned=accepted, tasks=regions, given=drawn)
    found: dict[str, LesionSet] = {
        run.task: _measured(state, run, files) for run in state.models if run.task != 'brain'
    }
    cost = Cost(stage='measure', seconds=round(time.monotonic() - began, 2), peak_mb=None)
    carried = standard.carry(state, about)
    after = dataclasses.replace(
        state,
        lesion_sets=tuple(found.values()),
        costs=(*state.costs, cost),
        spaces=carried.spaces,
        warnings=(*state.warnings, *carried.warnings),
    )
    summary = summarise(after, about)
    write_texts(state.root, summary, files=files, lesions=found)
    files |= standard.describe(state, summary, carried)
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

    Notes
    -----
    Complete results of an earlier run stay if they were made from the same images: they are
    true, only older. Those of other images are withdrawn.
    """
    summary = summarise(state, about)
    if _withdraw_older(state.visit, about, input_sha256=state.input_sha256):
        older = 'the files in the output are those of an earlier run on the same images'
        summary = dataclasses.replace(summary, reason=f'{summary.reason}; {older}')
    _store(summary, about.out_dir)


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
    _withdraw_older(visit, about, input_sha256='')
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
    told = '' if failure is None else failure.told
    known = roots(bids_dir=about.bids_dir, out_dir=about.out_dir, work_dir=about.work_dir)
    return VisitSummary(
        visit=_public(state.visit, state.warnings, about),
        status='complete' if failure is None else 'failed',
        reason=anonymous(told, known),
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
        lesion_sets=state.lesion_sets,
        spaces=state.spaces,
    )


def page(
    label: str, out_dir: Path, *, aggregate: int = 4, viewer: bool = False, keep_dates: bool = False
) -> Path:
    """Write the tables and the page of a participant from what lies in the output.

    Parameters
    ----------
    label
        Participant without `sub-`.
    out_dir
        Root of the output.
    aggregate
        More visits than this: a page for each.
    viewer
        Whether each visit also has an interactive page.
    keep_dates
        Whether calendar dates may be shown.
    """
    from bids_seg import report

    participant.write_tables(out_dir, label)
    shape = report.PageShape(aggregate=aggregate, viewer=viewer, keep_dates=keep_dates)
    return report.participant(out_dir, label, shape=shape)


def _measured(state: VisitState, run: ModelRun, files: dict[str, str]) -> LesionSet:
    """Measure what one network drew, or what was given, and write the image of its lesions."""
    disease: Disease = 'glioma' if run.task == 'glioma' else 'metastases'
    own = given.own_grid(state, run.task)
    key, space = own or (f'dseg:{disease}', 'orig')
    probabilities = {
        region: image.read_map(state.files[place])
        for region in run.regions
        if (place := f'probseg:{disease}:{region}') in state.files
    }
    found, components = measure.lesions(
        image.read_labels(state.files[key]),
        probabilities,
        disease=disease,
        tissue=names.lesion_tissue(disease, run.regions),
        member_entropies=_member_entropies(state, run, probabilities),
        measurement_space=space,
    )
    if own is not None:
        grid = image.read_header(state.files[f'dseg:{disease}']).grid
        components = image.resample(components, grid, order=0)
    image.save(tables.indexed(components), state.root / files[f'lesions:{disease}'])
    if run.sources:
        # Regions that a mask tells apart count also where none of them is drawn.
        return dataclasses.replace(found, totals_mm3=dict(run.volumes_mm3))
    return found


def _member_entropies(
    state: VisitState, run: ModelRun, probabilities: Mapping[str, Volume]
) -> Mapping[str, Volume] | None:
    """Return the mean entropy of the opinions, bits; None where there is one opinion."""
    found = {}
    for region, volume in probabilities.items():
        place = mutual_path(state.files, run.task, region)
        if place is None or not place.is_file():
            return None
        mutual = image.read_map(place).array
        found[region] = Volume(np.maximum(entropy(volume.array) - mutual, 0), volume.grid)
    return found


def _public(visit: Visit, warnings: tuple[str, ...], about: RunContext) -> Visit:
    """Return a visit as it may stand in outputs: no folder of this machine, no date unasked."""
    scans = tuple(dataclasses.replace(scan, path=Path(scan.relative)) for scan in visit.scans)
    told = tuple(dict.fromkeys((*visit.warnings, *warnings)))
    shown = dataclasses.replace(visit, scans=scans, warnings=told)
    return shown if about.keep_dates else without_dates(shown)


def _withdraw_older(visit: Visit, about: RunContext, *, input_sha256: str) -> bool:
    """Remove results that were made from other images; return whether there are others left."""
    there = publish.published(about.out_dir, visit)
    digests = {
        read_json(about.out_dir / path).get('InputSHA256')
        for path in there
        if path.endswith('.json')
    }
    if there and digests != {input_sha256}:
        publish.withdraw(about.out_dir, visit)
        return False
    return bool(there)


def _store(summary: VisitSummary, out_dir: Path) -> None:
    """Write a summary beside the figures of its participant."""
    image.write_bytes(out_dir / names.summary(summary.visit), to_json(summary).encode())
