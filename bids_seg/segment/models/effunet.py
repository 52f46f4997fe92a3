# SPDX-License-Identifier: Apache-2.0
"""The brain in T1w by an EfficientNet of slices, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import effunet

CARD = """\
# effunet

Draws the brain in one T1w image, sagittal slice by slice (in T1wCE where there is no other).

- **Made by**: https://github.com/arekmula/skull_stripping (2021); nothing of it ships with
  bids-seg. The folder holds a SavedModel of TensorFlow 2.3, whose name was not published.
- **Network**: 2-D U-Net on EfficientNetB0, 10,115,501 weights.
- **Learned from**: 674 T1w scans, from weights that had learned ImageNet.
- **Scored**, by its authors: Dice 0.9866 of 97 scans.
- **Here**: what is below zero counts as zero, and slices without content hold no brain. With
  `--parity` negative intensities wrap around, as in the original. `--mc-dropout` gives further
  opinions; there is no mirror image of a sagittal slice.
- **Limits**: slices are stretched to squares, and each is scaled to its own brightest voxel.
"""

MODEL = Model(
    name='effunet',
    task='brain',
    title='Brain extraction from T1w in sagittal slices, by arekmula/skull_stripping',
    contrasts=('T1w', 'T1wCE'),
    needs=(('T1w',), ('T1wCE',)),
    regions=('brain',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='',
            url='https://drive.google.com/drive/folders/1T52d_eHSe14PpG0ocJ2Iiglz9ndAxH04',
        ),
    ),
    licence=Licence(name='not stated (code: MIT)', commercial=None),
    scores='Dice 0.9866 of 97 T1w scans (authors)',
    source='arekmula/skull_stripping',
    system=effunet.SYSTEM,
    card=CARD,
)
