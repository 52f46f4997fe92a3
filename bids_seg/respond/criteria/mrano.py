# SPDX-License-Identifier: Apache-2.0
"""Modified RANO: glioblastoma, progression always confirmed (Ellingson 2017)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano_hgg

SOURCE = '10.1007/s13311-016-0507-6'

CRITERION = replace(
    rano_hgg.CRITERION,
    name='mrano',
    title='mRANO',
    version='2017',
    source=SOURCE,
    max_targets_rule='mrano_max_targets',
    partial=Limit(change='decrease', percent=50, source=SOURCE),
    progression=Limit(change='increase', percent=25, source=SOURCE),
    new_lesion='measurable',
    flair='none',
    window='none',
    confirm_pd='always',
    post_rt_baseline=True,
)
