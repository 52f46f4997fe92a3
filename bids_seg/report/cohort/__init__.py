# SPDX-License-Identifier: Apache-2.0
"""The group's page: responses of all participants, spread of volumes, quality, what is missing."""

from bids_seg.report.cohort.page import group

__all__ = ['group']
