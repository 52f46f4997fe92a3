# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0, contrast-enhancing disease, by volume (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano2_ce

CRITERION = replace(
    rano2_ce.CRITERION,
    name='rano2_ce_volume',
    title='RANO 2.0, enhancing, volumes',
    measure='volume',
    partial=Limit(change='decrease', percent=65, source=rano2_ce.SOURCE),
    progression=Limit(change='increase', percent=40, source=rano2_ce.SOURCE),
)
