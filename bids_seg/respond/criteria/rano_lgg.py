# SPDX-License-Identifier: Apache-2.0
"""RANO-LGG: low-grade glioma by products of diameters on T2/FLAIR (van den Bent 2011)."""

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criterion import Criterion

SOURCE = '10.1016/S1470-2045(11)70057-2'

CRITERION = Criterion(
    name='rano_lgg',
    title='RANO-LGG',
    version='2011',
    source=SOURCE,
    tissue='WT',
    images=('FLAIR', 'T2w'),
    measure='product',
    pair='largest_product',
    least_ld=100,
    least_sd=100,
    spacing_ld=2,
    spacing_sd=2,
    max_targets_rule='lgg_max_targets',
    partial=Limit(change='decrease', percent=50, source=SOURCE),
    minor=Limit(change='decrease', percent=25, source=SOURCE),
    progression=Limit(change='increase', percent=25, source=SOURCE),
    new_lesion='any',
    nontarget='glioma',
    enhancement=True,
    mixed_tissue=True,
)
