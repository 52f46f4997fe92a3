# SPDX-License-Identifier: Apache-2.0
"""Grids and volumes: reading any NIfTI into RAS+ order, resampling, saving as it was stored.

Orientation is settled here and nowhere else. A `Grid` knows how its file is stored; every
array outside of this package runs along the axes closest to right, anterior and superior.
"""

from bids_seg.image.container import is_fetched
from bids_seg.image.files import encoded, read, read_labels, read_map, save, write_bytes
from bids_seg.image.grid import Grid, Volume, from_stored, isotropic, to_stored
from bids_seg.image.header import Header, read_header
from bids_seg.image.sample import resample, shrink

__all__ = [
    'Grid',
    'Header',
    'Volume',
    'encoded',
    'from_stored',
    'is_fetched',
    'isotropic',
    'read',
    'read_header',
    'read_labels',
    'read_map',
    'resample',
    'save',
    'shrink',
    'to_stored',
    'write_bytes',
]
