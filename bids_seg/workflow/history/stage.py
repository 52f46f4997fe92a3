# SPDX-License-Identifier: Apache-2.0
"""The stage that follows the lesions of a participant, file in and file out."""

from __future__ import annotations

import resource
import time
import traceback
from pathlib import Path

from bids_seg.errors import UserError
from bids_seg.image import write_bytes
from bids_seg.records import to_json
from bids_seg.workflow.history import job as jobs
from bids_seg.workflow.history.job import FollowResult
from bids_seg.workflow.state import RunContext, load_as
from bids_seg.write import names


def run(job_file: Path, context: Path) -> Path:
    """Follow the lesions of a participant from what lies in the output.

    Parameters
    ----------
    job_file
        FollowJob as JSON.
    context
        RunContext as JSON.

    Returns
    -------
    Path
        FollowResult as JSON.
    """
    from bids_seg.workflow.history.follow import follow, is_current

    about, job = load_as(RunContext, context), jobs.read_job(job_file)
    began = time.monotonic()
    error = trace = ''
    try:
        if not is_current(about.out_dir, job):
            error = follow(about.out_dir, about.work_dir, job)
    except Exception as wrong:  # noqa: BLE001 -- visits are complete: they stand without it
        # Images may be half renumbered: without its history everything is made again.
        (about.out_dir / names.history(job.participant)).unlink(missing_ok=True)
        known = isinstance(wrong, UserError)
        error = str(wrong) if known else f'a defect of bids-seg ({type(wrong).__name__}: {wrong})'
        trace = '' if known else traceback.format_exc()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    result = FollowResult(
        participant=job.participant,
        error=error,
        seconds=round(time.monotonic() - began, 2),
        peak_mb=round(peak),
        trace=trace,
    )
    path = jobs.result_place(about.work_dir, job.participant)
    write_bytes(path, to_json(result).encode())
    return path
