# SPDX-License-Identifier: Apache-2.0
"""Glioma from four contrasts by the SegResNet of MONAI, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import segresnet

CARD = """\
# segresnet

Draws whole tumour (WT), tumour core (TC) and enhancing tumour (ET) from T1wCE, T1w, T2w and
FLAIR; all four have to be there.

- **Made by**: the bundle `brats_mri_segmentation` of https://github.com/Project-MONAI/model-zoo,
  version 0.5.2; nothing of it ships with bids-seg. The data it learned from have terms of their
  own (BraTS 2018).
- **Network**: SegResNet of 4,702,227 weights, windows of 240 x 240 x 160 voxels of 1 mm.
- **Scored**, by its authors, on 42 cases by which it was chosen: Dice TC 0.856, WT 0.903, ET 0.791.
- **Here**: images are sampled at 1 mm with the brain in the middle of the window, in the
  orientation of BraTS. With `--parity` arrays go in as stored. `--mc-dropout` gives further
  opinions.
- **Limits**: no other contrasts will do; it learned from adults of BraTS 2018 alone.
"""

MODEL = Model(
    name='segresnet',
    task='glioma',
    title='Glioma: whole tumour, tumour core, enhancing tumour, by MONAI (SegResNet)',
    contrasts=('T1wCE', 'T1w', 'T2w', 'FLAIR'),
    needs=(('T1wCE', 'T1w', 'T2w', 'FLAIR'),),
    regions=('WT', 'TC', 'ET'),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='model.pt',
            md5='870e677b782a5184cbc48db1456b78e8',
            url='https://developer.download.nvidia.com/assets/Clara/monai/tutorials/model_zoo/model_brats_mri_segmentation.pt',
        ),
    ),
    licence=Licence(name='Apache-2.0', commercial=True),
    scores='Dice TC 0.856, WT 0.903, ET 0.791 of 42 cases of BraTS 2018 (authors)',
    source='Project-MONAI/model-zoo brats_mri_segmentation',
    system=segresnet.SYSTEM,
    memory_gb=3.5,
    card=CARD,
)
