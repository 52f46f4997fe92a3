# SPDX-License-Identifier: Apache-2.0
"""Glioma: whole tumour, tumour core and enhancing tumour from any subset of four contrasts."""

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

    return unet.build(channels=8, regions=3, widths=WIDTHS, prior=-2.0, compute=compute)


CARD = """\
# glioma

A U-Net of 1.0 million weights on a grid of 2 mm draws whole tumour, tumour core and enhancing
tumour in the brain, from whichever of four contrasts are there.
"""

MODEL = Model(
    name='glioma',
    task='glioma',
    title='Glioma: whole tumour, tumour core, enhancing tumour',
    contrasts=('T1wCE', 'T1w', 'T2w', 'FLAIR'),
    needs=(('FLAIR',), ('T1wCE',)),
    regions=('WT', 'TC', 'ET'),
    unavailable=MappingProxyType({'ET': ('T1wCE',)}),
    spacing=2.0,
    multiple=16,
    threshold=0.5,
    members=(
        Weights(
            file='glioma.weights.h5',
            sha256='de947483fb7dca6009dd7f8cc22275aaf60c2d521f87bca6408e6ec45607408a',
        ),
    ),
    temperature=MappingProxyType({'WT': 1.0, 'TC': 1.0, 'ET': 1.0}),
    normalise=normalise.to_score,
    build=network,
    presence=True,
    card=CARD,
)
