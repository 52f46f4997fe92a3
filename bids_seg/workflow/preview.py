# SPDX-License-Identifier: Apache-2.0
"""What `--dry-run` prints: the plan of every visit, and nothing left behind."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bids_seg import discover
from bids_seg.settings import Settings
from bids_seg.workflow import given, plan
from bids_seg.workflow.history import inputs
from bids_seg.workflow.plan import VisitPlan


def run(settings: Settings) -> int:
    """Print the plan as TSV to stdout.

    Parameters
    ----------
    settings
        What was asked for.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    UserError
        If the dataset, a label or the filter file is wrong.
    """
    labels = discover.select(settings.bids_dir, settings.participant_label)
    file = settings.bids_filter_file
    filters = discover.read_filters(file) if file is not None else None
    through_time = inputs.read(settings)
    among = discover.mask_sources(
        settings.derivatives, settings.segmentations, output_dir=settings.output_dir
    )
    with tempfile.TemporaryDirectory(prefix='bids-seg-') as folder:
        patients = discover.patients(
            settings.bids_dir,
            participants=labels,
            sessions=settings.session_label,
            filters=filters,
            given=through_time.visits,
            index_dir=Path(folder),
        )
        rows = []
        for patient in patients:
            rows += discover.plan([patient])
            note = plan.tasks_for(patient, settings.models)[1]
            if note:
                row = {'visit': f'sub-{patient.participant}', 'state': 'warning'}
                rows.append({**row, 'reason': note})
            for visit in patient.visits:
                planned = given.planned(visit, patient, settings, among)
                rows += _given_rows(planned)
                known = {*patient.warnings, *visit.warnings, note}
                rows += [
                    {'visit': visit.name, 'state': 'warning', 'reason': words}
                    for words in planned.visit.warnings
                    if words not in known
                ]
                for task in planned.tasks:
                    rows.append({'visit': visit.name, 'role': task, 'state': 'will run'})
                for name, reason in planned.models_skipped.items():
                    row = {'visit': visit.name, 'role': name, 'state': 'cannot run'}
                    rows.append({**row, 'reason': reason})
    sys.stdout.write(discover.as_tsv(rows))
    return 0


def _given_rows(planned: VisitPlan) -> list[dict[str, str]]:
    """Return a row for each file that takes the place of a network, or why it cannot."""
    rows: list[dict[str, str]] = []
    for each in planned.given:
        row = {'visit': planned.visit.name, 'role': each.task}
        if each.fault is not None:
            reason = f'{each.fault.what} ({each.fault.where}); {each.fault.do}'
            rows.append({**row, 'state': 'cannot run', 'reason': reason})
        rows += [{**row, 'state': 'given', 'file': file.relative} for file in each.files]
    return rows
