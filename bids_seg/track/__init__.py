# SPDX-License-Identifier: Apache-2.0
"""From the components of all visits of a patient to lesions with one identity for life."""

from bids_seg.track.follow import VisitComponents, family, follow
from bids_seg.track.match import Component
from bids_seg.track.overlap import Masks, look_at
from bids_seg.track.quality import faults

__all__ = ['Component', 'Masks', 'VisitComponents', 'family', 'faults', 'follow', 'look_at']
