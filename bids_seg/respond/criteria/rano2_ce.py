# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0, contrast-enhancing disease, by products of diameters (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano_hgg

SOURCE = '10.1200/JCO.23.01059'

CRITERION = replace(
    rano_hgg.CRITERION,
    name='rano2_ce',
    title='RANO 2.0, enhancing',
    version='2023',
    source=SOURCE,
    max_targets_rule='rano2_max_ce',
    partial=Limit(change='decrease', percent=50, source=SOURCE),
    progression=Limit(change='increase', percent=25, source=SOURCE),
    new_lesion='measurable',
    flair='antiangiogenic',
    window='preliminary',
    confirm_pd='window',
    post_rt_baseline=True,
)
