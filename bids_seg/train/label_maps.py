# SPDX-License-Identifier: Apache-2.0
"""What a label map does not say: where the brain ends, and thin layers without a label."""

import numpy as np
from numpy.typing import NDArray

from bids_seg.train import tissues

CLOSING = 7.0
"""mm by which the brain is closed: sulci up to twice as wide count as brain. With 4 mm the wide
sulci of old brains cut a ragged border, which no network can know from slices of 5 mm."""


def brain_mask(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the tight brain mask: brain tissue closed by `CLOSING`, without what is no brain.

    Parameters
    ----------
    classes
        (I, J, K) painting classes at 1 mm.

    Returns
    -------
    ndarray (I, J, K)
        Brain, ventricles and filled sulci; kept within brain, fluid, vessels and air pockets.
    """
    from scipy import ndimage

    brain = np.isin(classes, tissues.members('brain'))
    margin = int(CLOSING) + 2
    padded = np.pad(brain, margin)
    grown = ndimage.distance_transform_edt(~padded) <= CLOSING
    closed = (ndimage.distance_transform_edt(grown) > CLOSING) | padded
    closed = ndimage.binary_fill_holes(closed)[margin:-margin, margin:-margin, margin:-margin]
    allowed = np.isin(
        classes,
        (*tissues.members('brain'), *tissues.members('fluid'), *tissues.members('vessel'), 0),
    )
    found, count = ndimage.label(closed & allowed)
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.asarray(found == sizes.argmax())


def signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance to the edge of a mask at 1 mm, negative inside.

    Parameters
    ----------
    mask
        (I, J, K) voxels of 1 mm.

    Returns
    -------
    ndarray (I, J, K)
        mm; the edge lies half way between voxel centres.
    """
    from scipy import ndimage

    outside = ndimage.distance_transform_edt(~mask)
    inside = ndimage.distance_transform_edt(mask)
    return np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)


def refine(classes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut layers out of the map that it does not name: dura, falx, tentorium, outer soft tissue.

    Parameters
    ----------
    classes
        (I, J, K) painting classes at 1 mm, as `tissues.source_table` gives them.

    Returns
    -------
    ndarray (I, J, K)
        The same map with thin classes of their own.
    """
    from scipy import ndimage

    out = classes.copy()
    index = tissues.INDEX
    fluid = classes == index['csf']
    content = np.isin(
        classes, (*tissues.members('brain'), index['csf'], *tissues.members('vessel'))
    )
    depth = ndimage.distance_transform_edt(content)
    out[fluid & (depth <= 2.3)] = index['second csf']
    out[fluid & (depth <= 1.2)] = index['outer csf']
    cerebrum = {side: np.isin(classes, tissues.members(side)) for side in ('left', 'right')}
    cerebellum = np.isin(classes, tissues.members('cerebellum'))
    pairs = (
        ('falx', cerebrum['left'], cerebrum['right']),
        ('tentorium', cerebrum['left'] | cerebrum['right'], cerebellum),
    )
    for name, one, other in pairs:
        near = ndimage.distance_transform_edt(~one)
        far = ndimage.distance_transform_edt(~other)
        out[fluid & (np.abs(near - far) <= 0.9) & (near < 7)] = index[name]
    soft = classes == index['outer soft tissue']
    beyond = ndimage.binary_fill_holes(np.pad(classes > 0, 1))[1:-1, 1:-1, 1:-1]
    below = ndimage.distance_transform_edt(beyond)
    out[soft & (below > 7)] = index['inner soft tissue']
    return out
