# SPDX-License-Identifier: Apache-2.0
"""ITK text transforms, as far as pictures need them: a matrix in RAS+ scanner space."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bids_seg.errors import ImageError
from bids_seg.image import Grid, Volume

FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From ITK's LPS to RAS+ axes, and back."""


def read(path: Path) -> NDArray[np.float64]:
    """Return the matrix that takes places of the fixed image to the moving one, mm, RAS+.

    Parameters
    ----------
    path
        ITK text transform with one matrix: Euler, affine or matrix-offset.

    Raises
    ------
    ImageError
        If it holds something else.
    """
    fields: dict[str, str] = {}
    for line in path.read_text(encoding='utf-8').splitlines():
        name, _, value = line.partition(':')
        fields.setdefault(name.strip(), value.strip())
    kind = fields.get('Transform', '')
    numbers = np.array(fields.get('Parameters', '').split(), dtype=float)
    centre = np.array(fields.get('FixedParameters', '').split(), dtype=float)[:3]
    if kind.startswith('Euler3DTransform') and numbers.size == 6:
        turn, shift = _euler(numbers[:3], order=_order(fields)), numbers[3:]
    elif numbers.size == 12:
        turn, shift = numbers[:9].reshape(3, 3), numbers[9:]
    elif kind.startswith('IdentityTransform'):
        return np.eye(4)
    else:
        raise ImageError(
            f'a {kind or "file without a transform"}, one matrix was expected',
            where=path,
            do='run the visit again',
        )
    if centre.size != 3:
        centre = np.zeros(3)
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = shift + centre - turn @ centre
    in_ras: NDArray[np.float64] = FLIP @ matrix @ FLIP
    return in_ras


def _order(fields: Mapping[str, str]) -> str:
    """Return in which order a file's rotations are multiplied: its fourth fixed parameter says."""
    fixed = fields.get('FixedParameters', '').split()
    return 'zyx' if len(fixed) > 3 and float(fixed[3]) != 0 else 'zxy'


def _euler(angles: NDArray[np.float64], *, order: str) -> NDArray[np.float64]:
    """Return the product of rotations about the named axes, from left to right."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about = {'x': about_x, 'y': about_y, 'z': about_z}
    turn: NDArray[np.float64] = about[order[0]] @ about[order[1]] @ about[order[2]]
    return turn


def undo(aligned: Volume, fixed_to_moving: NDArray[np.float64]) -> Volume:
    """Return an aligned image as it lay before: where its header alone would put it.

    Parameters
    ----------
    aligned
        The moved image on the grid of the fixed one.
    fixed_to_moving : array of shape (4, 4)
        The movement that was undone when it was sampled, mm, RAS+.

    Notes
    -----
    The aligned image at a place x is the moving image at M x. What the header puts at x is
    therefore the aligned image at the inverse of M applied to x.
    """
    from scipy import ndimage

    affine = aligned.grid.affine
    new_to_old = np.linalg.inv(affine) @ np.linalg.inv(fixed_to_moving) @ affine
    array = ndimage.affine_transform(aligned.array, new_to_old, order=1, cval=0)
    return Volume(array, Grid(aligned.grid.stored_shape, aligned.grid.stored_affine))
