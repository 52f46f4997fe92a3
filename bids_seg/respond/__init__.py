# SPDX-License-Identifier: Apache-2.0
"""From measured lesions with identities to response categories, each with rule and numbers."""

from bids_seg.respond.criteria import find, names
from bids_seg.respond.criterion import Criterion
from bids_seg.respond.engine import respond
from bids_seg.respond.rules import Rules, parse

__all__ = ['Criterion', 'Rules', 'find', 'names', 'parse', 'respond']
