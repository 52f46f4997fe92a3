# SPDX-License-Identifier: Apache-2.0
"""What the user gives about patients through time, read and checked before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bids_seg import discover
from bids_seg.discover import VisitRows
from bids_seg.records import ReaderEdit
from bids_seg.settings import Settings
from bids_seg.workflow.history import chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Tables that the user gives beside the dataset."""

    visits: VisitRows | None
    """Dates or days and clinical columns of visits."""
    edits: Mapping[str, tuple[ReaderEdit, ...]]
    """A reader's decisions, by participant without `sub-`."""


def read(settings: Settings) -> Inputs:
    """Return what the user gives about patients through time.

    Parameters
    ----------
    settings
        What was asked for.

    Raises
    ------
    CommandError
        If a criterion, one of its options or one of the tables is wrong.
    """
    chosen.check(settings.criteria, settings.rules)
    visits, edits = settings.sessions_file, settings.reader_file
    return Inputs(
        visits=None if visits is None else discover.read_visit_rows(visits),
        edits={} if edits is None else discover.read_edits(edits),
    )
