# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0, non-enhancing disease, by volume (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criteria import rano2_ce, rano2_nonce

CRITERION = replace(
    rano2_nonce.CRITERION,
    name='rano2_nonce_volume',
    title='RANO 2.0, non-enhancing, volumes',
    measure='volume',
    partial=Limit(change='decrease', percent=65, source=rano2_ce.SOURCE),
    minor=Limit(change='decrease', percent=40, source=rano2_ce.SOURCE),
    minor_rule='mr_volume_decrease',
    progression=Limit(change='increase', percent=40, source=rano2_ce.SOURCE),
)
