# SPDX-License-Identifier: Apache-2.0
"""The brain in T1w by the U-Net of nobrainer, whose weights are to be fetched."""

from __future__ import annotations

from types import MappingProxyType

from bids_seg.segment.model import Licence, Model, Weights
from bids_seg.segment.systems import nobrainer

CARD = """\
# nobrainer

Draws the brain in one T1w image (in T1wCE where there is no other, which it was not trained on).

- **Made by**: https://github.com/neuronets/nobrainer (2019); nothing of it ships with bids-seg.
- **Network**: 3-D U-Net of 4,768,289 weights, in blocks of 128 voxels of a volume of 256 a side.
- **Learned from**: 10,000 T1w scans of 1 mm with FreeSurfer's labels.
- **Scored**, by its authors: 99 scans against FreeSurfer, Dice median 0.97, lowest 0.91.
- **Here**: the head is sampled at 1 mm, blocks overlap where an accelerator runs them, the largest
  piece is kept. With `--parity` the array is stretched to 256 a side whatever its voxels, blocks
  do not overlap and all pieces stay, as in the original.
- **Limits**: it knows T1w scans of about 1 mm; slices of several mm are interpolated.
"""

MODEL = Model(
    name='nobrainer',
    task='brain',
    title='Brain extraction from T1w, by nobrainer',
    contrasts=('T1w', 'T1wCE'),
    needs=(('T1w',), ('T1wCE',)),
    regions=('brain',),
    unavailable=MappingProxyType({}),
    threshold=0.3,
    members=(
        Weights(
            file='brain-extraction-unet-128iso-model.h5',
            sha256='17d946f977134b70cb48ce3960d634517d9e0c6f09ca40fb7de5b86faeb94eb9',
            url='https://github.com/neuronets/nobrainer-models/releases/download/0.1/brain-extraction-unet-128iso-model.h5',
        ),
    ),
    licence=Licence(name='not stated (code: Apache-2.0)', commercial=None),
    scores='Dice 0.97 median, 0.91 to 0.98, of 99 T1w scans against FreeSurfer (authors)',
    source='neuronets/nobrainer',
    system=nobrainer.SYSTEM,
    memory_gb=2.5,
    card=CARD,
)
