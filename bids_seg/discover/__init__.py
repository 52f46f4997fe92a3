# SPDX-License-Identifier: Apache-2.0
"""A BIDS folder in, patients with visits out: which file plays which part, and why others do not."""

from bids_seg.discover.digest import input_sha256
from bids_seg.discover.filters import read_filters
from bids_seg.discover.given import find_given, mask_sources
from bids_seg.discover.index import description, participants, select
from bids_seg.discover.plan import as_tsv, plan
from bids_seg.discover.user_tables import VisitRows, read_edits, read_visit_rows
from bids_seg.discover.validate import validate
from bids_seg.discover.visits import patients

__all__ = [
    'VisitRows',
    'as_tsv',
    'description',
    'find_given',
    'input_sha256',
    'mask_sources',
    'participants',
    'patients',
    'plan',
    'read_edits',
    'read_filters',
    'read_visit_rows',
    'select',
    'validate',
]
