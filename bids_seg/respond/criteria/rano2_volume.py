# SPDX-License-Identifier: Apache-2.0
"""RANO 2.0: enhancing and non-enhancing disease in parallel, by volume (Wen 2023)."""

from dataclasses import replace

from bids_seg.respond.criteria import rano2_ce_volume

CRITERION = replace(
    rano2_ce_volume.CRITERION,
    name='rano2_volume',
    title='RANO 2.0, volumes',
    parts=('rano2_ce_volume', 'rano2_nonce_volume'),
)
