# SPDX-License-Identifier: Apache-2.0
"""Twins of `segment.normalise` for the compiled function: percentiles of a part of the voxels."""

from typing import Any

Tensor = Any

UNIT_PERCENTILES = (0.5, 99.5)
"""What `segment.normalise.to_unit` maps to 0 and 1."""

SCORE_PERCENTILES = (16.0, 50.0, 84.0)
"""What `segment.normalise.to_score` takes for the brain's low, middle and high values."""

SCORE_LIMITS = (-4.0, 6.0)
"""Where `segment.normalise.to_score` cuts."""

_SORT_STRIDE = 3


def percentiles(
    image: Tensor, mask: Tensor, percents: tuple[float, ...], *, stride: int = _SORT_STRIDE
) -> list[Tensor]:
    """Return percentiles of the voxels in a mask.

    Parameters
    ----------
    image
        (I, J, K).
    mask
        (I, J, K), above one half inside.
    percents
        0..100.
    stride
        Every which voxel along each axis is looked at; 1 gives NumPy's figures.

    Returns
    -------
    list of tensor ()
        Interpolated linearly, as NumPy does; a large number where the mask is empty.
    """
    from keras import ops

    values = ops.reshape(image[::stride, ::stride, ::stride], (-1,))
    held = ops.reshape(mask[::stride, ::stride, ::stride], (-1,)) > 0.5
    ordered = ops.sort(ops.where(held, values, 3e38))
    last = ops.maximum(ops.sum(ops.cast(held, 'float32')) - 1.0, 0.0)
    out = []
    for percent in percents:
        place = last * (percent / 100)
        below = ops.floor(place)
        first = ops.take(ordered, ops.cast(below, 'int32'))
        second = ops.take(ordered, ops.cast(ops.minimum(below + 1, last), 'int32'))
        out.append(first + (second - first) * (place - below))
    return out


def unit(image: Tensor, mask: Tensor, *, stride: int = _SORT_STRIDE) -> Tensor:
    """Twin of `segment.normalise.to_unit` for the compiled function.

    Parameters
    ----------
    image
        (I, J, K).
    mask
        (I, J, K), above one half where a voxel counts.
    stride
        Passed to `percentiles`.

    Returns
    -------
    tensor (I, J, K)
        Values 0..1.
    """
    from keras import ops

    low, high = percentiles(image, mask, UNIT_PERCENTILES, stride=stride)
    scale = ops.where(high > low, 1.0 / ops.maximum(high - low, 1e-9), 0.0)
    return ops.clip((image - low) * scale, 0.0, 1.0)


def score(image: Tensor, mask: Tensor, *, stride: int = _SORT_STRIDE) -> Tensor:
    """Twin of `segment.normalise.to_score` for the compiled function.

    Parameters
    ----------
    image
        (I, J, K).
    mask
        (I, J, K), above one half in the brain.
    stride
        Passed to `percentiles`.

    Returns
    -------
    tensor (I, J, K)
        Values from -4 to 6, outside the mask too.
    """
    low, middle, high = percentiles(image, mask, SCORE_PERCENTILES, stride=stride)
    return scored(image, low, middle, high)


def scored(image: Tensor, low: Tensor, middle: Tensor, high: Tensor) -> Tensor:
    """Return robust z-scores by percentiles that are known.

    Parameters
    ----------
    image
        Any shape.
    low, middle, high
        Scalars: percentiles as in `SCORE_PERCENTILES`.

    Returns
    -------
    tensor
        Same shape, cut to `SCORE_LIMITS`.
    """
    from keras import ops

    least = 1e-6 * ops.maximum(ops.abs(middle), 1e-6)
    spread = ops.maximum((high - low) / 2, least)
    return ops.clip((image - middle) / spread, *SCORE_LIMITS)
