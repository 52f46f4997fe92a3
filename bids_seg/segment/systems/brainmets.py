# SPDX-License-Identifier: Apache-2.0
"""Brain metastases from post-contrast T1w, as Brain-Mets-Seg draws them.

Every network looks through a sliding window at an image and its seven mirror images; five
such networks were published. How images are prepared stands in the authors' README alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume, resample
from bids_seg.segment import fields, maps, readers, windows
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

SIDE = 128
"""Side of the window, voxels of 1 mm."""
OVERLAP = 0.75
"""Share of a window that the next one sees again."""
SPREAD = 0.125
"""Standard deviation of the window's weights before the cube root, in its sides."""
FLIPS = ((), *(axes for count in (1, 2, 3) for axes in combinations((0, 1, 2), count)))
"""Axes along which an image is mirrored, the image itself first."""
FEWER = (
    'Brain-Mets-Seg looked at the image once and not at its seven mirror images too, which take '
    'hours on a processor: give --parity or an accelerator for all of them'
)
"""What is told where mirror images are left out."""
TINY = 1e-6
"""Added to the standard deviation of the brain's intensities."""


def normalise(image: Array, inside: NDArray[np.bool_]) -> Array:
    """Return z-scores over the brain, 0 outside.

    Parameters
    ----------
    image : array of shape (I, J, K)
        Intensities.
    inside
        The brain, of the same shape.

    Examples
    --------
    >>> image = np.array([[[9, 3, 5]]], dtype=np.float32)
    >>> normalise(image, image < 9).tolist()
    [[[0.0, -0.999999, 0.999999]]]
    """
    values = image[inside].astype(np.float64)
    result = np.zeros(image.shape, np.float32)
    if values.size:
        result[inside] = (values - values.mean()) / (values.std() + TINY)
    return result


def importance(side: int = SIDE) -> Array:
    """Return how much each voxel of a window counts, 1 in its middle.

    Parameters
    ----------
    side
        Of the window.

    Returns
    -------
    weights : array of shape (side, side, side)
        The cube root of a Gaussian, which is a Gaussian 1.7 times as wide.
    """
    distance = np.arange(side) - (side - 1) / 2
    along = np.exp(-0.5 * (distance / (SPREAD * side)) ** 2)
    weights = np.cbrt(along[:, None, None] * along[:, None] * along)
    return np.asarray(weights / weights.max(), np.float32)


def logits(
    call: Call,
    image: Array,
    *,
    parity: bool,
    flips: Sequence[tuple[int, ...]] = FLIPS,
    side: int = SIDE,
) -> Array:
    """Return what one network says of an image and of its mirror images, on average.

    Parameters
    ----------
    call
        From `(1, i, j, k, 1)` to `(1, i, j, k, 1)`.
    image : array of shape (I, J, K)
        Z-scores; outside of the box around what is not 0 all is left at 0.
    parity
        Whether the sum of weights starts from 1 as in the original, which pulls logits to 0,
        most where few windows overlap.
    flips
        Axes to be mirrored, for each look.
    side
        Of the window.

    Returns
    -------
    logits : array of shape (I, J, K)
        Mean over the looks.
    """
    box = fields.box_of(image != 0, Grid(image.shape, np.eye(4)), margin_mm=0)
    filled, within = windows.padded(image[box], (side, side, side))
    step = int(side * (1 - OVERLAP))
    total = np.zeros(filled.shape, np.float32)
    for axes in flips:
        said = windows.slide(
            call,
            np.flip(filled, axes)[..., None],
            window=(side, side, side),
            step=(step, step, step),
            weight=importance(side),
            begin=1.0 if parity else 0.0,
        )
        total += np.flip(said[..., 0], axes)
    whole = np.zeros(image.shape, np.float32)
    whole[box] = total[within] / np.float32(len(flips))
    return whole


def draw(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw metastases.

    Parameters
    ----------
    scene
        With a post-contrast T1w image and the brain.
    calls
        One for each network.
    manner
        With parity the original's blending; in a hurry no mirror images.
    """
    if 'T1wCE' not in scene.images:
        raise StageError(
            'there is no T1wCE image', where='images', do='choose another network for this visit'
        )
    volume = scene.images['T1wCE']
    image, working = prepare(volume, scene.brain)
    flips = FLIPS[:1] if manner.quick and not manner.parity else FLIPS
    total = np.zeros(image.shape, np.float32)

    def opinions() -> Iterator[Mapping[str, Array]]:
        """Yield one probability map after the other, and add up their logits."""
        seen = image != 0
        for call in calls:
            said = logits(call, image, parity=manner.parity, flips=flips)
            np.add(total, said, out=total)
            yield {'TC': np.where(_box(seen), maps.sigmoid(said), 0).astype(np.float32)}

    pooled = maps.pool_regions(opinions())['TC']
    # The label follows the mean of logits, the probability is the mean of probabilities.
    mask = fields.back(total / np.float32(len(calls)), working, reference=volume.grid) > 0
    mutual = {}
    if pooled.mutual is not None:
        mutual['TC'] = fields.back(pooled.mutual, working, reference=volume.grid)
    return Drawn(
        probabilities={'TC': fields.back(pooled.mean, working, reference=volume.grid)},
        mutual=mutual,
        masks={'TC': mask},
        images=('T1wCE',),
        warnings=(FEWER,) if len(flips) < len(FLIPS) else (),
    )


def prepare(volume: Volume, brain: Volume | None) -> tuple[Array, Grid]:
    """Return z-scores of the brain on RAS+ voxels of 1 mm, and their grid.

    Parameters
    ----------
    volume
        Post-contrast T1w.
    brain
        Its mask on the same grid; None: what is not 0.

    Notes
    -----
    As the authors' README says: cubic splines for the image, nearest neighbour for the mask.
    """
    mask = (volume.array != 0 if brain is None else brain.array > 0).astype(np.uint8)
    box = fields.box_of(mask > 0, volume.grid, margin_mm=2.0)
    working = fields.working_grid(volume.grid, box, spacing=1.0, multiple=1)
    inside = resample(Volume(mask, volume.grid), working, order=0).array > 0
    image = Volume(volume.array.astype(np.float32), volume.grid)
    return normalise(resample(image, working, order=3).array, inside), working


def _box(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the box around a mask as a mask: outside of it nothing was looked at."""
    box = np.zeros(seen.shape, dtype=bool)
    box[fields.box_of(seen, Grid(seen.shape, np.eye(4)), margin_mm=0)] = True
    return box


def build() -> keras.Model:
    """Make the network with random weights."""
    from bids_seg.segment.networks import brainmets

    return brainmets.build()


def load(network: keras.Model, path: Path) -> None:
    """Fill the network from one published checkpoint.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        Its folder or `.index` file.

    Raises
    ------
    UnavailableError
        If anything is missing, left over or of another shape.
    """
    from bids_seg.segment.networks import brainmets

    brainmets.fill(network, readers.read(path), where=path)


SYSTEM = Published(build=build, load=load, draw=draw)
