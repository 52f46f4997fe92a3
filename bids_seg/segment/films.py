# SPDX-License-Identifier: Apache-2.0
"""Axial slices as the networks of mateuszbuda were given them: squares of 256 pixels in 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bids_seg.image import Volume
from bids_seg.records import Role
from bids_seg.segment import slices
from bids_seg.segment.system import Scene

Task = Literal['brain', 'abnormality']
"""For which of the networks images are brightened."""

SIDE = 256
"""Both sides of what the networks see, pixels."""
BIN = 2.0
"""Width of the bins of histograms."""
LOW = 2.0
"""Percentile that becomes black."""
CHANNELS: tuple[Role, ...] = ('T1w', 'FLAIR', 'T1wCE')
"""Sequences that the network of the abnormality sees, in this order."""
PEAK_LEVEL = 2.55
"""White lies so many times as far from black as the peak, which comes to lie at 100."""
RISES = 5
"""The peak of brain is looked for beyond so many rising bins above the median."""
LEVELS = (100.0, 100_000.0)
"""An image whose brightest voxel is darker, or brighter, has no levels for such bins."""
MOST_OUTSIDE = 0.01
"""Share of the brain outside of the square from which the user is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the square that a network sees lies on a slice."""

    rows: int
    """Of the slice."""
    columns: int
    """Of the slice."""
    scale: float
    """Pixels of the network for one of the slice."""
    top: int
    """Row of the scaled slice at which the square begins."""
    left: int
    """Column of the scaled slice at which the square begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Intensities that become black and white, and how they were found."""

    minimum: float
    """Becomes 0."""
    peak: float
    """Left edge of the fullest bin, which becomes 100."""
    maximum: float
    """Becomes 255."""
    start: int
    """Bin from which on the peak was looked for, from 0."""


def frame(rows: int, columns: int, *, parity: bool = False) -> Frame:
    """Return where the square lies: the shorter side fills it, the longer one is cut.

    Parameters
    ----------
    rows, columns
        Of the slices.
    parity
        Whether the square begins one pixel before the middle, as in the original.

    Examples
    --------
    >>> frame(256, 300).left, frame(256, 300, parity=True).left, frame(128, 160).scale
    (22, 21, 2.0)
    """
    scale = SIDE / min(rows, columns)
    early = 1 if parity else 0
    top, left = (
        max(0, (int(np.ceil(side * scale - 1e-9)) - SIDE) // 2 - early) for side in (rows, columns)
    )
    return Frame(rows=rows, columns=columns, scale=scale, top=top, left=left)


def cut(stack: slices.Stack, place: Frame) -> NDArray[np.float32]:
    """Return the squares of a stack, scaled by cubic interpolation.

    Parameters
    ----------
    stack : array of shape (S, rows, columns)
        Axial slices.
    place
        Where the squares lie.

    Returns
    -------
    squares : array of shape (S, 256, 256)
        Intensities; none below zero.
    """
    top, left = (slice(start, start + SIDE) for start in (place.top, place.left))
    if place.scale == 1:
        scaled = stack[:, top, left].astype(np.float32)
    else:
        rows = slices.cubic(place.rows, place.scale)[top]
        columns = slices.cubic(place.columns, place.scale)[left]
        scaled = slices.sample(stack, rows, columns)
    return np.maximum(scaled, 0)


def restore(probability: NDArray[np.float32], place: Frame) -> NDArray[np.float32]:
    """Return probabilities on the slices from which squares were cut, 0 outside of these.

    Parameters
    ----------
    probability : array of shape (S, 256, 256)
        What a network said.
    place
        Where the squares lie.
    """
    rows = slices.linear(place.rows, SIDE, step=place.scale, start=-place.top)
    columns = slices.linear(place.columns, SIDE, step=place.scale, start=-place.left)
    return slices.sample(probability, rows, columns)


def outside(mask: NDArray[np.bool_], place: Frame) -> float:
    """Return which share of a mask no square shows, 0 to 1.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        A mask.
    place
        Where the squares lie.

    Examples
    --------
    >>> outside(np.ones((300, 256, 2), dtype=bool), frame(256, 300))
    0.147
    """
    rows, columns = _shown(place)
    shown = slices.axial(mask)[:, rows][:, :, columns]
    return 1 - int(shown.sum()) / max(1, int(mask.sum()))


def reaches(mask: NDArray[np.bool_], place: Frame) -> bool:
    """Return whether a mask touches an edge of the squares beyond which the slices go on.

    Parameters
    ----------
    mask : array of shape (I, J, K)
        A mask.
    place
        Where the squares lie.
    """
    stack = slices.axial(mask)
    for axis, shown in enumerate(_shown(place), start=1):
        first, last = int(shown.argmax()), len(shown) - 1 - int(shown[::-1].argmax())
        edges = [edge for edge in (first, last) if edge not in {0, len(shown) - 1}]
        if np.take(stack, edges, axis=axis).any():
            return True
    return False


def _shown(place: Frame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows and which columns of a slice the square shows."""
    shown = []
    for length, start in ((place.rows, place.top), (place.columns, place.left)):
        middle = (np.arange(length) + 0.5) * place.scale - start
        shown.append((middle > 0) & (middle < SIDE))
    return shown[0], shown[1]


def levels(stack: NDArray[Any], task: Task) -> Levels:
    """Return the intensities that become black and white.

    Parameters
    ----------
    stack : array of any shape
        Intensities of one image, none below zero.
    task
        The two networks were given images brightened by different rules.

    Notes
    -----
    Percentiles lie at (k - 0.5) / n, as MatLab has them. A histogram without five rising bins
    above the median made the original stop; its peak is looked for from the median on.
    """
    values = np.asarray(stack, np.float64).ravel()
    first = BIN * np.floor(values.min() / BIN)
    count = max(1, int(np.ceil((values.max() - first) / BIN)))
    # The last bin holds its right edge, too.
    bins = np.minimum(((values - first) / BIN).astype(np.int64), count - 1)
    full = np.bincount(bins, minlength=count)
    left = first + BIN * np.arange(count)
    if task == 'brain':
        low, median = np.percentile(values, (LOW, 50), method='hazen')
        minimum = float(left[min(int(np.searchsorted(left, low, side='right')), count - 1)])
        start = _after_rises(full, min(int(np.searchsorted(left, median)), count - 1))
    else:
        signal = values[values > 0]
        minimum = float(np.percentile(signal, LOW, method='hazen')) if signal.size else 0.0
        start = min(int(np.searchsorted(left, minimum)), count - 1)
    peak = float(left[start + int(np.argmax(full[start:]))])
    maximum = minimum + PEAK_LEVEL * (peak - minimum)
    return Levels(minimum=minimum, peak=peak, maximum=maximum, start=start)


def _after_rises(full: NDArray[np.intp], median: int) -> int:
    """Return the bin after the fifth one at or above the median that holds more than the last."""
    # A bin that follows an empty one rises if it holds anything.
    rising = np.flatnonzero(np.diff(full, prepend=full[:1]) > 0)
    beyond = rising[rising >= median]
    if len(beyond) < RISES or beyond[RISES - 1] + 1 >= len(full):
        return min(median + 1, len(full) - 1)
    return int(beyond[RISES - 1]) + 1


def to_bytes(stack: NDArray[Any], window: Levels) -> NDArray[np.uint8]:
    """Return intensities in 8 bits.

    Parameters
    ----------
    stack : array of any shape
        Intensities.
    window
        Of the same image. Where it has no width there is nothing to be seen: all is 0.

    Examples
    --------
    >>> window = Levels(minimum=10, peak=110, maximum=265, start=0)
    >>> to_bytes(np.array([0.0, 110.0, 110.5, 300.0]), window).tolist()
    [0, 100, 101, 255]
    """
    low, high = window.minimum, window.maximum
    if not high > low:
        return np.zeros(np.shape(stack), np.uint8)
    share = (np.clip(np.asarray(stack, np.float64), low, high) - low) / (high - low)
    # Halves go up, as in MatLab, where NumPy takes the even neighbour.
    return np.floor(255 * share + 0.5).astype(np.uint8)


def film(array: NDArray[Any], task: Task, *, parity: bool = False) -> NDArray[np.uint8]:
    """Return one image as the squares in 8 bits from which networks were trained.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Intensities along right, anterior, superior.
    task
        As for `levels`.
    parity
        As for `frame`; then an image of few grey levels, or of very many, is taken as it is.

    Returns
    -------
    squares : array of shape (K, 256, 256)
        Axial slices from below upwards.
    """
    stack = slices.axial(array)
    squares = cut(stack, frame(*stack.shape[1:], parity=parity))
    brightest = float(squares.max())
    few, many = LEVELS
    if not parity and brightest > 0 and not few <= brightest <= many:
        # Bins of a fixed width are meant for the whole numbers of a scanner, not for 0 to 1.
        squares = squares * np.float32(10 * few / brightest)
    return to_bytes(squares, levels(squares, task))


def sequences(scene: Scene, *, parity: bool = False) -> tuple[NDArray[np.uint8], tuple[Role, ...]]:
    """Return T1w, FLAIR and T1wCE of each slice; FLAIR stands in for one that is missing.

    Parameters
    ----------
    scene
        Images of a visit, FLAIR among them; outside of the brain they become 0.
    parity
        As for `film`.

    Returns
    -------
    channels : array of shape (K, 256, 256, 3)
        In 8 bits.
    roles
        Of the images that were used.

    Notes
    -----
    The authors show their results on images "after preprocessing and skull stripping"
    (https://mateuszbuda.github.io/2017/12/01/brainseg.html), and black is found among the
    voxels that are not 0.
    """
    flair = slices.first_of(('FLAIR',), scene.images)
    inside = 1 if scene.brain is None else scene.brain.array > 0
    films = {
        role: film(scene.images[role].array * inside, 'abnormality', parity=parity)
        for role in CHANNELS
        if role in scene.images
    }
    channels = np.stack([films.get(role, films[flair]) for role in CHANNELS], axis=-1)
    return channels, tuple(films)


def cut_off(brain: Volume | None, place: Frame) -> tuple[str, ...]:
    """Return what to tell of a brain that the squares do not show whole.

    Parameters
    ----------
    brain
        Mask on the grid of the images, if there is one.
    place
        Where the squares lie.
    """
    share = 0.0 if brain is None else outside(brain.array > 0, place)
    if share <= MOST_OUTSIDE:
        return ()
    return (
        f'{100 * share:.0f} % of the brain lies outside of the square that the network sees of '
        f'each slice, and nothing was looked for there: the field of view is much longer than wide',
    )
