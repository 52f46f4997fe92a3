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
  mask whose border lies 1 mm outside the tissue, sulci of up to 14 mm filled.
- **Learned from**: images painted from label maps of 16 adult heads (`BBillot/SynthSeg`, folder
  `data/training_label_maps`, Apache-2.0); heads 09, 14, 15 and 17 were left out. It never saw a
  scan of a person.
- **Commands**: `bids-seg train brain HEADS OUT --samples 3500 --seed 1`, then 6000 samples more
  with `--seed 31 --rate 1e-3 --init` and the weights of the first: half an hour and an hour of one
  core. Schedules were changed under way (8500, 5000, 3500 samples; 7000, 6000), images were shown
  twice, later three times, and the first run closed sulci of 8 mm only: a repetition gives weights
  as good, not the same.

| what | wanted | reached |
|---|---|---|
| unseen heads, painted (48): Dice median, mean, worst | mean .975, worst .95 | 0.967, 0.965, 0.938 |
| TCGA-FG-6692, slices of 5.5 mm, against HD-BET: T1w, T1wCE, T2w, FLAIR | each .96 | 0.975, 0.967, 0.958, 0.963 |
| the same: volume by that of HD-BET | stated | 0.986, 0.988, 1.018, 1.003 |
| calibration error within 10 mm: all voxels (median of heads) | .03 | 0.014 (0.026) |

`make figures` prints them. The real head was looked at during development, so it is no estimate
for others.

- **Probabilities**: scaled on 80 painted scenes of the heads that were left out, other scenes than
  those of the table.
- **Limits**: adults only; no children, no animals, no missing bone flaps in training. Worst are
  images in which bone or fluid looks like brain, and slices of 6 mm and more. `--brain-border`
  moves the edge. Details below 2 mm are not drawn. Pictures: docs/pictures.md. Not a medical
  device.
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
    scores='Dice 0.965 (mean) on painted heads that it never saw; 0.96 to 0.98 on one patient against HD-BET',
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
