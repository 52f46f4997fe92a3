# SPDX-License-Identifier: Apache-2.0
"""A head of ellipsoids with lumps, so that each of its positions looks different."""

import numpy as np

from bids_seg import register
from bids_seg.image import Grid, Volume


def head(grid, *, matrix=None, inverted=False, seed=0):
    """Return a head of ellipsoids on a grid, moved by a matrix, in one of two contrasts."""
    rng = np.random.default_rng(seed)
    index = np.indices(grid.shape).reshape(3, -1)
    points = grid.affine @ np.vstack([index, np.ones(index.shape[1])])
    if matrix is not None:
        points = np.linalg.inv(matrix) @ points
    places = points[:3].T
    parts = (
        ((0, 0, 0), (72, 90, 80), 90, 60),
        ((0, 0, 0), (66, 84, 74), 40, 20),
        ((0, 2, 2), (62, 80, 68), 140, 90),
        ((-14, 6, 8), (8, 28, 14), 40, 200),
        ((15, 4, 9), (7, 24, 12), 40, 200),
        ((-38, -20, -10), (16, 20, 14), 180, 60),
        ((34, 34, 18), (14, 10, 18), 110, 130),
        ((0, -52, -44), (40, 24, 18), 170, 70),
        ((22, -48, 30), (12, 15, 9), 70, 150),
        ((-30, 40, 34), (9, 14, 11), 185, 45),
    )
    # Gyri of a sort: without them a head is too round for its rotation to be seen.
    lumps = np.random.default_rng(99)
    for _ in range(40):
        way = lumps.normal(size=3)
        middle = way / np.linalg.norm(way) * (50, 66, 56) * lumps.uniform(0.5, 1)
        plain, inverse = ((45, 190), (175, 55))[lumps.integers(2)]
        parts = (*parts, (tuple(middle), tuple(lumps.uniform(5, 12, 3)), plain, inverse))
    values = np.zeros(len(places))
    for middle, radii, plain, inverse in parts:
        near = np.flatnonzero((np.abs(places - middle) < np.add(radii, 2)).all(axis=1))
        r = np.sqrt((((places[near] - middle) / radii) ** 2).sum(axis=1))
        share = np.clip((1 - r) * min(radii) / 2 + 0.5, 0, 1)
        level = inverse if inverted else plain
        values[near] = values[near] * (1 - share) + share * level
    noise = rng.normal(0, 4, len(values))
    return Volume((values + noise).reshape(grid.shape).astype(np.float32), grid)


def grid_of(shape, spacing, *, turn=0.0):
    """Return a grid around the origin, turned about the long axis."""
    affine = register.rotation((0.0, 0.0, turn), about=np.zeros(3)) @ np.diag([*spacing, 1.0])
    affine[:3, 3] -= affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)
