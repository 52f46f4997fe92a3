# SPDX-License-Identifier: Apache-2.0
"""The FLAIR abnormality of gliomas by the U-Net of mateuszbuda, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import budakeras

CARD = """\
# budakeras-flair

Draws what is too bright in FLAIR, axial slice by slice, as whole tumour (WT) without parts.

- **Made by**: https://github.com/mateuszbuda/brain-segmentation (2019); nothing of it ships with
  bids-seg. Its licence forbids commercial use.
- **Network**: 2-D U-Net of 7,760,097 weights; it sees T1w, FLAIR and T1wCE of a slice. Where T1w
  or T1wCE is missing, FLAIR takes its place, as in the authors' data.
- **Learned from**: lower-grade gliomas of TCGA.
- **Scored**, by its authors: Dice 0.884 mean of 5 cases; in the paper 0.836 mean of 110.
- **Here**: the largest piece is kept. With `--parity` the square is cut one pixel off the middle,
  as in the original.
- **Limits**: one piece alone; white-matter lesions are as bright. Enhancement is not drawn.
"""

MODEL = Model(
    name='budakeras-flair',
    task='glioma',
    title='Glioma: FLAIR abnormality in axial slices, by mateuszbuda/brain-segmentation',
    contrasts=('T1wCE', 'T1w', 'FLAIR'),
    needs=(('FLAIR',),),
    regions=('WT',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='weights_64.h5',
            url='https://drive.google.com/uc?id=12LF2WJgSzqtn8t2D8-r3V8uunT84t1v-',
        ),
    ),
    licence=Licence(name='CC-BY-NC-SA-4.0', commercial=False),
    scores='Dice 0.884 mean of 5 held-out cases; 0.836 of 110 in the paper (authors)',
    source='mateuszbuda/brain-segmentation',
    system=budakeras.FLAIR,
    card=CARD,
)
