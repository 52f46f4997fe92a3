# SPDX-License-Identifier: Apache-2.0
"""Metastases: the enhancing body of each, with its necrosis, from post-contrast T1w."""

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

    return unet.build(
        channels=1, regions=1, widths=WIDTHS, prior=-4.0, first='nothing', compute=compute
    )


CARD = """\
# metastases

Draws the core (enhancing body with its necrosis) of brain metastases in post-contrast T1w,
inside the brain mask. Oedema is not drawn.

- **Networks**: two U-Nets of 1.0 million weights each on a grid of 1 mm (`networks/unet.py`); their
  probabilities are averaged.
- **Learned from**: pieces of 80 x 80 x 80 mm painted from label maps of 16 adult heads
  (`BBillot/SynthSeg`, folder `data/training_label_maps`, Apache-2.0) with metastases planted
  among vessels; heads 09, 14, 15 and 17 were left out. It never saw a scan of a person.
- **Commands**: `bids-seg train metastases HEADS OUT --samples 10500 --seed 3` made the first, and
  8000 samples more with `--seed 13 --init` and the weights of the first made the second: some 45
  and 80 minutes of one core. In the first run the schedule was changed under way (7000, 4500,
  9000, 10500 samples), the first layer was given sight of absolute brightness after 2450
  samples, and the weight of the focal term was halved after 4200; the second run saw more large
  lesions. A repetition gives other weights.
- **Unseen heads, painted** (110 pieces; `python -m benchmarks.painted_heads HEADS
  --networks metastases --scenes 110`): found 0 of 34 of
  3-5 mm, 24 of 70 of 5-10 mm, 30 of 39 of 10-20 mm, 6 of 16 above, many of which a piece holds
  in part alone; 1.0 false alarms a head. The second network alone found 25, 30 and 9, with 1.3
  false alarms. Dice of a piece: median 0.19, mean 0.34. Calibration error within 10 mm of the
  border 0.05.
- **Real scans** (looked at during development): a healthy post-contrast head showed one speck of
  a few voxels; a cystic metastasis of 47 ml was missed but for 0.2 ml, and a solid one of some
  20 mm in slices of 6.5 mm was drawn in part. No set of real small metastases with truth was in
  reach, so how many of those it finds is not known.
- **Limits**: lesions below 5 mm are mostly missed, and the largest are drawn in part (the
  network `glioma` draws their core); vessels, choroid plexus and dura are the
  likely false alarms. Slices thicker than 2 mm hide what is small. Not a medical device.
"""

MODEL = Model(
    name='metastases',
    task='metastases',
    title='Brain metastases: tumour core',
    contrasts=('T1wCE',),
    needs=(('T1wCE',),),
    regions=('TC',),
    unavailable=MappingProxyType({}),
    threshold=0.5,
    peak=0.85,
    members=(
        Weights(
            file='metastases.weights.h5',
            sha256='f04034849785b6fae0bb3425ddbc24d3472ab518c7b622a1148b319428d640fe',
        ),
        Weights(
            file='metastases-2.weights.h5',
            sha256='1f555e69cc7f21746c988ada2019333349806bb9779c7a1eaa88bd1af57dc336',
        ),
    ),
    licence=OWN,
    scores='painted heads: 24 of 70 lesions of 5-10 mm and 36 of 55 above found, 1.0 false alarms a head',
    source='bids-seg',
    system=Own(
        spacing=1.0,
        multiple=16,
        scaling=MappingProxyType({'TC': Scaling(temperature=0.842, shift=1.272)}),
        normalise=normalise.to_score,
        build=network,
        presence=False,
    ),
    card=CARD,
)
