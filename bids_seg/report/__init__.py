# SPDX-License-Identifier: Apache-2.0
"""Pages to look at: one for each participant, one for the group, made from the output folder alone."""

from bids_seg.report.cohort import group
from bids_seg.report.page import participant

__all__ = ['group', 'participant']
