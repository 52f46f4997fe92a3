# SPDX-License-Identifier: Apache-2.0
"""RANO-HGG: high-grade glioma by the sum of products of diameters (Wen 2010)."""

from bids_seg.respond.arithmetic import Limit
from bids_seg.respond.criterion import Criterion

SOURCE = '10.1200/JCO.2009.26.3541'

CRITERION = Criterion(
    name='rano_hgg',
    title='RANO-HGG',
    version='2010',
    source=SOURCE,
    tissue='ET',
    images=('T1wCE',),
    measure='product',
    pair='largest_product',
    least_ld=100,
    least_sd=100,
    spacing_ld=2,
    spacing_sd=2,
    max_targets=5,
    partial=Limit(change='decrease', percent=50, source=SOURCE),
    progression=Limit(change='increase', percent=25, source=SOURCE),
    new_lesion='any',
    nontarget='glioma',
    flair='used',
    window='not_evaluable',
)
