# SPDX-License-Identifier: Apache-2.0
"""Metastases by the five U-Nets of Brain-Mets-Seg, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import brainmets

FOLDS = 5
"""Networks that were published."""

CARD = """\
# brainmets

Draws brain metastases, each with its necrosis, in T1wCE.

- **Made by**: https://github.com/QTIM-Lab/Brain-Mets-Seg (2025); nothing of it ships with
  bids-seg. The links to its checkpoints stand in the Dockerfile of the repository.
- **Network**: five 3-D U-Nets of 31,194,017 weights, one for each fold; the folders `Model_0` to
  `Model_4` hold a checkpoint each, and those that are there are run.
- **Learned from**: 1,546 scans of eight sources.
- **Scored**, by its authors: nothing was published.
- **Here**: voxels of 1 mm, z-scores inside the brain, windows of 128 voxels that overlap by three
  quarters; logits are averaged as they should be. With `--parity` sums begin at one, as in the
  original. On a CPU the seven mirror images are left out: with all five folds a brain needs 60
  windows (some ten minutes of two cores), with all mirror images eight times as many.
- **Limits**: the authors correct the bias field and strip the skull with other programs.
"""

MODEL = Model(
    name='brainmets',
    task='metastases',
    title='Brain metastases: tumour core, by QTIM-Lab/Brain-Mets-Seg',
    contrasts=('T1wCE',),
    needs=(('T1wCE',),),
    regions=('TC',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=tuple(
        Weights(file=f'Model_{number}', url='https://github.com/QTIM-Lab/Brain-Mets-Seg')
        for number in range(FOLDS)
    ),
    licence=Licence(name='not stated (code: Apache-2.0)', commercial=None),
    scores='none published',
    source='QTIM-Lab/Brain-Mets-Seg',
    system=brainmets.SYSTEM,
    memory_gb=2.5,
    card=CARD,
)
