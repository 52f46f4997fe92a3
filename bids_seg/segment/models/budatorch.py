# SPDX-License-Identifier: Apache-2.0
"""The FLAIR abnormality of gliomas by the later U-Net of mateuszbuda, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import budatorch

CARD = """\
# budatorch

Draws what is too bright in FLAIR, axial slice by slice, as whole tumour (WT) without parts.

- **Made by**: https://github.com/mateuszbuda/brain-segmentation-pytorch (2019); nothing of it
  ships with bids-seg. `weights/unet.pt` of the repository fits as well, with `--weights`.
- **Network**: 2-D U-Net with batch normalisation, 7,763,041 weights; it sees T1w, FLAIR and T1wCE
  of a slice. Where T1w or T1wCE is missing, FLAIR takes its place, as in the authors' data.
- **Learned from**: lower-grade gliomas of TCGA.
- **Scored**, by its authors: Dice 0.91 mean of 10 cases, by which the network was chosen too.
- **Here**: images first become the 8-bit slices that its older sibling used; the largest piece
  whose voxels share faces is kept.
- **Limits**: one piece alone; white-matter lesions are as bright. Enhancement is not drawn.
"""

MODEL = Model(
    name='budatorch',
    task='glioma',
    title='Glioma: FLAIR abnormality in axial slices, by mateuszbuda/brain-segmentation-pytorch',
    contrasts=('T1wCE', 'T1w', 'FLAIR'),
    needs=(('FLAIR',),),
    regions=('WT',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='unet-e012d006.pt',
            url='https://github.com/mateuszbuda/brain-segmentation-pytorch/releases/download/v1.0/unet-e012d006.pt',
        ),
    ),
    licence=Licence(name='MIT', commercial=True),
    scores='Dice 0.91 mean of the 10 cases by which it was chosen (authors)',
    source='mateuszbuda/brain-segmentation-pytorch',
    system=budatorch.SYSTEM,
    card=CARD,
)
