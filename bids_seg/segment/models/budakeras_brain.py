# SPDX-License-Identifier: Apache-2.0
"""The brain in FLAIR by the U-Net of mateuszbuda, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import budakeras

CARD = """\
# budakeras-brain

Draws the brain in FLAIR, axial slice by slice.

- **Made by**: https://github.com/mateuszbuda/brain-segmentation (2019); nothing of it ships with
  bids-seg. Its licence forbids commercial use.
- **Network**: 2-D U-Net of 7,760,097 weights; it sees a slice and its two neighbours.
- **Learned from**: patients with lower-grade glioma (TCGA), masks by another program.
- **Scored**, by its authors: Dice 0.957 mean of 5 cases, 0.948 to 0.966.
- **Here**: slices are resized with the shorter side to 256 pixels; the largest piece is kept and
  made convex in each slice. With `--parity` the square is cut one pixel off the middle, as in the
  original.
- **Limits**: axial acquisitions; a convex outline bridges what is folded.
"""

MODEL = Model(
    name='budakeras-brain',
    task='brain',
    title='Brain extraction from FLAIR in axial slices, by mateuszbuda/brain-segmentation',
    contrasts=('FLAIR',),
    needs=(('FLAIR',),),
    regions=('brain',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='weights_128.h5',
            url='https://drive.google.com/uc?id=1yfXFngcJvBO3EKuC6-ASboW_TPyLSLgd',
        ),
    ),
    licence=Licence(name='CC-BY-NC-SA-4.0', commercial=False),
    scores='Dice 0.957 mean of 5 held-out cases (authors)',
    source='mateuszbuda/brain-segmentation',
    system=budakeras.BRAIN,
    card=CARD,
)
