# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0: enhancing and non-enhancing disease in parallel (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.criteria import rano2_ce

CRITERION = replace(
    rano2_ce.CRITERION,
    name='rano2',
    title='RANO 2.0',
    parts=('rano2_ce', 'rano2_nonce'),
)
