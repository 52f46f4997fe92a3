# SPDX-License-Identifier: Apache-2.0
"""RANO-BM by volume: exploratory, never the category that counts."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano_bm

CRITERION = replace(
    rano_bm.CRITERION,
    name='rano_bm_volume',
    title='RANO-BM, volumes (exploratory)',
    measure='volume',
    partial=Limit(change='decrease', percent=65, source=rano_bm.SOURCE),
    # 1.2 cubed: the sphere whose diameter grew by 20 %.
    progression=Limit(change='increase', percent=73, source='sphere equivalent'),
    least_growth=None,
    exploratory=True,
)
