# SPDX-License-Identifier: Apache-2.0
"""What `--dry-run` prints: the plan of every visit, and nothing left behind."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bids_seg import discover
from bids_seg.settings import Settings
from bids_seg.workflow import plan


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
    with tempfile.TemporaryDirectory(prefix='bids-seg-') as folder:
        patients = discover.patients(
            settings.bids_dir,
            participants=labels,
            sessions=settings.session_label,
            filters=filters,
            index_dir=Path(folder),
        )
        rows = []
        for patient in patients:
            rows += discover.plan([patient])
            tasks, note = plan.tasks_for(patient, settings.models)
            if note:
                row = {'visit': f'sub-{patient.participant}', 'state': 'warning'}
                rows.append({**row, 'reason': note})
            for visit in patient.visits:
                planned = plan.plan(visit, tasks)
                for task in planned.tasks:
                    rows.append({'visit': visit.name, 'role': task, 'state': 'will run'})
                for name, reason in planned.models_skipped.items():
                    row = {'visit': visit.name, 'role': name, 'state': 'cannot run'}
                    rows.append({**row, 'reason': reason})
    sys.stdout.write(discover.as_tsv(rows))
    return 0
