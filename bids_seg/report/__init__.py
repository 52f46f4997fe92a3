# SPDX-License-Identifier: Apache-2.0
"""Pages to look at: one for each participant, one for the group, made from the output folder alone."""

from bids_seg.report.cohort import group
from bids_seg.report.page import participant
from bids_seg.report.section import PageShape

__all__ = ['PageShape', 'group', 'participant']
