# SPDX-License-Identifier: Apache-2.0
"""Glioma from four contrasts, as MONAI's bundle `brats_mri_segmentation` draws it.

Its images are 1 mm, without skull, stored from right to left and from front to back as BraTS
stores them. The bundle checks none of this; here images are brought to that form, unless it
is to be followed to the letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import StageError
from bids_seg.image import Grid, Volume, to_stored
from bids_seg.image import from_stored as turned_back
from bids_seg.records import ROLES
from bids_seg.segment import fields, maps, readers, windows
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

WINDOW = (240, 240, 160)
"""What the network sees at once, voxels. Its group statistics depend on it."""
OVERLAP = 0.5
"""Share of a window that the next one sees again, in volumes that are larger."""
CHANNELS = ROLES
"""Post-contrast T1w, T1w, T2w, FLAIR: not the order of BraTS' files."""
OUTPUTS = ('TC', 'WT', 'ET')
"""Regions in the network's order, each by itself."""
REGIONS = ('WT', 'TC', 'ET')
"""The same, outermost first."""
THRESHOLD = 0.5
"""A voxel of this probability belongs to a region, a logit of exactly 0 as well."""


def normalise(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return z-scores over the voxels that are not 0, which stay 0.

    Parameters
    ----------
    image : array of shape (I, J, K)
        One contrast without skull.

    Examples
    --------
    >>> normalise(np.array([[[0, 3, 5]]], dtype=np.float32)).tolist()
    [[[0.0, -1.0, 1.0]]]
    """
    inside = image != 0
    values = image[inside].astype(np.float64)
    result = np.zeros(image.shape, np.float32)
    if values.size:
        result[inside] = (values - values.mean()) / (values.std() or 1.0)
    return result


def logits(
    call: Call, channels: NDArray[np.float32], *, window: windows.Sides = WINDOW
) -> NDArray[np.float32]:
    """Return what the network says of normalised images of any size.

    Parameters
    ----------
    call
        From `(1, i, j, k, 4)` to `(1, i, j, k, 3)`.
    channels : array of shape (I, J, K, 4)
        In the order of `CHANNELS`.
    window
        What it sees at once.

    Returns
    -------
    logits : array of shape (I, J, K, 3)
        In the order of `OUTPUTS`; the mean where windows overlap.
    """
    filled, box = windows.padded(channels, window)
    i, j, k = (int(side * (1 - OVERLAP)) for side in window)
    return windows.slide(call, filled, window=window, step=(i, j, k))[box]


def regions(probability: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    """Return nested probabilities by region.

    Parameters
    ----------
    probability : array of shape (..., 3)
        In the order of `OUTPUTS`.

    Notes
    -----
    The bundle's label map takes enhancing tumour first, then core, then the rest: what is
    within an inner region thereby counts as within all outer ones.

    Examples
    --------
    >>> {name: p.item() for name, p in regions(np.array([[0.5, 0.0, 1.0]])).items()}
    {'WT': 1.0, 'TC': 1.0, 'ET': 1.0}
    """
    ordered = np.stack([probability[..., OUTPUTS.index(name)] for name in REGIONS], axis=-1)
    raised = maps.nested(ordered)
    return {name: raised[..., number] for number, name in enumerate(REGIONS)}


def draw(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw a glioma.

    Parameters
    ----------
    scene
        All four contrasts.
    calls
        Opinions.
    manner
        With parity images go in as their file stores them, whatever their voxels.
    """
    missing = [role for role in CHANNELS if role not in scene.images]
    if missing:
        raise StageError(
            f'there is no {" and no ".join(missing)} image',
            where='images',
            do='choose another network for this visit',
        )
    return _as_stored(scene, calls) if manner.parity else _at_1_mm(scene, calls)


def _as_stored(scene: Scene, calls: Sequence[Call]) -> Drawn:
    """Draw on the arrays of the files."""
    grid = scene.images[CHANNELS[0]].grid
    inside = _inside(scene.brain, grid)
    images = [
        to_stored(Volume(np.where(inside, scene.images[role].array, 0), grid)) for role in CHANNELS
    ]
    pooled = _pooled(calls, images)

    def back(array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an array in RAS+ order."""
        found: NDArray[np.float32] = turned_back(array, grid).array
        return found

    return _drawn(
        {name: back(pool.mean) for name, pool in pooled.items()},
        {name: back(pool.mutual) for name, pool in pooled.items() if pool.mutual is not None},
    )


def _at_1_mm(scene: Scene, calls: Sequence[Call]) -> Drawn:
    """Draw on voxels of 1 mm; what lies around the brain in the window is 0."""
    grid = scene.images[CHANNELS[0]].grid
    inside = _inside(scene.brain, grid)
    box = fields.box_of(inside, grid, margin_mm=2.0)
    working = fields.working_grid(grid, box, spacing=1.0, multiple=1)
    near = fields.onto(Volume(inside.astype(np.float32), grid), working).array >= 0.5
    images = [
        _to_left_and_back(np.where(near, fields.onto(scene.images[role], working).array, 0))
        for role in CHANNELS
    ]
    pooled = _pooled(calls, images)

    def back(array: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an array on the reference's grid."""
        return fields.back(_to_left_and_back(array), working, reference=grid)

    return _drawn(
        {name: back(pool.mean) for name, pool in pooled.items()},
        {name: back(pool.mutual) for name, pool in pooled.items() if pool.mutual is not None},
    )


def _inside(brain: Volume | None, grid: Grid) -> NDArray[np.bool_]:
    """Return the brain, or everything where no mask was made."""
    return np.ones(grid.shape, dtype=bool) if brain is None else brain.array > 0


def _to_left_and_back(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return RAS+ axes as BraTS stores them, and the reverse: both are the same turn."""
    return np.ascontiguousarray(array[::-1, ::-1])


def _pooled(
    calls: Sequence[Call], images: Sequence[NDArray[np.float32]]
) -> Mapping[str, maps.Pooled]:
    """Return what all opinions say of images that share an array order."""
    channels = np.stack([normalise(image) for image in images], axis=-1)

    def opinions() -> Iterator[Mapping[str, NDArray[np.float32]]]:
        """Yield one opinion after the other."""
        for call in calls:
            yield regions(maps.sigmoid(logits(call, channels)))

    return maps.pool_regions(opinions())


def _drawn(
    probabilities: Mapping[str, NDArray[np.float32]], mutual: Mapping[str, NDArray[np.float32]]
) -> Drawn:
    """Return the record of what was drawn."""
    masks = {name: values >= THRESHOLD for name, values in probabilities.items()}
    return Drawn(probabilities=probabilities, mutual=mutual, masks=masks, images=CHANNELS)


def build() -> keras.Model:
    """Make the network with random weights."""
    from bids_seg.segment.networks import segresnet

    return segresnet.build()


def load(network: keras.Model, path: Path) -> None:
    """Fill the network from the published archive.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        `model.pt`.

    Raises
    ------
    UnavailableError
        If anything is missing, left over or of another shape.
    """
    from bids_seg.segment.networks import segresnet

    segresnet.fill(network, readers.read(path), where=path)


SYSTEM = Published(build=build, load=load, draw=draw, mirror=1, dropout=True)
