# SPDX-License-Identifier: Apache-2.0
"""Rigid registration of two volumes, how far to trust it, and its transform on disk."""

from bids_seg.register.heads import Heads, Within, head_to_head, midpoint
from bids_seg.register.information import mutual_information
from bids_seg.register.search import Rigid, Starts, rigid, small, to_itk
from bids_seg.register.template import NAME as TEMPLATE
from bids_seg.register.template import URL as TEMPLATE_URL
from bids_seg.register.template import Fit, template, to_template
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
    'TEMPLATE',
    'TEMPLATE_URL',
    'Fit',
    'Heads',
    'Matrix',
    'Rigid',
    'Starts',
    'Within',
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
    'template',
    'to_itk',
    'to_template',
    'write_transform',
]
