# SPDX-License-Identifier: Apache-2.0
"""The brain of any head image: any one contrast, thick slices, stripped already or not."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bids_seg.segment import normalise
from bids_seg.segment.model import Model, Weights

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

A U-Net of 1.0 million weights on a grid of 2 mm draws the brain in one image of any contrast.
"""

MODEL = Model(
    name='brain',
    task='brain',
    title='Brain extraction from one image of any contrast',
    contrasts=(),
    needs=(),
    regions=('brain',),
    unavailable=MappingProxyType({}),
    spacing=2.0,
    multiple=16,
    threshold=0.5,
    members=(
        Weights(
            file='brain.weights.h5',
            sha256='5afa0061c78ad261a515258c24c68260b78934832a76f512ae4c549e90708e16',
        ),
    ),
    temperature=MappingProxyType({'brain': 1.0}),
    normalise=normalise.to_unit,
    build=network,
    presence=False,
    card=CARD,
)
