# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0, non-enhancing disease, by products of diameters (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano2_ce

CRITERION = replace(
    rano2_ce.CRITERION,
    name='rano2_nonce',
    title='RANO 2.0, non-enhancing',
    tissue='NonCE',
    images=('FLAIR', 'T2w'),
    max_targets_rule='rano2_max_nonce',
    minor=Limit(change='decrease', percent=25, source=rano2_ce.SOURCE),
    flair='none',
    mixed_tissue=True,
)
