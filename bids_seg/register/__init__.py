# SPDX-License-Identifier: Apache-2.0
"""Rigid registration of two volumes, how far to trust it, and its transform on disk."""

from bids_seg.register.heads import Heads, head_to_head, midpoint
from bids_seg.register.information import mutual_information
from bids_seg.register.search import Rigid, Starts, rigid, small, to_itk
from bids_seg.register.transform import (
    Matrix,
    centre,
    distance,
    moved,
    read_transform,
    rotation,
    write_transform,
)

__all__ = [
    'Heads',
    'Matrix',
    'Rigid',
    'Starts',
    'centre',
    'distance',
    'head_to_head',
    'midpoint',
    'moved',
    'mutual_information',
    'read_transform',
    'rigid',
    'rotation',
    'small',
    'to_itk',
    'write_transform',
]
