# SPDX-License-Identifier: Apache-2.0
"""What the output holds of a participant's visits, with what is known of them today."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bids_seg import image
from bids_seg.image import Volume
from bids_seg.records import Role, Visit, VisitSummary
from bids_seg.workflow.history.job import FollowJob
from bids_seg.workflow.history.private import without_dates
from bids_seg.write import names, participant


def summaries(out_dir: Path, job: FollowJob) -> list[VisitSummary]:
    """Return what became of the visits of a participant, in order of time.

    Parameters
    ----------
    out_dir
        Root of the output.
    job
        Knows the visits of the dataset; one that is no longer in it keeps its own day.
    """
    today = {visit.session: visit for visit in job.timeline}
    order = [visit.session for visit in job.timeline]
    found = [
        _as_of_today(outcome.summary, today.get(outcome.summary.visit.session))
        for outcome in participant.outcomes(out_dir, job.participant)
    ]
    if all(one.visit.session in today for one in found):
        return sorted(found, key=lambda one: order.index(one.visit.session))
    return participant.in_time(found)


def key(visit: Visit) -> str:
    """Return the key of a visit in what a history holds by session."""
    return visit.session or ''


def files(summary: VisitSummary) -> dict[str, str]:
    """Return the files of a visit by key; none unless it is complete."""
    there = summary.status == 'complete' and summary.visit.reference is not None
    return names.files_of(summary) if there else {}


def reference_image(out_dir: Path, summary: VisitSummary) -> Volume:
    """Return the image of a complete visit on whose grid its results are given."""
    return image.read_map(out_dir / files(summary)[f'preproc:{reference_role(summary)}'])


def reference_role(summary: VisitSummary) -> Role:
    """Return the role of the reference image of a complete visit."""
    reference = summary.visit.reference
    if reference is None:
        message = f'{summary.visit.name} has no image'
        raise ValueError(message)
    return reference.role


def brain(out_dir: Path, summary: VisitSummary) -> Volume | None:
    """Return the brain mask of a visit; None where nobody drew one."""
    path = files(summary).get('brain_mask')
    return None if path is None else image.read_labels(out_dir / path)


def stored(summary: VisitSummary, job: FollowJob) -> VisitSummary:
    """Return a summary as it may stand in the output: without dates unless they are asked for.

    Parameters
    ----------
    summary
        With what is known today.
    job
        Says whether dates are kept.
    """
    return summary if job.keep_dates else replace(summary, visit=without_dates(summary.visit))


def _as_of_today(summary: VisitSummary, visit: Visit | None) -> VisitSummary:
    """Return a summary with the day, date and clinical columns that are known today."""
    if visit is None:
        return summary
    own = replace(summary.visit, days=visit.days, date=visit.date, clinical=visit.clinical)
    return replace(summary, visit=own)
