# SPDX-License-Identifier: Apache-2.0
"""Modified RANO by volume (Ellingson 2017)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import mrano

CRITERION = replace(
    mrano.CRITERION,
    name='mrano_volume',
    title='mRANO, volumes',
    measure='volume',
    partial=Limit(change='decrease', percent=65, source=mrano.SOURCE),
    progression=Limit(change='increase', percent=40, source=mrano.SOURCE),
)
