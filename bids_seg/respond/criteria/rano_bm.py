# SPDX-License-Identifier: Apache-2.0
"""RANO-BM: brain metastases by the sum of longest diameters (Lin 2015)."""

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criterion import Criterion

SOURCE = '10.1016/S1470-2045(15)70057-4'

CRITERION = Criterion(
    name='rano_bm',
    title='RANO-BM',
    version='2015',
    source=SOURCE,
    tissue='TC',
    images=('T1wCE',),
    measure='ld',
    pair='longest',
    least_ld=100,
    least_sd=50,
    # Twice the spacing as in RECIST and RANO-HGG; the perpendicular one: at least the spacing.
    spacing_ld=2,
    spacing_sd=1,
    least_ld_rule='bm_min_ld',
    max_targets=5,
    partial=Limit(change='decrease', percent=30, source=SOURCE),
    progression=Limit(change='increase', percent=20, source=SOURCE),
    least_growth=50,
    new_lesion='any',
    nontarget='rano_bm',
    na_complete=True,
    baseline_days=28,
    reduced_steroids=False,
)
