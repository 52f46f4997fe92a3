# SPDX-License-Identifier: Apache-2.0
"""Look at samples before a network does: middle slices, targets drawn on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bids_seg.train.stream import Sample


def draw(picture: Path, *, samples: Sequence[Sample], probabilities: Sequence[Any] = ()) -> None:
    """Draw one row per sample: each image channel, with contours of the target.

    Parameters
    ----------
    picture
        A PNG file.
    samples
        What to draw; the slice with most of the target is chosen.
    probabilities
        `(I, J, K, R)` for each sample: drawn dashed where given.
    """
    from matplotlib.figure import Figure

    channels = min(samples[0].image.shape[-1], 4)
    wide = max(channels, 3) if channels > 1 else 3
    figure = Figure(figsize=(2.6 * wide, 2.6 * len(samples)), layout='constrained')
    axes = figure.subplots(len(samples), wide, squeeze=False)
    for row, sample in enumerate(samples):
        image, target = np.asarray(sample.image), np.asarray(sample.target)
        drawn = np.asarray(probabilities[row]) if row < len(probabilities) else None
        for column in range(wide):
            channel, axis = (column, 2) if channels > 1 else (0, column)
            outer = target[..., 0]
            mass = outer.sum(axis=tuple(other for other in range(3) if other != axis))
            place = int(mass.argmax()) if mass.any() else image.shape[axis] // 2
            frame = axes[row, column]
            frame.imshow(image[..., channel].take(place, axis).T, cmap='gray', origin='lower')
            for region in range(target.shape[-1]):
                colour = ('tab:green', 'tab:orange', 'tab:red')[region % 3]
                _contour(frame, target[..., region].take(place, axis), colour, 'solid')
                if drawn is not None:
                    _contour(frame, drawn[..., region].take(place, axis), colour, 'dashed')
            frame.set_axis_off()
    figure.savefig(picture, dpi=80)


def _contour(frame: Any, values: Any, colour: str, style: str) -> None:
    """Draw where a plane crosses one half, if it does."""
    if values.min() < 0.5 < values.max():
        frame.contour(values.T, [0.5], colors=[colour], linestyles=[style], linewidths=0.9)
