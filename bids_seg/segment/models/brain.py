# SPDX-License-Identifier: Apache-2.0
"""The brain of any head image: any one contrast, thick slices, stripped already or not."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bids_seg.segment import normalise
from bids_seg.segment.maps import Scaling
from bids_seg.segment.model import OWN, Model, Own, Weights

if TYPE_CHECKING:
    import keras

WIDTHS = (16, 32, 64, 96)


def network(compute: str = 'float32') -> keras.Model:
    """Make the network with random weights.

    Parameters
    ----------
    compute
        Type in which to convolve.
    """
    from bids_seg.segment.networks import unet

    return unet.build(channels=1, regions=1, widths=WIDTHS, compute=compute)


CARD = """\
# brain

Draws the brain, ventricles included, in one image of any contrast: with skull, cropped, defaced,
thick-sliced or stripped already.

- **Network**: U-Net of 1.0 million weights on a grid of 2 mm (`networks/unet.py`), logits of a
  mask whose border lies 1 mm outside the tissue, sulci filled.
- **Learned from**: images painted from label maps of 16 adult heads (`BBillot/SynthSeg`, folder
  `data/training_label_maps`, Apache-2.0); heads 09, 14, 15 and 17 were left out. It never saw a
  scan of a person.
- **Command**: `bids-seg train brain HEADS OUT --samples 3500 --seed 1`: 3500 samples, about half
  an hour of one core. The length of the schedule was changed twice under way (8500, 5000, 3500
  samples) and painted images were shown twice, later three times, so a repetition gives weights
  as good, not the same.
- **Unseen heads, painted** (48 scenes): Dice median 0.953, mean 0.948, lowest 0.898.
- **One real patient** (TCGA-FG-6692, slices of 5.5 mm, against HD-BET; looked at during
  development, so no estimate for others): T1w 0.966, T1wCE 0.951, T2w 0.959, FLAIR 0.959.
- **Limits**: adults only; no children, no animals, no missing bone flaps in training. HD-BET's
  masks are some 4 % larger; `--brain-border` moves the edge. Details below 2 mm are not drawn.
  Not a medical device.
"""

MODEL = Model(
    name='brain',
    task='brain',
    title='Brain extraction from one image of any contrast',
    contrasts=(),
    needs=(),
    regions=('brain',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    members=(
        Weights(
            file='brain.weights.h5',
            sha256='f7e00f9abd7f9577465fcef6637a9abf43d8bb95a00fa89f62de6151c10d504f',
        ),
    ),
    licence=OWN,
    scores='Dice 0.95 on painted heads that it never saw; 0.95 to 0.97 on one patient against HD-BET',
    source='bids-seg',
    system=Own(
        spacing=2.0,
        multiple=16,
        scaling=MappingProxyType({'brain': Scaling(temperature=0.931, shift=0.09)}),
        normalise=normalise.to_unit,
        build=network,
        presence=False,
    ),
    card=CARD,
)
