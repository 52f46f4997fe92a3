# SPDX-License-Identifier: Apache-2.0
"""Faults of the scanner and of what happens after it; everything linear along an axis is a matrix.

Slices, blur, gaps, ghosts and aliasing act along one axis each, so they are small matrices made
on the host; the compiled function multiplies them in. Noise is added between the map down to the
scanner's grid and the map back, so that it has the scanner's voxels.
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.train.synthesis import noise
from bids_seg.train.synthesis.paint import chance, seed
from bids_seg.train.synthesis.ranges import Ranges

Tensor = Any
Draw = dict[str, Any]
Matrix = NDArray[np.float32]
Way = Literal['linear', 'nearest', 'cubic']

BIAS_NODES = 9
"""Spline coefficients of the bias field along each axis."""

FAR = 1000.0
"""mm: a mask grown by this much is everything."""


def down(
    size: int, *, step: float, thickness: float, blur: float, slip: float = 0.0
) -> tuple[Matrix, int]:
    """Return the map from a sample's voxels to the scanner's slices along one axis.

    Parameters
    ----------
    size
        Voxels of the sample.
    step
        Distance of two slices, voxels of the sample, at least 1.
    thickness
        Measured part of that distance, voxels.
    blur
        Spread of the point spread, voxels.
    slip
        Voxels by which the slices lie off.

    Returns
    -------
    matrix, count
        (size, size), rows beyond `count` are zero.
    """
    count = min(size, max(2, math.ceil(size / step)))
    middle = (np.arange(count) + 0.5) * step - 0.5 + slip
    # Box of the slice and Gaussian of the point spread, together as one Gaussian.
    spread = math.hypot(thickness / math.sqrt(12), blur)
    weights = np.exp(-0.5 * ((np.arange(size)[None] - middle[:, None]) / max(spread, 1e-3)) ** 2)
    if spread < 0.15:
        weights = (np.abs(np.arange(size)[None] - middle[:, None]) <= 0.5).astype(float)
    out = np.zeros((size, size), np.float32)
    out[:count] = weights / np.maximum(weights.sum(1, keepdims=True), 1e-12)
    return out, count


def up(size: int, *, step: float, count: int, way: Way) -> Matrix:
    """Return the map from the scanner's slices back to the sample's voxels.

    Parameters
    ----------
    size
        Voxels of the sample.
    step
        Distance of two slices, voxels of the sample.
    count
        Number of slices.
    way
        How values between slices are found.

    Returns
    -------
    ndarray (size, size)
        Columns beyond `count` are zero; values beyond the last slice are carried on.
    """
    place = np.clip((np.arange(size) + 0.5) / step - 0.5, 0, count - 1)
    far = np.abs(place[:, None] - np.arange(size)[None])
    if way == 'linear':
        weights = np.clip(1 - far, 0, None)
    elif way == 'nearest':
        weights = (np.rint(place)[:, None] == np.arange(size)[None]).astype(float)
    else:
        near = 1.5 * far**3 - 2.5 * far**2 + 1
        tail = -0.5 * far**3 + 2.5 * far**2 - 4 * far + 2
        weights = np.where(far < 1, near, np.where(far < 2, tail, 0))
    weights[:, count:] = 0
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)


def ghosts(size: int, *, shift: float, amount: float) -> Matrix:
    """Return the map that adds displaced copies along one axis.

    Parameters
    ----------
    size
        Voxels of the sample.
    shift
        Voxels between copies.
    amount
        Strength of both copies together; 0 changes nothing.

    Returns
    -------
    ndarray (size, size)
        Rows sum to 1 but for copies that fall from beyond the field.
    """
    index = np.arange(size)
    out = np.eye(size) * (1 - amount)
    for sign in (-1, 1):
        source = index + round(sign * shift)
        fine = (source >= 0) & (source < size)
        out[index[fine], source[fine]] += amount / 2
    return out.astype(np.float32)


def wrap(size: int, *, low: int, high: int) -> Matrix:
    """Return the map that folds what lies outside an interval onto its other end.

    Parameters
    ----------
    size
        Voxels of the sample.
    low, high
        First voxel of the field and the one after its last.

    Returns
    -------
    ndarray (size, size)
        The identity where the interval is everything.
    """
    out = np.eye(size, dtype=np.float32)
    for source in (*range(low), *range(high, size)):
        out[low + (source - low) % (high - low), source] += 0.5
    return out


def draw_folding(rng: np.random.Generator, ranges: Ranges, drawn: Draw) -> Draw:
    """Draw aliasing along one axis: a field that is too small, with what lies outside folded in.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        How often.
    drawn
        What `draw_scan` and `draw_field` gave.

    Returns
    -------
    dict
        `down_*` and `inside_*` of the folded axis, to replace those of `drawn`; mostly empty.
    """
    if not chance(rng, ranges.wrap_chance):
        return {}
    name = 'ijk'[int(rng.integers(3))]
    size = len(drawn[f'inside_{name}'])
    low, high = int(size * rng.uniform(0, 0.15)), int(size * rng.uniform(0.85, 1.0))
    inside = np.zeros(size, np.float32)
    inside[low:high] = drawn[f'inside_{name}'][low:high]
    folded = drawn[f'down_{name}'] @ wrap(size, low=low, high=high)
    return {f'down_{name}': folded, f'inside_{name}': inside}


def draw_scan(
    rng: np.random.Generator,
    ranges: Ranges,
    *,
    shape: tuple[int, int, int],
    spacing: float,
    brightest: float,
    slip: float = 0.0,
) -> Draw:
    """Draw resolution, bias, coil and noise of one image.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Strengths and chances.
    shape
        (I, J, K) of the sample.
    spacing
        mm of a voxel.
    brightest
        Brightness that noise is relative to.
    slip
        Largest displacement along each axis, voxels.

    Returns
    -------
    dict
        `down_*`, `up_*` (n, n), `coil_*` (n,), `bias` (N, N, N), `bias_*` (n, N), `noise_level`,
        `noise_uneven`, `noise_seed`.
    """
    steps, thickness = _resolution(rng, ranges)
    way: Way = ('linear', 'nearest', 'cubic')[int(rng.choice(3, p=(0.7, 0.15, 0.15)))]
    ghosted = int(rng.integers(3)) if chance(rng, ranges.ghost_chance) else -1
    out: Draw = {}
    spread = rng.uniform(*ranges.bias)
    out['bias'] = rng.normal(0, spread, [BIAS_NODES] * 3).astype(np.float32)
    fading = int(rng.integers(3)) if chance(rng, ranges.coil_chance) else -1
    averaged = 1.0
    for axis, (name, size) in enumerate(zip('ijk', shape, strict=True)):
        step = max(1.0, steps[axis] / spacing)
        averaged *= min(1.0, steps[axis] / spacing)
        blur = rng.uniform(*ranges.blur) if steps[axis] < 1.5 * spacing else 0.2
        off = rng.uniform(-slip, slip)
        lower, count = down(
            size, step=step, thickness=thickness[axis] / spacing, blur=blur, slip=off
        )
        amount = rng.uniform(*ranges.ghost) if axis == ghosted else 0.0
        shift = rng.uniform(3, size / 2)
        out[f'down_{name}'] = lower @ ghosts(size, shift=shift, amount=amount)
        out[f'up_{name}'] = up(size, step=step, count=count, way=way)
        out[f'bias_{name}'] = noise.spline_matrix(
            size / (rng.uniform(*ranges.bias_points) - 1), size, BIAS_NODES
        )
        out[f'coil_{name}'] = _fading(rng, size, axis == fading)
    level = ranges.noise[0] + (ranges.noise[1] - ranges.noise[0]) * rng.random() ** 1.5
    out['noise_level'] = np.float32(level * brightest * math.sqrt(averaged))
    out['noise_uneven'] = np.float32(
        rng.uniform(0.3, 1.5) if chance(rng, ranges.uneven_noise_chance) else 0.0
    )
    out['noise_seed'] = seed(rng)
    return out


def _resolution(
    rng: np.random.Generator, ranges: Ranges
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return slice distances and thicknesses along the three axes, mm."""
    if chance(rng, ranges.thick_chance):
        steps = np.full(3, rng.uniform(*ranges.in_plane))
        thick = int(rng.choice(3, p=(0.25, 0.25, 0.5)))
        steps[thick] = rng.uniform(*ranges.thick)
    else:
        low, high = ranges.isotropic
        steps = np.full(3, low + (high - low) * rng.random() ** 2)
        thick = 0
    thickness = steps.copy()
    thickness[thick] *= 1 - rng.uniform(*ranges.gap)
    return steps, thickness


def _fading(rng: np.random.Generator, size: int, there: bool) -> NDArray[np.float32]:  # noqa: FBT001
    """Return the sensitivity of a coil along one axis."""
    place = np.arange(size) / size
    low, high = rng.uniform(0.0, 0.35), rng.uniform(0.65, 1.0)
    width = rng.uniform(0.03, 0.15)
    fade = 1 / (1 + np.exp(-(place - low) / width)) / (1 + np.exp((place - high) / width))
    return (fade if there else np.ones(size)).astype(np.float32)


def scan(image: Tensor, draw: dict[str, Tensor]) -> Tensor:
    """Return the image as a scanner with these faults gives it.

    Parameters
    ----------
    image
        (I, J, K) painted tissue.
    draw
        What `draw_scan` gives.

    Returns
    -------
    tensor (I, J, K)
        Not negative where there is noise.
    """
    from keras import ops

    shape = tuple(image.shape)
    bias = noise.along_axes(draw['bias'], tuple(draw[f'bias_{name}'] for name in 'ijk'))
    field = ops.exp(bias) * outer(*(draw[f'coil_{name}'] for name in 'ijk'))
    signal = noise.along_axes(image * field, tuple(draw[f'down_{name}'] for name in 'ijk'))
    real, imaginary = noise.normal_pair(draw['noise_seed'], shape)
    # The smooth bias doubles as the map of uneven noise: coils that see little, amplify.
    level = draw['noise_level'] * ops.exp(-bias * draw['noise_uneven'])
    signal = ops.sqrt((signal + real * level) ** 2 + (imaginary * level) ** 2)
    return noise.along_axes(signal, tuple(draw[f'up_{name}'] for name in 'ijk'))


def outer(first: Tensor, second: Tensor, third: Tensor) -> Tensor:
    """Return the product of one factor along each axis.

    Parameters
    ----------
    first, second, third
        (I,), (J,) and (K,).

    Returns
    -------
    tensor (I, J, K)
        Product of the three.
    """
    from keras import ops

    return (
        ops.reshape(first, (-1, 1, 1))
        * ops.reshape(second, (1, -1, 1))
        * ops.reshape(third, (1, 1, -1))
    )


def draw_field(
    rng: np.random.Generator, ranges: Ranges, *, shape: tuple[int, int, int], spacing: float
) -> Draw:
    """Draw the field of view.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        How often and how much is cut.
    shape
        (I, J, K) of the sample.
    spacing
        mm of a voxel.

    Returns
    -------
    dict
        `inside_i`, `inside_j`, `inside_k` (n,): 1 in the field, 0 beyond.
    """
    sides = np.zeros((3, 2))
    if chance(rng, ranges.crop_chance):
        for _ in range(int(rng.integers(1, 4))):
            # Sideways cuts are rare, cuts from below and above the rule.
            axis = int(rng.choice(3, p=(0.15, 0.25, 0.6)))
            sides[axis, int(rng.integers(2))] = rng.uniform(*ranges.crop)
    out: Draw = {}
    for axis, (name, size) in enumerate(zip('ijk', shape, strict=True)):
        low, high = (round(cut / spacing) for cut in sides[axis])
        inside = np.zeros(size, np.float32)
        inside[low : max(low + 12, size - high)] = 1
        out[f'inside_{name}'] = inside
    return out


def draw_display(rng: np.random.Generator, ranges: Ranges) -> Draw:
    """Draw gamma and window.

    Parameters
    ----------
    rng
        Source of random numbers.
    ranges
        Strengths and chances.

    Returns
    -------
    dict
        `gamma` and `window` (2,), of the range 0..1.
    """
    window = [0.0, 1.0]
    if chance(rng, ranges.clip_chance):
        window = [rng.uniform(0, 0.1), 1.0] if chance(rng, 0.5) else [0.0, rng.uniform(0.7, 1)]
    return {
        'gamma': np.float32(np.exp(rng.normal(0, ranges.gamma))),
        'window': np.asarray(window, np.float32),
    }


def display(image: Tensor, draw: dict[str, Tensor]) -> Tensor:
    """Apply window and gamma to values from 0 to 1.

    Parameters
    ----------
    image
        Values 0..1.
    draw
        What `draw_display` gives.

    Returns
    -------
    tensor
        Values 0..1.
    """
    from keras import ops

    low, high = draw['window'][0], draw['window'][1]
    shown = ops.clip((image - low) / (high - low), 0.0, 1.0)
    return ops.power(shown + 1e-6, draw['gamma'])
