# SPDX-License-Identifier: Apache-2.0
"""One contrast of a tumour examination: its own scan of tissue and lesions that all share."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues
from bids_seg.train.synthesis import degrade, paint
from bids_seg.train.synthesis.ranges import Ranges

Tensor = Any
Draw = dict[str, Any]

KEYS: tuple[str, ...] = (
    *(f'{stem}_{axis}' for stem in ('down', 'up', 'coil', 'bias', 'field') for axis in 'ijk'),
    *('bias', 'noise_level', 'noise_uneven', 'noise_seed', 'gamma', 'brightest'),
)
"""Numbers that each contrast has of its own; what `draw_contrast` gives."""

_FLUID = ('fluid', 'ventricle left', 'ventricle right', 'middle ventricles')


def columns(values: NDArray[np.float32], texture: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return what is looked up for each tissue: brightness, fluid, spread of texture.

    Parameters
    ----------
    values
        (T, C) brightness in each contrast.
    texture
        (T,) relative spread.

    Returns
    -------
    ndarray (T, C + 2)
        The last but one column is 1 for tissues that hold pulsing fluid, the last the spread.
    """
    fluid = tissues.table(dict.fromkeys(_FLUID, 1.0))
    return np.column_stack([values, fluid, texture]).astype(np.float32)


def lesion_texture(rng: np.random.Generator, ranges: Ranges) -> NDArray[np.float32]:
    """Draw the relative spread of texture in each lesion tissue.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Typical spread.

    Returns
    -------
    ndarray (L,)
        In the order of `tissues.LESION_TISSUES`.
    """
    out = np.full(len(tissues.LESION_TISSUES), ranges.lesion_texture)
    out[tissues.LESION_TISSUES.index('enhancing')] *= 1.8
    return (out * rng.uniform(0.4, 1.3)).astype(np.float32)


def draw_contrast(
    rng: np.random.Generator,
    ranges: Ranges,
    *,
    values: NDArray[np.float32],
    shape: tuple[int, int, int],
    spacing: float,
) -> Draw:
    """Draw the scan of one contrast, its slip against the others and where its field ends.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Strengths and chances.
    values
        (T,) brightness of the tissues.
    shape
        (I, J, K) of the sample.
    spacing
        mm of a voxel.

    Returns
    -------
    dict
        `KEYS`.
    """
    brightest = float(np.percentile(values[[*tissues.members('brain')]], 90))
    slip = ranges.slip / spacing if paint.chance(rng, ranges.slip_chance) else 0.0
    cut = replace(ranges, crop_chance=ranges.lost_chance)
    field = degrade.draw_field(rng, cut, shape=shape, spacing=spacing)
    return {
        **degrade.draw_scan(
            rng, ranges, shape=shape, spacing=spacing, brightest=brightest, slip=slip
        ),
        'gamma': np.float32(np.exp(rng.normal(0, ranges.gamma))),
        'brightest': np.float32(brightest),
        **{key.replace('inside', 'field'): value for key, value in field.items()},
    }


def lesion_table(draw: dict[str, Tensor], channel: int) -> Tensor:
    """Return what each lesion tissue adds: brightness, spread of its texture, its share.

    Parameters
    ----------
    draw
        `lesion_values` (L, C) and `lesion_texture` (L,).
    channel
        Which contrast.

    Returns
    -------
    tensor (L, 3)
        To be multiplied with the shares of a voxel.
    """
    from keras import ops

    values = draw['lesion_values'][:, channel]
    return ops.stack([values, values * draw['lesion_texture'], ops.ones_like(values)], axis=-1)


def paint_tissue(looked_up: Sequence[Tensor], texture: Tensor, *, pulsation: Tensor) -> Tensor:
    """Return the tissue of one contrast.

    Parameters
    ----------
    looked_up
        Brightness, share of fluid and spread of texture, (I, J, K) each.
    texture
        (I, J, K) unit noise.
    pulsation
        Brightness of blobs in the fluid; 0 for none.

    Returns
    -------
    tensor (I, J, K)
        Relative to white matter.
    """
    from keras import ops

    brightness, fluid, spread = looked_up
    # Noise above a third of its spread makes blobs as large as a cistern.
    blobs = ops.maximum(texture - 0.3, 0.0) * pulsation
    return brightness * (1.0 + spread * texture) + fluid * blobs


def paint_lesions(tissue: Tensor, shares: Tensor, texture: Tensor, *, lesion: Tensor) -> Tensor:
    """Return the tissue with lesions in it.

    Parameters
    ----------
    tissue
        (I, J, K).
    shares
        (I, J, K, L) share of each lesion tissue.
    texture
        (I, J, K) unit noise.
    lesion
        What `lesion_table` gives.

    Returns
    -------
    tensor (I, J, K)
        Not negative.
    """
    from keras import ops

    mixed = ops.matmul(shares, lesion)
    painted = tissue * (1.0 - mixed[..., 2]) + mixed[..., 0] + mixed[..., 1] * texture
    return ops.maximum(painted, 0.0)


def acquire(image: Tensor, own: dict[str, Tensor]) -> Tensor:
    """Scan one contrast and rescale it.

    Parameters
    ----------
    image
        (I, J, K) painted tissue.
    own
        `KEYS` of this contrast.

    Returns
    -------
    tensor (I, J, K)
        Positive; zero where the contrast's field has ended.
    """
    from keras import ops

    scanned = ops.maximum(degrade.scan(image, own), 0.0)
    field = degrade.outer(*(own[f'field_{name}'] for name in 'ijk'))
    return rescale(scanned, own) * field


def rescale(image: Tensor, own: dict[str, Tensor]) -> Tensor:
    """Return what display software makes of intensities: relative to the brightest, with a gamma.

    Parameters
    ----------
    image
        Any shape, not negative.
    own
        `gamma` and `brightest` of the contrast.

    Returns
    -------
    tensor
        Same shape.
    """
    from keras import ops

    return ops.power(image / own['brightest'] + 1e-6, own['gamma'])
