# SPDX-License-Identifier: Apache-2.0
"""Brain extraction slice by slice from T1w, as arekmula/skull_stripping does it.

Slices are sagittal, stretched to a square whatever their shape, and each is scaled to its own
brightest voxel: the network was trained so, and the brightness flickers from slice to slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bids_seg.segment import maps, readers, slices
from bids_seg.segment.system import Call, Drawn, Manner, Published, Scene

if TYPE_CHECKING:
    import keras

SIDE = 256
"""Both sides of what the network sees, pixels."""
MEAN = (0.485, 0.456, 0.406)
"""Of the channels of ImageNet, from which the encoder was trained."""
SPREAD = (0.229, 0.224, 0.225)
"""Standard deviations of the same."""
THRESHOLD = 0.5
"""A voxel of a higher probability is brain."""


def to_bytes(array: NDArray[Any], *, parity: bool) -> NDArray[np.uint8]:
    """Return every sagittal slice in 8 bits, its brightest voxel at 255.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Intensities along right, anterior, superior.
    parity
        Whether what is below zero wraps around, as the original lets it; else it is cut off.

    Examples
    --------
    >>> to_bytes(np.array([[[-50.0, 50.0, 100.0]]]), parity=False).tolist()
    [[[0, 127, 255]]]
    >>> to_bytes(np.array([[[-50.0, 50.0, 100.0]]]), parity=True).tolist()
    [[[129, 127, 255]]]
    """
    values = np.asarray(array, np.float32)
    if not parity:
        values = np.maximum(values, 0)
    brightest = values.max(axis=(1, 2), keepdims=True)
    share = np.divide(values, brightest, out=np.zeros_like(values), where=brightest != 0)
    # By way of a wider integer: what a cast of negative numbers to 8 bits gives is not defined.
    grey: NDArray[np.uint8] = np.trunc(share * np.float32(255)).astype(np.int64).astype(np.uint8)
    return grey


def squared(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a slice stretched to a square, smoothed where it shrinks.

    Parameters
    ----------
    grey : array of shape (J, K)
        In 8 bits, as is what comes out.
    """
    stretched = Image.fromarray(grey).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(stretched)


def normalise(grey: NDArray[Any]) -> NDArray[np.float32]:
    """Return three channels as the encoder knows them from photographs.

    Parameters
    ----------
    grey : array of any shape
        0 to 255.

    Returns
    -------
    channels : array of the same shape and an axis of 3
        Less the mean and over the standard deviation of ImageNet.
    """
    values = np.asarray(grey, np.float32)[..., None] / np.float32(255)
    channels: NDArray[np.float32] = values - np.array(MEAN, np.float32)
    channels /= np.array(SPREAD, np.float32)
    return channels


def prepare(array: NDArray[Any], *, parity: bool = False) -> NDArray[np.uint8]:
    """Return the sagittal slices of a T1w image in 8 bits.

    Parameters
    ----------
    array : array of shape (I, J, K)
        Intensities along right, anterior, superior.
    parity
        As for `to_bytes`.

    Returns
    -------
    squares : array of shape (I, 256, 256)
        Rows run forward, columns upward; `normalise` makes of them what the network is given.
    """
    return np.stack([squared(grey) for grey in to_bytes(array, parity=parity)])


def restore(
    probability: NDArray[np.float32], array: NDArray[Any], *, parity: bool = False
) -> NDArray[np.float32]:
    """Return probabilities on the image's own grid.

    Parameters
    ----------
    probability : array of shape (I, 256, 256)
        What the network said of each slice.
    array : array of shape (I, J, K)
        The image.
    parity
        Whether slices without content keep what the network said of them; else they are 0.
    """
    rows, columns = array.shape[1:]
    back = slices.sample(
        probability,
        slices.linear(rows, SIDE, step=SIDE / rows),
        slices.linear(columns, SIDE, step=SIDE / columns),
    )
    if not parity:
        back[array.max(axis=(1, 2)) <= 0] = 0
    return back


def draw(scene: Scene, calls: Sequence[Call], manner: Manner) -> Drawn:
    """Draw the brain in T1w, or in T1wCE where there is none.

    Parameters
    ----------
    scene
        Images of a visit.
    calls
        Opinions, `(B, 256, 256, 3)` to logits `(B, 256, 256, 1)`.
    manner
        How closely to follow the original.
    """
    role = slices.first_of(('T1w', 'T1wCE'), scene.images)
    array = scene.images[role].array
    squares = prepare(array, parity=manner.parity)
    opinions = (
        {'brain': maps.sigmoid(slices.answers(squares, call, normalise=normalise))}
        for call in calls
    )
    pooled = maps.pool_regions(opinions)['brain']
    probability = restore(pooled.mean, array, parity=manner.parity)
    return Drawn(
        probabilities={'brain': probability},
        mutual={}
        if pooled.mutual is None
        else {'brain': restore(pooled.mutual, array, parity=manner.parity)},
        masks={'brain': probability > THRESHOLD},
        images=(role,),
    )


def load(network: keras.Model, path: Path) -> None:
    """Fill the network from the folder of a SavedModel, or from HDF5 with the same layers.

    Parameters
    ----------
    network
        As `build` makes it.
    path
        Folder or file.

    Raises
    ------
    UnavailableError
        If a weight is missing, or anything is left over.
    """
    from bids_seg.segment.networks import effunet

    tensors = readers.read(path)
    numbered = any(name.startswith('layer_with_weights-') for name in tensors)
    names = effunet.names('savedmodel' if numbered else 'hdf5')
    readers.fill(network, tensors, names, where=path, ignored=_of_training)


def _of_training(name: str) -> bool:
    """Return whether a tensor of the file served the training alone."""
    return '.OPTIMIZER_SLOT' in name or name.startswith(
        ('optimizer/', 'keras_api/', 'save_counter')
    )


def build() -> keras.Model:
    """Make the network with random weights."""
    from bids_seg.segment.networks import effunet

    return effunet.build()


SYSTEM = Published(build=build, load=load, draw=draw, dropout=True)
