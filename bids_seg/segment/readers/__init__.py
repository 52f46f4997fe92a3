# SPDX-License-Identifier: Apache-2.0
"""Reading weights as others published them: containers in, named arrays out, networks filled.

No framework of the authors is needed, and nothing in a file is ever run.
"""

from bids_seg.segment.readers.bundle import read_bundle
from bids_seg.segment.readers.digest import check_digest
from bids_seg.segment.readers.exported import fill_exported, is_exported
from bids_seg.segment.readers.fill import Order, fill, in_order
from bids_seg.segment.readers.hdf5 import read_hdf5
from bids_seg.segment.readers.sniff import read
from bids_seg.segment.readers.torch import read_torch

__all__ = [
    'Order',
    'check_digest',
    'fill',
    'fill_exported',
    'in_order',
    'is_exported',
    'read',
    'read_bundle',
    'read_hdf5',
    'read_torch',
]
