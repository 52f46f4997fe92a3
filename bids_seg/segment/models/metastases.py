# SPDX-License-Identifier: Apache-2.0
"""Metastases: the enhancing body of each, with its necrosis, from post-contrast T1w."""

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

    return unet.build(
        channels=1, regions=1, widths=WIDTHS, prior=-4.0, first='nothing', compute=compute
    )


CARD = """\
# metastases

A U-Net of 1.0 million weights on a grid of 1 mm draws the core of brain metastases in
post-contrast T1w.
"""

MODEL = Model(
    name='metastases',
    task='metastases',
    title='Brain metastases: tumour core',
    contrasts=('T1wCE',),
    needs=(('T1wCE',),),
    regions=('TC',),
    unavailable=MappingProxyType({}),
    spacing=1.0,
    multiple=16,
    threshold=0.5,
    members=(
        Weights(
            file='metastases.weights.h5',
            sha256='00505c242f7e3a3f7dc268d0c99eb90d7c1c97d364a1abfb753e891c226cc373',
        ),
    ),
    temperature=MappingProxyType({'TC': 1.0}),
    normalise=normalise.to_score,
    build=network,
    presence=False,
    card=CARD,
)
