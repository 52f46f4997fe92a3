# SPDX-License-Identifier: Apache-2.0
"""What following a participant's lesions was asked for: one record, kept as a file for the node."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bids_seg import __version__
from bids_seg.image import write_bytes
from bids_seg.records import Patient, ReaderEdit, Visit, VisitSummary, from_json, to_json
from bids_seg.settings import Settings

Reference = Literal['first-date', 'first-lex', 'unbiased', 'sessionwise']
"""Visit on whose grid lesions are followed."""

UNKNOWN_ORDER = 'order_unknown'
"""How the warning begins that dates and labels contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowJob:
    """What is asked for one participant."""

    participant: str
    """Label without `sub-`."""
    timeline: tuple[Visit, ...]
    """All visits of the dataset in order of time, without images."""
    info: Mapping[str, str]
    """Columns of the patient."""
    warnings: tuple[str, ...]
    """What is known about the order of the visits."""
    edits: tuple[ReaderEdit, ...]
    """A reader's corrections and overrides."""
    criteria: tuple[str, ...]
    """Response criteria, `auto` or `none`."""
    rules: tuple[str, ...]
    """`KEY=VALUE` for each option that is set."""
    reference: Reference
    """Visit on whose grid lesions are followed."""
    keep_dates: bool
    """Whether calendar dates are written."""
    seed: int
    """Seed of the registrations."""
    version: str = __version__
    """Version of the program."""

    @property
    def unordered(self) -> str:
        """Why the order of the visits is not known; empty where it is."""
        return next((text for text in self.warnings if text.startswith(UNKNOWN_ORDER)), '')


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowResult:
    """What became of following a participant's lesions."""

    participant: str
    """Label without `sub-`."""
    error: str
    """What is wrong; empty where nothing is."""
    seconds: float
    """Wall time."""
    peak_mb: float
    """Peak resident memory of the process, megabytes."""
    trace: str = ''
    """Traceback of a defect."""


def job_of(patient: Patient, settings: Settings, edits: Sequence[ReaderEdit] = ()) -> FollowJob:
    """Return what is asked for a participant.

    Parameters
    ----------
    patient
        With all visits of the dataset in order of time.
    settings
        What was asked for.
    edits
        A reader's corrections of this participant.
    """
    return FollowJob(
        participant=patient.participant,
        timeline=tuple(_bare(visit) for visit in patient.timeline or patient.visits),
        info=patient.info,
        warnings=tuple(text for text in patient.warnings if text.startswith('order_')),
        edits=tuple(edits),
        criteria=settings.criteria,
        rules=settings.rules,
        reference=settings.subject_anatomical_reference,
        keep_dates=settings.keep_dates,
        seed=settings.random_seed,
    )


def place(work_dir: Path, participant: str) -> Path:
    """Return where the job of a participant is kept."""
    return work_dir / f'sub-{participant}' / 'follow.json'


def result_place(work_dir: Path, participant: str) -> Path:
    """Return where it is kept what became of the job of a participant."""
    return work_dir / f'sub-{participant}' / 'followed.json'


def keep(job: FollowJob, work_dir: Path) -> Path:
    """Write a job for its node; return the file.

    Parameters
    ----------
    job
        What is asked for.
    work_dir
        The work folder.
    """
    path = place(work_dir, job.participant)
    write_bytes(path, to_json(job).encode())
    result_place(work_dir, job.participant).unlink(missing_ok=True)
    return path


def read_job(path: Path) -> FollowJob:
    """Return the job that a file holds."""
    return from_json(FollowJob, path.read_text(encoding='utf-8'))


def digest(job: FollowJob, summaries: Sequence[VisitSummary]) -> str:
    """Return the SHA-256 of all that a history is made from.

    Parameters
    ----------
    job
        What is asked for.
    summaries
        Visits in the output in order of time, with what is known of them today.
    """
    hashed = hashlib.sha256(to_json(job).encode())
    for one in summaries:
        text = (one.status, one.settings_sha256, one.input_sha256, to_json(_bare(one.visit)))
        hashed.update('\n'.join(text).encode())
    return hashed.hexdigest()


def _bare(visit: Visit) -> Visit:
    """Return a visit without its images and what was said of them."""
    return dataclasses.replace(visit, scans=(), passed_over=(), warnings=())
